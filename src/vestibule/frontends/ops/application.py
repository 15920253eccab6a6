"""`/healthz` (the process lives), `/readyz` (it can decide: the store answers) and `/metrics` (Prometheus text)."""

from collections.abc import Awaitable, Callable

from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from vestibule.core.errors import Unavailable


def application(registry: CollectorRegistry, ready: Callable[[], Awaitable[str]]) -> Starlette:
    """The ASGI application; `ready` gives a note or "", or raises Unavailable while the server can not decide."""

    async def healthz(_request: Request) -> Response:
        return PlainTextResponse("alive\n")

    async def readyz(_request: Request) -> Response:
        try:
            note = await ready()
        except Unavailable as unavailable:
            return PlainTextResponse(f"not ready: {unavailable}\n", status_code=503)
        return PlainTextResponse(f"ready; {note}\n" if note else "ready\n")

    async def metrics(_request: Request) -> Response:
        return Response(generate_latest(registry), media_type=CONTENT_TYPE_LATEST)

    routes = [Route("/healthz", healthz), Route("/readyz", readyz), Route("/metrics", metrics)]
    return Starlette(routes=routes)
