"""Whose password it is decides who looks at it; no directory stands in for another."""

import time

import pytest

from vestibule.core.decisions import Account, CheckPassword
from vestibule.core.errors import Unavailable
from vestibule.core.ports import Verdict
from vestibule.core.reasons import Reason
from vestibule.core.secret import Secret
from vestibule.core.users import User
from vestibule.flows.first_factor import ANOTHER_NAME, FirstFactor
from vestibule.stores.memory import MemoryStore

LOCKED = Verdict(right=False, refusal=Reason.ACCOUNT_LOCKED, detail="data 775")


class Ourselves:
    name = "local"

    def __init__(self, *known: str) -> None:
        self.known = known
        self.asked: list[str | None] = []

    async def check_password(self, user_id: str | None, password: Secret, source: str, deadline: float) -> bool:
        self.asked.append(user_id)
        return user_id is not None and password.reveal() == b"ours"

    async def knows(self, user_id: str) -> bool:
        return user_id in self.known


class Corp:
    def __init__(self, verdict: Verdict = LOCKED) -> None:
        self.verdict = verdict
        self.asked: list[Account] = []

    async def check(self, account: Account, password: Secret, source: str, deadline: float) -> Verdict:
        self.asked.append(account)
        return self.verdict


class Setting:
    """A store, ourselves, and the directories that are set up."""

    def __init__(self, local: Ourselves | None = None, **directories: Corp) -> None:
        self.store = MemoryStore(bytes(32), bytes)
        self.local = local or Ourselves()
        self.directories = directories

    async def check(self, order: CheckPassword) -> Verdict:
        asked = FirstFactor(self.store, self.local, self.directories.get)
        return await asked.check(order, time.monotonic() + 5)


async def test_our_own_people_and_nobody_are_checked_here() -> None:
    setting = Setting()
    assert await setting.check(CheckPassword("1", Secret(b"ours"), "here")) == Verdict(right=True)
    wrong = Verdict(right=False, refusal=Reason.WRONG_PASSWORD)
    assert await setting.check(CheckPassword("1", Secret(b"theirs"), "here")) == wrong
    assert await setting.check(CheckPassword("", Secret(b"ours"), "here")) == wrong
    assert setting.local.asked == ["1", "1", None]


async def test_people_of_a_directory_are_checked_there_alone() -> None:
    corp, account = Corp(), Account("corp", "guid", "alice")
    setting = Setting(Ourselves("1"), corp=corp)
    assert await setting.check(CheckPassword("1", Secret(b"ours"), "here", account)) == LOCKED
    assert (corp.asked, setting.local.asked) == ([account], [])


async def test_a_local_password_goes_before_the_clients_directory() -> None:
    corp, account = Corp(), Account("corp", "", "alice")
    setting = Setting(Ourselves("1"), corp=corp)
    assert (await setting.check(CheckPassword("1", Secret(b"ours"), "here", account))).right
    assert await setting.check(CheckPassword("2", Secret(b"ours"), "here", account)) == LOCKED
    assert (corp.asked, setting.local.asked) == ([account], ["1"])


async def test_a_directory_that_was_taken_away_lets_nobody_in() -> None:
    setting = Setting(corp=Corp())
    order = CheckPassword("1", Secret(b"ours"), "here", Account("gone", "guid", "alice"))
    with pytest.raises(Unavailable, match="'gone' is not set up"):
        await setting.check(order)
    assert setting.local.asked == []


@pytest.mark.parametrize(("directory", "right"), [("corp", False), ("other", True)])
async def test_nobody_goes_round_the_second_factor_by_another_spelling(directory: str, *, right: bool) -> None:
    setting = Setting(corp=Corp(Verdict(right=True, external_id="guid")))
    alice = User("1", "alice@corp", "alice@corp", directory=directory, external_id="guid")
    await setting.store.change(lambda writing: writing.put(alice))
    said = await setting.check(CheckPassword("", Secret(b"hers"), "here", Account("corp", "", "alice")))
    assert said.right is right
    assert right or (said.refusal, said.detail) == (Reason.UNKNOWN_USER, ANOTHER_NAME)
