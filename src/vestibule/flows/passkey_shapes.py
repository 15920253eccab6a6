"""The shapes in which the method of passkeys is handed to the flows; `apps/` joins the two."""

from dataclasses import dataclass
from typing import Protocol

from vestibule.core.case import Moment
from vestibule.core.credentials import Credential
from vestibule.core.passkeys import About, FindModel, Metadata, Wanted
from vestibule.core.secret import Secret
from vestibule.core.users import User


class AsksForPasskeys(Protocol):
    """Signing in without a name."""

    @property
    def domain(self) -> str:
        """The relying party's id: the host name, or a parent of it, that passkeys are made for."""

    def question(self, moment: Moment) -> tuple[str, str]:
        """The options for the browser, and what to remember of the question."""

    def whose(self, answer: Secret) -> str:
        """The id of the credential that an answer says it comes from, "" for nonsense."""

    def told(self, credential: Credential) -> About:
        """What people are told of a passkey."""


class TakesPasskeys(Protocol):
    """Registering a new one."""

    def options(self, user: User, held: tuple[Credential, ...], wanted: Wanted, moment: Moment) -> tuple[str, str]:
        """The options for the browser, and what to keep until its answer."""

    def taken(self, answer: Secret, memory: str, wanted: Wanted, model_of: FindModel) -> tuple[str, str]:
        """The id and the memory of the new credential. Raises NotTaken."""

    def metadata(self, blob: bytes, now: float, root: bytes | None = None) -> Metadata:
        """Read a file of the FIDO Metadata Service. Raises NotMetadata."""


@dataclass(frozen=True, slots=True)
class Passkeys:
    """Passkeys, where they are in use."""

    asking: AsksForPasskeys
    taking: TakesPasskeys
