"""The ways in for people whose factors are not at hand, and what stands before them: passes, bypasses, checks, roles.

`{user}` is a name or an id.
"""

from typing import Annotated

from fastapi import APIRouter
from pydantic import Field
from starlette.responses import Response

from vestibule.core.api_keys import Right
from vestibule.flows import access_pass, bypass, caller_check, roles, users
from vestibule.frontends.http import shown as shapes
from vestibule.frontends.http import shown_access as told
from vestibule.frontends.http.fields import Body, Hidden, Id, Name, Text
from vestibule.frontends.http.users import representing
from vestibule.frontends.http.work import Work, Written, answer, right

router = APIRouter(tags=["Access"])

Reader = Annotated[Work, right(Right.USERS_READ)]
Writer = Annotated[Work, right(Right.USERS_WRITE)]
FactorWriter = Annotated[Work, right(Right.FACTORS_WRITE)]
RoleWriter = Annotated[Work, right(Right.ROLES_WRITE)]

Moment = Annotated[float, Field(ge=0, le=1e11, allow_inf_nan=False)]


class NewRole(Body):
    """The role that takes the place of any other."""

    role: shapes.Role


class NewPass(Body):
    """How long the pass lets in, how often, and from when on (seconds since the epoch; at once without it)."""

    minutes: int | None = Field(None, ge=access_pass.SHORTEST_MINUTES, le=access_pass.LONGEST_MINUTES)
    once: bool = True
    starts_at: Moment | None = None


class NewBypass(Body):
    """Why the next sign-in passes, and within how many seconds."""

    reason: Name
    seconds: int = Field(bypass.USUAL_SECONDS, ge=bypass.SHORTEST_SECONDS, le=bypass.LONGEST_SECONDS)


class NewCheck(Body):
    """How the caller is known: by a code of a factor of theirs, or by a note of ten characters or more."""

    code: Hidden | None = None
    note: Text | None = None


class Why(Body):
    """Why it is done; the journal keeps it."""

    reason: Text = ""


@router.get("/roles", operation_id="listRoles", summary="List who has a role", response_model=told.RoleHolders)
async def list_roles(work: Reader) -> Response:
    """Everybody who has a role, in order of name."""
    return answer(await work.tell(roles.listed))


@router.put("/users/{user}/role", operation_id="setRole", summary="Give a role", response_model=shapes.UserTold)
async def set_role(work: RoleWriter, user: Id, body: NewRole, how: Written) -> Response:
    """Give a user a role, or none. Refused without a second factor, and where no owner would be left."""
    return await work.write(roles.give, how, representing(work, user), name=user, **body.arguments())


@router.delete("/users/{user}/sessions", operation_id="endSessions", summary="Sign out", response_model=told.Ended)
async def end_sessions(work: Writer, user: Id, how: Written) -> Response:
    """Sign a user out of all browsers."""
    return await work.write(users.end_sessions, how, name=user)


@router.post(
    "/users/{user}/re-registration",
    operation_id="requireRegistration",
    summary="Require re-registration",
    response_model=told.Reregistered,
)
async def require_registration(work: FactorWriter, user: Id, body: Why, how: Written) -> Response:
    """Take all factors of a user away, so that they register anew; their sessions end."""
    return await work.write(users.require_registration, how, representing(work, user), name=user, **body.arguments())


@router.get(
    "/users/{user}/access-pass", operation_id="listPasses", summary="Show a pass", response_model=told.AccessPasses
)
async def list_passes(work: Reader, user: Id) -> Response:
    """The pass of a user, never its letters."""
    return answer(await work.tell(access_pass.listed, user=user))


@router.post(
    "/users/{user}/access-pass",
    operation_id="issuePass",
    summary="Issue a pass",
    status_code=201,
    response_model=told.AccessPassMade,
)
async def issue_pass(work: FactorWriter, user: Id, body: NewPass, how: Written) -> Response:
    """A temporary access pass, shown once; any earlier one is void, and their sessions end."""
    return await work.write(access_pass.issue, how, status=201, user=user, **body.arguments())


@router.delete(
    "/users/{user}/access-pass", operation_id="revokePass", summary="Revoke a pass", response_model=told.Revoked
)
async def revoke_pass(work: FactorWriter, user: Id, how: Written) -> Response:
    """End the pass of a user, and their sessions."""
    return await work.write(access_pass.revoke, how, user=user)


@router.get("/users/{user}/bypass", operation_id="listBypasses", summary="Show a bypass", response_model=told.Bypasses)
async def list_bypasses(work: Reader, user: Id) -> Response:
    """The bypass of a user that is still open."""
    return answer(await work.tell(bypass.listed, user=user))


@router.post(
    "/users/{user}/bypass",
    operation_id="grantBypass",
    summary="Grant a bypass",
    status_code=201,
    response_model=told.BypassMade,
)
async def grant_bypass(work: FactorWriter, user: Id, body: NewBypass, how: Written) -> Response:
    """Let the next sign-in of a user pass with the first factor alone, once."""
    return await work.write(bypass.grant, how, status=201, user=user, **body.arguments())


@router.delete(
    "/users/{user}/bypass", operation_id="cancelBypass", summary="Cancel a bypass", response_model=told.Cancelled
)
async def cancel_bypass(work: FactorWriter, user: Id, how: Written) -> Response:
    """End a bypass that was not used yet."""
    return await work.write(bypass.cancel, how, user=user)


@router.get(
    "/users/{user}/caller-check",
    operation_id="getCallerCheck",
    summary="Show the check of a caller",
    response_model=told.CallerShown,
)
async def get_caller_check(work: Reader, user: Id) -> Response:
    """The check of this caller by this key that counts now, and whether resets take one."""
    return answer(await work.tell(caller_check.shown, user=user))


@router.post(
    "/users/{user}/caller-check",
    operation_id="checkCaller",
    summary="Check a caller",
    status_code=201,
    response_model=told.CallerChecked,
)
async def check_caller(work: FactorWriter, user: Id, body: NewCheck, how: Written) -> Response:
    """Note that this user is calling. A key without the right `unattended` resets only within ten minutes of it."""
    return await work.write(caller_check.record, how, status=201, user=user, **body.arguments())
