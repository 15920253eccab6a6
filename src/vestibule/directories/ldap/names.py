"""By which attributes somebody is searched who typed a name, and whether an entry that was found answers to it. Pure.

Servers compare by rules of their own: Active Directory finds José by jose. Here names are the same only if they are
the same for the rest of the product (`wire.names.name_key`).
"""

from typing import Final

from vestibule.core.errors import Malformed
from vestibule.directories.ldap.reading import Attributes
from vestibule.directories.ldap.settings import SignInNames
from vestibule.wire.ldap.messages import SearchEntry
from vestibule.wire.names import checked_text, name_key

LONGEST_NAME: Final = 256

Asked = tuple[tuple[str, str], ...]
"""Attributes, and what each is compared with."""


def asked_names(typed: str, names: SignInNames) -> Asked:
    """What to search for; nothing for a name that nobody can have, and for one of a foreign domain."""
    try:
        plain = checked_text(typed, "name", LONGEST_NAME).strip()
    except Malformed:
        return ()
    domain, backslash, short = plain.rpartition("\\")
    if backslash:
        return ((names.short, short),) if short and names.short and _ours(domain, names) else ()
    attributes = dict.fromkeys((names.short, names.principal, names.mail, names.alternate))
    return tuple((attribute, plain) for attribute in attributes if plain and takes(attribute, plain, names))


def takes(attribute: str, text: str, names: SignInNames) -> bool:
    """Whether somebody is found by this attribute as `text`.

    People often may write their own e-mail address, and must not make a bare name of it that elsewhere is another's.
    """
    return bool(attribute) and (attribute != names.mail or attribute == names.short or "@" in text)


def answers_to(entry: SearchEntry, asked: Asked) -> bool:
    """Whether the entry has one of the names that were asked for, by our own rule of equality."""
    held = Attributes(entry)
    return any(_same(value, text) for attribute, text in asked for value in held.all(attribute))


def _same(value: bytes, text: str) -> bool:
    try:
        return name_key(value.decode()) == name_key(text)
    except UnicodeDecodeError:
        return False


def _ours(domain: str, names: SignInNames) -> bool:
    known = {name_key(name) for name in names.domains}
    return bool(domain) and "\\" not in domain and (not known or name_key(domain) in known)
