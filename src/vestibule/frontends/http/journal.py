"""The journal: what happened, in order of time."""

from typing import Annotated, Literal

from fastapi import APIRouter, Query
from starlette.responses import Response

from vestibule.core.api_keys import Right
from vestibule.core.reasons import Reason
from vestibule.flows import journal
from vestibule.frontends.http import shown as shapes
from vestibule.frontends.http.fields import After, Limit, Text
from vestibule.frontends.http.work import Work, answer, right

router = APIRouter(prefix="/journal", tags=["Journal"])

Reader = Annotated[Work, right(Right.JOURNAL_READ)]
Moment = Annotated[float, Query(ge=0, le=1e11, allow_inf_nan=False, description="Seconds since the epoch.")]


@router.get("", operation_id="listJournal", summary="Read the journal", response_model=shapes.Lines)
async def list_journal(  # noqa: PLR0917 - each is one filter of the query
    work: Reader,
    user: Text | None = None,
    user_id: Text = "",
    since: Moment = 0.0,
    until: Moment = 0.0,
    kind: Literal["sign_in", "administration", "system"] | None = None,
    reason: Reason | None = None,
    *,
    accepted: bool | None = None,
    after: Annotated[After, Query(description="`next` or `position` of an earlier page.")] = None,
    limit: Limit = 100,
) -> Response:
    """A page of lines; ask with the newest `position` again to follow."""
    wanted = {"user": user, "user_id": user_id, "since": since, "until": until, "kind": kind, "accepted": accepted}
    refused = reason.value if reason else None
    return answer(await work.tell(journal.listed, reason=refused, after=after, limit=limit, **wanted))
