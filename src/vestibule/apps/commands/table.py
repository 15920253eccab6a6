"""All commands by name: which flow does it. The shapes of arguments and results stand in the package's text."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from vestibule.flows import api_keys, clients, groups, journal, policy, settings, status, token_import, tokens, user_import, users

Flow = Callable[..., Awaitable[dict[str, Any]]]
"""Takes the desk and the actor, then its arguments by keyword; their annotations are what a caller may send."""

FLOWS: Mapping[str, Flow] = {
    "user.add": users.add,
    "user.list": users.listed,
    "user.show": users.show,
    "user.set": users.change,
    "user.block": users.block,
    "user.unblock": users.unblock,
    "user.password": users.set_password,
    "user.remove": users.remove,
    "user.reset": users.reset,
    "user.import": user_import.bring_in,
    "group.add": groups.add,
    "group.list": groups.listed,
    "group.set": groups.change,
    "group.remove": groups.remove,
    "token.import": token_import.bring_in,
    "token.add": tokens.add,
    "token.list": tokens.listed,
    "token.show": tokens.show,
    "token.assign": tokens.assign,
    "token.unassign": tokens.unassign,
    "token.activate": tokens.activate,
    "token.resync": tokens.resync,
    "token.disable": tokens.disable,
    "token.enable": tokens.enable,
    "token.remove": tokens.remove,
    "token.export": tokens.export,
    "recovery.issue": tokens.issue_recovery,
    "client.add": clients.add,
    "client.list": clients.listed,
    "client.show": clients.show,
    "client.set": clients.change,
    "client.remove": clients.remove,
    "client.secret": clients.change_secret,
    "api_key.add": api_keys.add,
    "api_key.list": api_keys.listed,
    "api_key.remove": api_keys.remove,
    "policy.add": policy.add,
    "policy.list": policy.listed,
    "policy.move": policy.move,
    "policy.remove": policy.remove,
    "policy.test": policy.try_out,
    "setting.list": settings.listed,
    "setting.set": settings.change,
    "setting.unset": settings.unset,
    "journal.list": journal.listed,
    "journal.verify": journal.verify,
    "journal.prune": journal.prune,
    "status": status.status,
}
