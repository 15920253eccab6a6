"""Groups and their reply attributes."""

from typing import Annotated

from fastapi import APIRouter
from pydantic import Field
from starlette.responses import Response

from vestibule.core.api_keys import Right
from vestibule.flows import groups
from vestibule.flows.views import group_told
from vestibule.frontends.http import shown as shapes
from vestibule.frontends.http.fields import Body, Id, Name, Text
from vestibule.frontends.http.work import Represent, Work, Written, answer, right, shown

router = APIRouter(prefix="/groups", tags=["Groups"])

Reader = Annotated[Work, right(Right.GROUPS_READ)]
Writer = Annotated[Work, right(Right.GROUPS_WRITE)]
Pair = Annotated[list[Text], Field(min_length=2, max_length=2)]
Pairs = Annotated[list[Pair], Field(max_length=100)]


class NewGroup(Body):
    """A group that is to be added; reply attributes are pairs of a dictionary name and a value."""

    name: Name
    description: Text = ""
    reply_attributes: Pairs = Field(default_factory=list)


class GroupChanges(Body):
    """What is to become another."""

    description: Text | None = None
    reply_attributes: Pairs | None = None


@router.get("", operation_id="listGroups", summary="List groups", response_model=shapes.Groups)
async def list_groups(work: Reader) -> Response:
    """All groups, in order of name."""
    return answer(await work.tell(groups.listed))


@router.post("", operation_id="addGroup", summary="Add a group", status_code=201, response_model=shapes.GroupTold)
async def add_group(work: Writer, body: NewGroup, how: Written) -> Response:
    """Add a group; its reply attributes are tried on the dictionary first."""
    return await work.write(groups.add, how, status=201, **body.arguments())


@router.get("/{name:path}", operation_id="getGroup", summary="Show a group", response_model=shapes.GroupTold)
async def get_group(work: Reader, name: Id) -> Response:
    """One group."""
    told = await work.desk.store.read(lambda reading: group_told(groups.the_group(reading, name)))
    return shown({"group": told}, told)


@router.patch("/{name:path}", operation_id="changeGroup", summary="Change a group", response_model=shapes.GroupTold)
async def change_group(work: Writer, name: Id, body: GroupChanges, how: Written) -> Response:
    """Change what is given."""
    return await work.write(groups.change, how, _of(name), name=name, **body.arguments())


@router.delete("/{name:path}", operation_id="removeGroup", summary="Remove a group", response_model=shapes.GroupRemoved)
async def remove_group(work: Writer, name: Id, how: Written) -> Response:
    """Take everyone out of the group, then remove it; refused while a rule of the policy names it."""
    return await work.write(groups.remove, how, _of(name), name=name)


def _of(name: str) -> Represent:
    return lambda reading: group_told(groups.the_group(reading, name))
