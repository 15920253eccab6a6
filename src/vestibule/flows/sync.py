"""Synchronisation: the people of a directory become ours, and stay as they are there.

Rules of this file:
- An error is an error: nobody is taken for gone unless the whole list was read, and every entry of it.
- A list of nobody at all is an error as well, whoever approves it.
- More people gone than the brake allows are held until a person approves; so are more people disabled at once. What is
  approved is the list that was shown: another one is held again.
- A run that asks only for changes then asks who is there at all, by ids alone: so it sees who is gone, who has joined a
  group, and who has left one.
- What is the same is only read; a second run writes nothing.
- One run of a directory at a time, on all nodes together.
"""

import contextlib
import json
from collections.abc import AsyncIterator, Coroutine, Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Any

from vestibule.core.errors import Unavailable
from vestibule.core.people import Unreadable
from vestibule.core.ports import Reading, Writing
from vestibule.core.users import Alias, Block, Password, User
from vestibule.flows.desk import Desk, Progress, Told, quiet
from vestibule.flows.roles import LastOwner, keeping_an_owner
from vestibule.flows.sessions import end_all
from vestibule.flows.sync_memory import give_up_lead, last_run, lead, state_name
from vestibule.flows.sync_plan import (
    DISABLED,
    DISABLED_KIND,
    FOREVER,
    GONE_KIND,
    KINDS,
    MOST_REMARKS,
    Found,
    Gone,
    Leaving,
    Manners,
    Present,
    Report,
    Roll,
    Slice,
    Wanted,
    digest,
    list_number,
)
from vestibule.flows.users import take_out

PAGE = 50  # people in one slice: each may write a user and some names
GONE_PAGE = 200
GONE = "gone from the directory"
TOO_MANY = "which is more than the brake allows"
NOBODY = "the directory lists nobody at all, so nobody is taken for gone"


@dataclass(frozen=True, slots=True)
class Sync:
    """One run: where it writes, how, whether it is for good, and which list of people gone or disabled was approved.

    With `roll` it is a partial one: what it finds are those who changed, and `roll` tells who is there at all.
    """

    desk: Desk
    manners: Manners
    dry_run: bool = False
    approved: str = ""
    progress: Progress = quiet
    roll: Roll | None = None

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
        report, seen = Report(), set[bytes]()
        await self._take_all(found, report, seen, run)
        if self.roll is not None:
            seen = await self._called(self.roll, report, seen, run)
        await self._settle(report, seen, run)
        return report

    async def _take_all(self, found: AsyncIterator[Found], report: Report, seen: set[bytes], run: str) -> None:
        done = len(seen)
        async for page in _pages(found):
            report.add(await self._take(list(_first_times(page, seen, report))))
            done += len(page)
            self.progress(done, None)
            await self._lead(run)

    async def _called(self, roll: Roll, report: Report, changed: set[bytes], run: str) -> set[bytes]:
        """Take those who joined, or came under another item, without a change of their own; give all who are there."""
        there = await self._there(roll, report, run)
        wanted = await self._others(there, changed)
        if wanted:
            await self._take_all(roll.fetch(wanted), report, changed, run)
        return {digest(id) for id in there}

    async def _there(self, roll: Roll, report: Report, run: str) -> dict[str, Present]:
        """Everybody by their id, each as the first item has them; people may be a few hundred thousand."""
        there: dict[str, Present] = {}
        async for one in roll.present():
            if isinstance(one, Unreadable):
                report.counts["unreadable"] += 1
                report.remark(one.place, one.why)
            else:
                there.setdefault(one.id, one)
            if len(there) % (20 * PAGE) == 0:
                await self._lead(run)
        return there

    async def _others(self, there: dict[str, Present], changed: set[bytes]) -> list[Present]:
        """Who is there and unknown here, or has other groups of ours than their item gives."""
        known, wanted = set[str](), []
        async for user in self._theirs():
            one = there.get(user.external_id)
            if one is None:
                continue
            known.add(one.id)
            given = {name for name in user.groups if name in self.manners.managed_groups}
            if one.sure and given != set(one.groups) and digest(one.id) not in changed:
                wanted.append(one)
        fresh = (one for id, one in there.items() if one.sure and id not in known and digest(id) not in changed)
        return [*wanted, *fresh]

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
        outcome = {
            "at": self.desk.clock(),
            "counts": dict(report.counts),
            "held": len(report.held),
            "held_as": report.held_as,
        }

        def act(writing: Writing) -> None:
            before = last_run(writing, self.manners.directory) or {"held": 0}
            writing.set_state(self._name("last"), json.dumps(outcome))
            if report.held and len(report.held) != before["held"]:
                counts = {"directory": self.manners.directory, "held": len(report.held)}
                writing.note(self.desk.entry("directory.held", self.manners.actor, **counts))

        if not self.dry_run:
            await self.desk.store.change(act)

    def _name(self, what: str) -> str:
        return state_name(self.manners.directory, what)

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

    async def _settle(self, report: Report, seen: set[bytes], run: str) -> None:
        """Block and let go, as far as the brake allows: wrong settings can make everybody look disabled, or gone."""
        disabled = [Leaving(DISABLED_KIND, id, name) for id, name in report.disabled]
        gone = await self._leaving(report, seen)
        held = [*(disabled if self._too_many(disabled) else ()), *(gone if not seen or self._too_many(gone) else ())]
        if held and ((not seen and gone) or not self._is_approved(held)):
            self._hold(report, held, nobody=not seen and bool(gone))
            waits = frozenset(held)
            disabled, gone = [[one for one in some if one not in waits] for some in (disabled, gone)]
        for place, one in enumerate((*disabled, *gone)):
            if place % PAGE == 0:
                await self._lead(run)
            act = self._block(one.id, DISABLED) if one.kind == DISABLED_KIND else self._release(one.id)
            await self._unless_last(report, one.name, one.kind, act)

    async def _leaving(self, report: Report, seen: set[bytes]) -> list[Leaving]:
        if self.manners.gone is Gone.KEEP:
            return []
        if report.counts["unreadable"]:
            report.remark("", "some entries can not be read, so nobody is taken for gone; mend them in the directory")
            return []
        return [Leaving(GONE_KIND, user.id, user.name) async for user in self._gone(seen)]

    def _hold(self, report: Report, held: list[Leaving], *, nobody: bool) -> None:
        report.held += [one.name for one in sorted(held, key=lambda one: (one.kind, one.name))]
        report.held_as = "" if nobody else list_number(held)
        report.nobody_listed = nobody
        for kind, words in ((DISABLED_KIND, "are disabled"), (GONE_KIND, "are gone")):
            if many := sum(one.kind == kind for one in held):
                told = NOBODY if nobody and kind == GONE_KIND else f"{many} people {words}, {TOO_MANY}"
                report.remark("", told)
        if self.approved and not nobody:
            report.remark(
                "", f"the list {self.approved} was approved, and now it is {report.held_as}; look at it again"
            )

    def _is_approved(self, held: list[Leaving]) -> bool:
        return self.approved == list_number(held)

    async def _unless_last(self, report: Report, name: str, kind: str, act: Coroutine[Any, Any, None]) -> None:
        """Do it and count it; the last owner who can sign in is held, whoever approves."""
        try:
            await act
        except LastOwner:
            report.held.append(name)
            report.remark("", f"{name} is the last owner who can sign in, and stays; make somebody else an owner")
        else:
            report.counts[kind] += 1

    def _too_many(self, people: list[Leaving]) -> bool:
        return len(people) > self.manners.brake

    async def _gone(self, seen: set[bytes]) -> AsyncIterator[User]:
        async for user in self._theirs():
            blocked = self.manners.gone is Gone.BLOCK and user.blocked(self.desk.clock())
            if not blocked and digest(user.external_id) not in seen:
                yield user

    async def _theirs(self) -> AsyncIterator[User]:
        """All users who are people of this directory."""
        after = ""
        while users := await self.desk.store.read(lambda reading, after=after: reading.page(User, after, GONE_PAGE)):  # type: ignore[misc]  # the default is bound at once
            after = users[-1].id
            for user in users:
                if user.directory == self.manners.directory:
                    yield user

    async def _release(self, user_id: str) -> None:
        if self.manners.gone is Gone.BLOCK:
            return await self._block(user_id, GONE)
        known = await self.desk.store.read(lambda reading: reading.get(User, user_id))
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
            with keeping_an_owner(self.desk, writing, known):
                writing.put(blocked)
            end_all(writing, user_id)
            writing.note(self.desk.entry("user.block", self.manners.actor, blocked, reason=reason))

        await self.desk.store.change(act)

    def _told(self, report: Report) -> Told:
        return {
            "directory": self.manners.directory,
            "dry_run": self.dry_run,
            "partial": self.roll is not None,
            **{kind: report.counts[kind] for kind in KINDS},
            "held": report.held[:MOST_REMARKS],
            "held_count": len(report.held),
            "held_as": report.held_as,
            "nobody_listed": report.nobody_listed,
            "notes": report.remarks,
        }


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
        elif (short := digest(one.entry.id)) not in seen:
            seen.add(short)
            yield one
