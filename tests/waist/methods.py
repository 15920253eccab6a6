"""A method that is answered through another door, small enough to be read at a glance.

It proves the waist (wait, deliver, not delivered, expired, late answers) before any real push or text exists.
"""

from dataclasses import dataclass

from vestibule.core.case import Moment
from vestibule.core.credentials import Credential
from vestibule.core.ports import Failed, Opening, Passed, Verification
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

    def begin(self, credential: Credential, moment: Moment) -> Opening:
        """Show a number of two digits."""
        number = str(10 + moment.chance[0] % 90)
        return Opening(Approve(number), number, self.channel, "tap", self.seconds)

    def check(self, answer: Secret, credential: Credential, memory: str, moment: Moment) -> Verification:
        """Compare the answer with the number."""
        if answer == DECLINED:
            return Failed(Reason.DECLINED)
        return Passed(credential) if answer == Secret.of(memory) else Failed(Reason.WRONG_CODE)
