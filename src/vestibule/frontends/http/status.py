"""Status: how much of everything there is."""

from typing import Annotated

from fastapi import APIRouter
from starlette.responses import Response

from vestibule.core.api_keys import Right
from vestibule.flows import status
from vestibule.frontends.http import shown as shapes
from vestibule.frontends.http.work import Work, answer, right

router = APIRouter(prefix="/status", tags=["Status"])


@router.get("", operation_id="getStatus", summary="Count everything", response_model=shapes.Status)
async def get_status(work: Annotated[Work, right(Right.STATUS_READ)]) -> Response:
    """Count what is stored, and the decisions that wait."""
    return answer(await work.tell(status.status))
