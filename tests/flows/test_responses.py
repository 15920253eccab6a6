"""A response instead of a password: which directory is asked, about whom, and whom it does not let in."""

import time
from dataclasses import dataclass, field
from functools import partial

import pytest

from vestibule.core.decisions import Account
from vestibule.core.directories import AccountDirectory, ResponseVerdict, Verdict
from vestibule.core.errors import Malformed, Unavailable
from vestibule.core.ports import Record, Store, Writing
from vestibule.core.reasons import Reason
from vestibule.core.secret import Secret
from vestibule.core.users import Alias, User
from vestibule.flows.first_factor import ANOTHER_NAME
from vestibule.flows.responses import Response, Responses
from vestibule.stores.memory import MemoryStore

KEY = Secret(b"the hash of the")
JANE = User("1", "jane", "jane", directory="corp", external_id="guid of jane")
ANNA = User("2", "anna", "anna")


@dataclass
class Corp:
    """A domain to which every response is right; `external_id` is whom it finds by a name."""

    external_id: str = "guid of jane"
    checks_responses: bool = True
    asked: list[Account] = field(default_factory=list)

    async def check(self, account: Account, password: Secret, source: str, deadline: float) -> Verdict:
        raise AssertionError("nobody typed a password")

    async def check_response(
        self, account: Account, challenge: bytes, response: bytes, deadline: float
    ) -> ResponseVerdict:
        self.asked.append(account)
        return ResponseVerdict(Verdict(right=True, external_id=account.external_id or self.external_id), KEY)


class PasswordsOnly:
    async def check(self, account: Account, password: Secret, source: str, deadline: float) -> Verdict:
        raise AssertionError("nobody typed a password")


def _put(record: Record, writing: Writing) -> None:
    writing.put(record)


async def stored(*records: Record) -> Store:
    store = MemoryStore(bytes(32), bytes)
    for record in records:
        await store.change(partial(_put, record))
    return store


async def check(corp: AccountDirectory, name: str, *records: Record) -> ResponseVerdict:
    responses = Responses(await stored(*records), {"corp": corp}.get)
    return await responses.check("corp", Response(name, bytes(8), bytes(24)), time.monotonic() + 5)


async def test_a_person_of_the_directory_is_asked_for_by_the_id_that_never_changes() -> None:
    corp = Corp()
    said = await check(corp, "J.Miller@corp.example", JANE, Alias("j.miller@corp.example", "1"))
    assert corp.asked == [Account("corp", "guid of jane", "jane")]
    assert (said.verdict.right, said.key) == (True, KEY)


async def test_a_name_that_is_another_person_there_lets_neither_in() -> None:
    said = await check(Corp(), "anna", JANE, ANNA)
    assert (said.verdict.right, said.verdict.refusal, said.verdict.detail) == (
        False,
        Reason.UNKNOWN_USER,
        ANOTHER_NAME,
    )


async def test_somebody_whom_nobody_knows_here_is_asked_for_by_the_name_that_was_typed() -> None:
    corp = Corp("guid of somebody")
    assert (await check(corp, "Somebody", JANE)).verdict.right
    assert corp.asked == [Account("corp", "", "Somebody")]


@pytest.mark.parametrize("directory", [PasswordsOnly(), Corp(checks_responses=False)])
async def test_a_directory_that_checks_none_decides_nothing(directory: AccountDirectory) -> None:
    responses = Responses(await stored(), {"corp": directory}.get)
    assert not responses.able("corp")
    assert not responses.able("another")
    with pytest.raises(Unavailable, match="checks no responses"):
        await responses.check("corp", Response("jane", bytes(8), bytes(24)), time.monotonic() + 5)


async def test_settings_that_do_not_work_here_are_nobodys_wrong_password() -> None:
    def broken(_id: str) -> AccountDirectory:
        raise Malformed("ca_file: it is not there")

    with pytest.raises(Unavailable, match="ca_file"):
        Responses(await stored(), broken).able("corp")
