"""Typed codes: which of a user's credentials a code fits, tries, and opens; and one field split in two.

The rules for all methods are here: a stopped or delayed credential is not tried, a code counts only against the
credentials that it was tried on, and a code that was right once is a replay, not a guess.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace

from vestibule.core.case import Case, Moment
from vestibule.core.credentials import Credential
from vestibule.core.failures import why_not_tried
from vestibule.core.ports import BegunMethod, Passed, TypedMethod
from vestibule.core.reasons import Reason, Result
from vestibule.core.secret import Secret

REPLAYS = (Reason.CODE_REUSED, Reason.CODE_OLD, Reason.CLOCK)
REPEATED = (Reason.WRONG_PIN, Reason.WRONG_CODE)  # may be tried again while the question has tries left
TELLING = (*REPLAYS, Reason.TOO_MANY_FAILURES, Reason.THROTTLED, *REPEATED)  # the most telling reason first


@dataclass(frozen=True, slots=True)
class Right:
    """The code opened this credential; `rest` is what stood beside it in the field."""

    passed: Passed
    method: TypedMethod | BegunMethod
    rest: Secret | None = None


@dataclass(frozen=True, slots=True)
class Wrong:
    """The code opened nothing. `tried` are the credentials that it was checked against."""

    reason: Reason
    tried: tuple[str, ...] = ()
    result: Result | None = None  # told instead of the reason's usual one
    blocks: bool = False
    changed: Credential | None = None  # what was tried, as it is from now on

    @property
    def counts(self) -> bool:
        """Whether it was a guess: not when the code was right once, nor when no credential could be tried yet."""
        return self.reason not in REPLAYS and (bool(self.tried) or self.reason is Reason.WRONG_CODE)

    def joined(self, other: "Wrong") -> "Wrong":
        """Both findings as one: the more telling reason, and every credential that was tried."""
        telling = min(self, other, key=lambda one: TELLING.index(one.reason))
        return replace(telling, tried=tuple(dict.fromkeys((*self.tried, *other.tried))))


@dataclass(frozen=True, slots=True)
class Candidate:
    """A credential with its method."""

    credential: Credential
    method: TypedMethod


def check_code(
    case: Case, candidates: tuple[Candidate, ...], code: str, *, source: str, moment: Moment
) -> Right | Wrong:
    """Try `code` on every candidate that it fits, until one opens."""
    wrong = Wrong(Reason.WRONG_CODE)
    for candidate in candidates:
        if candidate.method.fits(code, candidate.credential):
            found = _try(case, candidate, code, source, moment)
            if isinstance(found, Right):
                return found
            wrong = wrong.joined(found)
    return wrong


def check_field(
    case: Case, candidates: tuple[Candidate, ...], field: Secret, *, code_first: bool, source: str, moment: Moment
) -> Right | Wrong:
    """Split one field into password and code in every way that the candidates allow, and try each.

    The field is split by octets, since codes are ASCII: the password stays what was typed, in whatever encoding.
    """
    wrong = Wrong(Reason.WRONG_CODE)
    split = _codes_before if code_first else _codes_behind
    for code, rest in split(field.reveal(), _lengths(candidates)):
        found = check_code(case, candidates, code.decode("ascii", "replace"), source=source, moment=moment)
        if isinstance(found, Right):
            return replace(found, rest=Secret(rest))
        wrong = wrong.joined(found)
    return wrong


def _try(case: Case, candidate: Candidate, code: str, source: str, moment: Moment) -> Right | Wrong:
    credential, limits = candidate.credential, case.snapshot.settings.limits
    held_back = why_not_tried(case.failures, credential.id, source, limits, moment.at)
    if held_back is not None:
        return Wrong(held_back)
    found = candidate.method.check(code, credential, case.seeds.get(credential.seed_id), moment)
    if isinstance(found, Passed):
        return Right(found, candidate.method)
    return Wrong(found.reason, (credential.id,))


def _lengths(candidates: tuple[Candidate, ...]) -> list[int]:
    return sorted({length for one in candidates for length in one.method.lengths(one.credential)})


def _codes_behind(field: bytes, lengths: list[int]) -> Iterator[tuple[bytes, bytes]]:
    field = field.rstrip()
    return ((field[-length:], field[:-length]) for length in lengths if len(field) >= length)


def _codes_before(field: bytes, lengths: list[int]) -> Iterator[tuple[bytes, bytes]]:
    field = field.lstrip()
    return ((field[:length], field[length:]) for length in lengths if len(field) >= length)
