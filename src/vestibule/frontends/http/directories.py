"""Directories of others: LDAP servers, RADIUS servers."""

from typing import Annotated, Any

from fastapi import APIRouter
from pydantic import Field
from starlette.responses import Response

from vestibule.core.api_keys import Right
from vestibule.flows import directories
from vestibule.frontends.http import shown as shapes
from vestibule.frontends.http.fields import Body, Hidden, Id, Text
from vestibule.frontends.http.work import Represent, Work, Written, answer, right, shown

router = APIRouter(prefix="/directories", tags=["Directories"])

Reader = Annotated[Work, right(Right.DIRECTORIES_READ)]
Writer = Annotated[Work, right(Right.DIRECTORIES_WRITE)]


class NewDirectory(Body):
    """A directory that is to be set up; what the settings may be stands on the page of its kind."""

    id: Text
    kind: Text
    settings: dict[Text, Any] = Field(max_length=100)
    secret: Hidden | None = Field(None, description="The password of its service account, or the shared secret.")


class DirectoryChanges(Body):
    """What is to become another; a setting that is null goes back to its default."""

    settings: dict[Text, Any] | None = Field(None, max_length=100)
    secret: Hidden | None = None


@router.get("", operation_id="listDirectories", summary="List directories", response_model=shapes.Directories)
async def list_directories(work: Reader) -> Response:
    """All directories, in order of id."""
    return answer(await work.tell(directories.listed))


@router.post(
    "",
    operation_id="addDirectory",
    summary="Set a directory up",
    status_code=201,
    response_model=shapes.DirectoryMade,
)
async def add_directory(work: Writer, body: NewDirectory, how: Written) -> Response:
    """Set a directory up; its settings are read first, and nothing is connected."""
    return await work.write(directories.add, how, status=201, **body.arguments())


@router.get("/{id}", operation_id="getDirectory", summary="Show a directory", response_model=shapes.DirectoryTold)
async def get_directory(work: Reader, id: Id) -> Response:
    """One directory, never its secret, and how its last synchronisation went."""
    told = await work.tell(directories.show, id=id)
    return shown(told, told["directory"])


@router.patch(
    "/{id}", operation_id="changeDirectory", summary="Change a directory", response_model=shapes.DirectoryChanged
)
async def change_directory(work: Writer, id: Id, body: DirectoryChanges, how: Written) -> Response:
    """Change what is given."""
    return await work.write(directories.change, how, _of(id), id=id, **body.arguments())


@router.delete(
    "/{id}", operation_id="removeDirectory", summary="Remove a directory", response_model=shapes.DirectoryRemoved
)
async def remove_directory(work: Writer, id: Id, how: Written, *, release: bool = False) -> Response:
    """Remove a directory. Refused while people belong to it, unless `release` makes them local users."""
    return await work.write(directories.remove, how, _of(id), id=id, release=release)


def _of(id: str) -> Represent:
    return lambda reading: directories.directory_told(directories.the_directory(reading, id))
