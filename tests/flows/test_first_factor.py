"""Whose password it is decides who looks at it; no directory stands in for another."""

import secrets
import time
from collections.abc import Callable
from dataclasses import replace

import pytest

from vestibule.core.clients import Client
from vestibule.core.decisions import Accept, Account, CheckPassword
from vestibule.core.directories import Verdict
from vestibule.core.engine import Engine
from vestibule.core.errors import Malformed, Unavailable
from vestibule.core.reasons import Reason
from vestibule.core.secret import Secret
from vestibule.core.users import Mfa, User
from vestibule.flows.authenticate import Authenticate, Beginning
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
    corp, account = Corp(), Account("corp", "", "alice", local=True)
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


async def test_a_password_that_a_person_of_another_directory_once_had_here_is_none() -> None:
    corp, account = Corp(), Account("corp", "", "alice")
    setting = Setting(Ourselves("1"), corp=corp)
    assert await setting.check(CheckPassword("1", Secret(b"ours"), "here", account)) == LOCKED
    assert setting.local.asked == []


@pytest.mark.parametrize(("known_as", "right"), [("1", True), ("2", False)])
async def test_a_name_here_that_is_another_persons_there_lets_nobody_in(known_as: str, *, right: bool) -> None:
    setting = Setting(corp=Corp(Verdict(right=True, external_id="guid")))
    known = User(known_as, "alice@corp", "alice@corp", directory="corp", external_id="guid")
    await setting.store.change(lambda writing: writing.put(known))
    said = await setting.check(CheckPassword("1", Secret(b"hers"), "here", Account("corp", "", "alice", local=True)))
    assert said.right is right


class Wrong(Corp):
    """Set up in a way that does not work on this node."""

    async def check(self, account: Account, password: Secret, source: str, deadline: float) -> Verdict:
        raise Malformed("objectGUID: not 16 octets")


def not_opened(id: str) -> Corp:
    raise Malformed(f"directory {id}: ca_file: can not be read")


@pytest.mark.parametrize("directory_of", [lambda _id: Wrong(), not_opened])
async def test_wrong_settings_of_a_directory_are_nobodys_wrong_password(directory_of: Callable[[str], Corp]) -> None:
    asked = FirstFactor(MemoryStore(bytes(32), bytes), Ourselves(), directory_of)
    order = CheckPassword("1", Secret(b"hers"), "here", Account("corp", "guid", "alice"))
    with pytest.raises(Unavailable, match="'corp' can not be asked: "):
        await asked.check(order, time.monotonic() + 5)


class Renaming(Corp):
    """While it looks at a password, the name becomes another person's."""

    def __init__(self, store: MemoryStore, *after: User) -> None:
        super().__init__(Verdict(right=True, external_id="guid"))
        self.store = store
        self.after = after

    async def check(self, account: Account, password: Secret, source: str, deadline: float) -> Verdict:
        for user in self.after:
            await self.store.change(lambda writing, user=user: writing.put(user))  # type: ignore[misc]  # bound at once
        return await super().check(account, password, source, deadline)


async def test_a_right_password_lets_nobody_else_in_who_takes_the_name_meanwhile() -> None:
    store = MemoryStore(bytes(32), bytes)
    alice = User("1", "alice", "alice", mfa=Mfa.OFF, directory="corp", external_id="guid")
    other = User("2", "other", "other", mfa=Mfa.OFF, directory="corp", external_id="other guid")
    vpn = Client("vpn", "VPN", ("192.0.2.0/24",), (Secret(b"x" * 32),))
    for one in (alice, other, vpn):
        await store.change(lambda writing, one=one: writing.put(one))  # type: ignore[misc]  # bound at once
    corp = Renaming(store, replace(alice, name="alice2", key="alice2"), replace(other, name="alice", key="alice"))
    authenticate = Authenticate(
        store, Engine([]), Ourselves(), {}, time.time, time.monotonic, secrets.token_bytes, bytes, {"corp": corp}.get
    )
    asked = Beginning("event", "vpn", "alice", Secret(b"hers"), "here", "", time.monotonic() + 5)
    with pytest.raises(Unavailable, match="another person"):
        await authenticate.begin(asked)
    corp.after = ()
    again = replace(asked, event_id="another", user_name="alice2")
    assert await authenticate.begin(again) == Accept("alice2")
