"""Who asks: a NAS today; LDAP applications, web applications and portals later."""

from dataclasses import dataclass
from enum import StrEnum

from vestibule.core.secret import Secret


class SignIn(StrEnum):
    """What stands in the password field, and when the code is asked."""

    PASSWORD_THEN_CODE = "password_then_code"  # noqa: S105 - a mode; the code is asked by a challenge
    PASSWORD_AND_CODE = "password_and_code"  # noqa: S105 - one field, code appended
    CODE_AND_PASSWORD = "code_and_password"  # noqa: S105 - one field, code prepended
    CODE_ONLY = "code_only"  # the asking system checks the first factor itself, before it asks


@dataclass(frozen=True, slots=True)
class Client:
    """One asking system: found by source network and, behind one address, by NAS-Identifier.

    `secrets` holds one shared secret, or two during a change-over. `time_budget` is how long (seconds) the system
    waits for an answer. `rejoin_seconds` (0–10) lets a fresh packet repeat a sign-in that was just accepted.
    `first_factor` is the directory that is asked for everybody's password, "" for each person's own. Until
    `pass_until` (seconds since the epoch, 0 for never) people without a second factor pass with the first one; with
    `require_user_match` off, people whom we do not know do as well. With `pass_through` first factors that we can not
    read (MS-CHAP, EAP) go on to that directory as they are. `web` is a page of our own: it carries passkeys and a
    choice, and no time budget of another system rules it.
    """

    id: str
    name: str
    networks: tuple[str, ...]
    secrets: tuple[Secret, ...]
    nas_identifier: str = ""
    sign_in: SignIn = SignIn.PASSWORD_THEN_CODE
    require_user_match: bool = True
    require_message_authenticator: bool = True
    limit_proxy_state: bool = True
    holds: bool = True
    time_budget: float = 30.0
    rejoin_seconds: int = 0
    created_at: float = 0.0
    version: int = 1
    first_factor: str = ""
    pass_until: float = 0.0
    pass_through: bool = False
    web: bool = False

    def passes(self, now: float) -> bool:
        """Whether the first factor is enough at `now` for people who have no second one."""
        return now < self.pass_until

    @property
    def one_field(self) -> bool:
        """Whether password and code come together in one field."""
        return self.sign_in in (SignIn.PASSWORD_AND_CODE, SignIn.CODE_AND_PASSWORD)

    @property
    def challenges(self) -> bool:
        """Whether this client can carry a question for a typed code."""
        return self.sign_in in (SignIn.PASSWORD_THEN_CODE, SignIn.CODE_ONLY)
