"""Reads PSKC files (RFC 6030, and the open files of drafts before it).

Rules of this file:
- All or nothing: the rows are given only when the whole file was well-formed and every MAC was right.
- What is wrong with one key alone (its kind, its length) is a problem of that row, and the others are given.
- Elements of other namespaces are extensions and passed over.
"""

from collections.abc import Callable
from typing import Final, NamedTuple

from vestibule.core.errors import Malformed
from vestibule.core.secret import Secret
from vestibule.wire.names import BadField
from vestibule.wire.pskc import drafts
from vestibule.wire.pskc.keys import Serials, check_package, read_key, serial_of
from vestibule.wire.pskc.protection import Protection, protection
from vestibule.wire.tabular import RowProblem
from vestibule.wire.token_csv import TokenRow
from vestibule.wire.token_fields import Notes, paused
from vestibule.wire.xml_elements import Element, read_elements

ROOTS: Final = ("KeyContainer", "SecretContainer")
"""Local names of the root element, that of the RFC first."""

PROBLEM_COLUMNS: Final = ("serial number",)
"""What a problem of a row shows of it; XML is corrected in the file itself."""

_HEADERS: Final = ("EncryptionKey", "EncryptionMethod", "MACMethod", "DigestMethod", "MACAlgorithm")
_OTHERS: Final = (
    "http://www.w3.org/2000/09/xmldsig#",
    "http://www.w3.org/2001/04/xmlenc#",
    "http://www.w3.org/2009/xmlenc11#",
    "http://www.rsasecurity.com/rsalabs/pkcs/schemas/pkcs-5v2-0#",
    "",
)
_LONGEST_SHOWN: Final = 64


class Reading(NamedTuple):
    """What a file holds, whether its form is that of a draft, and what a person should know of it."""

    rows: list[TokenRow | RowProblem]
    draft: bool
    notes: Notes


def known_root(root: Element) -> bool:
    """Whether a file with this root element is PSKC in some form."""
    return root.name in ROOTS and root.namespace in {drafts.PSKC, *drafts.NAMESPACES}


def read_pskc(
    content: bytes,
    key: Secret | None = None,
    passphrase: Secret | None = None,
    *,
    pause: Callable[[], object] = lambda: None,
) -> Reading:
    """Read a file; `key` is the pre-shared key itself, not its hexadecimal form; `pause` is called after each package.

    Raises `KeyMissing` when the file is encrypted and what opens it was not given, and `Malformed` with the line for a
    file that is damaged, was changed, or is protected in a way that is not known.
    """
    elements = read_elements(content)
    container = _Container(next(elements), key, passphrase)
    for element in paused(elements, pause):
        container.take(element)
    return container.reading()


class _Container:
    """A KeyContainer while it is read: first what protects it, then its packages."""

    def __init__(self, root: Element, key: Secret | None, passphrase: Secret | None) -> None:
        if not known_root(root):
            raise Malformed(f"line {root.line}: the file is XML, but not a PSKC KeyContainer")
        if root.attributes.get("Version", root.attributes.get("version", "1.0")) not in {"1.0", "1", "1.2"}:
            raise Malformed(f"line {root.line}: the version of the KeyContainer is not 1.0")
        self._namespaces = {root.namespace, *_OTHERS}
        self._draft = root.namespace != drafts.PSKC
        self._given = key, passphrase
        self._headers: dict[str, Element] = {}
        self._lock: Protection | None = None
        self._serials = Serials({}, {})
        self._notes = Notes()
        self._rows: list[TokenRow | RowProblem] = []

    def take(self, element: Element) -> None:
        """Take one child of the container."""
        if element.namespace not in self._namespaces:
            return
        _prune(element, self._namespaces)
        match element.name:
            case "KeyPackage":
                self._take_package(element)
            case "Device":
                self._draft = True
                self._take_package(drafts.modern(element))
            case "Signature":
                self._notes.say(element.line, "the file is signed; the signature was not checked")
            case name if name in _HEADERS:
                self._take_header(element)
            case _:
                pass

    def reading(self) -> Reading:
        """Give what was read. Raises `Malformed` for a container without keys."""
        if self._lock is None:
            raise Malformed("the file has no KeyPackage; nothing was taken from it")
        if self._lock.key is None and any(self._given):
            self._notes.say(0, "the file is not encrypted; the key or passphrase was not used")
        return Reading(self._rows, self._draft, self._notes)

    def _take_header(self, element: Element) -> None:
        if element.name in self._headers or self._lock is not None:
            raise Malformed(f"line {element.line}: {element.name} stands twice or behind the keys; the file is damaged")
        self._headers[element.name] = element

    def _take_package(self, package: Element) -> None:
        if self._lock is None:
            self._lock = self._protection()
        check_package(package)
        for key in (part for part in package.children if part.name == "Key"):
            self._take_key(package, key, self._lock)

    def _protection(self) -> Protection:
        """Make the keys of the file, now that all is known that stands before the first package."""
        if not self._draft:
            return protection(self._headers.get("EncryptionKey"), self._headers.get("MACMethod"), *self._given)
        for name in ("EncryptionKey", "EncryptionMethod"):
            if header := self._headers.get(name):
                drafts.check_open(header)
        self._notes.say(0, "the file has the form of a draft before RFC 6030; its dates and digests were not read")
        return Protection()

    def _take_key(self, package: Element, key: Element, lock: Protection) -> None:
        try:
            row = read_key(package, key, lock, self._serials, self._notes)
        except BadField as bad:
            shown = Secret.of(serial_of(package, key)[:_LONGEST_SHOWN])
            self._rows.append(RowProblem(key.line, 0, bad.field, bad.reason, (shown,), PROBLEM_COLUMNS))
        else:
            self._rows += [row] if row else []


def _prune(element: Element, namespaces: set[str]) -> None:
    """Take out what belongs to other namespaces, whatever it is called."""
    element.children = [child for child in element.children if child.namespace in namespaces]
    for child in element.children:
        _prune(child, namespaces)
