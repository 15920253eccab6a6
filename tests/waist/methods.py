"""A method that is answered through another door, small enough to be read at a glance.

It proves the waist (wait, deliver, not delivered, expired, late answers) before any real push or text exists.
"""

from dataclasses import dataclass

from vestibule.core.case import Moment
from vestibule.core.credentials import Credential
from vestibule.core.ports import Asked, Failed, Opening, Passed, Verification
from vestibule.core.prompts import Approve
from vestibule.core.reasons import Reason, Result
from vestibule.core.secret import Secret

DECLINED = Secret.of("declined")


@dataclass(frozen=True, slots=True)
class Tap:
    """The right answer is the number that the person was shown; `channel` "" begins without a message."""

    channel: str = "test"
    seconds: float = 60.0
    name: str = "tap"
    result: Result = Result.OATH_VERIFIED
    waits: bool = True
    needs_web: bool = False
    together: bool = False

    @property
    def uses(self) -> str:
        """It has credentials of its own."""
        return self.name

    def fits(self, credential: Credential) -> bool:
        """All of them."""
        return True

    def label(self, credential: Credential) -> str:
        """As the person named it."""
        return credential.label

    def begin(self, asked: Asked, moment: Moment) -> Opening:
        """Show a number of two digits."""
        number = str(10 + moment.chance[0] % 90)
        return Opening(Approve(number), number, self.channel, "tap", self.seconds)

    def check(self, answer: Secret, asked: Asked, moment: Moment) -> Verification:
        """Compare the answer with the number."""
        if answer == DECLINED:
            return Failed(Reason.DECLINED)
        return Passed(asked.credentials[0]) if answer == Secret.of(asked.memory) else Failed(Reason.WRONG_CODE)
