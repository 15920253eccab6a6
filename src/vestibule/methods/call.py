"""A telephone call: `#` confirms, or a PIN and `#`; a fraud is reported by its code and `#`, and 1 confirms the block.

What arrives as an answer is what was keyed before `#`: "" for `#` alone. Stages, as `AnswerCall` names them: ""
(confirm), "pin", "fraud" (waiting for 1), "new_pin" and "new_pin_again", where a PIN that must be changed is changed.
The voice that goes with them is `core.call_script`.
"""

import hmac
import json
from collections.abc import Callable
from dataclasses import dataclass

from vestibule.core.case import Moment
from vestibule.core.credentials import Credential
from vestibule.core.phones import CALL_USE, PHONE, called, phone_of, shown
from vestibule.core.pins import PinRules, expired, pin_fault, pin_mac, pin_of, right_pin, with_pin
from vestibule.core.ports import Asked, Failed, Onward, Opening, Passed
from vestibule.core.prompts import AnswerCall
from vestibule.core.proving import proven
from vestibule.core.reasons import Reason, Result
from vestibule.core.secret import Secret

TRIES = 3
NEW_PINS = 3  # that may be keyed before the call is given up
CONFIRM, ASK_PIN, FRAUD, NEW_PIN, AGAIN = "", "pin", "fraud", "new_pin", "new_pin_again"
YES = "1"


@dataclass(frozen=True, slots=True)
class Call:
    """The method; `mac` is HMAC under the key for PINs."""

    mac: Callable[[bytes], bytes]
    name: str = "call"
    result: Result = Result.CONFIRMED
    uses: str = PHONE
    waits: bool = True
    needs_web: bool = False
    together: bool = False

    def fits(self, credential: Credential) -> bool:
        """Whether this number is called."""
        return bool(credential.reach) and CALL_USE in phone_of(credential).uses

    def label(self, credential: Credential) -> str:
        """Which number it is, masked."""
        return called(credential)

    def begin(self, asked: Asked, moment: Moment) -> Opening:  # noqa: ARG002 - the port's shape
        """Let the telephone ring; who has a PIN is asked for it if the number or the settings say so."""
        credential = asked.credentials[0]
        wanted = phone_of(credential).pin
        asks = bool(asked.sending.call_pin) if wanted is None else wanted
        stage = ASK_PIN if asks and pin_of(asked.held) else CONFIRM
        prompt = AnswerCall(shown(credential), stage)
        return Opening(prompt, json.dumps({"stage": stage}), "call", "call", asked.sending.call_seconds, TRIES)

    def check(self, answer: Secret, asked: Asked, moment: Moment) -> Passed | Failed | Onward:
        """Go on with what was keyed."""
        memory, keyed = json.loads(asked.memory), answer.reveal().decode("ascii", "replace")
        match memory["stage"]:
            case "fraud":
                return Failed(Reason.FRAUD_REPORTED, Result.FRAUD_CODE, blocks=keyed == YES)
            case "new_pin":
                return self._new_pin(keyed, asked, memory)
            case "new_pin_again":
                return self._again(keyed, asked, memory, moment)
            case _ if hmac.compare_digest(keyed.encode(), asked.sending.fraud_code.encode()):
                return _onward(asked, FRAUD)
            case "pin":
                return self._pin(keyed, asked, moment)
            case _:
                return _confirmed(keyed, asked, moment)

    def _pin(self, keyed: str, asked: Asked, moment: Moment) -> Passed | Failed | Onward:
        pin = pin_of(asked.held)
        if not keyed or pin is None:  # without its PIN a person is not let in by the key alone
            return Failed(Reason.WRONG_PIN, Result.CONFIRMED)
        if not right_pin(self.mac, pin, keyed):
            return Failed(Reason.WRONG_PIN, Result.PIN_ENTERED)
        if expired(pin, asked.sending.pin_days, moment.at):
            return _onward(asked, NEW_PIN, left=NEW_PINS)
        return Passed(proven(asked.credentials[0], moment.at), result=Result.PIN_ENTERED)

    def _new_pin(self, keyed: str, asked: Asked, memory: dict[str, int]) -> Failed | Onward:
        """Take a first look at a new PIN; what is kept of it is its digest."""
        pin = pin_of(asked.held)
        if pin is None or pin_fault(self.mac, pin, keyed, _rules(asked)):
            return _once_more(asked, memory)
        return _onward(asked, AGAIN, left=memory["left"], new=pin_mac(self.mac, pin.user_id, keyed))

    def _again(self, keyed: str, asked: Asked, memory: dict[str, str], moment: Moment) -> Passed | Failed | Onward:
        pin = pin_of(asked.held)
        left = {"left": int(memory["left"])}
        if pin is None or not hmac.compare_digest(pin_mac(self.mac, pin.user_id, keyed), memory["new"]):
            return _once_more(asked, left)
        fresh = with_pin(self.mac, pin, keyed, moment.at, asked.sending.pin_history)
        return Passed(proven(asked.credentials[0], moment.at), result=Result.PIN_ENTERED, others=(fresh,))


def _confirmed(keyed: str, asked: Asked, moment: Moment) -> Passed | Failed:
    if keyed:
        return Failed(Reason.WRONG_PIN, Result.PIN_ENTERED)
    return Passed(proven(asked.credentials[0], moment.at))


def _once_more(asked: Asked, memory: dict[str, int]) -> Failed | Onward:
    if memory["left"] <= 1:
        return Failed(Reason.DECLINED, Result.PIN_EXPIRED)
    return _onward(asked, NEW_PIN, left=memory["left"] - 1)


def _onward(asked: Asked, stage: str, **memory: object) -> Onward:
    return Onward(AnswerCall(shown(asked.credentials[0]), stage), json.dumps({"stage": stage, **memory}))


def _rules(asked: Asked) -> PinRules:
    sending = asked.sending
    numbers = tuple(one.reach for one in asked.held if one.method == PHONE)
    return PinRules(sending.pin_digits, sending.fraud_code, numbers, sending.pin_history)
