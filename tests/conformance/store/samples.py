"""One record of each kind with nothing left at its default, and one with everything at its default."""

from dataclasses import replace

from vestibule.core.api_keys import ApiKey, PastRequest, Right
from vestibule.core.attempts import Attempt, Challenge, Settled
from vestibule.core.clients import Client, SignIn
from vestibule.core.credentials import Algorithm, Credential, CredentialState, Seed
from vestibule.core.delivery import Medium
from vestibule.core.directories import DirectoryRecord
from vestibule.core.failures import FailureKind, Failures
from vestibule.core.messages import Message
from vestibule.core.outbox import OutboxRow
from vestibule.core.policy import Outcome, Rule
from vestibule.core.ports import Record
from vestibule.core.prompts import Approve, Way
from vestibule.core.providers import Price, ProviderRecord, Route
from vestibule.core.reasons import Reason
from vestibule.core.secret import Secret
from vestibule.core.sends import Counted, OptOut, Send, SendState
from vestibule.core.sessions import Session
from vestibule.core.sounds import Recording
from vestibule.core.users import Alias, Block, Group, Mfa, Password, Role, User

UNUSUAL = """Zoë 'O"Neil'; DROP TABLE users;-- %_\\ {"a":[null]} ?:1 $1 漢字 👩‍🚀 e\u0301 \u200fשלום """
EXACT = 1_700_000_000.1 + 0.2
"""A time that only a lossless float brings back."""

ALL_OCTETS = Secret(bytes(range(256)))

FULL: tuple[Record, ...] = (
    User(
        "user",
        UNUSUAL,
        f"key {UNUSUAL}",
        "first",
        "last",
        "zoe@example.org",
        "+1 555 0100",
        "ja",
        ("b", UNUSUAL, "a"),
        Mfa.ENFORCED,
        Block(EXACT, EXACT + 60, "admin", UNUSUAL),
        EXACT,
        7,
        "corp",
        f"guid {UNUSUAL}",
        Role.AUDITOR,
        "tap/credential",
    ),
    Alias(f"alias {UNUSUAL}", "user"),
    Password("user", f"$argon2id$v=19$m=1,t=1,p=1${UNUSUAL}", EXACT),
    Group("staff", UNUSUAL, (("Class", UNUSUAL), ("Filter-Id", "b"), ("Class", "a"))),
    Seed("seed", ALL_OCTETS, 57_000_000, 2**40, -12, resync=True, used_at=EXACT),
    Credential(
        "credential",
        "totp",
        "user",
        UNUSUAL,
        CredentialState.DISABLED,
        "seed",
        f"serial {UNUSUAL}",
        "maker",
        "model",
        Algorithm.SHA512,
        8,
        60,
        f'{{"memory": "{UNUSUAL!a}"}}',
        EXACT + 1,
        EXACT,
        3,
        EXACT - 1,
        EXACT + 2,
        "+14255550100",
    ),
    Client(
        "client",
        UNUSUAL,
        ("192.0.2.0/24", "2001:db8::/32"),
        (ALL_OCTETS, Secret.of(UNUSUAL)),
        "nas-1",
        SignIn.CODE_AND_PASSWORD,
        require_user_match=False,
        require_message_authenticator=False,
        limit_proxy_state=False,
        holds=False,
        time_budget=12.5,
        rejoin_seconds=10,
        created_at=EXACT,
        version=2,
        first_factor="corp",
        pass_until=EXACT + 5,
        pass_through=True,
        web=True,
    ),
    Rule("rule", 3, UNUSUAL, Outcome.DENY, ("client", UNUSUAL), ("staff",), ("10.0.0.0/8",), ("totp", "tap")),
    DirectoryRecord("corp", "ldap", f'{{"base_dn": "{UNUSUAL!a}"}}', ALL_OCTETS, EXACT, 4),
    Attempt(
        "attempt",
        "client",
        "user",
        UNUSUAL,
        "key",
        "source",
        "192.0.2.7",
        EXACT,
        EXACT + 30,
        Challenge(
            "nonce", Approve("42"), EXACT + 30, "tap", "credential", UNUSUAL, waits=True, tries_left=3, polled=True
        ),
        Settled(EXACT + 2, Reason.DECLINED, ("staff", UNUSUAL)),
        UNUSUAL,
        ("tap",),
        (("Class", UNUSUAL), ("Filter-Id", "b")),
        (Way("tap", "credential", UNUSUAL), Way("code")),
        ("tap/credential",),
        silent=True,
    ),
    Failures("user", FailureKind.SOURCE, "2001:db8::1/64", 5, EXACT, (("z", 2), ("a", 3)), EXACT + 1, "proof"),
    OutboxRow(
        "message",
        Message("message", "test", "credential", "attempt", UNUSUAL, EXACT + 30),
        "mfa2",
        EXACT + 20,
        unknown=True,
        fence=3,
    ),
    ApiKey(
        "0123456789abcdef",
        UNUSUAL,
        "digest",
        "client",
        (Right.USERS_READ, Right.JOURNAL_READ),
        EXACT + 60,
        EXACT,
        UNUSUAL,
    ),
    PastRequest("request", "digest", ALL_OCTETS, EXACT),
    Session("session", "user", EXACT, EXACT + 1, EXACT + 2, "totp", "192.0.2.7", UNUSUAL),
    ProviderRecord("twilio", "twilio", f'{{"account": "{UNUSUAL!a}"}}', ALL_OCTETS, EXACT, 4, enabled=False),
    Route("route", 3, Medium.CALL, ("US", "NL"), ("twilio", UNUSUAL), (("twilio", "+14255550100"), (UNUSUAL, "Us"))),
    Price("twilio/text/+1876", 2**40),
    Send(
        "send",
        "message",
        "attempt",
        "user",
        "credential",
        "twilio",
        Medium.TEXT,
        SendState.UNDELIVERED,
        f"SM {UNUSUAL}",
        "other",
        "30003",
        "+14255550100",
        "US",
        "+1425555",
        2**40,
        "USD",
        75_000,
        EXACT,
        EXACT + 1,
        ALL_OCTETS,
    ),
    Counted("person/user", EXACT, 2**40, 2**41, f"[{EXACT}]"),
    OptOut("digest", EXACT, "twilio"),
    Recording("nl/greeting", "d1ge57", EXACT, UNUSUAL, EXACT, bytes(range(256))),
)

PLAIN: tuple[Record, ...] = (
    User("user", "zoe", "zoe"),
    Alias("corp\\zoe", "user"),
    Group("staff"),
    DirectoryRecord("corp", "ldap", "{}", Secret(b"")),
    Seed("seed", Secret(b"")),
    Credential("credential", "totp"),
    Client("client", "vpn", (), ()),
    Rule("rule", 0, "all", Outcome.ALLOW),
    Attempt("attempt", "client", "", "zoe", "zoe", "source", "", 0.0, 0.0),
    Attempt("attempt", "client", "", "zoe", "zoe", "source", "", 0.0, 0.0, settled=Settled(1.0)),
    Failures("user", FailureKind.FACTOR, "password"),
    OutboxRow("message", Message("message", "test", "", "", "", 0.0), "mfa1", 0.0),
    ApiKey("0123456789abcdef", "everything", "digest"),
    PastRequest("request", "digest", Secret(b""), 0.0),
    ProviderRecord("twilio", "twilio", "{}", Secret(b"")),
    Route("route", 0, Medium.TEXT),
    Send("send", "message", "", "", "", "", Medium.CALL),
    Counted("person/user", 0.0),
)


def key_of(record: Record) -> str:
    """What `Reading.get` finds the record by."""
    if isinstance(record, Failures):
        return f"{record.user_id}/{record.kind}/{record.name}"
    return record.id


def another(record: Record, name: str) -> Record:
    """A like record that may stand beside it: its id begins with `name`."""
    match record:
        case Failures():
            return replace(record, user_id=name)
        case User():
            return replace(record, id=name, key=name)
        case Credential():
            return replace(record, id=name, serial=name)
        case OutboxRow():
            return replace(record, id=name, message=replace(record.message, id=name))
        case _:
            return replace(record, id=name)
