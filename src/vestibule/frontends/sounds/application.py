"""`/sounds/<digest>[+<digest>…].wav`: a recording, or several one after another.

Nothing here is secret, nobody finds anything without its URL, and what is behind a URL never changes.
"""

import re
from collections.abc import Callable

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

PREFIX = "/sounds/"
NAME = re.compile(r"^[0-9a-f]{64}(\+[0-9a-f]{64})*\.wav$")
HEADERS = {"cache-control": "public, max-age=31536000, immutable", "x-content-type-options": "nosniff"}


def application(octets: Callable[[tuple[str, ...]], bytes | None]) -> Starlette:
    """The ASGI application; `octets` gives the WAV file of these digests."""

    async def sound(request: Request) -> Response:
        name = request.path_params["name"]
        if not NAME.fullmatch(name):
            return Response(status_code=404)
        found = octets(tuple(name.removesuffix(".wav").split("+")))
        return Response(found, headers=HEADERS, media_type="audio/wav") if found else Response(status_code=404)

    return Starlette(routes=[Route(PREFIX + "{name}", sound, methods=["GET"])])
