"""Trivial endpoints on the API's own listener: `python -m bench.web_baselines fastapi|starlette CORE`; end by SIGTERM.

Both take the very request that begins a sign-in, and answer as if it was let in. *fastapi* is a route of the API's
framework with a model for its body. *starlette* leaves the framework out, as the product does for this operation.
"""

import asyncio
import json
import sys

import uvloop
from fastapi import FastAPI
from starlette.requests import Request
from starlette.responses import Response

from bench.machine import pin
from vestibule.frontends.http.attempts import BeginPlainly
from vestibule.frontends.http.guard import Asgi, Message, Receive, Send
from vestibule.frontends.http.listener import ApiListener
from vestibule.frontends.http.sign_ins import Accepted, SignInBegun
from vestibule.frontends.http.work import answer

framework = FastAPI(openapi_url=None, docs_url=None, redoc_url=None)


@framework.post(BeginPlainly.path)
async def begin(body: SignInBegun) -> Accepted:
    """Let everybody in."""
    return Accepted(decision="accept", user=body.user, groups=["staff"])


async def plain(scope: Message, receive: Receive, send: Send) -> None:
    """Let everybody in."""
    await _told(json.loads(await Request(scope, receive).body())["user"])(scope, receive, send)


def _told(user: str) -> Response:
    return answer({"decision": "accept", "user": user, "groups": ["staff"]})


async def serve(application: Asgi) -> None:
    listener = ApiListener(application, "127.0.0.1", 0, None)
    listener.start()
    print(json.dumps({"port": listener.address[1]}), flush=True)
    await asyncio.Event().wait()


if __name__ == "__main__":
    pin(int(sys.argv[2]))
    uvloop.run(serve(framework if sys.argv[1] == "fastapi" else plain))
