"""Records as people are told of them: values that JSON can carry, and never a secret."""

from typing import Any

from vestibule.core.clients import Client
from vestibule.core.credentials import Credential
from vestibule.core.journal import Line, masked
from vestibule.core.policy import Rule
from vestibule.core.users import Group, User

Told = dict[str, Any]


def user_told(user: User, now: float) -> Told:
    """A person."""
    return {
        "id": user.id,
        "name": user.name,
        "first_name": user.first_name,
        "last_name": user.last_name,
        "email": user.email,
        "phone": user.phone,
        "locale": user.locale,
        "groups": list(user.groups),
        "mfa": user.mfa.value,
        "role": user.role.value or "none",
        "blocked": block_told(user, now),
        "directory": user.directory,
        "created_at": user.created_at,
    }


def block_told(user: User, now: float) -> Told | None:
    """The block that is in force, or None."""
    block = user.block
    if block is None or not user.blocked(now):
        return None
    return {"since": block.since, "until": block.until, "by": block.by, "reason": block.reason}


def token_told(one: Credential, user_name: str | None, now: float) -> Told:
    """A credential, without its key."""
    return {
        "id": one.id,
        "serial": one.serial,
        "method": one.method,
        "user": user_name,
        "label": one.label,
        "state": one.state.value,
        "usable": one.usable(now),
        "manufacturer": one.manufacturer,
        "model": one.model,
        "algorithm": one.algorithm.value,
        "digits": one.digits,
        "period": one.period,
        "waiver_until": one.waiver_until or None,
        "starts_at": one.starts_at or None,
        "expires_at": one.expires_at or None,
        "created_at": one.created_at,
    }


def group_told(group: Group) -> Told:
    """A group."""
    attributes = [list(pair) for pair in group.reply_attributes]
    return {"name": group.id, "description": group.description, "reply_attributes": attributes}


def client_told(client: Client) -> Told:
    """A client, without its secrets."""
    return {
        "id": client.id,
        "name": client.name,
        "networks": list(client.networks),
        "nas_identifier": client.nas_identifier,
        "sign_in": client.sign_in.value,
        "require_user_match": client.require_user_match,
        "require_message_authenticator": client.require_message_authenticator,
        "limit_proxy_state": client.limit_proxy_state,
        "holds": client.holds,
        "time_budget": client.time_budget,
        "rejoin_seconds": client.rejoin_seconds,
        "first_factor": client.first_factor,
        "pass_until": client.pass_until or None,
        "pass_through": client.pass_through,
        "secrets": len(client.secrets),
        "created_at": client.created_at,
    }


def rule_told(rule: Rule, position: int) -> Told:
    """A rule of the policy; `position` counts from 1."""
    return {
        "position": position,
        "name": rule.name,
        "outcome": rule.outcome.value,
        "clients": list(rule.clients),
        "groups": list(rule.groups),
        "networks": list(rule.networks),
        "methods": list(rule.methods),
    }


def line_told(line: Line, server_name: str, server_address: str) -> Told:
    """A line of the journal with its place; personal fields are empty where they were erased."""
    entry = line.entry
    return {
        "at": entry.at,
        "chain": line.chain,
        "seq": line.seq,
        "kind": entry.kind.value,
        "action": entry.action,
        "actor": entry.actor,
        "user_id": entry.user_id,
        "user_name": entry.user_name,
        "full_name": entry.full_name,
        "email": entry.email,
        "phone": masked(entry.phone),
        "device": entry.device,
        "client_address": entry.client_address,
        "source": entry.source,
        "client_id": entry.client_id,
        "method": entry.method,
        "accepted": entry.accepted,
        "reason": entry.reason.value if entry.reason else None,
        "result": entry.result.value,
        "rule": entry.rule,
        "attempt_id": entry.attempt_id,
        "credential_id": entry.credential_id,
        "detail": entry.detail,
        "server_name": server_name,
        "server_address": server_address,
        "erased": line.erased,
    }
