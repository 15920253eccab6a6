"""Files as the body of a request, and the report of an import."""

from collections.abc import Awaitable, Callable
from typing import Annotated, Any

from fastapi import Query, Request

from vestibule.flows.desk import Told
from vestibule.frontends.http import problems
from vestibule.frontends.http.fields import PRINTABLE
from vestibule.frontends.http.problems import Problem

FILE: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "description": "The file, in UTF-8.",
        "content": {"text/csv": {"schema": {"type": "string"}}},
    }
}
"""How the description tells of such a body."""

FileName = Annotated[
    str,
    Query(
        min_length=1, max_length=256, pattern=PRINTABLE, description="The name that report and journal give the file."
    ),
]


async def uploaded(request: Request) -> str:
    """The body as text. Raises Problem."""
    try:
        return (await request.body()).decode("utf-8-sig")
    except UnicodeDecodeError:
        raise Problem(problems.MALFORMED, "The file is not UTF-8 text.") from None


def reported(bring_in: Callable[..., Awaitable[Told]]) -> Callable[..., Awaitable[Told]]:
    """The import without its failures file: that repeats the bad rows, keys and all, which the caller has."""

    async def without_failures(*positional: object, **arguments: object) -> Told:
        told = await bring_in(*positional, **arguments)
        return {name: value for name, value in told.items() if name != "failures"}

    return without_failures
