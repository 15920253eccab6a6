"""Decisions: what they may look at, what of them is saved, once each, alone, in time, and none harming another."""

import asyncio
import time
from dataclasses import replace

import pytest

from tests.conformance.store.opening import (
    NOBODY,
    NODE,
    OpenStore,
    Poison,
    event_id,
    lines_of,
    look,
    poisoned,
    putting,
    settle,
    sign_in,
    soon,
)
from tests.conformance.store.samples import EXACT, UNUSUAL
from vestibule.core.attempts import Attempt, Settled
from vestibule.core.case import Case, Decide, Key, KeyKind, Step
from vestibule.core.credentials import Credential, Seed
from vestibule.core.decisions import Accept, Ask, Decision, Deliver, Reject, Wait
from vestibule.core.errors import Unavailable
from vestibule.core.failures import FailureKind, Failures
from vestibule.core.messages import Message
from vestibule.core.outbox import OutboxRow
from vestibule.core.ports import Record
from vestibule.core.prompts import Approve, TypeCode
from vestibule.core.reasons import Reason
from vestibule.core.secret import Secret
from vestibule.core.users import Alias, User

MANY = 32
USER = User("1", "Zoe", "zoe")
OTHER = User("2", "Max", "max")
CREDENTIALS = (  # in the order in which they are tried
    Credential("c9", "totp", "1", seed_id="s1", created_at=1.0),
    Credential("c1", "hotp", "1", seed_id="s2", created_at=2.0),
    Credential("c2", "recovery", "1", created_at=2.0),
)
SEEDS = (Seed("s1", Secret(b"one")), Seed("s2", Secret(b"two")))
FACTORS = tuple(Failures("1", FailureKind.FACTOR, name, 1) for name in ("c9", "password"))
HERE = Failures("1", FailureKind.SOURCE, "here", 2)
ELSEWHERE = Failures("1", FailureKind.SOURCE, "elsewhere", 3)
ATTEMPT = Attempt("attempt", "client", "1", "Zoe", "zoe", "here", "", 1.0, 61.0)
STRANGERS = (
    OTHER,
    Credential("c3", "totp", "2", seed_id="s3"),
    Seed("s3", Secret(b"three")),
    Failures("2", FailureKind.SOURCE, "here", 4),
    Failures("2", FailureKind.FACTOR, "c3", 4),
    Failures("2", FailureKind.FACTOR, "here", 4),
    Attempt("stranger's", "client", "2", "Max", "max", "here", "", 1.0, 61.0),
)
EVERYTHING: tuple[Record, ...] = (*STRANGERS, USER, *reversed(CREDENTIALS), *SEEDS, *FACTORS, HERE, ELSEWHERE, ATTEMPT)
ZOE = Key(KeyKind.NAME, "zoe", "here")
DECISIONS: tuple[Decision | None, ...] = (
    Accept(UNUSUAL, ("staff", UNUSUAL)),
    Reject(Reason.CODE_REUSED),
    Ask("attempt", "nonce", TypeCode()),
    Wait("attempt", "nonce", Approve("42"), EXACT),
    None,
)


def failures_of(*rows: Failures) -> dict[tuple[FailureKind, str], Failures]:
    return {(row.kind, row.name): row for row in rows}


def counting(case: Case) -> Step:
    """Count one failure of the person."""
    user_id = case.user.id if case.user else ""
    row = case.failures.get((FailureKind.SOURCE, "here")) or Failures(user_id, FailureKind.SOURCE, "here")
    failures = {**case.failures, (FailureKind.SOURCE, "here"): replace(row, count=row.count + 1)}
    return Step(replace(case, failures=failures), Reject(Reason.WRONG_CODE), entry=sign_in(user_id=user_id))


def unwritable(case: Case) -> Step:
    """Let in, with an entry that no journal can write."""
    return replace(counting(case), entry=replace(sign_in(), detail={"not JSON": object()}))


class Settling:
    async def test_a_name_finds_the_person_and_all_that_decides(self, open_store: OpenStore) -> None:
        store = await open_store()
        await store.change(putting(*EVERYTHING))
        seeds = {seed.id: seed for seed in SEEDS}
        assert await look(store, ZOE) == Case(
            store.snapshot, USER, CREDENTIALS, seeds, failures_of(*FACTORS, HERE), attempt=None
        )
        assert (await look(store, Key(KeyKind.NAME, "zoe"))).failures == failures_of(*FACTORS)
        assert (await look(store, Key(KeyKind.NAME, "zoe", "new"))).failures == failures_of(*FACTORS)

    async def test_another_name_finds_the_same_person(self, open_store: OpenStore) -> None:
        store = await open_store()
        await store.change(putting(*EVERYTHING, Alias("corp\\zoe", USER.id), Alias("stale", "gone")))
        alias = replace(ZOE, value="corp\\zoe")
        assert await look(store, alias) == await look(store, ZOE)
        assert (await look(store, replace(ZOE, value="stale"))).user is None
        together = await asyncio.gather(*(settle(store, key, counting) for key in (ZOE, alias)))
        assert [step.decision for step in together] == [Reject(Reason.WRONG_CODE)] * 2
        assert (await look(store, ZOE)).failures[FailureKind.SOURCE, "here"].count == HERE.count + 2

    async def test_a_persons_own_name_goes_before_another_name_of_somebody(self, open_store: OpenStore) -> None:
        store = await open_store()
        await store.change(putting(*EVERYTHING, Alias("zoe", OTHER.id), Alias("max", USER.id)))
        assert (await look(store, ZOE)).user == USER
        assert (await look(store, replace(ZOE, value="max"))).user == OTHER

    async def test_an_attempt_finds_its_person_and_its_own_source(self, open_store: OpenStore) -> None:
        store = await open_store()
        await store.change(putting(*EVERYTHING))
        by_name = await look(store, ZOE)
        assert await look(store, Key(KeyKind.ATTEMPT, "attempt")) == replace(by_name, attempt=ATTEMPT)
        case = await look(store, Key(KeyKind.ATTEMPT, "attempt", "elsewhere"))
        assert case.failures == failures_of(*FACTORS, ELSEWHERE)

    async def test_an_attempt_under_a_name_that_nobody_has_stands_alone(self, open_store: OpenStore) -> None:
        store = await open_store()
        attempt = replace(ATTEMPT, user_id="", user_name="nobody", user_key="nobody")
        await store.change(putting(USER, attempt))
        assert await look(store, Key(KeyKind.ATTEMPT, "attempt")) == Case(store.snapshot, attempt=attempt)

    async def test_a_credential_finds_its_person(self, open_store: OpenStore) -> None:
        store = await open_store()
        await store.change(putting(*EVERYTHING))
        assert await look(store, Key(KeyKind.CREDENTIAL, "c1", "here")) == await look(store, ZOE)

    @pytest.mark.parametrize("kind", KeyKind)
    @pytest.mark.parametrize("value", ["nobody", "", "ZOE", "1", "unassigned"])
    async def test_what_nobody_has_finds_an_empty_case(self, open_store: OpenStore, kind: KeyKind, value: str) -> None:
        store = await open_store()
        await store.change(putting(*EVERYTHING, Credential("unassigned", "totp", seed_id="s1")))
        assert await look(store, Key(kind, value, "here")) == Case(store.snapshot)

    async def test_a_step_is_answered_as_it_was_decided(self, open_store: OpenStore) -> None:
        store = await open_store()
        made: list[Step] = []

        def decide(case: Case) -> Step:
            made.append(Step(case, Reject(Reason.BLOCKED), entry=sign_in()))
            return made[0]

        assert await settle(store, NOBODY, decide) == made[0]

    async def test_all_that_a_step_changes_is_saved(self, open_store: OpenStore) -> None:
        store = await open_store()
        await store.change(putting(*EVERYTHING))
        user = replace(USER, groups=("new",), version=2)
        credentials = (replace(CREDENTIALS[0], memory="spent", version=2), *CREDENTIALS[1:])
        seeds = {"s1": replace(SEEDS[0], last_step=57, counter=4, drift=-1, resync=True, used_at=5.5), "s2": SEEDS[1]}
        new = Failures("1", FailureKind.FACTOR, "c1", 1, 5.5, (), 6.5, "proof")
        failures = failures_of(FACTORS[0], replace(HERE, count=9, shares=(("c1", 1),)), new)  # the password's row goes
        opened = replace(ATTEMPT, id="opened")
        change = {"user": user, "credentials": credentials, "seeds": seeds, "failures": failures, "attempt": opened}
        await settle(store, ZOE, lambda case: Step(replace(case, **change)))  # type: ignore[arg-type]  # as listed
        attempt_key = Key(KeyKind.ATTEMPT, "opened")
        assert await look(store, attempt_key) == Case(store.snapshot, user, credentials, seeds, failures, opened)
        elsewhere = await look(store, Key(KeyKind.NAME, "zoe", "elsewhere"))
        assert elsewhere.failures[FailureKind.SOURCE, "elsewhere"] == ELSEWHERE
        assert (await look(store, Key(KeyKind.NAME, "max", "here"))).user == OTHER

    async def test_an_attempt_is_opened_changed_and_removed_by_steps(self, open_store: OpenStore) -> None:
        store = await open_store()
        key = Key(KeyKind.ATTEMPT, "attempt")
        await settle(store, NOBODY, lambda case: Step(replace(case, attempt=ATTEMPT)))
        assert (await look(store, key)).attempt == ATTEMPT
        settled = replace(ATTEMPT, settled=Settled(2.0, groups=("staff",)))
        await settle(store, key, lambda case: Step(replace(case, attempt=settled)))
        assert (await look(store, key)).attempt == settled
        await settle(store, key, lambda case: Step(replace(case, attempt=None)))
        assert await store.read(lambda reading: reading.count(Attempt)) == 0

    async def test_a_step_that_changes_nothing_writes_nothing(self, open_store: OpenStore) -> None:
        store = await open_store()
        await store.change(putting(*EVERYTHING))
        before = await look(store, ZOE)
        await settle(store, ZOE, lambda case: Step(case, Reject(Reason.BLOCKED)))
        assert await look(store, ZOE) == before
        assert await lines_of(store) == []

    async def test_a_message_is_on_its_way_with_its_step_until_it_is_struck_out(self, open_store: OpenStore) -> None:
        store = await open_store()
        message = Message("m", "test", "c1", "attempt", "tap", 61.0)
        await settle(store, NOBODY, lambda case: Step(case, order=Deliver(message)))
        row = OutboxRow("m", message, NODE, 61.0)
        assert await store.read(lambda reading: reading.find(OutboxRow, "leased_by", NODE)) == [row]
        await store.change(lambda writing: writing.remove(OutboxRow, "m"))
        assert await store.read(lambda reading: reading.count(OutboxRow)) == 0

    # -- many at once -------------------------------------------------------------------------------------------

    async def test_events_of_one_person_at_once_see_each_other_and_keep_their_order(
        self, open_store: OpenStore
    ) -> None:
        store = await open_store()
        await store.change(putting(USER))
        turns: list[int] = []

        def in_turn(turn: int) -> Decide:
            def decide(case: Case) -> Step:
                turns.append(turn)
                return counting(case)

            return decide

        await asyncio.gather(*(settle(store, ZOE, in_turn(turn)) for turn in range(MANY)))
        assert (await look(store, ZOE)).failures[FailureKind.SOURCE, "here"].count == MANY
        assert turns == list(range(MANY))

    async def test_a_shared_seed_is_spent_for_both_persons_at_once(self, open_store: OpenStore) -> None:
        store = await open_store()
        shared = [Credential(f"c{user_id}", "totp", user_id, seed_id="s1") for user_id in ("1", "2")]
        await store.change(putting(USER, OTHER, *shared, SEEDS[0]))

        def spend(case: Case) -> Step:
            seed = case.seeds["s1"]
            return Step(replace(case, seeds={"s1": replace(seed, counter=seed.counter + 1)}))

        keys = [Key(KeyKind.NAME, "zoe", "here"), Key(KeyKind.NAME, "max", "here")]
        await asyncio.gather(*(settle(store, key, spend) for key in keys * 8))
        assert [(await look(store, key)).seeds["s1"].counter for key in keys] == [16, 16]

    @pytest.mark.parametrize("decide", [poisoned, unwritable])
    async def test_a_poisoned_decision_harms_nobody_else(self, open_store: OpenStore, decide: Decide) -> None:
        store = await open_store()
        await store.change(putting(USER))
        bad = MANY // 2
        work = [settle(store, ZOE, decide if i == bad else counting) for i in range(MANY)]
        outcomes = await asyncio.gather(*work, return_exceptions=True)
        assert [i for i, one in enumerate(outcomes) if not isinstance(one, Step)] == [bad]
        assert isinstance(outcomes[bad], Poison | TypeError | Unavailable)
        assert (await look(store, ZOE)).failures[FailureKind.SOURCE, "here"].count == MANY - 1
        assert len(await lines_of(store)) == MANY - 1

    async def test_a_caller_that_gives_up_harms_nobody_else(self, open_store: OpenStore) -> None:
        store = await open_store()
        await store.change(putting(USER))
        work = [asyncio.create_task(settle(store, ZOE, counting)) for _ in range(MANY)]
        await asyncio.sleep(0)
        work[3].cancel()
        outcomes = await asyncio.gather(*work, return_exceptions=True)
        count = (await look(store, ZOE)).failures[FailureKind.SOURCE, "here"].count
        assert sum(isinstance(one, Step) for one in outcomes) in (count, count - 1)
        assert count in (MANY, MANY - 1)

    @pytest.mark.requirement(48)
    async def test_what_the_journal_cannot_write_is_not_decided(self, open_store: OpenStore) -> None:
        store = await open_store()
        await store.change(putting(USER))
        with pytest.raises((TypeError, Unavailable)):
            await settle(store, ZOE, unwritable)
        assert (await look(store, ZOE)).failures == {}
        assert await lines_of(store) == []

    # -- once, and in time --------------------------------------------------------------------------------------

    @pytest.mark.requirement(40)
    async def test_a_settled_event_is_answered_again_and_not_decided_again(self, open_store: OpenStore) -> None:
        store = await open_store()
        await store.change(putting(USER))
        same = event_id()
        first = await store.settle(ZOE, same, counting, soon())
        again = await store.settle(ZOE, same, poisoned, soon())
        assert (again.decision, again.order) == (first.decision, first.order)
        assert (await look(store, ZOE)).failures[FailureKind.SOURCE, "here"].count == 1
        assert len(await lines_of(store)) == 1

    @pytest.mark.requirement(40)
    @pytest.mark.parametrize("decision", DECISIONS, ids=lambda one: type(one).__name__)
    @pytest.mark.parametrize("order", [None, Deliver(Message("m", "test", "c1", UNUSUAL, "tap", 61.5))])
    async def test_whatever_was_decided_is_said_again_as_it_was(
        self, open_store: OpenStore, decision: Decision | None, order: Deliver | None
    ) -> None:
        store = await open_store()
        same = event_id()
        first = await store.settle(NOBODY, same, lambda case: Step(case, decision, order), soon())
        assert (first.decision, first.order) == (decision, order)
        again = await store.settle(NOBODY, same, poisoned, soon())
        assert (again.decision, again.order) == (decision, order)

    @pytest.mark.requirement(40)
    async def test_the_same_event_many_times_at_once_is_decided_once(self, open_store: OpenStore) -> None:
        store = await open_store()
        await store.change(putting(USER))
        same = event_id()
        steps = await asyncio.gather(*(store.settle(ZOE, same, counting, soon()) for _ in range(MANY)))
        assert {(step.decision, step.order) for step in steps} == {(Reject(Reason.WRONG_CODE), None)}
        assert (await look(store, ZOE)).failures[FailureKind.SOURCE, "here"].count == 1

    async def test_a_decision_that_broke_is_not_remembered(self, open_store: OpenStore) -> None:
        store = await open_store()
        await store.change(putting(USER))
        same = event_id()
        with pytest.raises(Poison):
            await store.settle(ZOE, same, poisoned, soon())
        assert (await store.settle(ZOE, same, counting, soon())).decision == Reject(Reason.WRONG_CODE)

    @pytest.mark.requirement(44)
    async def test_past_its_deadline_an_event_is_not_decided(self, open_store: OpenStore) -> None:
        store = await open_store()
        await store.change(putting(USER))
        same = event_id()
        with pytest.raises(Unavailable):
            await store.settle(ZOE, same, counting, time.monotonic() - 1.0)
        assert (await look(store, ZOE)).failures == {}
        assert (await store.settle(ZOE, same, counting, soon())).decision == Reject(Reason.WRONG_CODE)

    # -- the end ------------------------------------------------------------------------------------------------

    async def test_a_closed_store_is_unavailable_and_may_be_closed_again(self, open_store: OpenStore) -> None:
        store = await open_store()
        await store.close()
        await store.close()
        with pytest.raises(Unavailable):
            await settle(store, NOBODY, Step)
        with pytest.raises(Unavailable):
            await store.change(putting(USER))
        with pytest.raises(Unavailable):
            await store.read(lambda reading: reading.count(User))
        with pytest.raises(Unavailable):
            await store.watch("attempt", soon())

    async def test_closing_leaves_nobody_without_an_answer(self, open_store: OpenStore) -> None:
        store = await open_store()
        await store.change(putting(USER))
        decided: list[Case] = []

        def decide(case: Case) -> Step:
            decided.append(case)
            return counting(case)

        work = [asyncio.create_task(settle(store, ZOE, decide)) for _ in range(MANY)]
        await asyncio.sleep(0)
        await store.close()
        outcomes = await asyncio.gather(*work, return_exceptions=True)
        assert all(isinstance(one, Step | Unavailable) for one in outcomes)
        assert sum(isinstance(one, Step) for one in outcomes) == len(decided)
