"""What a domain says of a response: NTSTATUS (MS-ERREF section 2.3.1), by its name, number, or Samba's sentence. Pure.

Only what is listed says something about the person. All else is a trouble of the domain or of winbind and decides
nothing, so that a trust that broke is never taken for a wrong password.
"""

from typing import Final, NamedTuple

from vestibule.core.reasons import Reason

_WRAP: Final = 1 << 32


class Status(NamedTuple):
    """One status; `says` is a part of the sentence that Samba writes for it, in lower case."""

    code: int
    name: str
    says: str
    reason: Reason
    meaning: str

    @property
    def told(self) -> str:
        """It, with the numbers under which it is found in journals of Windows and in what people ask each other."""
        return f"status {self.code - _WRAP} (0x{self.code:08X}, NT_STATUS_{self.name}): {self.meaning}"


STATUSES: Final = (
    Status(0xC0000064, "NO_SUCH_USER", "specified account does not exist", Reason.UNKNOWN_USER, "nobody has this name"),
    Status(
        0xC000006A, "WRONG_PASSWORD", "current password is not correct", Reason.WRONG_PASSWORD, "the password is wrong"
    ),
    Status(
        0xC000006D,
        "LOGON_FAILURE",
        "attempted logon is invalid",
        Reason.WRONG_PASSWORD,
        "the name or the password is wrong; if it is so for everybody, the domain takes no MS-CHAP from this machine",
    ),
    Status(
        0xC000006E,
        "ACCOUNT_RESTRICTION",
        "account restriction has prevented",
        Reason.NOT_ALLOWED_NOW,
        "the password is right, and a restriction of the account forbids the rest",
    ),
    Status(
        0xC000006F, "INVALID_LOGON_HOURS", "has time restrictions", Reason.NOT_ALLOWED_NOW, "outside of the logon hours"
    ),
    Status(
        0xC0000070,
        "INVALID_WORKSTATION",
        "from the source workstation",
        Reason.NOT_ALLOWED_NOW,
        "the account may log on from other machines only",
    ),
    Status(0xC0000071, "PASSWORD_EXPIRED", "password has expired", Reason.PASSWORD_EXPIRED, "the password is too old"),
    Status(
        0xC0000072, "ACCOUNT_DISABLED", "currently disabled", Reason.ACCOUNT_DISABLED, "the account is switched off"
    ),
    Status(0xC0000193, "ACCOUNT_EXPIRED", "account has expired", Reason.ACCOUNT_EXPIRED, "the account is over"),
    Status(
        0xC0000224,
        "PASSWORD_MUST_CHANGE",
        "must be changed before logging on",
        Reason.PASSWORD_MUST_CHANGE,
        "the password is to be changed first",
    ),
    Status(
        0xC0000234,
        "ACCOUNT_LOCKED_OUT",
        "automatically locked",
        Reason.ACCOUNT_LOCKED,
        "locked after too many wrong passwords",
    ),
)

TROUBLES: Final = {
    "privileged": "this program may not use winbind: its user must be in the group winbindd_priv",
    "not authorized": "this program may not use winbind: its user must be in the group winbindd_priv",
    "reading winbind reply failed": "winbind does not answer: is it running? see: wbinfo -p",
    "ntlm was blocked": "the domain refuses NTLM from this machine (Network security: Restrict NTLM)",
    "0xc0000418": "the domain refuses NTLM from this machine (Network security: Restrict NTLM)",
    "trust relationship": "this machine is no member of the domain any more; see: net ads testjoin",
    "no logon servers": "winbind reaches no domain controller; see: wbinfo --ping-dc",
}
"""What else winbind says, and what to do."""


def status_of(said: str) -> Status | None:
    """The status that a sentence, a name or a number means; None for what says nothing about the person."""
    text = said.lower()
    for status in STATUSES:
        numbers = f"0x{status.code:08x}", str(status.code - _WRAP)
        if status.says in text or status.name.lower() in text or any(number in text for number in numbers):
            return status
    return None


def trouble_of(said: str) -> str:
    """What is wrong, in words."""
    text = said.lower()
    return next((cure for words, cure in TROUBLES.items() if words in text), f"winbind says: {said}")
