"""Entries of a directory as people and groups, and unique ids as text and as something to search for. Pure."""

from typing import Final

from vestibule.core.errors import Malformed
from vestibule.core.people import PeopleGroup, Person
from vestibule.directories.ldap.settings import AttributeMap, IdentifierKind, SignInNames
from vestibule.wire.ldap.active_directory import guid_octets, guid_text
from vestibule.wire.ldap.distinguished import parse_name
from vestibule.wire.ldap.messages import SearchEntry
from vestibule.wire.names import checked_text, name_key

LONGEST_TEXT: Final = 256
LONGEST_ID_OCTETS: Final = 128
DISABLED: Final = 0x2
"""ACCOUNTDISABLE of userAccountControl (MS-ADTS section 2.2.16)."""

NOBODY: Final = {
    IdentifierKind.GUID: bytes(16),
    IdentifierKind.OCTETS: bytes(16),
    IdentifierKind.TEXT: b"00000000-0000-0000-0000-000000000000",
}
"""Unique ids that nobody has."""


class Attributes:
    """The attributes of an entry by their names, whatever their case and options (RFC 4512 section 2.5)."""

    def __init__(self, entry: SearchEntry) -> None:
        """Take over what the entry has."""
        self._values: dict[str, tuple[bytes, ...]] = {}
        for kind, values in entry.attributes:
            name = kind.partition(";")[0].lower()
            self._values[name] = self._values.get(name, ()) + values
        self.left_out: list[str] = []

    def all(self, name: str) -> tuple[bytes, ...]:
        """All values."""
        return self._values.get(name.lower(), ()) if name else ()

    def first(self, name: str) -> bytes | None:
        """The first value."""
        return next(iter(self.all(name)), None)

    def text(self, name: str) -> str:
        """The first value as text, "" if there is none."""
        return next(iter(self.texts(name)[:1]), "")

    def texts(self, name: str) -> list[str]:
        """All values as text; one that is no plain text is noted and left out."""
        found = []
        for value in self.all(name):
            try:
                found.append(checked_text(value, name, LONGEST_TEXT))
            except Malformed:
                self.left_out.append(name)
        return found


def read_person(entry: SearchEntry, layout: AttributeMap, sign_in: SignInNames) -> Person:
    """Read a person. Raises `Malformed` for an entry without a unique id or a name."""
    held = Attributes(entry)
    names = [value for name in layout.names if (value := held.first(name))]
    if not names:
        raise Malformed(f"has none of {', '.join(layout.names)}")
    name = checked_text(names[0], "name", LONGEST_TEXT)
    return Person(
        id=read_id(held.first(layout.unique_id), layout),
        name=name,
        place=entry.name,
        first_name=held.text(layout.first_name),
        last_name=held.text(layout.last_name),
        email=held.text(layout.email),
        description=held.text(layout.description),
        group=held.text(layout.group),
        phones=tuple((kind, text) for kind, name in layout.phones if (text := held.text(name))),
        languages=tuple((kind, text) for kind, name in layout.languages if (text := held.text(name))),
        enabled=_enabled(held.text(layout.account_control)),
        other_names=_other_names(held, sign_in, name),
        left_out=tuple(dict.fromkeys(held.left_out)),
    )


def person_attributes(layout: AttributeMap, sign_in: SignInNames) -> tuple[str, ...]:
    """The attributes to ask for."""
    wanted = [
        layout.unique_id,
        *layout.names,
        sign_in.short,
        sign_in.principal,
        sign_in.mail,
        sign_in.alternate,
        layout.first_name,
        layout.last_name,
        layout.email,
        layout.description,
        layout.group,
        layout.account_control,
        *(name for _, name in layout.phones),
        *(name for _, name in layout.languages),
    ]
    return tuple(dict.fromkeys(name for name in wanted if name))


def read_group(entry: SearchEntry, layout: AttributeMap) -> PeopleGroup:
    """Read a group. Raises `Malformed` for an entry without a unique id or a name."""
    held = Attributes(entry)
    name = held.first(layout.group_name)
    if not name:
        raise Malformed(f"has no {layout.group_name}")
    return PeopleGroup(
        read_id(held.first(layout.unique_id), layout), checked_text(name, "name", LONGEST_TEXT), entry.name
    )


def read_id(value: bytes | None, layout: AttributeMap) -> str:
    """Write a unique id as text. Raises `Malformed` if there is none, or one of another kind."""
    if not value:
        raise Malformed(f"has no {layout.unique_id}; the account that searches may not read it, or it is another")
    if len(value) > LONGEST_ID_OCTETS:
        raise Malformed(f"{layout.unique_id}: longer than {LONGEST_ID_OCTETS} octets")
    match layout.unique_id_kind:
        case IdentifierKind.GUID:
            return guid_text(value)
        case IdentifierKind.OCTETS:
            return value.hex()
        case IdentifierKind.TEXT:
            return checked_text(value, layout.unique_id, LONGEST_ID_OCTETS)


def id_octets(text: str, layout: AttributeMap) -> bytes:
    """Write the text of a unique id as the directory has it. Raises `Malformed`."""
    match layout.unique_id_kind:
        case IdentifierKind.GUID:
            return guid_octets(text)
        case IdentifierKind.OCTETS:
            try:
                return bytes.fromhex(text)
            except ValueError:
                raise Malformed(f"{layout.unique_id}: not hexadecimal") from None
        case IdentifierKind.TEXT:
            return checked_text(text, layout.unique_id, LONGEST_ID_OCTETS).encode()


def place_key(place: str) -> object:
    """What is equal for two spellings of one entry's name; one that we can not read is compared as it stands."""
    try:
        return parse_name(place).key
    except Malformed:
        return place.lower()


def _other_names(held: Attributes, sign_in: SignInNames, name: str) -> tuple[str, ...]:
    """All names that the person is found by, less the one that is theirs; each as it is first written."""
    short = held.texts(sign_in.short)
    texts = [
        *short,
        *(f"{domain}\\{text}" for domain in sign_in.domains for text in short),
        *(text for attribute in (sign_in.principal, sign_in.alternate) for text in held.texts(attribute)),
        *(text for text in held.texts(sign_in.mail) if "@" in text),
    ]
    by_key = {name_key(text): text for text in reversed(texts)}
    return tuple(text for text in texts if text and name_key(text) != name_key(name) and by_key[name_key(text)] is text)


def _enabled(account_control: str) -> bool:
    return not (account_control.isdecimal() and account_control.isascii() and int(account_control) & DISABLED)
