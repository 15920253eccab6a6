"""What happened. Doors make `Began`, `Answered`, `Chose` and `Presented`; flows make the rest.

A password lives in an event, nowhere else.
"""

from dataclasses import dataclass

from vestibule.core.reasons import Reason, Result
from vestibule.core.secret import Secret


@dataclass(frozen=True, slots=True)
class Began:
    """Somebody asks to be let in through `client_id`. `user_key` is the compared form of the name.

    `typed` is the password field as it came.

    `source` is the place that failures are counted for (the person's address or device when the client tells it,
    else the client); `address` the person's IP address or "". `proof` is set only for clients that allow rejoining.

    With `proven` the first factor was proven before, by what a directory of others said; nothing was typed and nothing
    can be, so only questions that wait are put. `attributes` (name, value) are what that directory said.
    """

    client_id: str
    user_name: str
    user_key: str
    typed: Secret
    source: str
    address: str = ""
    proof: str = ""
    proven: bool = False
    attributes: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Answered:
    """An answer to the open question `nonce` of an attempt.

    From the asking client itself `client_id` and `user_key` are set and must fit the attempt; an answer that comes
    in through another door (an approval, a key press) has been authenticated there and leaves them empty.
    """

    attempt_id: str
    nonce: str
    answer: Secret
    client_id: str = ""
    user_key: str = ""


@dataclass(frozen=True, slots=True)
class Chose:
    """The person wants to be asked in another way, or in the same way once more.

    `way` is the id of one that was offered; the client and person are those of the attempt.
    """

    attempt_id: str
    nonce: str
    way: str
    client_id: str
    user_key: str


@dataclass(frozen=True, slots=True)
class Presented:
    """Somebody who typed no name presents a credential that proves who they are and both factors (a passkey).

    `memory` is what the method kept of its question; whoever makes the event has seen that it is ours and fresh.
    """

    client_id: str
    method: str
    credential_id: str
    memory: str
    answer: Secret
    source: str
    address: str = ""


@dataclass(frozen=True, slots=True)
class PasswordChecked:
    """The directory has looked at the password of `began`.

    `refusal` is why it does not let the person in, `detail` the same in its own words; `attributes` (name, value) are
    what it says with a right password, for doors that pass such things on. `user_id` is whose password was ordered to
    be checked, "" for nobody's: where the name has become another's meanwhile, it proves nothing. None is not asked.
    `counted` is whether the try was counted when the check was ordered; one that nobody here ordered is counted now.
    """

    began: Began
    right: bool
    refusal: Reason = Reason.WRONG_PASSWORD
    attributes: tuple[tuple[str, str], ...] = ()
    detail: str = ""
    user_id: str | None = None
    counted: bool = True


@dataclass(frozen=True, slots=True)
class PasswordUnchecked:
    """The directory could not look at the password of `began`; the try that was counted for it is given back.

    It is settled under the event id of the `PasswordChecked` that it stands for, so that only one of them counts.
    """

    began: Began


@dataclass(frozen=True, slots=True)
class NotDelivered:
    """The message of the open question surely did not reach the person; `result` is what reports call that."""

    attempt_id: str
    nonce: str
    result: Result = Result.NOT_DELIVERED


@dataclass(frozen=True, slots=True)
class Expired:
    """Nobody answered the open question in time; `result` is what reports call how it ended, if they know better."""

    attempt_id: str
    nonce: str
    result: Result | None = None


Event = Began | Answered | Chose | Presented | PasswordChecked | PasswordUnchecked | NotDelivered | Expired
