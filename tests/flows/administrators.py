"""People with roles for tests: each has a password and an authenticator, and can act at a desk of their own."""

import base64
import secrets
from dataclasses import replace
from typing import Any

from tests.flows.desks import ACTOR, Office
from vestibule.core.users import User
from vestibule.flows import roles, tokens, users
from vestibule.flows.acting import person
from vestibule.flows.desk import Desk

RIGHT = "a few words in a row"


async def somebody(office: Office, name: str, role: str = "none", *, password: str | None = RIGHT) -> bytes:
    """A person with one TOTP token, whose serial number is the name; the key."""
    key = secrets.token_bytes(20)
    await users.add(office.desk, ACTOR, name=name, password=password)
    await tokens.add(office.desk, ACTOR, user=name, serial=name, secret=base64.b32encode(key).decode())
    if role != "none":
        await roles.give(office.desk, ACTOR, name=name, role=role)
    return key


async def user_of(office: Office, name: str) -> User:
    found = await office.store.read(lambda reading: reading.find(User, "key", name))
    return found[0]


async def seat(office: Office, name: str) -> tuple[Desk, str]:
    """The desk that this person sits at with a browser, and how the journal names them."""
    user = await user_of(office, name)
    return replace(office.desk, acting=person(user.id), address="192.0.2.77"), f"user {user.id}"


async def told_of(office: Office, name: str) -> dict[str, Any]:
    shown = await users.show(office.desk, ACTOR, name=name)
    user: dict[str, Any] = shown["user"]
    return user
