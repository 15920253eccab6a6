"""Files as the body of a request, and the report of an import."""

import base64
import binascii
from collections.abc import Awaitable, Callable
from typing import Annotated, Any

from fastapi import Query, Request
from fastapi.exceptions import RequestValidationError
from pydantic import Field, ValidationError

from vestibule.flows.desk import Told
from vestibule.frontends.http import examples, problems
from vestibule.frontends.http.fields import PRINTABLE, Body, Hidden
from vestibule.frontends.http.problems import Problem

FILE: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "description": "The file, in UTF-8.",
        "content": {"text/csv": {"schema": {"type": "string"}}},
    }
}
"""How the description tells of such a body."""


class ClosedFile(Body):
    """A file with what opens it, which has no place in an address."""

    content: str = Field(description="The file in Base64.", json_schema_extra={"contentEncoding": "base64"})
    key: Hidden | None = Field(None, description="The pre-shared key of an encrypted file, in hexadecimal or Base64.")
    passphrase: Hidden | None = Field(None, description="The passphrase of an encrypted file.")


IN_JSON = {"content": base64.b64encode(examples.TOKEN_FILE.encode()).decode(), "passphrase": "open sesame"}
OCTETS: dict[str, Any] = {"schema": {"type": "string", "format": "binary"}}
TOKEN_FILE: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "description": "The file as it is; or, where it is encrypted, in JSON with what opens it.",
        "content": {
            "text/csv": {"schema": {"type": "string"}},
            "application/octet-stream": OCTETS,
            "application/json": {"schema": ClosedFile.model_json_schema(), "example": IN_JSON},
        },
    }
}
"""The same of a file of octets."""

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


async def token_file(request: Request) -> dict[str, Any]:
    """The arguments `content`, `key` and `passphrase` that the body holds. Raises Problem, RequestValidationError."""
    body = await request.body()
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != "application/json":
        return {"content": body}
    try:
        said = ClosedFile.model_validate_json(body).arguments()
        content = base64.b64decode(said["content"].encode("ascii"), validate=True)
    except ValidationError as error:
        found = error.errors(include_url=False, include_context=False, include_input=False)
        raise RequestValidationError([{**one, "loc": ("body", *one["loc"])} for one in found]) from None
    except (binascii.Error, ValueError):
        raise Problem(problems.INVALID, errors=[("body.content", "is not Base64")]) from None
    key = said.get("key")
    return {**said, "content": content, "key": None if key is None else key.encode()}


def reported(bring_in: Callable[..., Awaitable[Told]]) -> Callable[..., Awaitable[Told]]:
    """The import without its failures file: that repeats the bad rows, keys and all, which the caller has."""

    async def without_failures(*positional: object, **arguments: object) -> Told:
        told = await bring_in(*positional, **arguments)
        return {name: value for name, value in told.items() if name != "failures"}

    return without_failures
