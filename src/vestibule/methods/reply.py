"""Two-way text: the person replies to a text with the code in it, and with a PIN behind it if one is asked.

Whoever asks to be let in types nothing, so it serves clients that can not carry a question. It is weaker than one-way
text: the number that a reply seems to come from can be forged. So no number serves it unless it was told to.
"""

from collections.abc import Callable
from dataclasses import dataclass

from vestibule.core.case import Moment
from vestibule.core.credentials import Credential
from vestibule.core.phones import PHONE, REPLY_USE, called, phone_of, shown
from vestibule.core.ports import Asked, Failed, Opening, Passed
from vestibule.core.prompts import ReplyToText
from vestibule.core.reasons import Result
from vestibule.core.secret import Secret
from vestibule.core.sent_codes import checked, issued


@dataclass(frozen=True, slots=True)
class Reply:
    """The method; `mac` is HMAC under the key for codes that are sent and for PINs."""

    mac: Callable[[bytes], bytes]
    name: str = "reply"
    result: Result = Result.TEXT_AUTHENTICATED
    uses: str = PHONE
    waits: bool = True
    needs_web: bool = False
    together: bool = False

    def fits(self, credential: Credential) -> bool:
        """Whether replies from this number are taken."""
        return bool(credential.reach) and REPLY_USE in phone_of(credential).uses

    def label(self, credential: Credential) -> str:
        """Which number it is, masked."""
        return called(credential)

    def begin(self, asked: Asked, moment: Moment) -> Opening:
        """Send a code, or the same once more."""
        new = issued(asked, moment, asked.sending.reply_seconds)
        again = new.memory == asked.memory
        tries = asked.tries_left if again else asked.sending.text_tries
        return Opening(ReplyToText(shown(asked.credentials[0])), new.memory, "text", "reply", new.seconds, tries)

    def check(self, answer: Secret, asked: Asked, moment: Moment) -> Passed | Failed:
        """Compare what was replied."""
        wanted = phone_of(asked.credentials[0]).pin
        with_pin = bool(asked.sending.text_pin) if wanted is None else wanted
        return checked(self.mac, answer, asked, moment, with_pin=with_pin)
