"""Responses asked of ntlm_auth: what its words mean, and helpers that die, hang or talk nonsense."""

import asyncio
import os
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from anyio.lowlevel import checkpoint

from tests.directories.winbind_stand_in import PASSWORD
from tests.wire.ms_chap_client import challenge_response, hash_of_hash, nt_hash
from vestibule.core.directories import ResponseVerdict
from vestibule.core.errors import Unavailable
from vestibule.core.reasons import Reason
from vestibule.directories.winbind import NtlmAuth
from vestibule.directories.winbind.statuses import STATUSES, Status, status_of, trouble_of

CHALLENGE = bytes(range(8))
RIGHT = challenge_response(CHALLENGE, nt_hash(PASSWORD))
ROOT = Path(__file__).parents[2]
SENTENCES = {
    "NO_SUCH_USER": "The specified account does not exist.",
    "WRONG_PASSWORD": "When trying to update a password, this return status indicates that the value provided as the "
    "current password is not correct.",
    "LOGON_FAILURE": "The attempted logon is invalid. This is either due to a bad username or authentication "
    "information.",
    "ACCOUNT_RESTRICTION": "Indicates a referenced user name and authentication information are valid, but some user "
    "account restriction has prevented successful authentication (such as time-of-day restrictions).",
    "INVALID_LOGON_HOURS": "The user account has time restrictions and cannot be logged onto at this time.",
    "INVALID_WORKSTATION": "The user account is restricted so that it cannot be used to log on from the source "
    "workstation.",
    "PASSWORD_EXPIRED": "The user account password has expired.",
    "ACCOUNT_DISABLED": "The referenced account is currently disabled and cannot be logged on to.",
    "ACCOUNT_EXPIRED": "The user account has expired.",
    "PASSWORD_MUST_CHANGE": "The user password must be changed before logging on the first time.",
    "ACCOUNT_LOCKED_OUT": "The user account has been automatically locked because too many invalid logon attempts or "
    "password change attempts have been requested.",
}


@asynccontextmanager
async def pool(at_once: int = 2, patience: float = 5.0) -> AsyncIterator[NtlmAuth]:
    command = ("env", f"PYTHONPATH={ROOT}:{ROOT / 'src'}", sys.executable, "-m", "tests.directories.winbind_stand_in")
    made = NtlmAuth(command, at_once=at_once, patience=patience)
    try:
        yield made
    finally:
        await made.close()


async def check(made: NtlmAuth, user: str, response: bytes = RIGHT, seconds: float = 20.0) -> ResponseVerdict:
    return await made.check(user, "CORP", CHALLENGE, response, asyncio.get_running_loop().time() + seconds)


# -- what is said ---------------------------------------------------------------------------------------------------


async def test_a_right_response_brings_the_hash_of_the_hash_and_a_wrong_one_nothing() -> None:
    async with pool() as made:
        right = await check(made, "alice")
        assert right.verdict.right
        assert right.key.reveal() == hash_of_hash(PASSWORD)
        assert hash_of_hash(PASSWORD).hex() not in repr(right)
        wrong = await check(made, "alice", bytes(24))
        assert (wrong.verdict.right, wrong.verdict.refusal) == (False, Reason.WRONG_PASSWORD)
        assert wrong.key.reveal() == b""
        assert (await check(made, "alice")).verdict.right  # the second dot of the refusal was not taken for an answer


@pytest.mark.parametrize("status", STATUSES, ids=lambda status: status.name)
def test_a_status_is_known_by_its_sentence_its_name_and_its_numbers(status: Status) -> None:
    numbers = f"0x{status.code:08X}", f"failed with status {status.code - (1 << 32)}"
    for said in (SENTENCES[status.name], f"NT_STATUS_{status.name}", *numbers):
        assert status_of(said) is status


def test_the_status_that_people_ask_about_is_explained() -> None:
    status = status_of("The attempted logon is invalid.")
    assert status is not None
    assert status.told.startswith("status -1073741715 (0xC000006D, NT_STATUS_LOGON_FAILURE): the name or the password")


async def test_a_refusal_of_the_domain_is_told_by_its_reason_and_in_words() -> None:
    async with pool() as made:
        said = await check(made, f"says:{SENTENCES['ACCOUNT_LOCKED_OUT']}")
        assert said.verdict.refusal is Reason.ACCOUNT_LOCKED
        assert "status -1073741260 (0xC0000234" in said.verdict.detail


@pytest.mark.parametrize(
    ("words", "cure"),
    [
        ("Reading winbind reply failed!", "is it running"),
        ("winbind client not authorized to use winbindd_pam_auth_crap.", "in the group winbindd_priv"),
        ("No logon servers are currently available to service the logon request.", "wbinfo --ping-dc"),
        ("The authentication failed because NTLM was blocked.", "refuses NTLM"),
        ("The moon is full.", "winbind says: The moon is full."),
    ],
)
async def test_a_trouble_of_the_domain_is_nobodys_wrong_password(words: str, cure: str) -> None:
    assert cure in trouble_of(words)
    async with pool() as made:
        with pytest.raises(Unavailable, match=cure.rsplit(maxsplit=1)[-1]):
            await check(made, f"says:{words}")
        assert (await check(made, "alice")).verdict.right


async def test_no_name_can_write_a_line_of_its_own() -> None:
    async with pool() as made:
        said = await check(made, "bob\nUsername:: YWxpY2U=")
        assert not said.verdict.right


# -- helpers that misbehave -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("user", "why"), [("dies", "has ended"), ("keyless", "gave no key"), ("noise", "neither yes nor no")]
)
async def test_a_helper_that_dies_or_talks_nonsense_decides_nothing_and_is_replaced(user: str, why: str) -> None:
    async with pool(at_once=1) as made:
        with pytest.raises(Unavailable, match=why):
            await check(made, user)
        assert (await check(made, "alice")).verdict.right


async def test_a_helper_that_was_left_while_it_thought_never_answers_another() -> None:
    async with pool(at_once=1, patience=0.5) as made:
        assert (await check(made, "alice")).verdict.right
        with pytest.raises(Unavailable, match="no answer in time"):
            await check(made, "hangs")
        assert not (await check(made, "alice", bytes(24))).verdict.right


async def test_who_waits_for_a_helper_waits_no_longer_than_there_is_time() -> None:
    async with pool(at_once=1, patience=3.0) as made:
        hanging = asyncio.create_task(check(made, "hangs"))
        await checkpoint()  # it takes the one turn at once
        with pytest.raises(Unavailable, match="too many responses"):
            await check(made, "alice", seconds=0.1)
        with pytest.raises(Unavailable):
            await hanging


async def test_so_many_at_once_are_asked_by_so_many_helpers() -> None:
    async with pool(at_once=3) as made:
        said = await asyncio.gather(*(check(made, "alice") for _ in range(20)))
        assert all(one.verdict.right for one in said)
        assert len(made._idle) <= 3


async def test_without_the_program_it_is_said_what_is_missing() -> None:
    made = NtlmAuth(("/nowhere/ntlm_auth",))
    with pytest.raises(Unavailable, match="is winbind installed"):
        await check(made, "alice")


async def test_closing_ends_the_helpers() -> None:
    async with pool() as made:
        await check(made, "alice")
        (helper,) = made._idle
        number = helper._process.pid
    with pytest.raises(ProcessLookupError):
        os.kill(number, 0)
