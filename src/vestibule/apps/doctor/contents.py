"""What the database holds: clients that are easy to attack, waivers that run out, the clock, the end of the journal."""

from collections.abc import Iterable, Iterator, Mapping
from itertools import combinations

from vestibule.apps.background import heads_file
from vestibule.apps.doctor.findings import Finding, Level, some
from vestibule.apps.pieces import Pieces
from vestibule.core.clients import Client
from vestibule.core.credentials import Credential
from vestibule.core.errors import Malformed
from vestibule.core.heads import Heads, gaps
from vestibule.core.policy import parse_networks
from vestibule.core.ports import ChainHead, Reading, pages
from vestibule.flows.clock import Doubt, doubt
from vestibule.stores.chain import first_fault
from vestibule.stores.heads_file import read_heads
from vestibule.stores.vault import Vault

SHORT_SECRET = 12  # octets; guessed offline from one packet
DAY = 86400.0
SOON = 30 * DAY
PAGE = 500
LAST_LINES = 1000


async def findings(pieces: Pieces, environment: Mapping[str, str], now: float) -> list[Finding]:
    """Look through the store, on a reading connection."""
    known, damaged = _known_heads(pieces, environment)

    def look(reading: Reading) -> list[Finding]:
        return [
            *clock(doubt(reading), now),
            *clients(pieces.store.snapshot.clients.values()),
            *waivers(_credentials(reading), now),
            *journal(reading, pieces.vault, known),
        ]

    return [*damaged, *await pieces.store.read(look)]


def clock(found: Doubt | None, now: float) -> Iterator[Finding]:
    """Name a step of the clock that nobody has confirmed."""
    if found is not None:
        ago = max(now - found.since, 0.0) / 3600
        yield Finding(
            Level.ERROR,
            f"The clock was moved by {found.seconds:g} s, {ago:.1f} h ago. Until this is settled, nothing is deleted.",
            "Compare the clock with a time you trust, then: vestibule clock confirm",
        )


def clients(found: Iterable[Client]) -> Iterator[Finding]:
    """Name what makes a client weaker than it need be."""
    listed = sorted(found, key=lambda client: client.id)
    for client in listed:
        yield from _secrets(client)
        yield from _manners(client)
    for first, second in combinations(listed, 2):
        yield from _overlap(first, second)


def _secrets(client: Client) -> Iterator[Finding]:
    if any(len(secret) <= SHORT_SECRET for secret in client.secrets):
        yield Finding(
            Level.WARNING,
            f"Client {client.id}: its shared secret has {SHORT_SECRET} octets or fewer, too few against guessing.",
            f"Change it with: vestibule client secret {client.id}",
        )
    if len(client.secrets) > 1:
        yield Finding(
            Level.NOTE,
            f"Client {client.id}: a change of its shared secret is under way, and the old one still works.",
            f"When the client has the new one: vestibule client secret {client.id} --finish",
        )


def _manners(client: Client) -> Iterator[Finding]:
    if not client.require_message_authenticator:
        yield Finding(
            Level.WARNING,
            f"Client {client.id}: requests without Message-Authenticator are taken, so answers can be forged "
            "(CVE-2024-3596).",
            "Let the client send Message-Authenticator, then require it again.",
        )
    if not client.limit_proxy_state:
        yield Finding(
            Level.NOTE,
            f"Client {client.id}: requests with Proxy-State are taken without Message-Authenticator.",
            "Limit Proxy-State again unless a proxy needs it.",
        )
    if client.rejoin_seconds:
        yield Finding(
            Level.NOTE,
            f"Client {client.id}: for {client.rejoin_seconds} s a used code is taken again from the same place.",
            "Keep this for clients only that ask twice for one sign-in.",
        )


def _overlap(first: Client, second: Client) -> Iterator[Finding]:
    """The narrowest network counts; the same one twice is decided by nothing."""
    if first.nas_identifier != second.nas_identifier:
        return
    mine, theirs = parse_networks(first.networks), parse_networks(second.networks)
    shared = [(one, other) for one in mine for other in theirs if one.version == other.version and one.overlaps(other)]
    if any(one == other for one, other in shared):
        yield Finding(
            Level.ERROR,
            f"Clients {first.id} and {second.id} have the same network and NAS-Identifier; only one of them is found.",
            "Give them different networks or NAS-Identifiers, or remove one.",
        )
    elif shared:
        yield Finding(
            Level.NOTE,
            f"Clients {first.id} and {second.id}: one network lies within the other; the narrower one counts there.",
        )


def waivers(credentials: Iterable[Credential], now: float) -> Iterator[Finding]:
    """Name tokens with short keys whose time is over, or soon will be."""
    waived = [one for one in credentials if one.waiver_until and one.user_id]
    over = [_name(one) for one in waived if one.waiver_until <= now]
    soon = [_name(one) for one in waived if now < one.waiver_until < now + SOON]
    remedy = "Give these users new tokens; a key this short is weaker than NIST SP 800-63B allows."
    if over:
        yield Finding(
            Level.ERROR, f"Waivers have run out, and these tokens do not work any more: {some(over)}.", remedy
        )
    if soon:
        yield Finding(Level.WARNING, f"Waivers run out within 30 days for these tokens: {some(soon)}.", remedy)


def journal(reading: Reading, vault: Vault, known: Heads | None) -> Iterator[Finding]:
    """Verify the newest lines of the newest chain that has any, and all chains against their known heads."""
    written = [head for head in reading.chains() if head.seq >= head.first_seq]
    fault = _fault(reading, vault, written[-1]) if written else None
    behind = gaps(known, reading) if known else []
    if fault:
        yield Finding(
            Level.ERROR, f"The journal was changed: {fault}.", "Look at all of it with: vestibule journal verify"
        )
    if behind:
        names = some(f"{gap.chain} ({gap.fault})" for gap in behind)
        yield Finding(
            Level.ERROR,
            f"The journal lacks lines that were written: {names}.",
            "Restore a backup, or see docs/journal.md about accepting a rollback.",
        )


def _fault(reading: Reading, vault: Vault, head: ChainHead) -> str | None:
    """What is wrong in the last lines; the first of them is only taken as the link to the others."""
    key = vault.derive("journal", head.chain.encode()).reveal()
    if head.seq - head.first_seq < LAST_LINES:
        lines = reading.chain(head.chain, head.first_seq - 1, LAST_LINES)
        return first_fault(lines, key, head.first_previous_mac, head.first_seq)
    anchor, *lines = reading.chain(head.chain, head.seq - LAST_LINES, LAST_LINES)
    return first_fault(lines, key, anchor.mac, anchor.seq + 1)


def _known_heads(pieces: Pieces, environment: Mapping[str, str]) -> tuple[Heads | None, list[Finding]]:
    try:
        return read_heads(heads_file(pieces.configuration, environment)), []
    except (Malformed, OSError) as error:
        return None, [Finding(Level.ERROR, f"The heads of the journal cannot be read: {error}.")]


def _credentials(reading: Reading) -> Iterator[Credential]:
    for page in pages(lambda after: reading.page(Credential, after, PAGE), lambda one: one.id):
        yield from page


def _name(credential: Credential) -> str:
    return credential.serial or credential.id
