"""The few files that pages load, under names that change with their contents, so that browsers keep them for a year."""

import hashlib
from dataclasses import dataclass
from pathlib import Path

from starlette.requests import Request
from starlette.responses import Response

FOLDER = Path(__file__).parent / "static"
PREFIX = "/static"
DIGITS = 12
TYPES = {".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml"}
FOR_EVER = {"Cache-Control": "public, max-age=31536000, immutable"}


@dataclass(frozen=True, slots=True)
class Static:
    """One file."""

    content: bytes
    media_type: str


def _named(path: Path) -> str:
    digest = hashlib.sha256(path.read_bytes()).hexdigest()[:DIGITS]
    return f"{path.stem}.{digest}{path.suffix}"


_PATHS = sorted(path for path in FOLDER.iterdir() if path.suffix in TYPES)
URLS = {path.name: f"{PREFIX}/{_named(path)}" for path in _PATHS}
"""By its plain name: where a page finds it."""

_FILES = {_named(path): Static(path.read_bytes(), TYPES[path.suffix]) for path in _PATHS}


async def serve(request: Request) -> Response:
    """One file; an older name of it is gone, so that nobody keeps what has changed."""
    found = _FILES.get(request.path_params["name"])
    if found is None:
        return Response(status_code=404, headers={"Cache-Control": "no-store"})
    return Response(found.content, headers=FOR_EVER, media_type=found.media_type)
