"""Which credentials a code is tried on, what is told when none opens, and how one field is split."""

from dataclasses import dataclass

import pytest

from tests.core.world import NOON
from vestibule.core.case import Case, Moment
from vestibule.core.codes import Candidate, Right, Wrong, check_code, check_field
from vestibule.core.credentials import Credential, Seed
from vestibule.core.failures import FailureKey, FailureKind, Failures
from vestibule.core.ports import Failed, Passed, Verification
from vestibule.core.reasons import Reason, Result
from vestibule.core.secret import Secret
from vestibule.core.snapshot import Snapshot

MOMENT = Moment(NOON, bytes(32))


@dataclass(frozen=True)
class Word:
    """A method whose codes are words of so many letters; `word` passes, every other one fails for `reason`."""

    word: str
    reason: Reason = Reason.WRONG_CODE
    name: str = "word"
    result: Result = Result.NONE

    def lengths(self, credential: Credential) -> tuple[int, ...]:
        return (len(self.word),)

    def fits(self, code: str, credential: Credential) -> bool:
        return len(code) == len(self.word) and code.isalpha()

    def check(self, code: str, credential: Credential, seed: Seed | None, moment: Moment) -> Verification:
        return Passed(credential) if code == self.word else Failed(self.reason)

    def restored(self, credential: Credential, seed: Seed | None, at: float) -> Passed:
        return Passed(credential, seed)


def candidates(*words: Word) -> tuple[Candidate, ...]:
    return tuple(Candidate(Credential(f"c{number}", "word", "alice"), word) for number, word in enumerate(words))


def case_with(**counts: int) -> Case:
    rows: dict[FailureKey, Failures] = {
        (FailureKind.FACTOR, name): Failures("alice", FailureKind.FACTOR, name, count, NOON)
        for name, count in counts.items()
    }
    return Case(Snapshot(), failures=rows)


def check(code: str, *words: Word, **counts: int) -> Right | Wrong:
    return check_code(case_with(**counts), candidates(*words), code, source="home", moment=MOMENT)


def split(field: bytes, *words: Word, code_first: bool = False) -> Right | Wrong:
    secret = Secret(field)
    return check_field(case_with(), candidates(*words), secret, code_first=code_first, source="home", moment=MOMENT)


# -- trying -----------------------------------------------------------------------------------------------------


def test_the_first_credential_that_a_code_opens_is_taken() -> None:
    found = check("open", Word("shut"), Word("open"), Word("open"))
    assert isinstance(found, Right)
    assert found.passed.credential.id == "c1"


def test_a_wrong_code_counts_against_every_credential_that_it_fits() -> None:
    assert check("nope", Word("open"), Word("longer"), Word("shut")) == Wrong(Reason.WRONG_CODE, ("c0", "c2"))


def test_a_code_that_fits_nothing_is_wrong_all_the_same() -> None:
    wrong = check("123", Word("open"))
    assert wrong == Wrong(Reason.WRONG_CODE)
    assert wrong.counts


def test_a_code_is_not_tried_on_a_credential_that_is_held_back() -> None:
    assert check("open", Word("open"), c0=20) == Wrong(Reason.THROTTLED)
    assert check("open", Word("open"), c0=100) == Wrong(Reason.TOO_MANY_FAILURES)


@pytest.mark.requirement(18)
@pytest.mark.parametrize("count", [20, 100])
@pytest.mark.parametrize("held_back", [0, 1])
def test_a_guess_counts_although_another_credential_is_held_back(count: int, held_back: int) -> None:
    wrong = check("nope", Word("open"), Word("shut"), **{f"c{held_back}": count})
    assert isinstance(wrong, Wrong)
    assert wrong.tried == (f"c{1 - held_back}",)
    assert wrong.counts


def test_nothing_counts_when_nothing_could_be_tried() -> None:
    for count in (20, 100):
        wrong = check("nope", Word("open"), c0=count)
        assert isinstance(wrong, Wrong)
        assert not wrong.counts


@pytest.mark.parametrize("reason", [Reason.CODE_REUSED, Reason.CODE_OLD, Reason.CLOCK])
@pytest.mark.parametrize("replayed_first", [True, False])
def test_a_replay_is_told_before_all_else_and_counts_against_nobody(reason: Reason, *, replayed_first: bool) -> None:
    words = [Word("open", reason), Word("shut"), Word("held")]
    wrong = check("nope", *(words if replayed_first else reversed(words)), c1=100)
    assert isinstance(wrong, Wrong)
    assert wrong.reason is reason
    assert not wrong.counts


def test_what_is_told_does_not_depend_on_the_order_of_the_credentials() -> None:
    found = {check("nope", Word("open"), Word("shut"), c0=a, c1=b).reason for a, b in ((0, 100), (100, 0))}  # type: ignore[union-attr]
    assert found == {Reason.TOO_MANY_FAILURES}


# -- splitting --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("field", "code_first", "rest"),
    [
        (b"passwordopen", False, b"password"),
        (b"openpassword", True, b"password"),
        (b"openopen", False, b"open"),
        (b"openopen", True, b"open"),
        (b" pass word open", False, b" pass word "),
        (b"open pass word ", True, b" pass word "),
        (b"passwordopen \r\n", False, b"password"),
        (b"  openpassword", True, b"password"),
        (b"\xe4\xff\0open", False, b"\xe4\xff\0"),
        (b"open", False, b""),
        (b"open", True, b""),
    ],
)
def test_the_code_is_taken_from_its_end_and_the_rest_is_left_alone(
    field: bytes, rest: bytes, *, code_first: bool
) -> None:
    found = split(field, Word("open"), code_first=code_first)
    assert isinstance(found, Right)
    assert found.rest == Secret(rest)


def test_every_length_that_a_credential_may_have_is_tried() -> None:
    for word in ("abc", "abcd", "abcdefgh"):
        found = split(b"password" + word.encode(), Word("abc"), Word("abcd"), Word("abcdefgh"))
        assert isinstance(found, Right)
        assert found.rest == Secret(b"password")


def test_a_wrong_field_counts_once_against_each_credential_of_any_length() -> None:
    assert split(b"password", Word("open"), Word("shutter"), Word("shut")) == Wrong(
        Reason.WRONG_CODE, ("c0", "c2", "c1")
    )


@pytest.mark.parametrize("field", [b"", b"ope", b"   ", b"\xff" * 9, "ｏｐｅｎ".encode()])
def test_a_field_without_a_code_is_wrong_and_tried_on_nothing(field: bytes) -> None:
    assert split(field, Word("open")) == Wrong(Reason.WRONG_CODE)


def test_a_field_holds_no_code_of_somebody_without_credentials() -> None:
    assert split(b"passwordopen") == Wrong(Reason.WRONG_CODE)


def test_the_password_beside_a_code_does_not_print() -> None:
    assert "canary" not in repr(split(b"canaryopen", Word("open")))
