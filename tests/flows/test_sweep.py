"""The sweep: what nobody answered is closed and told, what is old is forgotten, what was left behind is dealt with."""

import secrets
from dataclasses import dataclass, field, replace
from typing import Any

import pytest

from tests.conformance.store.opening import noting, putting
from tests.waist.channel import Postbox
from tests.waist.methods import Tap
from vestibule.core.attempts import Attempt, Challenge, Settled
from vestibule.core.clients import Client, SignIn
from vestibule.core.credentials import Credential, Seed
from vestibule.core.decisions import Ask, Decision, Reject, Wait
from vestibule.core.engine import Engine
from vestibule.core.errors import Unavailable
from vestibule.core.failures import KNOWN_SOURCE_SECONDS, FailureKind, Failures
from vestibule.core.journal import Entry, EntryKind, Query
from vestibule.core.messages import Delivery, Message
from vestibule.core.outbox import OutboxRow
from vestibule.core.ports import Record, Store
from vestibule.core.prompts import TypeCode
from vestibule.core.reasons import Reason, Result
from vestibule.core.secret import Secret
from vestibule.core.users import Mfa, User
from vestibule.flows.authenticate import Authenticate, Beginning
from vestibule.flows.sweep import DAY, SLICE, Sweep
from vestibule.methods.totp import Totp
from vestibule.stores.memory import MemoryStore

NOON = 1_800_000_000.0
CODE_ONLY = Client("vpn", "VPN", ("127.0.0.1/32",), (), sign_in=SignIn.CODE_ONLY)
HERE, GONE = "mfa1", "mfa2"


class Rubberstamp:
    """A directory in which every password is right."""

    name = "rubberstamp"

    async def check_password(self, user_id: str | None, password: Secret, source: str, deadline: float) -> bool:
        return True

    async def knows(self, user_id: str) -> bool:
        return False


class Registered(Postbox):
    """A channel whose provider knows a message by its id."""

    idempotent = True


@dataclass
class World:
    """A store, the flow over it, and a clock that stands still."""

    store: MemoryStore
    at: float = NOON
    channels: dict[str, Postbox] = field(default_factory=lambda: {"test": Postbox()})

    def __post_init__(self) -> None:
        engine = Engine([Totp()], [Tap(seconds=20.0)])
        self.authenticate = Authenticate(
            self.store,
            engine,
            Rubberstamp(),
            self.channels,
            lambda: self.at,
            lambda: self.at,
            secrets.token_bytes,
            lambda said: said,
        )
        self.sweep = Sweep(self.store, self.authenticate, self.channels, HERE, lambda: self.at)

    async def put(self, *records: Record) -> None:
        await self.store.change(putting(*records))

    async def begin(self, name: str, source: str = "192.0.2.1", typed: str = "") -> Decision:
        beginning = Beginning(secrets.token_hex(8), "vpn", name, Secret.of(typed), source, source, self.at + 5)
        return await self.authenticate.begin(beginning)

    async def entries(self) -> list[Entry]:
        lines = await self.store.read(lambda reading: reading.lines(Query(), (0.0, "", 0), 9999))
        return [line.entry for line in lines]

    async def left(self, kind: type[Any]) -> list[Any]:
        return await self.store.read(lambda reading: reading.page(kind, "", 9999))

    async def actions(self) -> list[str]:
        return [entry.action for entry in await self.entries()]


@pytest.fixture
async def world() -> World:
    clock: list[World] = []
    store = MemoryStore(bytes(32), secrets.token_bytes, node=HERE, clock=lambda: clock[0].at if clock else NOON)
    clock.append(World(store))
    await clock[0].put(
        CODE_ONLY,
        User("typist", "typist", "typist", mfa=Mfa.ENFORCED),
        Seed("seed", Secret(bytes(20))),
        Credential("token", "totp", "typist", seed_id="seed"),
        User("tapper", "tapper", "tapper", mfa=Mfa.ENFORCED),
        Credential("tap", "tap", "tapper"),
    )
    return clock[0]


# -- attempts -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "kind", "result"),
    [("typist", Ask, Result.OATH_PENDING), ("tapper", Wait, Result.AUTH_TIMEOUT)],
)
async def test_what_nobody_answered_is_journalled_by_its_kind_and_deleted(
    world: World, name: str, kind: type[Decision], result: Result
) -> None:
    assert isinstance(await world.begin(name), kind)
    world.at += 121
    assert await world.sweep.attempts() == 1
    assert await world.left(Attempt) == []
    (entry,) = await world.entries()
    assert (entry.user_name, entry.accepted, entry.reason, entry.result) == (name, False, Reason.NO_ANSWER, result)
    assert await world.sweep.attempts() == 0
    assert len(await world.entries()) == 1


async def test_an_open_question_is_left_alone(world: World) -> None:
    await world.begin("typist")
    world.at += 119
    assert await world.sweep.attempts() == 0
    assert len(await world.left(Attempt)) == 1


async def test_a_settled_attempt_goes_without_a_second_line(world: World) -> None:
    settled = Attempt("a", "vpn", "typist", "typist", "typist", "", "", NOON, NOON + 1, settled=Settled(NOON))
    await world.put(settled)
    world.at += 2
    assert await world.sweep.attempts() == 1
    assert await world.left(Attempt) == []
    assert await world.entries() == []


async def test_many_are_closed_in_one_run(world: World) -> None:
    many = [
        Attempt(f"{i:04}", "vpn", "", "nobody", "nobody", "", "", NOON, NOON + 1, Challenge("n", TypeCode(), NOON + 1))
        for i in range(2 * SLICE + 10)
    ]
    await world.put(*many)
    world.at += 2
    assert await world.sweep.attempts() == len(many)
    assert await world.left(Attempt) == []


class Sabotaged(MemoryStore):
    """Refuses one event."""

    async def settle(self, key, event_id, decide, deadline):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN201 - the port's
        if event_id.startswith("0003"):
            raise Unavailable("not this one")
        return await super().settle(key, event_id, decide, deadline)


async def test_one_that_cannot_be_closed_keeps_none_of_the_others_open() -> None:
    world = World(Sabotaged(bytes(32), secrets.token_bytes, clock=lambda: NOON))
    await world.put(*(Attempt(f"{i:04}", "vpn", "", "", "", "", "", NOON, NOON - 1) for i in range(SLICE + 9)))
    with pytest.raises(Unavailable, match="not this one"):
        await world.sweep.attempts()
    assert [attempt.id for attempt in await world.left(Attempt)] == ["0003"]


# -- counted refusals ---------------------------------------------------------------------------------------------


async def test_refusals_that_were_only_counted_get_one_line_for_each_place(world: World) -> None:
    for source, count in (("192.0.2.1", 13), ("192.0.2.2", 11)):
        for _ in range(count):
            assert await world.begin("nobody", source, typed="123456") == Reject(Reason.UNKNOWN_USER)
    assert len(await world.entries()) == 20
    assert await world.sweep.unknown_names() == 2
    counted = {entry.source: entry.detail for entry in (await world.entries()) if entry.detail}
    assert counted == {"192.0.2.1": {"count": 3}, "192.0.2.2": {"count": 1}}
    assert await world.sweep.unknown_names() == 0


async def test_counted_refusals_wait_for_a_store_that_is_away(world: World) -> None:
    for _ in range(12):
        await world.begin("nobody", typed="123456")
    away, world.store._closed = world.store._closed, True
    with pytest.raises(Unavailable):
        await world.sweep.unknown_names()
    world.store._closed = away
    assert await world.sweep.unknown_names() == 1
    assert (await world.entries())[-1].detail == {"count": 2}


# -- failures -----------------------------------------------------------------------------------------------------


async def test_only_places_that_delay_nobody_and_are_not_known_are_forgotten(world: World) -> None:
    forget_after = world.store.snapshot.settings.limits.forget_source_after
    factor, source = FailureKind.FACTOR, FailureKind.SOURCE
    old, known = NOON - forget_after, NOON - KNOWN_SOURCE_SECONDS
    kept = [
        Failures("u", factor, "password", 1, last_at=1.0),
        Failures("u", source, "failed lately", 1, last_at=old),
        Failures("u", source, "known", 0, accepted_at=known),
    ]
    gone = [
        Failures("u", factor, "token", 0, last_at=1.0),
        *(Failures("u", source, f"old {i}", 1, last_at=old - 0.1, accepted_at=known - 0.1) for i in range(SLICE)),
    ]
    await world.put(*kept, *gone)
    assert await world.sweep.failures() == len(gone)
    assert await world.left(Failures) == kept


class ChangedBetween(MemoryStore):
    """Something happens after each question."""

    happens: Record | None = None

    async def read(self, question):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN201 - the port's
        answer = await super().read(question)
        if self.happens is not None:
            record, self.happens = self.happens, None
            await self.change(lambda writing: writing.put(record))
        return answer


async def test_a_place_that_fails_again_in_that_moment_is_not_forgotten() -> None:
    store = ChangedBetween(bytes(32), secrets.token_bytes)
    world = World(store)
    row = Failures("u", FailureKind.SOURCE, "here", 1, last_at=1.0)
    await world.put(row)
    store.happens = replace(row, count=2, last_at=NOON)
    assert await world.sweep.failures() == 0
    assert await world.left(Failures) == [replace(row, count=2, last_at=NOON)]


# -- messages -----------------------------------------------------------------------------------------------------


def left_behind(
    message_id: str = "m", *, by: str = GONE, until: float = NOON - 1, deadline: float = NOON + 60
) -> OutboxRow:
    return OutboxRow(message_id, Message(message_id, "test", "tap", "attempt", "tap", deadline), by, until)


async def test_a_message_past_its_deadline_is_removed_with_a_line(world: World) -> None:
    await world.put(left_behind(deadline=NOON), replace(left_behind("u", deadline=NOON), unknown=True))
    assert await world.sweep.outbox() == 2
    assert await world.left(OutboxRow) == []
    told = [(entry.action, entry.detail["message"], entry.detail["outcome"]) for entry in await world.entries()]
    assert told == [("message.dropped", "m", "not_known_to_be_sent"), ("message.dropped", "u", "unknown")]
    assert world.channels["test"].messages == []


async def test_a_message_whose_fate_nobody_knows_is_said_to_be_unknown_and_not_sent_again(world: World) -> None:
    await world.put(left_behind())
    assert await world.sweep.outbox() == 1
    assert await world.left(OutboxRow) == [replace(left_behind(), leased_by="", unknown=True)]
    (entry,) = await world.entries()
    assert (entry.kind, entry.action, entry.attempt_id) == (EntryKind.SYSTEM, "message.unknown", "attempt")
    assert await world.sweep.outbox() == 0
    assert world.channels["test"].messages == []


@pytest.mark.parametrize("delivery", [Delivery.SENT, Delivery.UNKNOWN])
async def test_a_message_is_sent_again_where_that_reaches_the_person_once(world: World, delivery: Delivery) -> None:
    world.channels["test"] = postbox = Registered(delivery)
    await world.put(left_behind())
    assert await world.sweep.outbox() == 1
    assert await postbox.next() == left_behind().message
    await world.authenticate.close()
    assert [row.unknown for row in await world.left(OutboxRow)] == [True] * (delivery is Delivery.UNKNOWN)
    assert await world.actions() == ["message.resent"]


async def test_a_channel_that_says_it_is_not_idempotent_is_believed(world: World) -> None:
    world.channels["test"] = postbox = Registered()
    postbox.idempotent = False
    await world.put(left_behind())
    await world.sweep.outbox()
    assert await world.actions() == ["message.unknown"]


async def test_a_message_that_somebody_is_sending_is_left_alone(world: World) -> None:
    rows = [left_behind("a", by=GONE, until=NOON + 1), left_behind("b", by=HERE, until=NOON + 1)]
    await world.put(*rows)
    assert await world.sweep.outbox() == 0
    assert await world.left(OutboxRow) == rows


async def test_what_this_node_had_leased_before_it_started_was_left_behind(world: World) -> None:
    theirs = left_behind("a", by=GONE, until=NOON + 1)
    await world.put(theirs, left_behind("b", by=HERE, until=NOON + 1))
    assert await world.sweep.outbox(starting=True) == 1
    assert [(row.id, row.unknown) for row in await world.left(OutboxRow)] == [("a", False), ("b", True)]


async def test_all_pages_of_messages_are_looked_at(world: World) -> None:
    await world.put(*(left_behind(f"{i:04}", until=NOON + 9) for i in range(SLICE)), left_behind("later"))
    assert await world.sweep.outbox() == 1


# -- the journal --------------------------------------------------------------------------------------------------


async def note(store: Store, *times: float) -> None:
    entries = [Entry(at, EntryKind.SIGN_IN, "sign_in") for at in times]
    await store.change(noting(*entries))


async def keep_days(world: World, days: int) -> None:
    await world.store.change(lambda writing: writing.set("journal_keep_days", str(days)))


async def test_lines_are_kept_for_ever_unless_a_setting_says_otherwise(world: World) -> None:
    await note(world.store, 1.0)
    assert await world.sweep.journal() == 0
    assert len(await world.entries()) == 1


async def test_old_lines_go_in_slices_and_their_number_is_told(world: World) -> None:
    await keep_days(world, 10)
    old = [NOON - 10 * DAY - 1] * (2 * SLICE + 5)
    await note(world.store, *old, NOON - 10 * DAY, NOON)
    assert await world.sweep.journal() == len(old)
    entries = await world.entries()
    assert [entry.at for entry in entries] == [NOON - 10 * DAY, NOON, NOON]
    assert (entries[-1].action, entries[-1].detail) == (
        "journal.pruned",
        {"lines": len(old), "before": NOON - 10 * DAY},
    )
    assert await world.sweep.journal() == 0


def test_the_slices_are_as_small_as_promised() -> None:
    assert SLICE <= 200
