"""Whose password it is decides who looks at it; no directory stands in for another."""

import time

import pytest

from vestibule.core.decisions import Account, CheckPassword
from vestibule.core.errors import Unavailable
from vestibule.core.ports import AccountDirectory, Verdict
from vestibule.core.reasons import Reason
from vestibule.core.secret import Secret
from vestibule.flows.first_factor import FirstFactor

LOCKED = Verdict(right=False, refusal=Reason.ACCOUNT_LOCKED, detail="data 775")


class Ourselves:
    name = "local"

    def __init__(self) -> None:
        self.asked: list[str | None] = []

    async def check_password(self, user_id: str | None, password: Secret, source: str, deadline: float) -> bool:
        self.asked.append(user_id)
        return user_id is not None and password.reveal() == b"ours"


class Corp:
    def __init__(self) -> None:
        self.asked: list[Account] = []

    async def check(self, account: Account, password: Secret, source: str, deadline: float) -> Verdict:
        self.asked.append(account)
        return LOCKED


@pytest.fixture
def local() -> Ourselves:
    return Ourselves()


async def check(local: Ourselves, directories: dict[str, AccountDirectory], order: CheckPassword) -> Verdict:
    return await FirstFactor(local, directories.get).check(order, time.monotonic() + 5)


async def test_our_own_people_and_nobody_are_checked_here(local: Ourselves) -> None:
    assert await check(local, {}, CheckPassword("1", Secret(b"ours"), "here")) == Verdict(right=True)
    wrong = Verdict(right=False, refusal=Reason.WRONG_PASSWORD)
    assert await check(local, {}, CheckPassword("1", Secret(b"theirs"), "here")) == wrong
    assert await check(local, {}, CheckPassword("", Secret(b"ours"), "here")) == wrong
    assert local.asked == ["1", "1", None]


async def test_people_of_a_directory_are_checked_there_alone(local: Ourselves) -> None:
    corp, account = Corp(), Account("corp", "guid", "alice")
    order = CheckPassword("1", Secret(b"ours"), "here", account)
    assert await check(local, {"corp": corp}, order) == LOCKED
    assert (corp.asked, local.asked) == ([account], [])


async def test_a_directory_that_was_taken_away_lets_nobody_in(local: Ourselves) -> None:
    order = CheckPassword("1", Secret(b"ours"), "here", Account("gone", "guid", "alice"))
    with pytest.raises(Unavailable, match="'gone' is not set up"):
        await check(local, {"corp": Corp()}, order)
    assert local.asked == []
