"""Whole sign-ins on a store: a code is spent once, however many ask at once, and the waist carries every turn."""

import asyncio
import hashlib
from collections import Counter

import pytest

from tests.conformance.store.opening import NODE, OpenStore, event_id, lines_of, putting, soon
from tests.waist.channel import Postbox
from tests.waist.methods import DECLINED, Tap
from vestibule.core.case import Key, KeyKind, Moment
from vestibule.core.clients import Client, SignIn
from vestibule.core.credentials import Credential, Seed
from vestibule.core.decisions import Accept, Ask, Decision, Deliver, Order, Reject, Wait
from vestibule.core.engine import Engine
from vestibule.core.errors import Unavailable
from vestibule.core.events import Answered, Began, Event, Expired, NotDelivered
from vestibule.core.messages import Message
from vestibule.core.oath import hotp, time_step
from vestibule.core.outbox import OutboxRow
from vestibule.core.ports import Channel, Store
from vestibule.core.prompts import Approve
from vestibule.core.reasons import Reason
from vestibule.core.secret import Secret
from vestibule.core.users import Mfa, User
from vestibule.methods.totp import Totp

ROUNDS = 500
AT_ONCE = 8
PARKED = 2000
START = 1_700_000_000.0

KEY = Secret(b"12345678901234567890")  # RFC 6238 appendix B
VPN = Client("vpn", "VPN", ("192.0.2.0/24",), (Secret.of("s"),), sign_in=SignIn.CODE_ONLY, require_user_match=False)
SEED = Seed("seed", KEY)


def person(name: str) -> User:
    return User(f"id of {name}", name, name, groups=("staff",), mfa=Mfa.ENFORCED)


def token(name: str) -> Credential:
    return Credential(f"token of {name}", "totp", f"id of {name}", seed_id="seed")


def phone(name: str) -> Credential:
    return Credential(f"phone of {name}", "tap", f"id of {name}")


def code(at: float) -> str:
    return hotp(KEY.reveal(), time_step(at, 30))


class Desk:
    """Hands events of sign-ins to a store, each at a time that the test chooses."""

    def __init__(self, store: Store, *, channel: str = "test") -> None:
        self._store = store
        self._engine = Engine([Totp()], [Tap(channel)])

    async def began(
        self, name: str, typed: str = "", at: float = START, source: str = "here", same: str = ""
    ) -> "Desk.Turn":
        """Somebody begins; `same` makes it an event that may have been told before."""
        event = Began("vpn", name, name, Secret.of(typed), source)
        return await self._settle(Key(KeyKind.NAME, name, source), event, at, same)

    async def answered(self, waiting: Wait, answer: Secret, at: float = START + 1) -> Decision | None:
        """The answer comes in through another door."""
        return (await self.on(Answered(waiting.attempt_id, waiting.nonce, answer), at)).decision

    async def on(self, event: Answered | NotDelivered | Expired, at: float = START + 1) -> "Desk.Turn":
        return await self._settle(Key(KeyKind.ATTEMPT, event.attempt_id), event, at)

    async def _settle(self, key: Key, event: Event, at: float, same: str = "") -> "Desk.Turn":
        name = same or event_id()
        moment = Moment(at, hashlib.sha256(name.encode()).digest())
        step = await self._store.settle(key, name, lambda case: self._engine.step(case, event, moment), soon())
        return Desk.Turn(step.decision, step.order)

    class Turn:
        """The word for the door, and the message that must go out."""

        def __init__(self, decision: Decision | None, order: Order | None) -> None:
            self.decision = decision
            self.order = order

        @property
        def message(self) -> Message | None:
            return self.order.message if isinstance(self.order, Deliver) else None

        @property
        def waiting(self) -> Wait:
            assert isinstance(self.decision, Wait)
            return self.decision


def number(waiting: Wait) -> Secret:
    """What the person sees and types elsewhere."""
    assert isinstance(waiting.prompt, Approve)
    return Secret.of(waiting.prompt.number)


async def waiting_sign_in(store: Store, *, with_token: bool = False) -> tuple[Desk, Desk.Turn]:
    """A sign-in of Zoe that waits for her telephone."""
    await store.change(putting(VPN, person("zoe"), phone("zoe")))
    if with_token:
        await store.change(putting(SEED, token("zoe")))
    desk = Desk(store)
    return desk, await desk.began("zoe")


class SigningIn:
    # -- codes --------------------------------------------------------------------------------------------------

    @pytest.mark.requirement(4)
    async def test_one_code_sent_many_times_at_once_lets_in_once(self, open_store: OpenStore) -> None:
        store = await open_store()
        await store.change(putting(VPN, person("zoe"), token("zoe"), SEED))
        desk = Desk(store)
        for turn in range(ROUNDS):
            at = START + 30 * turn
            turns = await asyncio.gather(*(desk.began("zoe", code(at), at) for _ in range(AT_ONCE)))
            outcomes = Counter(turn.decision for turn in turns)
            assert outcomes == {Accept("zoe", ("staff",)): 1, Reject(Reason.CODE_REUSED): AT_ONCE - 1}
        accepted = [line for line in await lines_of(store) if line.entry.accepted]
        assert len(accepted) == ROUNDS

    @pytest.mark.requirement(4)
    async def test_a_code_of_a_shared_seed_lets_one_of_two_persons_in(self, open_store: OpenStore) -> None:
        store = await open_store()
        await store.change(putting(VPN, person("zoe"), person("max"), token("zoe"), token("max"), SEED))
        desk = Desk(store)
        for turn in range(50):
            at = START + 30 * turn
            turns = await asyncio.gather(*(desk.began(name, code(at), at) for name in ("zoe", "max")))
            assert sorted(isinstance(turn.decision, Accept) for turn in turns) == [False, True]

    @pytest.mark.requirement(4)
    async def test_a_code_that_was_spent_stays_spent(self, open_store: OpenStore) -> None:
        store = await open_store()
        await store.change(putting(VPN, person("zoe"), token("zoe"), SEED))
        desk = Desk(store)
        await desk.began("zoe", code(START))
        for source in ("here", "elsewhere"):
            turn = await desk.began("zoe", code(START), source=source)
            assert turn.decision == Reject(Reason.CODE_REUSED)

    @pytest.mark.requirement(20)
    async def test_parallel_guesses_are_stopped_at_the_limit(self, open_store: OpenStore) -> None:
        store = await open_store()
        await store.change(putting(VPN, person("zoe"), token("zoe"), SEED))
        await store.change(lambda writing: writing.set("limits.source_tries", "3"))
        desk = Desk(store)
        guesses = [
            f"{guess:06}" for guess in range(200) if f"{guess:06}" not in map(code, (START - 30, START, START + 30))
        ]
        turns = await asyncio.gather(*(desk.began("zoe", guess) for guess in guesses))
        outcomes = Counter(turn.decision for turn in turns)
        assert outcomes == {Reject(Reason.WRONG_CODE): 3, Reject(Reason.THROTTLED): len(guesses) - 3}

    # -- the waist ----------------------------------------------------------------------------------------------

    async def test_a_waiting_sign_in_is_let_in_through_another_door(self, open_store: OpenStore) -> None:
        store = await open_store()
        desk, turn = await waiting_sign_in(store)
        rows = await store.read(lambda reading: reading.find(OutboxRow, "leased_by", NODE))
        assert [row.message for row in rows] == [turn.message]
        channel: Channel = (postbox := Postbox())
        await channel.send(rows[0].message, soon())
        await store.change(lambda writing: writing.remove(OutboxRow, rows[0].id))
        assert await postbox.next() == turn.message
        watch = asyncio.create_task(store.watch(turn.waiting.attempt_id, soon()))
        assert await desk.answered(turn.waiting, number(turn.waiting)) == Accept("zoe", ("staff",))
        attempt = await watch
        assert attempt is not None
        assert attempt.settled is not None
        assert (attempt.settled.reason, attempt.settled.groups) == (None, ("staff",))

    async def test_a_method_without_a_message_puts_nothing_on_its_way(self, open_store: OpenStore) -> None:
        store = await open_store()
        await store.change(putting(VPN, person("zoe"), phone("zoe")))
        turn = await Desk(store, channel="").began("zoe")
        assert (turn.waiting.prompt, turn.message) == (Approve(number(turn.waiting).reveal().decode()), None)
        assert await store.read(lambda reading: reading.count(OutboxRow)) == 0

    @pytest.mark.parametrize(
        ("answer", "reason"), [(DECLINED, Reason.DECLINED), (Secret.of("no number"), Reason.WRONG_CODE)]
    )
    async def test_a_wrong_answer_ends_the_wait(self, open_store: OpenStore, answer: Secret, reason: Reason) -> None:
        store = await open_store()
        desk, turn = await waiting_sign_in(store)
        watch = asyncio.create_task(store.watch(turn.waiting.attempt_id, soon()))
        assert await desk.answered(turn.waiting, answer) == Reject(reason)
        attempt = await watch
        assert attempt is not None
        assert attempt.settled is not None
        assert attempt.settled.reason is reason
        assert await desk.answered(turn.waiting, number(turn.waiting)) == Reject(Reason.UNKNOWN_ATTEMPT)

    @pytest.mark.requirement(54)
    async def test_many_answers_at_once_let_in_once(self, open_store: OpenStore) -> None:
        store = await open_store()
        desk, turn = await waiting_sign_in(store)
        answers = [desk.answered(turn.waiting, number(turn.waiting)) for _ in range(AT_ONCE)]
        outcomes = Counter(await asyncio.gather(*answers))
        assert outcomes == {Accept("zoe", ("staff",)): 1, Reject(Reason.UNKNOWN_ATTEMPT): AT_ONCE - 1}

    async def test_an_undelivered_message_turns_into_a_typed_code(self, open_store: OpenStore) -> None:
        store = await open_store()
        desk, turn = await waiting_sign_in(store, with_token=True)
        assert turn.message is not None
        with pytest.raises(Unavailable):
            await Postbox(Unavailable("no carrier")).send(turn.message, soon())
        watch = asyncio.create_task(store.watch(turn.waiting.attempt_id, soon()))
        asked = (await desk.on(NotDelivered(turn.waiting.attempt_id, turn.waiting.nonce))).decision
        assert isinstance(asked, Ask)
        attempt = await watch
        assert attempt is not None
        assert attempt.settled is None
        late = await desk.answered(turn.waiting, number(turn.waiting))
        assert late == Reject(Reason.UNKNOWN_ATTEMPT)
        typed = Answered(asked.attempt_id, asked.nonce, Secret.of(code(START)), "vpn", "zoe")
        assert (await desk.on(typed)).decision == Accept("zoe", ("staff",))

    async def test_an_undelivered_message_and_nothing_else_to_ask_is_a_refusal(self, open_store: OpenStore) -> None:
        store = await open_store()
        desk, turn = await waiting_sign_in(store)
        watch = asyncio.create_task(store.watch(turn.waiting.attempt_id, soon()))
        event = NotDelivered(turn.waiting.attempt_id, turn.waiting.nonce)
        assert (await desk.on(event)).decision == Reject(Reason.NOT_DELIVERED)
        attempt = await watch
        assert attempt is not None
        assert attempt.settled is not None
        assert attempt.settled.reason is Reason.NOT_DELIVERED
        assert (await desk.on(event)).decision == Reject(Reason.NOT_DELIVERED)
        assert [line.entry.reason for line in await lines_of(store)] == [Reason.NOT_DELIVERED]

    async def test_nobody_answers_and_a_late_answer_finds_nothing(self, open_store: OpenStore) -> None:
        store = await open_store()
        desk, turn = await waiting_sign_in(store)
        late = turn.waiting.expires_at
        expired = Expired(turn.waiting.attempt_id, turn.waiting.nonce)
        assert await desk.answered(turn.waiting, number(turn.waiting), late) == Reject(Reason.UNKNOWN_ATTEMPT)
        assert [one.id for one in await store.read(lambda reading: reading.expired_attempts(late + 1, 9))]
        assert (await desk.on(expired, late)).decision == Reject(Reason.NO_ANSWER)
        assert await store.read(lambda reading: reading.expired_attempts(late + 1, 9)) == []
        assert await desk.answered(turn.waiting, number(turn.waiting), late) == Reject(Reason.UNKNOWN_ATTEMPT)
        assert (await desk.on(expired, late)).decision == Reject(Reason.NO_ANSWER)
        reasons = [line.entry.reason for line in await lines_of(store)]
        assert Counter(reasons) == {Reason.UNKNOWN_ATTEMPT: 2, Reason.NO_ANSWER: 1}

    async def test_thousands_of_parked_sign_ins_are_each_let_in(self, open_store: OpenStore) -> None:
        store = await open_store()
        names = [f"user {i}" for i in range(PARKED)]
        people = [record for name in names for record in (person(name), phone(name))]
        await store.change(putting(VPN))
        for i in range(0, len(people), 200):
            await store.change(putting(*people[i : i + 200]))
        desk = Desk(store)
        turns = await asyncio.gather(*(desk.began(name) for name in names))
        watches = [asyncio.create_task(store.watch(turn.waiting.attempt_id, soon())) for turn in turns]
        await asyncio.gather(*(desk.answered(turn.waiting, number(turn.waiting)) for turn in reversed(turns)))
        attempts = await asyncio.gather(*watches)
        assert [one and one.settled and (one.user_name, one.settled.reason) for one in attempts] == [
            (name, None) for name in names
        ]
