"""Tokens: the inventory, and what is done with one. `{token}` is a serial number or an id."""

from typing import Annotated, Literal

from fastapi import APIRouter, Query
from pydantic import Field
from starlette.responses import Response

from vestibule.core.api_keys import Right
from vestibule.flows import inventory, token_import, tokens
from vestibule.frontends.http import shown as shapes
from vestibule.frontends.http.fields import After, Body, Day, Hidden, Id, Limit, Name, Text
from vestibule.frontends.http.reports import TokenReport
from vestibule.frontends.http.uploads import TOKEN_FILE, FileName, reported, token_file
from vestibule.frontends.http.work import Represent, Work, Written, answer, right, shown

router = APIRouter(prefix="/tokens", tags=["Tokens"])

Reader = Annotated[Work, right(Right.TOKENS_READ)]
Writer = Annotated[Work, right(Right.FACTORS_WRITE)]
InventoryWriter = Annotated[Work, right(Right.TOKENS_WRITE)]


class NewToken(Body):
    """A token for a user; its key is made here unless it is given."""

    user: Name
    serial: Text = ""
    secret: Hidden | None = Field(None, description="The key in Base32.")
    method: Literal["totp", "hotp"] = "totp"
    algorithm: shapes.Algorithm = "sha1"
    digits: int = Field(6, ge=6, le=8)
    period: Literal[30, 60] = 30
    counter: int = Field(0, ge=0, lt=2**53)
    label: Text = ""
    pending: bool = Field(False, description="Let it count only after a first code.")
    waiver_until: Day | None = Field(None, description="Until when a key of less than 112 bits is taken.")


class Assignment(Body):
    """Who is given the token."""

    user: Name
    pending: bool = False


class Code(Body):
    """A code that the token shows now."""

    code: Hidden


class TwoCodes(Body):
    """Two codes in a row."""

    first: Hidden
    second: Hidden


@router.get("", operation_id="listTokens", summary="List tokens", response_model=shapes.Tokens)
async def list_tokens(
    work: Reader,
    user: Annotated[Text | None, Query(description="Only those of this user, all on one page.")] = None,
    after: After = None,
    limit: Limit = 100,
    *,
    unassigned: Annotated[bool, Query(description="Only those that nobody has.")] = False,
) -> Response:
    """A page of tokens in order of id."""
    return answer(await work.tell(tokens.listed, user=user, after=after, limit=limit, unassigned=unassigned))


@router.post("", operation_id="addToken", summary="Add a token", status_code=201, response_model=shapes.TokenMade)
async def add_token(work: Writer, body: NewToken, how: Written) -> Response:
    """Give a user a new token; its key is shown once."""
    return await work.write(tokens.add, how, status=201, **body.arguments())


@router.post(
    "/import",
    operation_id="importTokens",
    summary="Import a token file",
    response_model=TokenReport,
    openapi_extra=TOKEN_FILE,
)
async def import_tokens(
    work: InventoryWriter,
    how: Written,
    file_name: FileName = "tokens.csv",
    waiver_until: Annotated[Day | None, Query(description="Until when keys of less than 112 bits are taken.")] = None,
    *,
    pending: Annotated[bool, Query(description="Let tokens count only after a first code.")] = False,
    dry_run: Annotated[bool, Query(description="Only say what would happen.")] = False,
) -> Response:
    """Put the tokens of a file of any known form, which is the body, into the inventory.

    The form is told by the content. A file that is damaged is refused whole. A second import changes nothing.
    """
    return await work.write(
        reported(token_import.bring_in),
        how,
        **await token_file(work.request),
        file_name=file_name,
        waiver_until=waiver_until,
        pending=pending,
        dry_run=dry_run,
    )


@router.get("/{token}", operation_id="getToken", summary="Show a token", response_model=shapes.TokenDetails)
async def get_token(work: Reader, token: Id) -> Response:
    """One token with what it remembers, but for its key."""
    told = await work.tell(tokens.show, token=token)
    return shown(told, told["token"])


@router.delete("/{token}", operation_id="removeToken", summary="Remove a token", response_model=shapes.Removed)
async def remove_token(work: Writer, token: Id, how: Written) -> Response:
    """Remove a token for good."""
    return await work.write(tokens.remove, how, _of(work, token), token=token)


@router.post("/{token}/assign", operation_id="assignToken", summary="Assign a token", response_model=shapes.TokenTold)
async def assign_token(work: Writer, token: Id, body: Assignment, how: Written) -> Response:
    """Give a token of the inventory to a user."""
    return await work.write(tokens.assign, how, _of(work, token), token=token, **body.arguments())


@router.post(
    "/{token}/unassign", operation_id="unassignToken", summary="Take a token back", response_model=shapes.TokenTold
)
async def unassign_token(work: Writer, token: Id, how: Written) -> Response:
    """Put a token back into the inventory."""
    return await work.write(tokens.unassign, how, _of(work, token), token=token)


@router.post(
    "/{token}/activate", operation_id="activateToken", summary="Activate a token", response_model=shapes.TokenTold
)
async def activate_token(work: Writer, token: Id, body: Code, how: Written) -> Response:
    """Let a pending token count, by a code that it shows now; the code is spent."""
    return await work.write(tokens.activate, how, _of(work, token), token=token, **body.arguments())


@router.post(
    "/{token}/resync", operation_id="resyncToken", summary="Resynchronise a token", response_model=shapes.TokenResynced
)
async def resync_token(work: Writer, token: Id, body: TwoCodes, how: Written) -> Response:
    """Find the token's clock or counter by two codes in a row; both are spent."""
    return await work.write(tokens.resync, how, _of(work, token), token=token, **body.arguments())


@router.post(
    "/{token}/disable", operation_id="disableToken", summary="Disable a token", response_model=shapes.TokenTold
)
async def disable_token(work: Writer, token: Id, how: Written) -> Response:
    """Let a token count no more, until it is enabled again."""
    return await work.write(tokens.disable, how, _of(work, token), token=token)


@router.post("/{token}/enable", operation_id="enableToken", summary="Enable a token", response_model=shapes.TokenTold)
async def enable_token(work: Writer, token: Id, how: Written) -> Response:
    """Let a disabled token count again."""
    return await work.write(tokens.enable, how, _of(work, token), token=token)


def _of(work: Work, token: str) -> Represent:
    now = work.desk.clock()
    return lambda reading: inventory.told(reading, inventory.the_token(reading, token), now)
