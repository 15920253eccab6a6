"""The settings that decisions are made with, frozen: nodes share them, a change makes a new one."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from vestibule.core.clients import Client
from vestibule.core.directories import DirectoryRecord
from vestibule.core.failures import Limits
from vestibule.core.journal import OPTIONAL_FIELDS
from vestibule.core.policy import Rule
from vestibule.core.users import Group


@dataclass(frozen=True, slots=True)
class Settings:
    """Numbers and texts that administrators change at run time; docs/settings.md has a row for each.

    `challenge_seconds` is how long a typed code is awaited; `texts` maps a locale to the texts that clients show.
    """

    limits: Limits = field(default_factory=Limits)
    challenge_seconds: float = 120.0
    challenge_tries: int = 1
    journal_fields: tuple[str, ...] = OPTIONAL_FIELDS
    journal_keep_days: int = 0
    text_enter_code: str = "Enter your verification code"
    text_wait: str = "Waiting for your approval"
    text_refused: str = "Sign-in refused"


@dataclass(frozen=True, slots=True)
class Snapshot:
    """Everything but people: settings, clients by id, rules in order, groups by name, directories by id."""

    version: int = 0
    settings: Settings = Settings()
    clients: Mapping[str, Client] = field(default_factory=dict)
    rules: tuple[Rule, ...] = ()
    groups: Mapping[str, Group] = field(default_factory=dict)
    directories: Mapping[str, DirectoryRecord] = field(default_factory=dict)
