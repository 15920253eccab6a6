"""Codes that are sent to somebody: derived from what the question remembers, so that none is stored anywhere.

A code has six digits, belongs to one question, and is good for ten minutes at most however often it is sent again
(NIST SP 800-63B-4 section 3.1.3.2). Sent again it is the same one, so that a text that came late does no harm.
"""

import hmac
import json
import unicodedata
from collections.abc import Callable
from typing import NamedTuple

from vestibule.core.case import Moment
from vestibule.core.credentials import Credential
from vestibule.core.pins import expired, pin_of, right_pin
from vestibule.core.ports import Asked, Failed, Passed
from vestibule.core.proving import proven
from vestibule.core.reasons import Reason, Result
from vestibule.core.secret import Secret

Mac = Callable[[bytes], bytes]

DIGITS = 6
LONGEST_LIFE = 600.0


class Issued(NamedTuple):
    """What a question remembers of its code, and for how many seconds it is good from now on."""

    memory: str
    seconds: float


def issued(asked: Asked, moment: Moment, seconds: float) -> Issued:
    """A fresh code, or the one that was sent before while it is still good."""
    if asked.memory:
        at = json.loads(asked.memory)["at"]
        if 0 <= moment.at - at < seconds:
            return Issued(asked.memory, min(seconds, at + LONGEST_LIFE - moment.at))
    nonce = moment.chance[16:].hex()
    return Issued(json.dumps({"nonce": nonce, "at": moment.at}), min(seconds, LONGEST_LIFE))


def code_of(mac: Mac, credential_id: str, memory: str) -> str:
    """The code that belongs to this memory."""
    nonce = json.loads(memory)["nonce"]
    number = int.from_bytes(mac(f"sent code {credential_id}/{nonce}".encode())) % 10**DIGITS
    return f"{number:0{DIGITS}}"


def verifying(one: Credential) -> str:
    """What the code is derived from that shows that a new number reaches its person; sent again it is the same."""
    return json.dumps({"nonce": f"verify {one.created_at!r}"})


def bare(answer: Secret) -> str:
    """The digits of an answer, in ASCII whatever script they were typed in; blanks and punctuation do not matter."""
    text = answer.reveal().decode("utf-8", "replace")
    digits = (unicodedata.decimal(character, None) for character in text)
    return "".join(str(digit) for digit in digits if digit is not None)


def checked(mac: Mac, answer: Secret, asked: Asked, moment: Moment, *, with_pin: bool) -> Passed | Failed:
    """Compare an answer with the code, and with the PIN behind it where the person has one and it is asked for."""
    credential = asked.credentials[0]
    typed, pin = bare(answer), pin_of(asked.held) if with_pin else None
    right = hmac.compare_digest(typed[:DIGITS] if pin else typed, code_of(mac, credential.id, asked.memory))
    right_too = pin is None or right_pin(mac, pin, typed[DIGITS:])
    if right and right_too:
        if pin is not None and expired(pin, asked.sending.pin_days, moment.at):
            return Failed(Reason.DECLINED, Result.PIN_EXPIRED)  # it was right, so it is no guess
        return Passed(proven(credential, moment.at))
    if asked.tries_left == 1 and asked.sending.text_tries > 1:
        return Failed(Reason.WRONG_CODE, Result.TEXT_TRIES_SPENT)
    return Failed(Reason.WRONG_CODE, Result.TEXT_PIN_INCORRECT if pin else Result.TEXT_INCORRECT)
