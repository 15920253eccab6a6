"""What a person is asked. Methods emit prompts, doors and portals render them; nothing else passes between the two."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class TypeCode:
    """Type a code from an authenticator, a hardware token, a text or a printed list."""


@dataclass(frozen=True, slots=True)
class Approve:
    """Approve on another device; `number` must be matched there when it is not empty."""

    number: str = ""


Prompt = TypeCode | Approve
