"""Directories of others: set them up, try them, take their people over. What a kind of them needs, the kind knows."""

import asyncio
import contextlib
import json
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from vestibule.core.clients import Client
from vestibule.core.decisions import Account
from vestibule.core.directories import AccountDirectory, DirectoryRecord, Verdict
from vestibule.core.errors import Malformed, Unavailable
from vestibule.core.people import Ambiguous, Person
from vestibule.core.ports import Reading, Writing
from vestibule.core.secret import Secret
from vestibule.core.users import Group, User
from vestibule.flows.client_rules import MOST
from vestibule.flows.clients import made_id
from vestibule.flows.desk import SLICE, Desk, Progress, Told, quiet
from vestibule.flows.kinds import Finding, Takeover
from vestibule.flows.refused import Missing, Refused
from vestibule.flows.sync import Sync
from vestibule.flows.sync_memory import begun, forget, give_up_lead, last_run, lead, remember_begun

LOCAL = "local"
TRY_SECONDS = 10.0
WHOLE_SECONDS = 86_400.0
WHERE = ("servers", "plain", "ca_file")
"""The settings that say who is told the secret, whatever the kind."""

TOLD_TO_OTHERS = "The secret would be told to others than before. Give it again together with these settings."
MARGIN_SECONDS = 600.0  # the directory's clock may be another, and its servers tell each other late


async def add(desk: Desk, actor: str, *, id: str, kind: str, settings: Mapping[str, Any], secret: str = "") -> Told:
    """Set a directory up."""
    named = made_id(id)
    if named == LOCAL:
        raise Refused("local is the name of our own passwords. Choose another id.", "id")
    kept = Secret.of(secret)
    record = DirectoryRecord(named, kind, _kept(desk, named, kind, settings, kept), kept, desk.clock())

    def act(writing: Writing) -> Told:
        if writing.get(DirectoryRecord, named) is not None:
            raise Refused(f"There is a directory {named} already. Change it with: vestibule directory set", "id")
        _refuse_unknown_groups(desk, writing, record)
        writing.put(record)
        writing.note(desk.entry("directory.add", actor, directory=named, kind=kind))
        return {"directory": directory_told(record)}

    return await desk.store.change(act)


async def listed(desk: Desk, actor: str) -> Told:  # noqa: ARG001 - every flow is told who asks
    """All directories, in order of id."""
    records = desk.store.snapshot.directories
    return {"directories": [directory_told(records[id]) for id in sorted(records)]}


async def show(desk: Desk, actor: str, *, id: str) -> Told:  # noqa: ARG001 - every flow is told who asks
    """One directory, and how its last synchronisation went."""

    def question(reading: Reading) -> Told:
        return {"directory": directory_told(the_directory(reading, id)), "last_sync": last_run(reading, id)}

    return await desk.store.read(question)


async def change(
    desk: Desk, actor: str, *, id: str, settings: Mapping[str, Any] | None = None, secret: str | None = None
) -> Told:
    """Change what is given; a setting that is null goes back to its default.

    Where the secret would be told to others than before, it must be given again: who may change a directory does not
    learn its secret by sending it to a server of their own.
    """

    def act(writing: Writing) -> Told:
        before = the_directory(writing, id)
        kept = before.secret if secret is None else Secret.of(secret)
        merged = {**json.loads(before.settings), **(settings or {})}
        text = _kept(desk, id, before.kind, {name: one for name, one in merged.items() if one is not None}, kept)
        record = replace(before, settings=text, secret=kept, version=before.version + 1)
        if secret is None and kept and _where(record) != _where(before):
            raise Refused(TOLD_TO_OTHERS, "secret")
        _refuse_unknown_groups(desk, writing, record)
        changed = sorted(settings or {}) + ([] if secret is None else ["secret"])
        writing.put(record)
        writing.note(desk.entry("directory.set", actor, directory=id, changed=changed))
        return {"directory": directory_told(record), "changed": changed}

    return await desk.store.change(act)


async def remove(desk: Desk, actor: str, *, id: str, release: bool = False, progress: Progress = quiet) -> Told:
    """Remove a directory. Refused while people belong to it, unless they are released to be local users.

    Who is released keeps their factors, and signs in again once they have a local password. Refused as well while a
    synchronisation is under way, which would bring them back.
    """
    await desk.store.read(lambda reading: _refuse_in_use(reading, id))
    run = desk.new_id()
    try:
        released = await _let_people_go(desk, actor, id, run, release=release, progress=progress)
        return await desk.store.change(_removing(desk, actor, id, run, released))
    finally:
        with contextlib.suppress(Unavailable):
            await desk.store.change(lambda writing: give_up_lead(writing, id, run))


async def _let_people_go(desk: Desk, actor: str, id: str, run: str, *, release: bool, progress: Progress) -> int:
    """Make the people of a directory local users; how many."""
    released, done, after = 0, 0, ""
    total = await desk.store.read(lambda reading: reading.count(User))
    while page := await desk.store.read(_users_after(after)):
        await desk.store.change(lambda writing: lead(writing, id, run, desk.clock()))
        theirs = [user for user in page if user.directory == id]
        if theirs and not release:
            raise Refused(
                f"People belong to the directory {id}. Remove them first, or make them local users with --release.",
                "id",
            )
        if theirs:
            released += await desk.store.change(_releasing(desk, actor, id, theirs))
        after, done = page[-1].id, done + len(page)
        progress(done, total)
    return released


def _removing(desk: Desk, actor: str, id: str, run: str, released: int) -> Callable[[Writing], Told]:
    def act(writing: Writing) -> Told:
        _refuse_in_use(writing, id)
        lead(writing, id, run, desk.clock())
        writing.remove(DirectoryRecord, id)
        forget(writing, id)
        writing.note(desk.entry("directory.remove", actor, directory=id, released=released))
        return {"removed": id, "released": released}

    return act


async def probe(desk: Desk, actor: str, *, id: str, user: str, password: str | None = None) -> Told:
    """Look for a person, and try their password if one is given: once, as a sign-in would."""
    live = _live(desk, id)
    deadline = asyncio.get_running_loop().time() + TRY_SECONDS
    try:
        person = await live.find(user, deadline) if isinstance(live, Finding) else None
        found = None if person is None else _person_told(person)
        if password is None:
            return {"directory": id, "found": found, "password": None}
        said = await live.check(Account(id, "", user), Secret.of(password), actor, deadline)
    except Unavailable as unavailable:
        raise Refused(f"The directory could not be asked: {unavailable}.", "id") from None
    return {"directory": id, "found": found, "password": _verdict_told(said)}


async def sync(
    desk: Desk,
    actor: str,
    *,
    id: str,
    dry_run: bool = False,
    approve: bool | str = False,
    changes_only: bool = False,
    progress: Progress = quiet,
) -> Told:
    """Take the people of a directory over now.

    `approve` lets go of more people than the brake allows: exactly those of the list that has this number, or with True
    those whom the last run held. With `changes_only` those who changed since the last run are enough, where a whole run
    was good a day ago at most, nobody was held by the last one, and the settings are still the same.
    """
    takeover = refuse_unlisted(desk, id)
    approved = await _approved(desk, actor, id, approve, dry_run=dry_run)
    began, version = desk.clock(), desk.store.snapshot.directories[id].version
    of, whole, last = await desk.store.read(lambda reading: begun(reading, id))
    fresh = of == version and 0.0 <= began - whole < WHOLE_SECONDS and last <= began
    since, roll = last - MARGIN_SECONDS, takeover.roll if changes_only and fresh else None
    run = Sync(desk, takeover.manners, dry_run, approved, progress, None if roll is None else roll(since))
    report = await run.run(takeover.found(0.0 if roll is None else since))
    if not dry_run:
        good = 0.0 if report["held_count"] else began if roll is None else whole  # who is held is looked at each time
        await desk.store.change(lambda writing: remember_begun(writing, id, version, good, began))
    return report


async def _approved(desk: Desk, actor: str, id: str, approve: bool | str, *, dry_run: bool) -> str:  # noqa: FBT001 - as the caller has it
    """The number of the list that is approved; the journal says who approved it. Refused when there is none."""
    if not approve:
        return ""
    number = approve if isinstance(approve, str) else ""
    if not number:
        last = await desk.store.read(lambda reading: last_run(reading, id))
        number = (last or {}).get("held_as", "")
    if not number:
        raise Refused("Nobody is held, so there is nothing to approve. See who would be: a dry run tells.", "approve")
    if not dry_run:
        note = desk.entry("directory.approve", actor, directory=id, list=number)
        await desk.store.change(lambda writing: writing.note(note))
    return number


def refuse_unlisted(desk: Desk, id: str) -> Takeover:
    """How the people of this directory are taken over; refused where it lists nobody."""
    takeover = takeover_of(desk, id)
    if takeover is None:
        raise Refused(f"The directory {id} lists nobody: it has no items to synchronise.", "id")
    return takeover


def takeover_of(desk: Desk, id: str) -> Takeover | None:
    """How the people of this directory are taken over. Refused when there is no such directory."""
    record = desk.store.snapshot.directories.get(id)
    if record is None:
        raise _missing(id)
    kind = desk.directories.kinds.get(record.kind)
    return kind.takeover(record, _live(desk, id)) if kind else None


def the_directory(reading: Reading, id: str) -> DirectoryRecord:
    """The directory with this id; refused when there is none."""
    record = reading.get(DirectoryRecord, id)
    if record is None:
        raise _missing(id)
    return record


def _where(record: DirectoryRecord) -> list[Any]:
    settings = json.loads(record.settings)
    return [settings.get(name) for name in WHERE]


def _missing(id: str) -> Missing:
    return Missing(f"There is no directory {id}. See them with: vestibule directory list", "id")


def _live(desk: Desk, id: str) -> AccountDirectory:
    live = desk.directories.directory_of(id)
    if live is None:
        raise _missing(id)
    return live


def _kept(desk: Desk, id: str, kind: str, settings: Mapping[str, Any], secret: Secret) -> str:
    """The settings as JSON, once the kind has found nothing wrong with them."""
    known = desk.directories.kinds.get(kind)
    if known is None:
        raise Refused(f"kind must be one of {', '.join(desk.directories.kinds)}.", "kind")
    try:
        return json.dumps(known.checked(id, settings, secret), ensure_ascii=False, sort_keys=True)
    except Malformed as malformed:
        raise Refused(f"{malformed}.", "settings") from None


def _refuse_unknown_groups(desk: Desk, reading: Reading, record: DirectoryRecord) -> None:
    """A group that an item gives must be there."""
    for name in desk.directories.kinds[record.kind].groups(record):
        if reading.get(Group, name) is None:
            raise Refused(f"There is no group {name}. Add it with: vestibule group add {name}", "settings")


def _refuse_in_use(reading: Reading, id: str) -> None:
    the_directory(reading, id)
    users = [client.id for client in reading.page(Client, "", MOST) if client.first_factor == id]
    if users:
        raise Refused(
            f"The client {users[0]} has first factors checked by {id}. Change it first: "
            f"vestibule client set {users[0]} --first-factor ''",
            "id",
        )


def _users_after(after: str) -> Callable[[Reading], list[User]]:
    return lambda reading: reading.page(User, after, SLICE - 1)


def _releasing(desk: Desk, actor: str, id: str, users: list[User]) -> Callable[[Writing], int]:
    def act(writing: Writing) -> int:
        known = [one for user in users if (one := writing.get(User, user.id)) and one.directory == id]
        for one in known:
            writing.put(replace(one, directory="", external_id="", version=one.version + 1))
        writing.note(desk.entry("directory.release", actor, directory=id, users=len(known)))
        return len(known)

    return act


def directory_told(record: DirectoryRecord) -> Told:
    """A directory, without its secret."""
    return {
        "id": record.id,
        "kind": record.kind,
        "settings": json.loads(record.settings),
        "secret": bool(record.secret),
        "created_at": record.created_at,
    }


def _person_told(person: Person | Ambiguous) -> Told:
    if isinstance(person, Ambiguous):
        return {"ambiguous": list(person.places)}
    return {
        "id": person.id,
        "name": person.name,
        "other_names": list(person.other_names),
        "place": person.place,
        "enabled": person.enabled,
    }


def _verdict_told(said: Verdict) -> Told:
    return {
        "right": said.right,
        "reason": None if said.right else said.refusal.value,
        "detail": said.detail,
        "attributes": [list(pair) for pair in said.attributes],
    }
