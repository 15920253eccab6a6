"""Forms with files as browsers send them: multipart/form-data (RFC 7578, in the frame of RFC 2046 section 5.1).

The whole body is in memory; a part's octets are never looked into, so that nothing that is said about one part can
change another. Names are written as browsers do: in UTF-8, with quotation marks and line ends in percent signs.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from vestibule.core.errors import Malformed

MOST_PARTS = 40
LONGEST_HEAD = 2000
_BOUNDARY = re.compile(r'\s*multipart/form-data\s*;\s*boundary=(?:"([^"]{1,70})"|([^\s";,]{1,70}))\s*', re.IGNORECASE)
_NAMED = re.compile(r""";\s*(name|filename)="([^"]*)\"""", re.IGNORECASE)
_HEAD = re.compile(rb"content-disposition:[ \t]*form-data(.*)", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Part:
    """One field; `file_name` is None for one that is no file."""

    name: str
    file_name: str | None
    content: bytes = field(repr=False)

    @property
    def text(self) -> str:
        """The content as text. Raises Malformed."""
        try:
            return self.content.decode()
        except UnicodeDecodeError:
            raise Malformed("a field of the form is no text") from None


def boundary_of(content_type: str) -> bytes:
    """What stands between the parts. Raises Malformed for anything else than such a form."""
    found = _BOUNDARY.fullmatch(content_type)
    if found is None:
        raise Malformed("this is no form with files")
    return (found[1] or found[2]).encode("latin-1", "replace")


def read_form(body: bytes | bytearray, boundary: bytes) -> list[Part]:
    """The parts in their order. Raises Malformed for what is cut off, for too many parts, for heads that name none."""
    parts = []
    for part in _between(body, b"--" + boundary):
        head, found, content = part.partition(b"\r\n\r\n")
        if not found or len(head) > LONGEST_HEAD:
            raise Malformed("a part of the form has no head")
        parts.append(_part(head, bytes(content)))
        if len(parts) > MOST_PARTS:
            raise Malformed("the form has too many parts")
    return parts


def _between(body: bytes | bytearray, delimiter: bytes) -> Iterator[bytes | bytearray]:
    """What stands between the delimiters, up to the one that closes the form."""
    if not body.startswith(delimiter + b"\r\n"):
        raise Malformed("the form does not begin with its boundary")
    start = len(delimiter) + 2
    while True:
        end = body.find(b"\r\n" + delimiter, start)
        if end < 0:
            raise Malformed("the form is cut off")
        yield body[start:end]
        start = end + 2 + len(delimiter)
        closing, start = body[start : start + 2], start + 2
        if closing == b"--":
            return
        if closing != b"\r\n":
            raise Malformed("the form has a boundary within a line")


def _part(head: bytes | bytearray, content: bytes) -> Part:
    lines = (_HEAD.match(line) for line in head.split(b"\r\n"))
    found = next((line for line in lines if line), None)
    try:
        named = dict(_NAMED.findall(found[1].decode())) if found else {}
    except UnicodeDecodeError:
        raise Malformed("a name of the form is no text") from None
    if "name" not in named:
        raise Malformed("a part of the form has no name")
    file_name = named.get("filename")
    return Part(_plain(named["name"]), None if file_name is None else _plain(file_name), content)


def _plain(name: str) -> str:
    """A name without the percent signs that browsers write for what would end it."""
    return name.replace("%22", '"').replace("%0D", "\r").replace("%0A", "\n")
