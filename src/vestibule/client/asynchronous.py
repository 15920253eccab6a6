"""The client for programs on an event loop: the same as `synchronous`, with `await`."""

import time
from collections.abc import AsyncIterator, Callable, Mapping
from pathlib import Path
from typing import Any, Self

import httpx2

from vestibule.client import messages
from vestibule.client.decisions import Challenge, Decision, Waiting
from vestibule.client.errors import Unreachable
from vestibule.client.messages import Asked


class AsyncVestibule:
    """One connection pool to one server; belongs to one event loop."""

    def __init__(
        self,
        url: str,
        key: str,
        *,
        certificate: str | Path | None = None,
        transport: httpx2.AsyncBaseTransport | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        """Ask the server at `url` with the API key `key`; `certificate` is a PEM file to trust."""
        self._http = httpx2.AsyncClient(**messages.options(url, key, certificate), transport=transport)
        self._clock = clock

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *exception: object) -> None:
        await self.close()

    async def close(self) -> None:
        """Close the connections."""
        await self._http.aclose()

    # -- sign people in (a key that verifies) ----------------------------------------------------------------------

    async def begin(
        self,
        user: str,
        *,
        password: str | None = None,
        code: str | None = None,
        typed: str | None = None,
        address: str = "",
        source: str = "",
    ) -> Decision:
        """Begin a sign-in. Raises Problem, Unreachable.

        `typed` is the password field as it came, instead of password and code; `address` the person's IP address.
        """
        asked = messages.begin(user, password=password, code=code, typed=typed, address=address, source=source)
        return messages.decision(user, await self._send(asked))

    async def answer(self, challenge: Challenge, typed: str) -> Decision:
        """Answer the question. Raises Problem, Unreachable."""
        return messages.decision(challenge.user, await self._send(messages.answer(challenge, typed)))

    async def choose(self, asked: Challenge | Waiting, way: str) -> Decision:
        """Ask in another of its `ways`, or in its own `way` once more. Raises Problem, Unreachable."""
        return messages.decision(asked.user, await self._send(messages.choose(asked, way)))

    async def wait(self, waiting: Waiting, seconds: float = 300.0) -> Decision:
        """Wait for the approval, at most so long; `Waiting` when there is none by then. Raises Problem, Unreachable."""
        until = self._clock() + seconds
        decision: Decision = waiting
        while isinstance(decision, Waiting):
            left = until - self._clock()
            decision = messages.decision(waiting.user, await self._send(messages.wait(waiting, left)))
            if left <= 0:
                break
        return decision

    # -- administer (a key that manages) -------------------------------------------------------------------------

    async def call(
        self,
        method: str,
        path: str,
        body: Mapping[str, Any] | bytes | None = None,
        *,
        headers: Mapping[str, str] | None = None,
        **query: Any,
    ) -> dict[str, Any]:
        """Run one operation, `path` as "/users"; a file to import is the body as bytes. Raises Problem, Unreachable.

        A write is done once, also where it has to be sent twice.
        """
        asked = Asked(method, path, body, query, headers or {})
        return messages.result(await self._send(asked if method == "GET" else messages.once(asked)))

    async def import_tokens(
        self,
        content: bytes,
        file_name: str,
        *,
        key: str | None = None,
        passphrase: str | None = None,
        waiver_until: str | None = None,
        pending: bool = False,
        dry_run: bool = False,
    ) -> dict[str, Any]:
        """Import a token file of any known form; gives the report. Raises Problem, Unreachable.

        `key` (in hexadecimal or Base64) or `passphrase` opens an encrypted file; they never stand in an address.
        """
        how = {"waiver_until": waiver_until, "pending": pending or None, "dry_run": dry_run or None}
        asked = messages.token_file(content, file_name, key, passphrase, **how)
        return messages.result(await self._send(asked))

    async def pages(self, path: str, rows: str, **query: Any) -> AsyncIterator[dict[str, Any]]:
        """All rows of a list, however long: `pages("/users", "users")`. Raises Problem, Unreachable."""
        page: dict[str, Any] = {"next": query.pop("after", None)}
        while True:
            page = await self.call("GET", path, after=page["next"], **query)
            for row in page[rows]:
                yield row
            if page["next"] is None:
                return

    async def _send(self, asked: Asked) -> httpx2.Response:
        for left in reversed(range(messages.TRIES)):
            try:
                return await self._http.request(**asked.for_httpx())
            except httpx2.TransportError as error:
                if not left:
                    raise Unreachable(f"{type(error).__name__}: {error}") from error
        raise AssertionError("the last try returns or raises")
