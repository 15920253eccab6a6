"""Token files: chosen in the browser, read in the background, reported when they are in.

The octets of a file are in this process's memory only: the buffer that they came in is wiped, and the last reference to
them is gone when the import is over. A file that is encrypted and came without what opens it waits for that, without
being sent again. The rows that could not be taken are given back as a file to whoever sent them, since they hold keys.
"""

import asyncio
import hmac
from dataclasses import dataclass, field
from urllib.parse import quote

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from vestibule.core.errors import Malformed, Unavailable
from vestibule.flows import token_import
from vestibule.flows.desk import Progress, Told
from vestibule.flows.refused import Refused
from vestibule.flows.roles import Right
from vestibule.portals.administration.entry import administering, asking, gone, looking, named, permitted, show
from vestibule.portals.administration.saying import said
from vestibule.portals.behind import Behind
from vestibule.portals.jobs import Job
from vestibule.portals.languages import marked
from vestibule.portals.trouble import trouble
from vestibule.portals.visit import Answer, Endpoint, Visit, same_origin, spoken, visited
from vestibule.wire.multipart import Part, boundary_of, read_form

PATH = "/admin/tokens/upload"
ID_OCTETS = 16
HEADS_OCTETS = 64 * 1024
FILE_SECONDS = 300.0
SHOWN_PROBLEMS = 50
OPENERS = frozenset({"key", "passphrase"})
NO_FILE = marked("Choose a file.")
TOO_LARGE = marked("The file is too large. Divide it.")
BUSY = marked("Two files are being read already. Wait until one is done.")
CUT_OFF = marked("The file did not come whole. Send it again.")


@dataclass(frozen=True, slots=True)
class Wish:
    """What is to be done with a file."""

    content: bytes = field(repr=False)
    name: str
    key: bytes | None = field(repr=False)
    passphrase: str | None = field(repr=False)
    pending: bool
    waiver: str | None


class TooLarge(Malformed):
    """More came than is taken."""


class Forged(Malformed):
    """A form that we did not make for this browser."""


async def ask(visit: Visit) -> Response:
    """The form."""
    return _form(visit)


def receiving(take: Answer, right: Right) -> Endpoint:
    """An endpoint that a file comes in at. Who sends it is looked at before the file is."""

    async def received(request: Request) -> Response:
        behind: Behind = request.app.state.behind
        try:
            visit = await visited(request, behind)
            if not same_origin(request):
                return visit.giving(trouble(behind, 403, language=visit.language))
            answer = await permitted(take, right, fresh=True)(visit)
            await _drain(request)
        except Forged:
            return trouble(behind, 403, language=spoken(request))
        except Malformed:
            return trouble(behind, 400, language=spoken(request))
        except Unavailable:
            return trouble(behind, 503, language=spoken(request))
        return answer

    return asking(received, right)


async def file_form(visit: Visit) -> tuple[Part | None, dict[str, str]] | str:
    """The file of the form (None for none) and its other fields, or the text of what is wrong. Raises Malformed."""
    try:
        parts = await _parts(visit.request, visit.behind.upload_octets)
    except TooLarge:
        return TOO_LARGE
    except TimeoutError:
        return CUT_OFF
    fields = {part.name: part.text for part in parts if part.file_name is None}
    if not hmac.compare_digest(fields.get("csrf", "").encode(), visit.csrf.encode()):
        raise Forged("the form was not made for this browser")
    file = next((part for part in parts if part.file_name), None)
    return (file if file is not None and file.content else None), fields


async def _take(visit: Visit) -> Response:
    """Read the form and begin the import."""
    if visit.behind.jobs.full:
        return _form(visit, 422, refused=visit.say(BUSY))
    sent = await file_form(visit)
    if isinstance(sent, str):
        return _form(visit, 422, refused=visit.say(sent), wrong=("file",))
    file, fields = sent
    if file is None:
        return _form(visit, 422, refused=visit.say(NO_FILE), wrong=("file",))
    return visit.go(f"{PATH}/{_begin(visit, _wish(file, fields), visit.desk.chance(ID_OCTETS).hex())}")


async def watch(visit: Visit) -> Response:
    """How far it is, and what came of it."""
    job = visit.behind.jobs.found(named(visit), visit.who.user.id, visit.desk.clock())
    if job is None:
        return gone(visit)
    problems = job.report["problems"] if job.report else []
    return show(
        visit,
        "upload_job.html",
        "tokens",
        job=job,
        refused=said(visit.language, job.refused.text) if job.refused else "",
        opens=bool(job.again),
        problems=problems[:SHOWN_PROBLEMS],
        more=max(0, len(problems) - SHOWN_PROBLEMS),
        path=f"{PATH}/{job.id}",
    )


async def open_it(visit: Visit) -> Response:
    """What opens a file was typed; the file itself has waited."""
    job = visit.behind.jobs.found(named(visit), visit.who.user.id, visit.desk.clock())
    if job is None or not job.again:
        return gone(visit)
    if visit.behind.jobs.full:
        return visit.go(f"{PATH}/{job.id}")
    content, job.again = job.again, b""
    return visit.go(f"{PATH}/{_begin(visit, _wish(Part('file', job.name, content), visit.form), job.id)}")


async def failures(visit: Visit) -> Response:
    """The rows that could not be taken, as a file to be corrected and sent again."""
    job = visit.behind.jobs.found(named(visit), visit.who.user.id, visit.desk.clock())
    if job is None or not job.report or not job.report["failures"]:
        return gone(visit)
    stem = job.name.rpartition(".")[0] or job.name
    named_ = quote(f"Failures_{stem}.csv")
    headers = {"Cache-Control": "no-store", "Content-Disposition": f"attachment; filename*=UTF-8''{named_}"}
    return Response(job.report["failures"], headers=headers, media_type="text/csv; charset=utf-8")


# -- behind the pages ------------------------------------------------------------------------------------------------


def _form(visit: Visit, status: int = 200, /, **told: object) -> Response:
    return show(visit, "upload.html", "tokens", status, most=visit.behind.upload_octets // 2**20, **told)


def _wish(file: Part, fields: dict[str, str] | object) -> Wish:
    said = fields if isinstance(fields, dict) else {}
    key, passphrase, waiver = (said.get(name, "").strip() for name in ("key", "passphrase", "waiver"))
    return Wish(
        file.content,
        (file.file_name or "")[:255],
        key.encode() if key else None,
        passphrase or None,
        said.get("pending") == "yes",
        waiver or None,
    )


def _begin(visit: Visit, wish: Wish, id: str) -> str:
    """Begin the import in the background; the id of its job. An encrypted file that nothing opened waits there."""
    desk, actor = visit.desk, visit.who.actor
    job = Job(id, visit.who.user.id, wish.name, desk.clock())

    async def work(progress: Progress) -> Told:
        try:
            told = await token_import.bring_in(
                desk,
                actor,
                content=wish.content,
                file_name=wish.name,
                key=wish.key,
                passphrase=wish.passphrase,
                waiver_until=wish.waiver,
                pending=wish.pending,
                progress=progress,
            )
        except Refused as refused:
            job.again = wish.content if OPENERS.intersection(refused.fields) else b""
            raise
        return told

    visit.behind.jobs.begin(job, work, lambda fault: visit.behind.counts.bug(fault, "token import"))
    return job.id


async def _parts(request: Request, most: int) -> list[Part]:
    """The parts of the form; the buffer that they came in is wiped. Raises Malformed, TooLarge, TimeoutError."""
    boundary, buffer = boundary_of(request.headers.get("content-type", "")), bytearray()
    request.state.taken = True
    try:
        async with asyncio.timeout(FILE_SECONDS):
            async for chunk in request.stream():
                buffer += chunk
                if len(buffer) > most + HEADS_OCTETS:
                    raise TooLarge("the form is too large")
        return await asyncio.to_thread(read_form, buffer, boundary)
    finally:
        buffer[:] = bytes(len(buffer))


async def _drain(request: Request) -> None:
    """Let the rest of the form come in and forget it: a browser that still sends does not read the answer."""
    behind: Behind = request.app.state.behind
    left = 2 * behind.upload_octets
    if getattr(request.state, "taken", False):
        return
    async with asyncio.timeout(FILE_SECONDS):
        async for chunk in request.stream():
            left -= len(chunk)
            if left < 0:
                return


ROUTES: list[Route] = [
    Route(PATH, administering(ask, Right.TOKENS, fresh=True), methods=["GET"]),
    Route(PATH, receiving(_take, Right.TOKENS), methods=["POST"]),
    looking(f"{PATH}/{{id}}", watch, Right.TOKENS),
    Route(f"{PATH}/{{id}}", administering(open_it, Right.TOKENS, fresh=True), methods=["POST"]),
    Route(f"{PATH}/{{id}}/failures", administering(failures, Right.TOKENS, fresh=True), methods=["GET"]),
]
