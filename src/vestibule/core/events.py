"""What happened. Doors make `Began` and `Answered`; flows make the rest. A password lives in an event, nowhere else."""

from dataclasses import dataclass

from vestibule.core.reasons import Reason
from vestibule.core.secret import Secret


@dataclass(frozen=True, slots=True)
class Began:
    """Somebody asks to be let in through `client_id`. `user_key` is the compared form of the name.

    `typed` is the password field as it came.

    `source` is the place that failures are counted for (the person's address or device when the client tells it,
    else the client); `address` the person's IP address or "". `proof` is set only for clients that allow rejoining.
    """

    client_id: str
    user_name: str
    user_key: str
    typed: Secret
    source: str
    address: str = ""
    proof: str = ""


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
class PasswordChecked:
    """The directory has looked at the password of `began`.

    `refusal` is why it does not let the person in, `detail` the same in its own words; `attributes` (name, value) are
    what it says with a right password, for doors that pass such things on. `user_id` is whose password was ordered to
    be checked, "" for nobody's: where the name has become another's meanwhile, it proves nothing. None is not asked.
    """

    began: Began
    right: bool
    refusal: Reason = Reason.WRONG_PASSWORD
    attributes: tuple[tuple[str, str], ...] = ()
    detail: str = ""
    user_id: str | None = None


@dataclass(frozen=True, slots=True)
class PasswordUnchecked:
    """The directory could not look at the password of `began`; the try that was counted for it is given back.

    It is settled under the event id of the `PasswordChecked` that it stands for, so that only one of them counts.
    """

    began: Began


@dataclass(frozen=True, slots=True)
class NotDelivered:
    """The message of the open question surely did not reach its channel."""

    attempt_id: str
    nonce: str


@dataclass(frozen=True, slots=True)
class Expired:
    """Nobody answered the open question in time."""

    attempt_id: str
    nonce: str


Event = Began | Answered | PasswordChecked | PasswordUnchecked | NotDelivered | Expired
