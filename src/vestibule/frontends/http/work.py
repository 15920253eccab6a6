"""What an operation is given: who asks, whether they may, and the desk or the flow that does it."""

import hashlib
import json
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Annotated, Any

from fastapi import Depends, Header, Request, Security
from fastapi.security import HTTPBearer, SecurityScopes
from starlette.responses import Response

from vestibule.core.api_keys import Right, Scope
from vestibule.core.clients import Client
from vestibule.core.ports import Reading
from vestibule.flows.authenticate import Authenticate
from vestibule.flows.desk import Desk, Told
from vestibule.flows.once import Identity, once
from vestibule.flows.roles import acting_of_key
from vestibule.flows.sync_runs import SyncRuns
from vestibule.frontends.http import problems
from vestibule.frontends.http.counts import Counts
from vestibule.frontends.http.guard import Caller, Manners
from vestibule.frontends.http.problems import Problem

Flow = Callable[..., Awaitable[Told]]
Represent = Callable[[Reading], Mapping[str, Any]]
"""What an ETag is made of."""

VERIFY = Scope.VERIFY.value
LONGEST_KEY = 255
ETAG_DIGITS = 32


@dataclass(frozen=True, slots=True)
class Behind:
    """What stands behind the door; `monotonic` is the clock of deadlines."""

    authenticate: Authenticate
    desk: Desk
    manners: Manners
    counts: Counts
    monotonic: Callable[[], float]
    runs: SyncRuns = field(default_factory=SyncRuns)


BEARER = HTTPBearer(
    scheme_name="key",
    auto_error=False,
    bearerFormat="vestibule_<id>_<secret>",
    description="An API key. `vestibule api-key add` makes one; it is shown once.",
)
"""For the description only: the guard has looked at the key already."""


@dataclass(frozen=True, slots=True)
class Work:
    """One operation of an administrator's program."""

    request: Request
    desk: Desk
    caller: Caller

    @property
    def actor(self) -> str:
        """Whom the journal names."""
        return self.caller.key.actor

    async def tell(self, flow: Flow, **arguments: object) -> Told:
        """Ask a flow that reads; arguments that are None are left out."""
        return await flow(self.desk, self.actor, **given(arguments))

    async def write(
        self, flow: Flow, how: "How", represent: Represent | None = None, /, *, status: int = 200, **arguments: object
    ) -> Response:
        """Let a flow write, once, and only while what is changed is what the caller has seen."""
        wanted, identity = how.if_match, await self._identity(how)

        def unchanged(reading: Reading) -> bool:
            return represent is None or wanted is None or matches(wanted, etag(represent(reading)))

        done = await once(
            self.desk,
            lambda desk: flow(desk, self.actor, **given(arguments)),
            identity,
            unchanged if wanted is not None else None,
        )
        headers = {"Idempotency-Replayed": "true"} if done.before else {}
        return answer(done.told, status=status, headers=headers)

    async def _identity(self, how: "How") -> Identity | None:
        if how.idempotency_key is None:
            return None
        request, key = self.request, self.caller.key.id
        said = [request.method.encode(), request.scope["path"].encode(), request.scope["query_string"]]
        said.append(await request.body())
        name = self.desk.mac(f"api request {key} {how.idempotency_key}".encode())
        return Identity(name.hex(), self.desk.mac(b"api body " + _together(said)).hex())


@dataclass(frozen=True, slots=True)
class How:
    """The headers that a write may carry."""

    idempotency_key: str | None
    if_match: str | None


def how(
    idempotency_key: Annotated[
        str | None,
        Header(
            min_length=1,
            max_length=LONGEST_KEY,
            pattern=r"^[!-~]+$",
            description="Drawn anew for each request; the same request with the same key is done once. Kept 24 hours.",
        ),
    ] = None,
    if_match: Annotated[
        str | None,
        Header(description="The ETag of what is to be changed; refused with 412 when it has changed since."),
    ] = None,
) -> How:
    """Read them."""
    return How(idempotency_key, if_match)


Written = Annotated[How, Depends(how)]


def behind(request: Request) -> Behind:
    """What stands behind the door that this request came through."""
    found: Behind = request.app.state.behind
    return found


def caller_of(request: Request) -> Caller:
    """Whom the guard has let in."""
    found: Caller = request.state.caller
    return found


async def permitted(
    request: Request, wanted: SecurityScopes, _header: Annotated[object, Depends(BEARER)] = None
) -> Work:
    """The work, for a key that has the right. Raises Problem."""
    caller = caller_of(request)
    if caller.key.scope is not Scope.MANAGE:
        raise Problem(problems.FORBIDDEN, "A key that verifies can not manage.")
    for right in wanted.scopes:
        if right not in caller.key.rights:
            raise Problem(problems.FORBIDDEN, f"This takes the right {right}.")
    return Work(request, replace(behind(request).desk, acting=acting_of_key(caller.key)), caller)


async def verifying(
    request: Request, _wanted: SecurityScopes, _header: Annotated[object, Depends(BEARER)] = None
) -> Client:
    """The client that the key verifies for. Raises Problem."""
    return client_of(caller_of(request), behind(request))


def client_of(caller: Caller, door: Behind) -> Client:
    """As which client this caller asks. Raises Problem."""
    key = caller.key
    client = door.desk.store.snapshot.clients.get(key.client_id)
    if key.scope is not Scope.VERIFY or client is None:
        raise Problem(problems.FORBIDDEN, "This takes a key that verifies for a client.")
    return client


def right(one: Right) -> object:
    """The dependency of an operation that takes this right."""
    return Security(permitted, scopes=[one.value])


def answer(told: Mapping[str, Any], *, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    """JSON as it is told."""
    text = json.dumps(told, ensure_ascii=False, separators=(",", ":"))
    return Response(text, status, dict(headers or {}), "application/json")


def shown(told: Mapping[str, Any], part: Mapping[str, Any]) -> Response:
    """One thing with its ETag, which is made of `part`."""
    return answer(told, headers={"ETag": etag(part)})


def etag(part: Mapping[str, Any]) -> str:
    """A strong ETag: equal for equal representations."""
    text = json.dumps(part, sort_keys=True, ensure_ascii=False)
    return f'"{hashlib.sha256(text.encode()).hexdigest()[:ETAG_DIGITS]}"'


def matches(wanted: str, found: str) -> bool:
    """Whether an If-Match (RFC 9110 section 13.1.1) names the ETag, or anything."""
    return wanted.strip() == "*" or found in (one.strip() for one in wanted.split(","))


def given(arguments: Mapping[str, Any]) -> dict[str, Any]:
    """Those that are not None."""
    return {name: value for name, value in arguments.items() if value is not None}


def _together(parts: list[bytes]) -> bytes:
    """All parts, each with its length, so that none can pass for another's end."""
    return b"".join(len(part).to_bytes(8) + part for part in parts)
