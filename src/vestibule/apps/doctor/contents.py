"""What the database holds: clients that are easy to attack, waivers that run out, the clock, the journal."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from itertools import combinations

from vestibule.apps.background import heads_file
from vestibule.apps.doctor.findings import Finding, Level, some
from vestibule.apps.journal import chain_fault
from vestibule.apps.pieces import Pieces
from vestibule.core.clients import Client
from vestibule.core.credentials import Credential
from vestibule.core.errors import Malformed
from vestibule.core.heads import Gap, Heads, gaps
from vestibule.core.policy import parse_networks
from vestibule.core.ports import Reading, pages
from vestibule.core.users import User
from vestibule.flows.clock import Doubt, doubt
from vestibule.flows.desk import Progress, quiet
from vestibule.flows.journal import Walked, walk_chains
from vestibule.flows.roles import owners
from vestibule.stores.heads_file import read_heads

SHORT_SECRET = 12  # octets; guessed offline from one packet
DAY = 86400.0
SOON = 30 * DAY
PAGE = 500


async def findings(
    pieces: Pieces, environment: Mapping[str, str], now: float, progress: Progress = quiet
) -> list[Finding]:
    """Look through the store, on a reading connection; `progress` counts the lines of the journal."""
    known, damaged = _known_heads(pieces, environment)

    def look(reading: Reading) -> list[Finding]:
        return [
            *clock(doubt(reading), now),
            *clients(pieces.store.snapshot.clients.values()),
            *passing(pieces.store.snapshot.clients.values(), now),
            *waivers(_credentials(reading), now),
            *nobody_owns(owners(reading, now)),
            *lost(gaps(known, reading) if known else []),
        ]

    found = await pieces.store.read(look)
    walked = await walk_chains(pieces.store, chain_fault(pieces.vault), progress)
    return [*damaged, *changed(walked), *found]


def clock(found: Doubt | None, now: float) -> Iterator[Finding]:
    """Name a step of the clock that nobody has confirmed."""
    if found is not None:
        ago = max(now - found.since, 0.0) / 3600
        yield Finding(
            Level.ERROR,
            f"The clock was moved by {found.seconds:g} s, {ago:.1f} h ago. Until this is settled, nothing is deleted.",
            "Compare the clock with a time you trust, then: vestibule clock confirm",
        )


def nobody_owns(found: Sequence[User]) -> Iterator[Finding]:
    """Say when nobody can administer with a browser."""
    if not found:
        yield Finding(
            Level.NOTE,
            "Nobody is an owner who can sign in, so nobody administers with a browser.",
            "Make the first one, or let one back in: vestibule owner link",
        )


def clients(found: Iterable[Client]) -> Iterator[Finding]:
    """Name what makes a client weaker than it need be."""
    listed = sorted(found, key=lambda client: client.id)
    for client in listed:
        yield from _secrets(client)
        yield from _manners(client)
    for first, second in combinations(listed, 2):
        yield from _overlap(first, second)


def passing(found: Iterable[Client], now: float) -> Iterator[Finding]:
    """Name the clients that let people in by their first factor alone, and until when."""
    for client in sorted(found, key=lambda client: client.id):
        if client.passes(now):
            day = datetime.fromtimestamp(client.pass_until, UTC).date()
            closed = client.require_user_match or not client.first_factor
            strangers = "" if closed else ", and so are people whom nobody knows here"
            yield Finding(
                Level.WARNING,
                f"Client {client.id}: until {day} people without a second factor are let in without one{strangers}.",
                f"Once they have factors: vestibule client set {client.id} --pass-until ''",
            )


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
    if client.pass_through:
        yield Finding(
            Level.WARNING,
            f"Client {client.id}: MS-CHAP is taken, and whoever can read it on its way finds the password by trying.",
            "Let the client speak PAP, over RadSec where the way is not yours, then: "
            f"vestibule client set {client.id} --no-pass-through",
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


def changed(walked: Walked) -> Iterator[Finding]:
    """Name the first line of all chains that is not as it was written."""
    if walked.fault:
        yield Finding(
            Level.ERROR,
            f"The journal was changed: {walked.fault}.",
            "Keep a copy of the database as it is, and find out who could write to it.",
        )


def lost(behind: Sequence[Gap]) -> Iterator[Finding]:
    """Name the chains that lack what their known heads say was written."""
    if behind:
        names = some(f"{gap.chain} ({gap.fault})" for gap in behind)
        yield Finding(
            Level.ERROR,
            f"The journal lacks lines that were written: {names}.",
            "Restore a backup, or see docs/journal.md about accepting a rollback.",
        )


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
