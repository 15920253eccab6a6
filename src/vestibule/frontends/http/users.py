"""Users, their passwords, their credentials and their recovery codes. `{user}` is a name or an id."""

from typing import Annotated, Any

from fastapi import APIRouter, Query
from pydantic import Field
from starlette.responses import Response

from vestibule.core.api_keys import Right
from vestibule.core.ports import Reading
from vestibule.flows import tokens, user_import, users
from vestibule.flows.desk import the_user
from vestibule.flows.views import Told, user_told
from vestibule.frontends.http import shown as shapes
from vestibule.frontends.http.fields import After, Body, Hidden, Id, Limit, Name, Text
from vestibule.frontends.http.reports import Report
from vestibule.frontends.http.uploads import FILE, FileName, reported, uploaded
from vestibule.frontends.http.work import Represent, Work, Written, answer, right, shown

router = APIRouter(prefix="/users", tags=["Users"])

Reader = Annotated[Work, right(Right.USERS_READ)]
Writer = Annotated[Work, right(Right.USERS_WRITE)]
TokenReader = Annotated[Work, right(Right.TOKENS_READ)]
FactorWriter = Annotated[Work, right(Right.FACTORS_WRITE)]


class UserFields(Body):
    """What can be said of a user; what is left out stays as it is."""

    first_name: Text | None = None
    last_name: Text | None = None
    email: Text | None = None
    phone: Text | None = None
    locale: Text | None = None
    groups: list[Name] | None = Field(None, max_length=100)
    mfa: shapes.Mfa | None = None


class NewUser(UserFields):
    """A user who is to be added, with a local password if one is given."""

    name: Name
    password: Hidden | None = None


class UserChanges(UserFields):
    """What is to become another; an empty text clears the field."""

    name: Name | None = None


class NewBlock(Body):
    """Why somebody is refused, and for how many days."""

    reason: Name
    days: float = Field(90.0, gt=0, le=3650, allow_inf_nan=False)


class NewPassword(Body):
    """A new local password."""

    password: Hidden


@router.get("", operation_id="listUsers", summary="List users", response_model=shapes.Users)
async def list_users(
    work: Reader,
    search: Annotated[Text, Query(description="How the name begins.")] = "",
    after: After = None,
    limit: Limit = 100,
) -> Response:
    """A page of users in order of name."""
    return answer(await work.tell(users.listed, search=search, after=after, limit=limit))


@router.post("", operation_id="addUser", summary="Add a user", status_code=201, response_model=shapes.UserTold)
async def add_user(work: Writer, body: NewUser, how: Written) -> Response:
    """Add a user; names are compared without regard to case."""
    return await work.write(users.add, how, status=201, **body.arguments())


@router.post(
    "/import",
    operation_id="importUsers",
    summary="Import a user file",
    response_model=Report,
    openapi_extra=FILE,
)
async def import_users(
    work: Writer, how: Written, file_name: FileName = "users.csv", *, dry_run: bool = False
) -> Response:
    """Add and change users by the rows of a CSV file, which is the body. A second import of it changes nothing."""
    content = await uploaded(work.request)
    return await work.write(reported(user_import.bring_in), how, content=content, file_name=file_name, dry_run=dry_run)


@router.get("/{user}", operation_id="getUser", summary="Show a user", response_model=shapes.UserDetails)
async def get_user(work: Reader, user: Id) -> Response:
    """One user with their credentials, and with what counts against them."""
    told = await work.tell(users.show, name=user)
    return shown(told, told["user"])


@router.patch("/{user}", operation_id="changeUser", summary="Change a user", response_model=shapes.UserChanged)
async def change_user(work: Writer, user: Id, body: UserChanges, how: Written) -> Response:
    """Change what is given."""
    changes = {name: value for name, value in body.arguments().items() if value is not None}
    return await work.write(users.change, how, representing(work, user), name=user, changes=changes)


@router.delete("/{user}", operation_id="removeUser", summary="Remove a user", response_model=shapes.UserRemoved)
async def remove_user(
    work: Writer,
    user: Id,
    how: Written,
    *,
    erase: Annotated[bool, Query(description="Take their personal fields out of the journal too.")] = False,
) -> Response:
    """Remove a user; tokens with a serial number return to the inventory."""
    return await work.write(users.remove, how, representing(work, user), name=user, erase=erase)


@router.post("/{user}/block", operation_id="blockUser", summary="Block a user", response_model=shapes.UserTold)
async def block_user(work: Writer, user: Id, body: NewBlock, how: Written) -> Response:
    """Refuse every sign-in of the user, until the days are over or until unblocked."""
    return await work.write(users.block, how, representing(work, user), name=user, **body.arguments())


@router.post("/{user}/unblock", operation_id="unblockUser", summary="Unblock a user", response_model=shapes.UserTold)
async def unblock_user(work: Writer, user: Id, how: Written) -> Response:
    """End a block."""
    return await work.write(users.unblock, how, representing(work, user), name=user)


@router.post("/{user}/reset", operation_id="resetUser", summary="End lock-outs", response_model=shapes.Cleared)
async def reset_user(work: Writer, user: Id, how: Written) -> Response:
    """End every delay and lock-out of the user."""
    return await work.write(users.reset, how, representing(work, user), name=user)


@router.put("/{user}/password", operation_id="setPassword", summary="Set a password", response_model=shapes.UserTold)
async def set_password(work: Writer, user: Id, body: NewPassword, how: Written) -> Response:
    """Set the local password."""
    return await work.write(users.set_password, how, representing(work, user), name=user, **body.arguments())


@router.get(
    "/{user}/credentials",
    operation_id="listCredentials",
    summary="List a user's credentials",
    response_model=shapes.Tokens,
    tags=["Credentials"],
)
async def list_credentials(work: TokenReader, user: Id) -> Response:
    """All that the user can prove: tokens and recovery codes."""
    return answer(await work.tell(tokens.held, user=user))


@router.post(
    "/{user}/recovery-codes",
    operation_id="issueRecoveryCodes",
    summary="Issue recovery codes",
    status_code=201,
    response_model=shapes.RecoveryCodes,
    tags=["Credentials"],
)
async def issue_recovery_codes(work: FactorWriter, user: Id, how: Written) -> Response:
    """New recovery codes, shown once; all earlier ones are void."""
    return await work.write(tokens.issue_recovery, how, status=201, user=user)


def representing(work: Work, user: str) -> Represent:
    """What the ETag of a user is made of."""
    now = work.desk.clock()

    def represent(reading: Reading) -> dict[str, Any]:
        told: Told = user_told(the_user(reading, user), now)
        return told

    return represent
