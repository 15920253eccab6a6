"""Taking the people of a directory over: what a run would do, running it, how far it is, and letting go of the held."""

from starlette.responses import Response
from starlette.routing import Route

from vestibule.flows import directories
from vestibule.flows.desk import Progress, Told
from vestibule.flows.roles import Right
from vestibule.portals.administration.directories import counted, one
from vestibule.portals.administration.entry import form, gone, looking, named, show
from vestibule.portals.administration.saying import said
from vestibule.portals.jobs import Job
from vestibule.portals.languages import marked
from vestibule.portals.visit import Visit

LONGEST = 128
DRY, REAL, APPROVE = "dry", "real", "approve"
BUSY = marked("As much work is under way as this server does at one time. Try again in a moment.")


async def ask_run(visit: Visit) -> Response:
    """A run is begun on the page of the directory; who comes back from signing in finds it there."""
    return await one(visit)


async def begin(visit: Visit) -> Response:
    """Begin a run in the background, and show how far it is."""
    id, how, shown = named(visit), visit.form.get("how", DRY), visit.form.get("list", "")[:LONGEST]
    jobs, desk, actor = visit.behind.jobs, visit.desk, visit.who.actor
    if jobs.full:
        return await one(visit, 503, refused=visit.say(BUSY))

    async def work(progress: Progress) -> Told:
        approve = shown if how == APPROVE else ""  # the very list that was looked at, or nobody
        return await directories.sync(desk, actor, id=id, dry_run=how == DRY, approve=approve, progress=progress)

    await directories.show(desk, actor, id=id)
    job = Job(desk.new_id(), visit.who.user.id, id, desk.clock())
    jobs.begin(job, work, lambda bug: visit.behind.counts.bug(bug, "directory run"))
    return visit.go(f"/admin/directories/{id}/runs/{job.id}")


async def look(visit: Visit) -> Response:
    """How far it is, or what it did."""
    id = named(visit)
    job = visit.behind.jobs.found(named(visit, "job"), visit.who.user.id, visit.desk.clock())
    if job is None or job.name != id:
        return gone(visit)
    return show(
        visit,
        "directory_run.html",
        "directories",
        id=id,
        job=job,
        report=job.report,
        counts=counted(visit, job.report or {}),
        refused=said(visit.language, job.refused.text) if job.refused else "",
    )


ROUTES: list[Route] = [
    *form("/admin/directories/{id}/run", ask_run, begin, Right.SETUP),
    looking("/admin/directories/{id}/runs/{job}", look),
]
