"""Records to rows and back: one `Shape` for each kind, its row in the order of the table's columns."""

import base64
import json
from typing import Any

from vestibule.core.api_keys import ApiKey, PastRequest, Right
from vestibule.core.attempts import Attempt
from vestibule.core.clients import Client, SignIn
from vestibule.core.credentials import Algorithm, Credential, CredentialState, Seed
from vestibule.core.directories import DirectoryRecord
from vestibule.core.failures import FailureKind, Failures
from vestibule.core.messages import Message
from vestibule.core.outbox import OutboxRow
from vestibule.core.policy import Outcome, Rule
from vestibule.core.sessions import Session
from vestibule.core.users import Alias, Block, Group, Mfa, Password, Role, User
from vestibule.stores.sql import schema
from vestibule.stores.sql.delivery_shapes import DELIVERY
from vestibule.stores.sql.question_text import (
    challenge_of,
    challenge_text,
    dump,
    settled_of,
    settled_text,
    ways_of,
    ways_text,
)
from vestibule.stores.sql.shape import Row, Shape, pairs, texts
from vestibule.stores.vault import Vault


def _user_row(user: User, vault: Vault) -> Row:
    block = user.block or Block(0.0, 0.0, "", "")
    return (
        user.id,
        user.name,
        user.key,
        user.first_name,
        user.last_name,
        user.email,
        user.phone,
        user.locale,
        dump(user.groups),
        user.mfa.value,
        block.since,
        block.until,
        block.by,
        block.reason,
        user.created_at,
        user.version,
        user.directory,
        user.external_id,
        user.role.value,
        user.preferred,
    )


def _user(row: Row, vault: Vault) -> User:
    block = Block(*row[10:14]) if row[11] else None
    fields = [*row[:8], texts(row[8]), Mfa(row[9]), block, *row[14:18], Role(row[18]), row[19]]
    return User(*fields)


def _alias_row(alias: Alias, vault: Vault) -> Row:
    return alias.id, alias.user_id


def _alias(row: Row, vault: Vault) -> Alias:
    return Alias(*row)


def _password_row(password: Password, vault: Vault) -> Row:
    return password.id, password.hash, password.changed_at


def _password(row: Row, vault: Vault) -> Password:
    return Password(*row)


def _group_row(group: Group, vault: Vault) -> Row:
    return group.id, group.description, dump(group.reply_attributes)


def _group(row: Row, vault: Vault) -> Group:
    return Group(row[0], row[1], pairs(row[2]))


def _credential_row(one: Credential, vault: Vault) -> Row:
    return (
        one.id,
        one.method,
        one.user_id,
        one.label,
        one.state.value,
        one.seed_id,
        one.serial or None,
        one.manufacturer,
        one.model,
        one.algorithm.value,
        one.digits,
        one.period,
        one.memory,
        one.waiver_until,
        one.created_at,
        one.version,
        one.starts_at,
        one.expires_at,
        one.reach,
    )


def _credential(row: Row, vault: Vault) -> Credential:
    state, algorithm = CredentialState(row[4]), Algorithm(row[9])
    fields = [*row[:4], state, row[5], row[6] or "", *row[7:9], algorithm, *row[10:]]
    return Credential(*fields)


def _seed_place(seed_id: str) -> str:
    return f"seeds/{seed_id}/sealed"


def _seed_row(seed: Seed, vault: Vault) -> Row:
    return seed.id, vault.seal(seed.secret, _seed_place(seed.id)), *seed_memory(seed)


def seed_memory(seed: Seed) -> tuple[int, int, int, int, float]:
    """The columns that a spent code changes, behind `id` and `sealed`."""
    return seed.last_step, seed.counter, seed.drift, int(seed.resync), seed.used_at


def _seed(row: Row, vault: Vault) -> Seed:
    secret = vault.open_sealed(row[1], _seed_place(row[0]))
    return Seed(row[0], secret, row[2], row[3], row[4], bool(row[5]), row[6])


def _client_place(client_id: str, index: int) -> str:
    return f"clients/{client_id}/secrets/{index}"


def _client_row(client: Client, vault: Vault) -> Row:
    sealed = [vault.seal(secret, _client_place(client.id, i)) for i, secret in enumerate(client.secrets)]
    return (
        client.id,
        client.name,
        dump(client.networks),
        dump([base64.b64encode(one).decode() for one in sealed]),
        client.nas_identifier,
        client.sign_in.value,
        int(client.require_user_match),
        int(client.require_message_authenticator),
        int(client.limit_proxy_state),
        int(client.holds),
        client.time_budget,
        client.rejoin_seconds,
        client.created_at,
        client.version,
        client.first_factor,
        client.pass_until,
        int(client.pass_through),
        int(client.web),
    )


def _client(row: Row, vault: Vault) -> Client:
    sealed = [base64.b64decode(one) for one in json.loads(row[3])]
    secrets = tuple(vault.open_sealed(one, _client_place(row[0], i)) for i, one in enumerate(sealed))
    flags = [bool(flag) for flag in row[6:10]]
    last = [bool(flag) for flag in row[16:]]
    fields = [row[0], row[1], texts(row[2]), secrets, row[4], SignIn(row[5]), *flags, *row[10:16], *last]
    return Client(*fields)


def _rule_row(rule: Rule, vault: Vault) -> Row:
    lists = [dump(one) for one in (rule.clients, rule.groups, rule.networks, rule.methods)]
    return rule.id, rule.position, rule.name, rule.outcome.value, *lists


def _rule(row: Row, vault: Vault) -> Rule:
    return Rule(row[0], row[1], row[2], Outcome(row[3]), *[texts(one) for one in row[4:]])


def _directory_place(directory_id: str) -> str:
    return f"directories/{directory_id}/sealed"


def _directory_row(one: DirectoryRecord, vault: Vault) -> Row:
    sealed = vault.seal(one.secret, _directory_place(one.id))
    return one.id, one.kind, one.settings, sealed, one.created_at, one.version


def _directory(row: Row, vault: Vault) -> DirectoryRecord:
    secret = vault.open_sealed(row[3], _directory_place(row[0]))
    fields = [*row[:3], secret, *row[4:]]
    return DirectoryRecord(*fields)


def _attempt_row(attempt: Attempt, vault: Vault) -> Row:
    return (
        attempt.id,
        attempt.client_id,
        attempt.user_id,
        attempt.user_name,
        attempt.user_key,
        attempt.source,
        attempt.address,
        attempt.created_at,
        attempt.expires_at,
        challenge_text(attempt.challenge),
        settled_text(attempt.settled),
        attempt.rule,
        dump(attempt.methods),
        dump(attempt.attributes),
        ways_text(attempt.ways),
        dump(attempt.tried),
        int(attempt.silent),
    )


def _attempt(row: Row, vault: Vault) -> Attempt:
    asked = [*row[:9], challenge_of(row[9]), settled_of(row[10]), row[11], texts(row[12]), pairs(row[13])]
    fields = [*asked, ways_of(json.loads(row[14])), texts(row[15]), bool(row[16])]
    return Attempt(*fields)


def _failures_row(row: Failures, vault: Vault) -> Row:
    shares = dump(row.shares) if row.shares else "[]"
    return row.user_id, row.kind.value, row.name, row.count, row.last_at, shares, row.accepted_at, row.accepted_proof


def _failures(row: Row, vault: Vault) -> Failures:
    shares = tuple((name, count) for name, count in json.loads(row[5])) if row[5] != "[]" else ()
    return Failures(row[0], FailureKind(row[1]), row[2], row[3], row[4], shares, row[6], row[7])


def _outbox_row(one: OutboxRow, vault: Vault) -> Row:
    message = one.message
    return (
        one.id,
        message.channel,
        message.credential_id,
        message.attempt_id,
        message.template,
        message.deadline,
        one.leased_by,
        one.leased_until,
        int(one.unknown),
        one.fence,
    )


def _outbox(row: Row, vault: Vault) -> OutboxRow:
    return OutboxRow(row[0], Message(*row[:6]), row[6], row[7], bool(row[8]), row[9])


def _api_key_row(key: ApiKey, vault: Vault) -> Row:
    rights = dump(key.rights)
    return key.id, key.name, key.digest, key.client_id, rights, key.expires_at, key.created_at, key.created_by


def _api_key(row: Row, vault: Vault) -> ApiKey:
    fields = [*row[:4], tuple(map(Right, texts(row[4]))), *row[5:]]
    return ApiKey(*fields)


def _answer_place(request_id: str) -> str:
    return f"past_requests/{request_id}/answer"


def _past_request_row(past: PastRequest, vault: Vault) -> Row:
    return past.id, past.digest, vault.seal(past.answer, _answer_place(past.id)), past.at


def _past_request(row: Row, vault: Vault) -> PastRequest:
    return PastRequest(row[0], row[1], vault.open_sealed(row[2], _answer_place(row[0])), row[3])


def _session_row(one: Session, vault: Vault) -> Row:
    return one.id, one.user_id, one.created_at, one.seen_at, one.proved_at, one.method, one.address, one.agent


def _session(row: Row, vault: Vault) -> Session:
    return Session(*row)


USERS = Shape(User, schema.users, _user_row, _user, ("key", "email", "external_id"))
ALIASES = Shape(Alias, schema.aliases, _alias_row, _alias, ("user_id",))
PASSWORDS = Shape(Password, schema.passwords, _password_row, _password)
GROUPS = Shape(Group, schema.groups, _group_row, _group, settings=True)
CREDENTIALS = Shape(
    Credential, schema.credentials, _credential_row, _credential, ("user_id", "serial", "seed_id", "reach")
)
SEEDS = Shape(Seed, schema.seeds, _seed_row, _seed, sealed_in="sealed")
CLIENTS = Shape(Client, schema.clients, _client_row, _client, settings=True, sealed_in="secrets")
RULES = Shape(Rule, schema.rules, _rule_row, _rule, settings=True)
DIRECTORIES = Shape(DirectoryRecord, schema.directories, _directory_row, _directory, settings=True, sealed_in="sealed")
ATTEMPTS = Shape(Attempt, schema.attempts, _attempt_row, _attempt, ("user_id",))
FAILURES = Shape(Failures, schema.failures, _failures_row, _failures, ("user_id",))
OUTBOX = Shape(OutboxRow, schema.outbox, _outbox_row, _outbox, ("leased_by",))
API_KEYS = Shape(ApiKey, schema.api_keys, _api_key_row, _api_key, ("client_id",))
PAST_REQUESTS = Shape(PastRequest, schema.past_requests, _past_request_row, _past_request, sealed_in="answer")
SESSIONS = Shape(Session, schema.sessions, _session_row, _session, ("user_id",))

SHAPES: tuple[Shape[Any], ...] = (
    USERS,
    ALIASES,
    PASSWORDS,
    GROUPS,
    CREDENTIALS,
    SEEDS,
    CLIENTS,
    RULES,
    DIRECTORIES,
    ATTEMPTS,
    FAILURES,
    OUTBOX,
    API_KEYS,
    PAST_REQUESTS,
    SESSIONS,
    *DELIVERY,
)
SHAPE_OF: dict[type[Any], Shape[Any]] = {shape.kind: shape for shape in SHAPES}
