"""What administration is told: the shapes of `flows.views` and of what the flows tell around them.

Times are seconds since the epoch; null where there is none. tests/frontends/http holds each answer against its shape.
"""

from typing import Any, Literal

from pydantic import JsonValue

from vestibule.frontends.http.fields import Shown

Mfa = Literal["off", "enabled", "enforced"]
Role = Literal["none", "helpdesk", "auditor", "administrator", "owner"]
Algorithm = Literal["sha1", "sha256", "sha512"]
SignIn = Literal["password_then_code", "password_and_code", "code_and_password", "code_only"]
Outcome = Literal["deny", "allow", "require"]


class Block(Shown):
    """A block that is in force."""

    since: float
    until: float
    by: str
    reason: str


class User(Shown):
    """A person."""

    id: str
    name: str
    first_name: str
    last_name: str
    email: str
    phone: str
    locale: str
    groups: list[str]
    mfa: Mfa
    role: Role
    blocked: Block | None
    directory: str
    created_at: float


class Token(Shown):
    """A credential, without its key."""

    id: str
    serial: str
    method: str
    user: str | None
    label: str
    state: Literal["pending", "active", "disabled"]
    usable: bool
    manufacturer: str
    model: str
    algorithm: Algorithm
    digits: int
    period: int
    waiver_until: float | None
    starts_at: float | None
    expires_at: float | None
    created_at: float


class Failure(Shown):
    """What counts against a user: of one credential (`factor`), or from one place (`source`)."""

    kind: Literal["source", "factor"]
    name: str
    count: int
    last_at: float
    delayed_until: float | None
    stopped: bool
    accepted_at: float | None


class UserTold(Shown):
    """One user."""

    user: User


class UserChanged(UserTold):
    """One user, and which fields became others."""

    changed: list[str]


class UserDetails(UserTold):
    """One user with what they have."""

    password_changed_at: float | None
    credentials: list[Token]
    failures: list[Failure]


class Users(Shown):
    """A page of users."""

    users: list[User]
    next: str | None


class UserRemoved(Shown):
    """What became of a user: tokens that are free again, journal lines that name nobody any more."""

    removed: str
    returned: list[str]
    erased: int


class Cleared(Shown):
    """How many rows of failures were cleared."""

    cleared: int


class Group(Shown):
    """A group."""

    name: str
    description: str
    reply_attributes: list[tuple[str, str]]


class GroupTold(Shown):
    """One group."""

    group: Group


class Groups(Shown):
    """All groups."""

    groups: list[Group]


class GroupRemoved(Shown):
    """A group that is gone, and how many users were in it."""

    removed: str
    members: int


class TokenTold(Shown):
    """One token."""

    token: Token


class TokenMade(TokenTold):
    """A new token with its key, shown once."""

    uri: str
    secret: str


class TokenDetails(TokenTold):
    """One token with what it remembers."""

    used_at: float | None
    drift: int
    counter: int
    resync: bool
    failures: int


class TokenResynced(TokenTold):
    """One token, and where its clock or counter stands."""

    drift: int
    counter: int


class Tokens(Shown):
    """A page of tokens."""

    tokens: list[Token]
    next: str | None


class RecoveryCodes(TokenTold):
    """New recovery codes, shown once."""

    codes: list[str]


class Client(Shown):
    """An asking system, without its secrets."""

    id: str
    name: str
    networks: list[str]
    nas_identifier: str
    sign_in: SignIn
    require_user_match: bool
    require_message_authenticator: bool
    limit_proxy_state: bool
    holds: bool
    time_budget: float
    rejoin_seconds: int
    first_factor: str
    pass_until: float | None
    pass_through: bool
    secrets: int
    created_at: float


class ClientTold(Shown):
    """One client, and what is weak about it."""

    client: Client
    warnings: list[str]


class ClientChanged(ClientTold):
    """One client, and which fields became others."""

    changed: list[str]


class ClientMade(ClientTold):
    """One client with the shared secret that was made here, shown once."""

    secret: str | None


class Clients(Shown):
    """All clients."""

    clients: list[Client]


class Rule(Shown):
    """A rule of the policy; `position` counts from 1."""

    position: int
    name: str
    outcome: Outcome
    clients: list[str]
    groups: list[str]
    networks: list[str]
    methods: list[str]


class RuleTold(Shown):
    """One rule."""

    rule: Rule


class Rules(Shown):
    """All rules in order, and what holds when none matches."""

    rules: list[Rule]
    default: str


class PolicyTried(Shown):
    """What the policy asks of somebody, and which rule says so."""

    outcome: Outcome
    rule: str
    methods: list[str]
    second_factor: bool


class Setting(Shown):
    """One setting."""

    name: str
    value: JsonValue
    default: JsonValue
    changed: bool
    help: str
    fits: str


class SettingTold(Shown):
    """One setting as it is now."""

    name: str
    value: JsonValue


class Settings(Shown):
    """All settings."""

    settings: list[Setting]


class Line(Shown):
    """A line of the journal with its place; personal fields are empty where they were erased."""

    at: float
    chain: str
    seq: int
    kind: Literal["sign_in", "administration", "system"]
    action: str
    actor: str
    user_id: str
    user_name: str
    full_name: str
    email: str
    phone: str
    device: str
    client_address: str
    source: str
    client_id: str
    method: str
    accepted: bool | None
    reason: str | None
    result: str
    rule: str
    attempt_id: str
    credential_id: str
    detail: dict[str, Any]
    server_name: str
    server_address: str
    erased: bool


class Lines(Shown):
    """A page of lines; `position` is where lines that are yet to come go on."""

    lines: list[Line]
    next: str | None
    position: str | None


class Removed(Shown):
    """What is gone."""

    removed: str


class Status(Shown):
    """How much of everything there is."""

    users: int
    groups: int
    tokens: int
    recovery_lists: int
    clients: int
    rules: int
    attempts: int
    waiting: int
    now: float
