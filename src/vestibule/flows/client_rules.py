"""What a client may be, and what is weak about it."""

from collections.abc import Iterable
from datetime import UTC, datetime

from vestibule.core.clients import Client, SignIn
from vestibule.core.policy import parse_networks
from vestibule.core.ports import Reading
from vestibule.core.secret import Secret
from vestibule.flows.refused import Refused

SHORT_SECRET = 12  # octets; draft-ietf-radext-deprecating-radius warns up to here
FEW_CHARACTERS = 6
MOST = 10_000
BUDGET = (2.0, 600.0)
REJOIN_SECONDS = 10
PORTAL = "portal"
"""The client that the pages for people ask as: it is always there, and nobody else asks by its name."""

SHORT = "The secret has 12 octets or fewer and can be found by trying; use a generated one."
PLAIN = "The secret repeats few characters and can be guessed; use a generated one."
NO_AUTHENTICATOR = (
    "Message-Authenticator is not required: whoever can change packets on the way can forge answers (Blast-RADIUS). "
    "Require it as soon as this client sends it."
)
REJOINS = "A fresh packet may repeat a sign-in for {} seconds after it was accepted: one code then counts twice."
REJOINS_BARE = (
    "A sign-in that is repeated so is not asked of {} again: its answer has the attributes of groups and none of that "
    "directory."
)
PASSES = (
    "Until the end of {} (UTC) people without a second factor are let in by their first one. Give them factors before "
    "that day."
)
STRANGERS = (
    "Until that day people whom nobody knows here are let in by what the directory {} says of their password. Where "
    "that directory is a RADIUS server, a spelling that only it understands goes round somebody's second factor."
)
HANDS_ON = (
    "MS-CHAP and EAP are handed on to {}. Who can read the way to this client breaks an MS-CHAP password within a day, "
    "and no code can be typed: people without an approval or a call are refused. PAP over RADIUS with TLS (RadSec) is "
    "better."
)
BUILT_IN = "This client is built in: the portal signs people in as it. Rules of the policy may name it."
ANY_USER = "Require user match is off, but nobody passes by it: that takes first_factor and pass_until."


def is_portal(client: Client) -> bool:
    """Whether it is the built-in one, and not an older one of an operator's that has its id."""
    return client.id == PORTAL and not client.networks and client.sign_in is SignIn.PASSWORD_THEN_CODE


def refuse_unfit(client: Client) -> None:
    """What no client may be, whatever the others are."""
    if client.id == PORTAL and not is_portal(client):
        raise Refused(BUILT_IN, "id")
    if client.sign_in is SignIn.CODE_ONLY and not client.require_user_match:
        raise Refused(
            "With sign_in code_only nobody here checks the first factor, so require_user_match must stay on.",
            "require_user_match",
        )
    if client.sign_in is SignIn.CODE_ONLY and (client.first_factor or client.pass_until):
        raise Refused(
            "With sign_in code_only nobody here checks a first factor, so first_factor and pass_until must be empty.",
            "first_factor",
        )
    if client.pass_through and not client.first_factor:
        raise Refused(
            "pass_through hands MS-CHAP and EAP on to first_factor, so first_factor must name a directory.",
            "pass_through",
        )
    if not BUDGET[0] <= client.time_budget <= BUDGET[1]:
        raise Refused(f"time_budget must be from {BUDGET[0]:g} to {BUDGET[1]:g} seconds.", "time_budget")
    if not 0 <= client.rejoin_seconds <= REJOIN_SECONDS:
        raise Refused(f"rejoin_seconds must be from 0 to {REJOIN_SECONDS}.", "rejoin_seconds")


def _near(clients: Iterable[Client], client: Client) -> list[tuple[Client, bool]]:
    """Other clients whose packets could be taken for this one's, and whether they have one of its very networks."""
    others = [one for one in clients if one.id != client.id]
    same_name = [one for one in others if one.nas_identifier == client.nas_identifier]
    return [(one, bool(set(one.networks) & set(client.networks))) for one in same_name if _overlap(one, client)]


def _overlap(one: Client, other: Client) -> bool:
    pairs = ((a, b) for a in parse_networks(one.networks) for b in parse_networks(other.networks))
    return any(a.version == b.version and a.overlaps(b) for a, b in pairs)


def refuse_ambiguous(reading: Reading, client: Client) -> None:
    """Two clients whose packets could not be told apart."""
    equal = [other.id for other, same in _near(reading.page(Client, "", MOST), client) if same]
    if equal:
        raise Refused(
            f"The client {', '.join(equal)} has the same network and NAS-Identifier, so its packets could not be told "
            "apart. Give one of them a NAS-Identifier of its own, or another network.",
            "networks",
        )


def warnings_of(reading: Reading, client: Client, now: float) -> list[str]:
    """What is allowed but weak at `now`, each with a way out."""
    return warnings_among(reading.page(Client, "", MOST), client, now)


def warnings_among(clients: Iterable[Client], client: Client, now: float) -> list[str]:
    """The same, where all clients are at hand."""
    found = [warning for secret in client.secrets for warning in _weak(secret)]
    if not client.require_message_authenticator:
        found.append(NO_AUTHENTICATOR)
    if client.rejoin_seconds:
        found.append(REJOINS.format(client.rejoin_seconds))
        if client.first_factor:
            found.append(REJOINS_BARE.format(client.first_factor))
    if client.passes(now):
        found.append(PASSES.format(datetime.fromtimestamp(client.pass_until, UTC).date()))
    if not client.require_user_match:
        strangers = client.first_factor and client.passes(now)
        found.append(STRANGERS.format(client.first_factor) if strangers else ANY_USER)
    if client.pass_through:
        found.append(HANDS_ON.format(client.first_factor))
    around = [other.id for other, same in _near(clients, client) if not same]
    if around:
        found.append(f"Its networks overlap those of {', '.join(around)}; a packet belongs to the narrower network.")
    return found


def _weak(secret: Secret) -> list[str]:
    short = [SHORT] if len(secret) <= SHORT_SECRET else []
    return [*short, PLAIN] if len(set(secret.reveal())) < FEW_CHARACTERS else short
