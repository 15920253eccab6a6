"""Directories of others: LDAP servers, RADIUS servers."""

from typing import Annotated, Any

from fastapi import APIRouter
from pydantic import Field
from starlette.responses import Response

from vestibule.core.api_keys import Right
from vestibule.flows import directories
from vestibule.frontends.http import shown_directories as shapes
from vestibule.frontends.http.fields import Body, Hidden, Id, Text
from vestibule.frontends.http.work import Represent, Work, Written, answer, behind, right, shown

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


class Somebody(Body):
    """Whom to look for, and the password that is tried once if it is given."""

    user: Text
    password: Hidden | None = None


class Wanted(Body):
    """Whom to look for."""

    user: Text


class NewRun(Body):
    """A synchronisation that is to begin."""

    dry_run: bool | None = Field(None, description="Say what would be done, and do nothing.")
    changes_only: bool | None = Field(None, description="Ask only for what changed since the last run.")
    approve: Text | None = Field(None, description="The number of the list of people held that may go.")


@router.post(
    "/{id}/look-up", operation_id="lookUpPerson", summary="Look for a person", response_model=shapes.DirectoryTried
)
async def look_up_person(work: Reader, id: Id, body: Wanted) -> Response:
    """Which person of the directory signs in by this name; nothing is tried and nothing is kept."""
    return answer(await work.tell(directories.probe, id=id, **body.arguments()))


@router.post("/{id}/test", operation_id="testDirectory", summary="Try a password", response_model=shapes.DirectoryTried)
async def test_directory(work: Writer, id: Id, body: Somebody) -> Response:
    """Look for a person, and try their password once, as a sign-in would: a wrong one counts in the directory."""
    return answer(await work.tell(directories.probe, id=id, **body.arguments()))


@router.get(
    "/{id}/sync", operation_id="getSync", summary="Show how a synchronisation stands", response_model=shapes.SyncTold
)
async def get_sync(work: Reader, id: Id) -> Response:
    """The newest run that was begun on this node with its report, and how the last one of any node ended."""
    return answer(await work.tell(behind(work.request).runs.show, id=id))


@router.post(
    "/{id}/sync",
    operation_id="startSync",
    summary="Synchronise a directory",
    status_code=202,
    response_model=shapes.SyncBegun,
)
async def start_sync(work: Writer, id: Id, body: NewRun, how: Written) -> Response:
    """Begin to take its people over; the answer does not wait for the end."""
    return await work.write(behind(work.request).runs.begin, how, status=202, id=id, **body.arguments())


def _of(id: str) -> Represent:
    return lambda reading: directories.directory_told(directories.the_directory(reading, id))
