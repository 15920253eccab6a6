"""The settings that decisions are made with, frozen: nodes share them, a change makes a new one."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from vestibule.core.clients import Client
from vestibule.core.directories import DirectoryRecord
from vestibule.core.failures import Limits
from vestibule.core.journal import OPTIONAL_FIELDS
from vestibule.core.policy import Rule
from vestibule.core.providers import ProviderRecord, Route
from vestibule.core.sending import Sending
from vestibule.core.users import Group


@dataclass(frozen=True, slots=True)
class Settings:
    """Numbers and texts that administrators change at run time; docs/settings.md has a row for each.

    `challenge_seconds` is how long a typed code is awaited; `session_*` rule signed-in browsers, of which
    `session_proof_seconds` is for how long a sign-in is fresh enough to change factors; with `claim_free_tokens` 1
    people may take a token of the inventory that nobody has; with `caller_check_by_note` 1 the helpdesk may note how it
    knew a caller who has no code to tell; for `fraud_block_seconds` (0 for never) whoever
    reports a fraud is blocked; `passkey_models` are the AAGUIDs that new passkeys may have, () for any, and with
    `passkey_attestation` 1 their makers vouch for them; `texts` maps a locale to the texts that clients show.
    """

    limits: Limits = field(default_factory=Limits)
    sending: Sending = field(default_factory=Sending)
    challenge_seconds: float = 120.0
    challenge_tries: int = 1
    journal_fields: tuple[str, ...] = OPTIONAL_FIELDS
    journal_keep_days: int = 0
    session_idle_seconds: float = 3600.0
    session_longest_seconds: float = 86400.0
    session_proof_seconds: float = 600.0
    claim_free_tokens: int = 0
    access_pass_minutes: int = 60
    caller_check_by_note: int = 1
    fraud_block_seconds: float = 7_776_000.0
    passkey_models: tuple[str, ...] = ()
    passkey_attestation: int = 0
    text_enter_code: str = "Enter your verification code"
    text_code_sent: str = "Enter the code that was sent to {to}"
    text_call: str = "Answer the call to {to}"
    text_reply: str = "Reply to the text that was sent to {to}"
    text_other_ways: str = "or type one of: {ways}"
    text_wait: str = "Waiting for your approval"
    text_refused: str = "Sign-in refused"


@dataclass(frozen=True, slots=True)
class Snapshot:
    """Everything but people: settings, clients by id, rules in order, groups by name, directories by id.

    Providers of calls, texts and mail by id, and routes in order.
    """

    version: int = 0
    settings: Settings = Settings()
    clients: Mapping[str, Client] = field(default_factory=dict)
    rules: tuple[Rule, ...] = ()
    groups: Mapping[str, Group] = field(default_factory=dict)
    directories: Mapping[str, DirectoryRecord] = field(default_factory=dict)
    providers: Mapping[str, ProviderRecord] = field(default_factory=dict)
    routes: tuple[Route, ...] = ()
