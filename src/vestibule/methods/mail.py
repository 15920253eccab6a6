"""A code by mail, typed where the person signs in. It is offered only where a rule of the policy names it.

Who reads a mailbox may be many, and a mailbox is often behind the very password that was typed before (NIST SP
800-63B-4 section 3.1.3.1), so nobody is asked in this way unless somebody has decided that it will do.
"""

from collections.abc import Callable
from dataclasses import dataclass

from vestibule.core.case import Moment
from vestibule.core.credentials import Credential
from vestibule.core.phones import MAIL, called, shown
from vestibule.core.ports import Asked, Failed, Opening, Passed
from vestibule.core.prompts import TypeCode
from vestibule.core.reasons import Result
from vestibule.core.secret import Secret
from vestibule.core.sent_codes import checked, issued


@dataclass(frozen=True, slots=True)
class Mail:
    """The method; `mac` is HMAC under the key for codes that are sent."""

    mac: Callable[[bytes], bytes]
    name: str = "mail"
    result: Result = Result.NONE
    uses: str = MAIL
    waits: bool = False
    needs_web: bool = False
    together: bool = False
    named_only: bool = True

    def fits(self, credential: Credential) -> bool:
        """Whether there is an address."""
        return bool(credential.reach)

    def label(self, credential: Credential) -> str:
        """Which address it is, masked."""
        return called(credential)

    def begin(self, asked: Asked, moment: Moment) -> Opening:
        """Send a code, or the same once more."""
        new = issued(asked, moment, asked.sending.mail_seconds)
        again = new.memory == asked.memory
        tries = asked.tries_left if again else asked.sending.text_tries
        return Opening(TypeCode(shown(asked.credentials[0])), new.memory, "mail", "mail", new.seconds, tries)

    def check(self, answer: Secret, asked: Asked, moment: Moment) -> Passed | Failed:
        """Compare what was typed."""
        return checked(self.mac, answer, asked, moment, with_pin=False)
