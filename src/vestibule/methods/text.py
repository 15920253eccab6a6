"""One-way text: a code goes out by text and is typed where the person signs in, with a PIN behind it if one is asked.

The code is derived from what the question remembers (`core.sent_codes`), so none is stored; asked for once more, the
same one is sent again, and the tries that were spent stay spent.
"""

from collections.abc import Callable
from dataclasses import dataclass

from vestibule.core.case import Moment
from vestibule.core.credentials import Credential
from vestibule.core.phones import PHONE, TEXT_USE, called, phone_of, shown
from vestibule.core.ports import Asked, Failed, Opening, Passed
from vestibule.core.prompts import TypeCode
from vestibule.core.reasons import Result
from vestibule.core.secret import Secret
from vestibule.core.sent_codes import checked, issued


@dataclass(frozen=True, slots=True)
class Text:
    """The method; `mac` is HMAC under the key for codes that are sent and for PINs."""

    mac: Callable[[bytes], bytes]
    name: str = "text"
    result: Result = Result.TEXT_AUTHENTICATED
    uses: str = PHONE
    waits: bool = False
    needs_web: bool = False
    together: bool = False

    def fits(self, credential: Credential) -> bool:
        """Whether this number is sent texts."""
        return bool(credential.reach) and TEXT_USE in phone_of(credential).uses

    def label(self, credential: Credential) -> str:
        """Which number it is, masked."""
        return called(credential)

    def begin(self, asked: Asked, moment: Moment) -> Opening:
        """Send a code, or the same once more."""
        new = issued(asked, moment, asked.sending.text_seconds)
        again = new.memory == asked.memory
        tries = asked.tries_left if again else asked.sending.text_tries
        return Opening(TypeCode(shown(asked.credentials[0])), new.memory, "text", "text", new.seconds, tries)

    def check(self, answer: Secret, asked: Asked, moment: Moment) -> Passed | Failed:
        """Compare what was typed."""
        wanted = phone_of(asked.credentials[0]).pin
        with_pin = bool(asked.sending.text_pin) if wanted is None else wanted
        return checked(self.mac, answer, asked, moment, with_pin=with_pin)
