"""What roles may do: one table for pages, API and commands. Pure; who has which role is a matter of `flows.roles`."""

from enum import StrEnum

from vestibule.core.users import Role


class Right(StrEnum):
    """What a page or an operation asks for."""

    SEE = "see"  # look at everything but secrets
    PEOPLE = "people"  # create, change, block, unblock people; end their sessions
    FACTORS = "factors"  # reset, assign, resynchronise and remove people's factors, passes and bypasses
    TOKENS = "tokens"  # the inventory: import, remove
    SETUP = "setup"  # clients, policy, directories, providers, settings, keys
    ROLES = "roles"  # who has which role


RIGHTS: dict[Role, frozenset[Right]] = {
    Role.NONE: frozenset(),
    Role.HELPDESK: frozenset({Right.SEE, Right.PEOPLE, Right.FACTORS}),
    Role.AUDITOR: frozenset({Right.SEE}),
    Role.ADMINISTRATOR: frozenset({Right.SEE, Right.PEOPLE, Right.FACTORS, Right.TOKENS, Right.SETUP}),
    Role.OWNER: frozenset(Right),
}


def may(role: Role, right: Right) -> bool:
    """Whether this role has this right."""
    return right in RIGHTS[role]
