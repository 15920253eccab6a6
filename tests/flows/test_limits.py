"""Limits of calls and texts: each of them refuses in time, gives back in time, and lets exactly one of many pass."""

import asyncio
import os
import random
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from tests.journeys.world import make_database, memory_store, sqlite_store
from vestibule.core.delivery import Medium
from vestibule.core.phones import Phone
from vestibule.core.ports import Store, Writing
from vestibule.core.sending import Sending
from vestibule.core.sends import Counted
from vestibule.flows.limits import MILLION, Asking, admitted, conclude, settle_cost, uncount
from vestibule.flows.numbers import known_number

LONG = pytest.mark.skipif("VESTIBULE_LONG" not in os.environ, reason="a minute or more: set VESTIBULE_LONG=1")
NOON = 1_800_000_000.0
CENT = 10_000
OLD = Phone(proven_at=1.0, changed_at=1.0, vouched=True)
UNPROVEN = Phone(changed_at=1.0, vouched=True)
WIDE = Sending(person_attempts=100, person_in_5_minutes=100, person_in_hour=1000, person_in_day=10_000, text_gap=1.0)


class Rows(dict[str, Counted]):
    """A ledger of its own."""

    def get(self, kind: type[Counted], key: str, /) -> Counted | None:  # type: ignore[override]
        return super().get(key)

    def put(self, record: Counted, /) -> None:
        self[record.id] = record


def text(user: str = "alice", number: str = "+14255550100", at: float = NOON, **more: object) -> Asking:
    asking = Asking(user, number, known_number(number), OLD, Medium.TEXT, "192.0.2.1", CENT, at)
    return replace(asking, **more)  # type: ignore[arg-type]


def passes(ledger: Rows, one: Asking, sending: Sending) -> str:
    return admitted(ledger, one, sending).refusal


# -- one after the other --------------------------------------------------------------------------------------------


@pytest.mark.requirement(24)
def test_a_person_is_sent_three_in_five_minutes_ten_an_hour_and_twenty_a_day() -> None:
    sending = Sending(person_attempts=1000, number_in_10_minutes=99, number_in_hour=999, number_in_day=9999)
    sending = replace(sending, address_in_hour=99_999)
    ledger, sent, whys = Rows(), [], set()
    for minute in range(24 * 60):
        why = passes(ledger, text(at=NOON + minute * 60), sending)
        sent += [minute] if not why else []
        whys.add(why)
    assert max(sum(start <= at < start + 5 for at in sent) for start in range(24 * 60)) == 3
    assert max(sum(start <= at < start + 60 for at in sent) for start in range(24 * 60)) == 10
    assert len(sent) == 20
    assert whys == {"", "person_in_5_minutes", "person_in_hour", "person_in_day"}


def test_between_two_texts_and_two_calls_there_is_a_while() -> None:
    ledger, sending = Rows(), Sending()
    assert not passes(ledger, text(), sending)
    assert passes(ledger, text(at=NOON + 29.9), sending) == "person_gap"
    assert not passes(ledger, text(at=NOON + 29.9, medium=Medium.CALL), sending)
    assert not passes(ledger, text(at=NOON + 30), sending)
    assert passes(ledger, text(at=NOON + 60, medium=Medium.CALL), sending) == "person_gap"


def test_another_number_of_the_same_person_may_be_tried_at_once() -> None:
    ledger, sending = Rows(), Sending()
    assert not passes(ledger, text(medium=Medium.CALL), sending)
    assert not passes(ledger, text(number="+14255550177", at=NOON + 20, medium=Medium.CALL), sending)


def test_a_notice_waits_for_nobody_but_costs_money() -> None:
    ledger, sending = Rows(), replace(Sending(), money_in_day=0.035)
    whys = [passes(ledger, text(at=NOON + i, notice=i > 0), sending) for i in range(4)]
    assert whys == ["", "", "", "money_in_day"]


def test_what_was_surely_not_carried_counts_for_nothing() -> None:
    ledger, sending = Rows(), Sending()
    for i in range(5):
        assert not passes(ledger, text(at=NOON + i, phone=UNPROVEN, again=True), sending)
        uncount(ledger, text(at=NOON + i, phone=UNPROVEN))
    assert not passes(ledger, text(at=NOON + 9, phone=UNPROVEN), sending)


def test_whoever_goes_on_asking_goes_on_waiting() -> None:
    ledger, sending = Rows(), Sending()
    whys = [passes(ledger, text(at=NOON + 10 * i), sending) for i in range(60)]
    assert whys[0] == ""
    assert set(whys[6:]) == {"person_attempts"}
    assert not passes(ledger, text(at=NOON + 600 + 300), sending)


@pytest.mark.requirement(24)
def test_a_number_is_sent_three_in_ten_minutes_and_five_an_hour_whoever_asks() -> None:
    ledger = Rows()
    whys = [passes(ledger, text(f"user {i}", at=NOON + 10 * i, address=""), Sending()) for i in range(5)]
    assert whys == ["", "", "", "number_in_10_minutes", "number_in_10_minutes"]
    whys = [passes(ledger, text(f"more {i}", at=NOON + 1000 + i, address=""), Sending()) for i in range(3)]
    assert whys == ["", "", "number_in_hour"]


def test_a_new_number_is_sent_three_on_its_first_day() -> None:
    ledger, new = Rows(), replace(OLD, changed_at=NOON)
    whys = [passes(ledger, text(f"user {i}", at=NOON + 4000 * i, phone=new, address=""), Sending()) for i in range(4)]
    assert whys == ["", "", "", "new_number_in_day"]
    assert not passes(ledger, text("later", at=NOON + 86_400, phone=new, address=""), Sending())


@pytest.mark.requirement(24)
def test_an_address_is_given_back_what_let_somebody_in() -> None:
    ledger, sending = Rows(), Sending()
    for i in range(10):
        assert not passes(ledger, text(f"user {i}", f"+1425555{1000 + 7 * i}"), sending)
    assert passes(ledger, text("one more", "+14255559999"), sending) == "address_in_hour"
    conclude(ledger, text("user 0"), sending, used=True)
    assert not passes(ledger, text("one more", "+14255559999"), sending)


def test_numbers_that_nobody_has_proven_are_counted_by_their_first_digits() -> None:
    ledger = Rows()
    asked = [text(f"user {i}", f"+1425555{1000 + 7 * i}", phone=UNPROVEN, address="") for i in range(12)]
    assert [passes(ledger, one, Sending()) for one in asked] == [*[""] * 10, *["prefix_numbers_in_hour"] * 2]
    assert not passes(ledger, replace(asked[11], user_id="known", phone=OLD), Sending())
    conclude(ledger, asked[0], Sending(), used=True)
    assert not passes(ledger, asked[11], Sending())


def test_four_new_numbers_in_a_row_are_too_many() -> None:
    ledger = Rows()
    asked = [text(f"user {i}", f"+1425555{1000 + i}", phone=UNPROVEN, address="") for i in range(4)]
    assert [passes(ledger, one, Sending()) for one in asked] == ["", "", "", "numbers_in_a_row"]


# -- money ----------------------------------------------------------------------------------------------------------


@pytest.mark.requirement(24)
def test_money_is_told_at_four_fifths_and_stopped_at_all_of_it() -> None:
    ledger, sending = Rows(), replace(WIDE, money_in_day=1.0, number_in_10_minutes=100, number_in_hour=1000)
    sending = replace(sending, address_in_hour=10_000, number_in_day=10_000)
    found = [admitted(ledger, text(at=NOON + 2 * i, cost=10 * CENT), sending) for i in range(12)]
    assert [one.refusal for one in found] == [*[""] * 10, *["money_in_day"] * 2]
    assert [i for i, one in enumerate(found) if one.alarms] == [7]
    settle_cost(ledger, "US", NOON, -10 * CENT)
    assert not passes(ledger, text(at=NOON + 90, cost=10 * CENT), sending)
    tomorrow = text(at=NOON + 86_400, cost=10 * CENT)
    assert not passes(ledger, tomorrow, sending)
    assert (
        passes(ledger, replace(tomorrow, at=tomorrow.at + 60), replace(sending, money_in_month=1.15))
        == "money_in_month"
    )


def test_a_region_has_money_of_its_own() -> None:
    ledger, sending = Rows(), replace(WIDE, region_money_in_day=0.02, address_in_hour=1000)
    whys = [passes(ledger, text(number="+33612345678", at=NOON + 40 * i), sending) for i in range(3)]
    assert whys == ["", "", "region_money_in_day"]
    assert not passes(ledger, text("bob", at=NOON + 200), sending)


def test_where_hardly_a_code_is_used_sending_stops_for_who_was_never_proven() -> None:
    ledger, sending = Rows(), Sending()
    alarms = [conclude(ledger, text(at=NOON + i), sending, used=False).alarms for i in range(50)]
    assert [i for i, one in enumerate(alarms, 1) if one] == [20, 40]
    assert passes(ledger, text(at=NOON + 60, phone=UNPROVEN), sending) == "unused"
    assert not passes(ledger, text("known", at=NOON + 60), sending)
    assert not passes(ledger, text("later", at=NOON + 3 * 3600, phone=UNPROVEN), sending)


# -- at once --------------------------------------------------------------------------------------------------------


@pytest.fixture(params=["memory", "sqlite"])
async def store(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Store]:
    made = make_database(tmp_path / "template.db") if request.param == "sqlite" else None
    opened = await sqlite_store(made, tmp_path) if made else memory_store()
    yield opened
    await opened.close()


@pytest.mark.requirement(24)
async def test_of_a_hundred_at_the_last_free_place_exactly_one_passes(store: Store) -> None:
    sending = replace(Sending(), money_in_day=0.01)

    def one(number: int) -> str:
        return f"+1425555{1000 + 7 * number}"

    async def ask(number: int) -> str:
        asking = text(f"user {number}", one(number), address="", cost=CENT)

        def act(writing: Writing) -> str:
            return admitted(writing, asking, sending).refusal

        return await store.change(act)

    whys = await asyncio.gather(*[ask(number) for number in range(100)])
    assert sorted(whys) == ["", *["money_in_day"] * 99]


# -- an attack ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("sends", [5_000, pytest.param(100_000, marks=LONG)])
def test_an_attack_spends_no_more_than_the_limits_and_ordinary_people_pass(sends: int) -> None:
    """Scripts with stolen accounts ask for texts to many ranges, while a hundred people sign in as on any day."""
    chance, ledger, sending = random.Random(7), Rows(), Sending()
    hour, passed, spent, refused = 3600.0, 0, 0, 0
    prefixes = [f"+1876{chance.randrange(100, 1000)}" for _ in range(50)]
    people = [text(f"person {i}", f"+1425{chance.randrange(2000000, 9999999)}", cost=CENT) for i in range(100)]
    for number in range(sends):
        at = NOON + number * 8 * hour / sends
        victim = f"{chance.choice(prefixes)}{chance.randrange(10_000):04}"
        bad = text(
            f"stolen {chance.randrange(300)}", victim, at, phone=UNPROVEN, cost=220_000, address=f"bot {number % 40}"
        )
        found = admitted(ledger, bad, sending)
        spent += 0 if found.refusal else bad.cost
        if not found.refusal:
            conclude(ledger, bad, sending, used=False)
        if number % (sends // 200) == 0:
            person = replace(people[(number // (sends // 200)) % 100], at=at, address="office")
            if admitted(ledger, person, sending).refusal:
                refused += 1
            else:
                passed += 1
                conclude(ledger, person, sending, used=True)
    assert spent <= sending.region_money_in_day * MILLION
    assert (passed, refused) == (200, 0)
