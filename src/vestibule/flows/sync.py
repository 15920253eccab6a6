"""Synchronisation: the people of a directory become ours, and stay as they are there.

Rules of this file:
- An error is an error: nobody is taken for gone unless the whole list was read, and every entry of it.
- A list of nobody at all is an error as well, whoever approves it.
- More people gone than the brake allows are held until a person approves; so are more people disabled at once.
- What is the same is only read; a second run writes nothing.
- One run of a directory at a time, on all nodes together.
"""

import contextlib
import json
from collections.abc import AsyncIterator, Iterable, Iterator
from dataclasses import dataclass, replace
from hashlib import blake2b

from vestibule.core.directories import DirectoryRecord
from vestibule.core.errors import Unavailable
from vestibule.core.people import Unreadable
from vestibule.core.ports import Reading, Writing
from vestibule.core.users import Alias, Block, Password, User
from vestibule.flows.desk import Desk, Progress, Told, quiet
from vestibule.flows.refused import Missing, Refused
from vestibule.flows.sessions import end_all
from vestibule.flows.sync_plan import (
    DISABLED,
    FOREVER,
    KINDS,
    MOST_REMARKS,
    Found,
    Gone,
    Manners,
    Report,
    Slice,
    Wanted,
)
from vestibule.flows.users import take_out

PAGE = 50  # people in one slice: each may write a user and some names
GONE_PAGE = 200
LEASE_SECONDS = 120.0
DIGEST_OCTETS = 16
GONE = "gone from the directory"
NOBODY = "the directory lists nobody at all, so nobody is taken for gone"


@dataclass(frozen=True, slots=True)
class Sync:
    """One run: where it writes, how, whether it is for good, and whether all who are gone were approved.

    A `partial` one is told of some people only, so nobody is gone.
    """

    desk: Desk
    manners: Manners
    dry_run: bool = False
    approved: bool = False
    progress: Progress = quiet
    partial: bool = False

    async def run(self, found: AsyncIterator[Found]) -> Told:
        """Take over all that was found. Raises Unavailable, with what was taken over so far kept, and nobody gone."""
        run = self.desk.new_id()
        await self._lead(run)
        try:
            report = await self._run(found, run)
            await self._remember(report)
        finally:
            with contextlib.suppress(Unavailable):
                await self._give_up_lead(run)
        return self._told(report)

    async def _run(self, found: AsyncIterator[Found], run: str) -> Report:
        report, seen, done = Report(), set[bytes](), 0
        async for page in _pages(found):
            report.add(await self._take(list(_first_times(page, seen, report))))
            done += len(page)
            self.progress(done, None)
            await self._lead(run)
        await self._block_disabled(report, run)
        if self.partial:
            return report
        if report.counts["unreadable"]:
            report.remark("", "some entries can not be read, so nobody is taken for gone; mend them in the directory")
        else:
            await self._let_go(report, seen, run)
        return report

    # -- one node leads -------------------------------------------------------------------------------------------

    async def _lead(self, run: str) -> None:
        """Take, or keep, the lead for a while. Refused while another run has it, or without the directory."""
        if not self.dry_run:
            now = self.desk.clock()
            await self.desk.store.change(lambda writing: lead(writing, self.manners.directory, run, now))

    async def _give_up_lead(self, run: str) -> None:
        if not self.dry_run:
            await self.desk.store.change(lambda writing: give_up_lead(writing, self.manners.directory, run))

    async def _remember(self, report: Report) -> None:
        """What the last run found, for those who look later; the journal says when others are held than before."""
        outcome = {"at": self.desk.clock(), "counts": dict(report.counts), "held": len(report.held)}

        def act(writing: Writing) -> None:
            before = last_run(writing, self.manners.directory) or {"held": 0}
            writing.set_state(self._name("last"), json.dumps(outcome))
            if report.held and len(report.held) != before["held"]:
                counts = {"directory": self.manners.directory, "held": len(report.held)}
                writing.note(self.desk.entry("directory.held", self.manners.actor, **counts))

        if not self.dry_run:
            await self.desk.store.change(act)

    def _name(self, what: str) -> str:
        return _state(self.manners.directory, what)

    # -- those who are there --------------------------------------------------------------------------------------

    async def _take(self, people: list[Found]) -> Report:
        """One slice: looked at first, and written only where something is to be written."""
        plans, report = await self.desk.store.read(lambda reading: self._plan(reading, people))
        if self.dry_run or all(plan.same for plan in plans):
            return report
        return await self.desk.store.change(lambda writing: self._write(writing, people))

    def _write(self, writing: Writing, people: list[Found]) -> Report:
        plans, report = self._plan(writing, people)
        for plan in plans:
            if plan.user != plan.old:
                writing.put(plan.user)
            for name in plan.drop:
                writing.remove(Alias, name)
            for name in plan.add:
                writing.put(Alias(name, plan.user.id))
            if plan.adopted:  # the password is the directory's from now on, also when it is released again
                writing.remove(Password, plan.user.id)
        counts = {kind: report.counts[kind] for kind in ("created", "changed") if report.counts[kind]}
        writing.note(self.desk.entry("directory.sync", self.manners.actor, directory=self.manners.directory, **counts))
        return report

    def _plan(self, reading: Reading, people: list[Found]) -> tuple[list[Wanted], Report]:
        slice_ = Slice(reading, self.manners, self.desk.new_id, self.desk.clock())
        return slice_.plan(people), slice_.report

    # -- those who are disabled, or gone --------------------------------------------------------------------------

    async def _block_disabled(self, report: Report, run: str) -> None:
        """Wrong settings can make everybody look disabled, so the brake is for them as well."""
        if self._too_many(len(report.disabled)):
            report.held += sorted(name for _id, name in report.disabled)
            report.remark("", f"{len(report.disabled)} people are disabled, which is more than the brake allows")
            return
        for place, (user_id, _name) in enumerate(report.disabled):
            if place % PAGE == 0:
                await self._lead(run)
            report.counts["disabled"] += 1
            await self._block(user_id, DISABLED)

    async def _let_go(self, report: Report, seen: set[bytes], run: str) -> None:
        if self.manners.gone is Gone.KEEP:
            return
        gone = [user async for user in self._gone(seen)]
        if gone and (not seen or self._too_many(len(gone))):
            report.held += sorted(user.name for user in gone)
            report.nobody_listed = not seen
            report.remark("", f"{len(gone)} people are gone, which is more than the brake allows" if seen else NOBODY)
            return
        for place, user in enumerate(gone):
            if place % PAGE == 0:
                await self._lead(run)
            report.counts["gone"] += 1
            await self._release(user)

    def _too_many(self, people: int) -> bool:
        return people > self.manners.brake and not self.approved

    async def _gone(self, seen: set[bytes]) -> AsyncIterator[User]:
        after = ""
        while users := await self.desk.store.read(lambda reading, after=after: reading.page(User, after, GONE_PAGE)):  # type: ignore[misc]  # the default is bound at once
            after = users[-1].id
            for user in users:
                theirs = user.directory == self.manners.directory
                blocked = self.manners.gone is Gone.BLOCK and user.blocked(self.desk.clock())
                if theirs and not blocked and _digest(user.external_id) not in seen:
                    yield user

    async def _release(self, user: User) -> None:
        if self.manners.gone is Gone.BLOCK:
            return await self._block(user.id, GONE)
        known = await self.desk.store.read(lambda reading: reading.get(User, user.id))
        if known is not None and known.directory == self.manners.directory and not self.dry_run:
            await take_out(self.desk, self.manners.actor, known)
        return None

    async def _block(self, user_id: str, reason: str) -> None:
        """Block, unless there is a block already; one that is over is none."""
        if self.dry_run:
            return
        now = self.desk.clock()

        def act(writing: Writing) -> None:
            known = writing.get(User, user_id)
            if known is None or known.directory != self.manners.directory or known.blocked(now):
                return
            block = Block(now, FOREVER, self.manners.actor, reason)
            blocked = replace(known, block=block, version=known.version + 1)
            writing.put(blocked)
            end_all(writing, user_id)
            writing.note(self.desk.entry("user.block", self.manners.actor, blocked, reason=reason))

        await self.desk.store.change(act)

    def _told(self, report: Report) -> Told:
        return {
            "directory": self.manners.directory,
            "dry_run": self.dry_run,
            "partial": self.partial,
            **{kind: report.counts[kind] for kind in KINDS},
            "held": report.held[:MOST_REMARKS],
            "held_count": len(report.held),
            "nobody_listed": report.nobody_listed,
            "notes": report.remarks,
        }


def lead(writing: Writing, directory: str, run: str, now: float) -> None:
    """Take, or keep, the lead for a while. Refused while another run has it, here or elsewhere, or without a directory.

    A lead that ends later than any can was taken by a clock that was wrong, and is none.
    """
    if writing.get(DirectoryRecord, directory) is None:
        raise Missing(f"There is no directory {directory}. See them with: vestibule directory list", "id")
    holder, until = json.loads(writing.state(_state(directory, "lease")) or '["", 0]')
    if holder not in {"", run} and now < until <= now + 2 * LEASE_SECONDS:
        raise Refused(f"The directory {directory} is being synchronised just now. Try again later.", "directory")
    writing.set_state(_state(directory, "lease"), json.dumps([run, now + LEASE_SECONDS]))


def give_up_lead(writing: Writing, directory: str, run: str) -> None:
    """Let others lead, if this run still does."""
    if (writing.state(_state(directory, "lease")) or "[]").startswith(f'["{run}"'):
        writing.set_state(_state(directory, "lease"), "")


def forget(writing: Writing, directory: str) -> None:
    """Forget all runs: another directory of this id begins anew."""
    for what in ("lease", "begun", "last"):
        writing.set_state(_state(directory, what), "")


def begun(reading: Reading, directory: str) -> tuple[int, float, float]:
    """Of which version of the settings the last good runs were; when the last whole one and the last one began."""
    version, whole, last = json.loads(reading.state(_state(directory, "begun")) or "[0, 0.0, 0.0]")
    return version, whole, last


def remember_begun(writing: Writing, directory: str, version: int, whole: float, last: float) -> None:
    """What `begun` gives from now on."""
    writing.set_state(_state(directory, "begun"), json.dumps([version, whole, last]))


def last_run(reading: Reading, directory: str) -> Told | None:
    """How the last run of a directory ended: when it was (`at`), its counts, how many are held; None before any."""
    text = reading.state(_state(directory, "last"))
    return dict(json.loads(text)) if text else None


def _state(directory: str, what: str) -> str:
    return f"directory/{directory}/{what}"


async def _pages(found: AsyncIterator[Found]) -> AsyncIterator[list[Found]]:
    """The entries, some at a time."""
    page = []
    async for one in found:
        page.append(one)
        if len(page) == PAGE:
            yield page
            page = []
    if page:
        yield page


def _first_times(page: Iterable[Found], seen: set[bytes], report: Report) -> Iterator[Found]:
    """The people whom no item before this one has named; entries that are no people are told."""
    for one in page:
        if isinstance(one.entry, Unreadable):
            report.counts["unreadable"] += 1
            report.remark(one.entry.place, one.entry.why)
        elif (digest := _digest(one.entry.id)) not in seen:
            seen.add(digest)
            yield one


def _digest(external_id: str) -> bytes:
    """A short form, since hundreds of thousands are remembered for a while."""
    return blake2b(external_id.encode(), digest_size=DIGEST_OCTETS).digest()
