"""The journal: page through it, verify its chains, let old lines go."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from vestibule.core.heads import gaps
from vestibule.core.journal import EntryKind, Line, Query
from vestibule.core.ports import ChainHead, Reading, Store
from vestibule.core.reasons import Reason
from vestibule.flows.desk import SLICE, ChainFault, Desk, Progress, Told, name_of, page_size, quiet, the_user
from vestibule.flows.refused import Refused
from vestibule.flows.views import line_told

VERIFIED_AT_ONCE = 1000

PERSON = "user "  # how an actor is written who is a person (`sessions.Signed.actor`)

Place = tuple[float, str, int]


@dataclass(frozen=True, slots=True)
class Newest:
    """Lines, the newest first; `next` is where the page of older ones begins, "" for none; names by actor."""

    lines: tuple[Line, ...]
    next: str
    names: Mapping[str, str]


async def listed(
    desk: Desk,
    actor: str,  # noqa: ARG001 - every flow is told who asks
    *,
    user: str | None = None,
    user_id: str = "",
    since: float = 0.0,
    until: float = 0.0,
    kind: str | None = None,
    reason: str | None = None,
    accepted: bool | None = None,
    after: str | None = None,
    limit: int = 100,
) -> Told:
    """A page of lines in order of time; `position` is where lines that are yet to come go on."""
    size, start = page_size(limit), _place(after)
    wanted = Query(user_id, since, until, _kind(kind), _reason(reason), accepted)

    def question(reading: Reading) -> Told:
        query = wanted if user is None else _of_user(wanted, the_user(reading, user).id)
        lines = reading.lines(query, start, size)
        heads = {head.chain: head for head in reading.chains()} if lines else {}
        position = _token(lines[-1]) if lines else after
        return {
            "lines": [_told(line, heads.get(line.chain)) for line in lines],
            "next": position if len(lines) == size else None,
            "position": position,
        }

    return await desk.store.read(question)


async def newest(desk: Desk, query: Query, before: str = "", limit: int = 50) -> Newest:
    """A page of lines, the newest first. Refused for a `before` that was no `next`."""
    place = _place(before) if before else None

    def question(reading: Reading) -> Newest:
        lines = reading.newest(query, place, limit + 1)
        following = _token(lines[limit - 1]) if len(lines) > limit else ""
        return Newest(tuple(lines[:limit]), following, names_of(reading, lines[:limit]))

    return await desk.store.read(question)


def names_of(reading: Reading, lines: Iterable[Line]) -> dict[str, str]:
    """The names of those who acted, by what the journal calls them; those who are gone have none."""
    actors = {line.entry.actor for line in lines if line.entry.actor.startswith(PERSON)}
    found = {actor: name_of(reading, actor.removeprefix(PERSON)) for actor in actors}
    return {actor: name for actor, name in found.items() if name}


async def verify(desk: Desk, actor: str, *, progress: Progress = quiet) -> Told:  # noqa: ARG001 - told who asks
    """Walk all chains and say what does not fit first, or how many lines there are and where the chains end."""
    walked = await walk_chains(desk.store, desk.chain_fault, progress)
    return _verified(walked.heads, walked.lines, walked.fault or await _lost(desk))


@dataclass(frozen=True, slots=True)
class Walked:
    """How far the chains were walked: where they end, how many lines fit, and what does not fit first, if anything."""

    heads: list[ChainHead]
    lines: int
    fault: str | None


async def walk_chains(store: Store, chain_fault: ChainFault, progress: Progress = quiet) -> Walked:
    """Walk all chains page by page, so that sign-ins and other questions come in between, up to the first fault."""
    heads = await store.read(lambda reading: reading.chains())
    total = sum(head.seq - head.first_seq + 1 for head in heads)
    lines = 0
    for head in heads:
        walk = _Walk(head.first_seq, head.first_previous_mac)
        while walk.seq <= head.seq:
            walk = await store.read(_verifying(chain_fault, head, walk))
            if walk.fault is not None:
                return Walked(heads, lines + walk.seq - head.first_seq, walk.fault)
            progress(lines + walk.seq - head.first_seq, total)
        lines += head.seq - head.first_seq + 1
    return Walked(heads, lines, None)


async def _lost(desk: Desk) -> str | None:
    """What the journal lacks of what is known of it from outside: that its end was cut shows nowhere else."""
    known = desk.known_heads()
    if known is None:
        return None
    found = await desk.store.read(lambda reading: gaps(known, reading))
    return next((gap.explained for gap in found), None)


async def prune(desk: Desk, actor: str, *, before: float, progress: Progress = quiet) -> Told:
    """Let the lines from before a time go, slice by slice, from the beginnings of their chains."""
    if before > desk.clock():
        raise Refused("before lies in the future; name a time in the past.", "before")
    pruned = 0
    while lines := await desk.store.change(lambda writing: writing.prune_journal(before, SLICE)):
        pruned += lines
        progress(pruned, None)
    entry = desk.entry("journal.prune", actor, before=before, lines=pruned)
    await desk.store.change(lambda writing: writing.note(entry))
    return {"pruned": pruned}


# -- lists ---------------------------------------------------------------------------------------------------------


def _told(line: Line, head: ChainHead | None) -> Told:
    return line_told(line, head.server_name if head else "", head.server_address if head else "")


def _of_user(query: Query, user_id: str) -> Query:
    return Query(user_id, query.since, query.until, query.kind, query.reason, query.accepted)


def _token(line: Line) -> str:
    """The place of a line as the text that `after` takes."""
    return f"{line.entry.at!r}/{line.chain}/{line.seq}"


def _place(token: str | None) -> Place:
    if token is None:
        return (0.0, "", 0)
    try:
        at, chain, seq = token.split("/")
        return float(at), chain, int(seq)
    except ValueError:
        raise Refused("after must be the `next` or the `position` of an earlier page.", "after") from None


def _kind(text: str | None) -> EntryKind | None:
    if text is not None and text not in tuple(EntryKind):
        raise Refused(f"kind must be one of {', '.join(EntryKind)}.", "kind")
    return None if text is None else EntryKind(text)


def _reason(text: str | None) -> Reason | None:
    if text is not None and text not in tuple(Reason):
        raise Refused(f"reason must be one of {', '.join(Reason)}.", "reason")
    return None if text is None else Reason(text)


# -- verification --------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Walk:
    """How far a chain has been walked: the seq that comes next, the mac before it, and what does not fit."""

    seq: int
    mac: str
    fault: str | None = None


def _verifying(chain_fault: ChainFault, head: ChainHead, walk: _Walk) -> Callable[[Reading], _Walk]:
    """The question that walks on by one page of a chain, not beyond the head that was there at the beginning."""

    def question(reading: Reading) -> _Walk:
        found = reading.chain(head.chain, walk.seq - 1, VERIFIED_AT_ONCE)
        lines = [line for line in found if line.seq <= head.seq]
        missing = f"chain {head.chain}: line {walk.seq} is missing"
        fault = chain_fault(lines, head.chain, walk.mac, walk.seq) if lines else missing
        if fault is None:
            return _Walk(lines[-1].seq + 1, lines[-1].mac)
        return _beyond_pruned(reading, head, walk) or _Walk(walk.seq, walk.mac, fault)

    return question


def _beyond_pruned(reading: Reading, head: ChainHead, walk: _Walk) -> _Walk | None:
    """Where the chain begins now, if lines that were to be walked have been pruned meanwhile."""
    for now in reading.chains():
        if now.chain == head.chain and now.first_seq > walk.seq:
            return _Walk(now.first_seq, now.first_previous_mac)
    return None


def _verified(heads: list[ChainHead], lines: int, fault: str | None) -> Told:
    return {
        "intact": fault is None,
        "fault": fault,
        "lines": lines,
        "chains": [
            {
                "chain": head.chain,
                "started_at": head.started_at,
                "server_name": head.server_name,
                "first_seq": head.first_seq,
                "seq": head.seq,
                "mac": head.mac,
                "lines": head.seq - head.first_seq + 1,
            }
            for head in heads
        ],
    }
