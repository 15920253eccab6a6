"""The part of BER that LDAP allows (RFC 4511 section 5.1, X.690): tags of one octet, definite lengths, whole strings.

Rules of this file:
- A reader never looks beyond its own element, so a length that lies can not reach another value.
- Lengths need not be as short as they could be: Active Directory always writes four octets of them.
- Whatever the octets, reading gives a value or raises `Malformed` with the offset, never with the octets.
"""

from typing import Final

from vestibule.core.errors import Malformed

BOOLEAN: Final = 0x01
INTEGER: Final = 0x02
OCTETS: Final = 0x04
NULL: Final = 0x05
ENUMERATED: Final = 0x0A
SEQUENCE: Final = 0x30
SET: Final = 0x31

LARGEST_INTEGER: Final = 2**31 - 1
"""`maxInt` of RFC 4511."""

DEEPEST: Final = 64
"""Elements within elements; a filter of the deepest kind takes half of them."""

_LONG_FORM: Final = 0x80
_TAG_NUMBER: Final = 0x1F
_MOST_LENGTH_OCTETS: Final = 4
_MOST_INTEGER_OCTETS: Final = 4


def element(tag: int, content: bytes) -> bytes:
    """Write one element with the shortest length."""
    size = len(content)
    if size < _LONG_FORM:
        return bytes((tag, size)) + content
    length = size.to_bytes((size.bit_length() + 7) // 8, "big")
    return bytes((tag, _LONG_FORM | len(length))) + length + content


def sequence(*parts: bytes, tag: int = SEQUENCE) -> bytes:
    """Write elements as the content of a constructed one."""
    return element(tag, b"".join(parts))


def integer(value: int, tag: int = INTEGER) -> bytes:
    """Write a whole number in the fewest octets (X.690 section 8.3)."""
    magnitude = value if value >= 0 else ~value
    return element(tag, value.to_bytes(magnitude.bit_length() // 8 + 1, "big", signed=True))


def boolean(*, value: bool, tag: int = BOOLEAN) -> bytes:
    """Write TRUE as FF, as RFC 4511 section 5.1 wants it."""
    return element(tag, b"\xff" if value else b"\x00")


def octets(value: bytes, tag: int = OCTETS) -> bytes:
    """Write an octet string."""
    return element(tag, value)


def text(value: str, tag: int = OCTETS) -> bytes:
    """Write a string as UTF-8; raises ValueError for lone surrogates."""
    return element(tag, value.encode())


def message_size(start: bytes | bytearray, longest: int) -> int | None:
    """Say how many octets the message takes that begins here, or None while its header is not complete.

    Raises `Malformed` if no sequence of definite length begins here, or it is longer than `longest` octets.
    """
    if not start:
        return None
    if start[0] != SEQUENCE:
        raise Malformed("offset 0: no LDAP message begins here")
    if len(start) < 2 + _length_octets(start, 1):
        return None
    size, content = _length(start, 1)
    if content + size > longest:
        raise Malformed(f"offset 1: the message is longer than {longest} octets")
    return content + size


class Reader:
    """Reads the elements of one constructed element, in order."""

    __slots__ = ("_at", "_depth", "_end", "_octets")

    def __init__(self, octets: bytes, start: int = 0, end: int | None = None, depth: int = 0) -> None:
        """Read `octets` from `start` to `end`; offsets in messages count from the beginning of `octets`."""
        self._octets = octets
        self._at = start
        self._end = len(octets) if end is None else end
        self._depth = depth

    @property
    def more(self) -> bool:
        """Whether another element follows."""
        return self._at < self._end

    def next_tag(self) -> int | None:
        """The tag that comes next, None at the end."""
        return self._octets[self._at] if self._at < self._end else None

    def fault(self, what: str) -> Malformed:
        """Make the exception for something wrong at this place."""
        return Malformed(f"offset {self._at}: {what}")

    def enter(self, tag: int, what: str) -> "Reader":
        """Step over a constructed element, and give the reader of its content."""
        if self._depth >= DEEPEST:
            raise self.fault(f"more than {DEEPEST} elements within each other")
        start, end = self._take(tag, what)
        return Reader(self._octets, start, end, self._depth + 1)

    def octets(self, what: str, tag: int = OCTETS) -> bytes:
        """Read an octet string."""
        start, end = self._take(tag, what)
        return self._octets[start:end]

    def text(self, what: str, tag: int = OCTETS) -> str:
        """Read a string of UTF-8."""
        at = self._at
        try:
            return self.octets(what, tag).decode()
        except UnicodeDecodeError:
            raise Malformed(f"offset {at}: {what} is not UTF-8") from None

    def integer(self, what: str, tag: int = INTEGER) -> int:
        """Read a whole number of at most 32 bits, in its shortest form (X.690 section 8.3.2)."""
        at = self._at
        content = self.octets(what, tag)
        if not 1 <= len(content) <= _MOST_INTEGER_OCTETS:
            raise Malformed(f"offset {at}: {what} has not 1 to {_MOST_INTEGER_OCTETS} octets")
        if len(content) > 1 and (content[0], content[1] >> 7) in {(0, 0), (0xFF, 1)}:
            raise Malformed(f"offset {at}: {what} is not in its shortest form")
        return int.from_bytes(content, "big", signed=True)

    def natural(self, what: str, tag: int = INTEGER) -> int:
        """Read a whole number from 0 to 2³¹ - 1 (RFC 4511 section 4.1.1)."""
        at = self._at
        value = self.integer(what, tag)
        if value < 0:
            raise Malformed(f"offset {at}: {what} is negative")
        return value

    def boolean(self, what: str, tag: int = BOOLEAN) -> bool:
        """Read a truth value; any octet but 0 is true, as in BER, for there are clients that write 01."""
        at = self._at
        content = self.octets(what, tag)
        if len(content) != 1:
            raise Malformed(f"offset {at}: {what} has not 1 octet")
        return content != b"\x00"

    def finish(self, what: str) -> None:
        """Raise `Malformed` unless all was read."""
        if self.more:
            raise self.fault(f"{what} goes on after its end")

    def pass_over(self, known: tuple[int, ...] = ()) -> None:
        """Step over what a later version of the protocol may have appended (RFC 4511 section 4).

        Raises `Malformed` for an element of a `known` tag: it stands in the wrong place, or twice.
        """
        while (tag := self.next_tag()) is not None:
            if tag in known:
                raise self.fault("an element stands in the wrong place")
            if tag & _TAG_NUMBER == _TAG_NUMBER:
                raise self.fault("tags of several octets are not LDAP")
            self._take(tag, "an unknown element")

    def _take(self, tag: int, what: str) -> tuple[int, int]:
        """Step over the next element; give where its content begins and ends."""
        start = self._at + 2
        if start <= self._end and self._octets[start - 2] == tag:
            size = self._octets[start - 1]
            if size < _LONG_FORM and start + size <= self._end:
                self._at = start + size
                return start, self._at
        return self._take_with_care(tag, what)

    def _take_with_care(self, tag: int, what: str) -> tuple[int, int]:
        """Do the same with a length of several octets, and say what is wrong."""
        at = self._at
        if at >= self._end:
            raise self.fault(f"{what} is missing")
        if self._octets[at] != tag:
            raise self.fault(f"{what} is missing; another element stands here")
        if at + 2 > self._end or at + 2 + _length_octets(self._octets, at + 1) > self._end:
            raise self.fault(f"{what} ends within its length")
        size, start = _length(self._octets, at + 1)
        if start + size > self._end:
            raise self.fault(f"{what} is longer than what holds it")
        self._at = start + size
        return start, start + size


def _length_octets(octets: bytes | bytearray, at: int) -> int:
    """How many octets of length follow the first one, which stands at `at` (0 if it is not there yet)."""
    if at >= len(octets):
        return 0
    first = octets[at]
    if first < _LONG_FORM:
        return 0
    following = first - _LONG_FORM
    if not 1 <= following <= _MOST_LENGTH_OCTETS:
        raise Malformed(f"offset {at}: the length is indefinite or has more than {_MOST_LENGTH_OCTETS} octets")
    return following


def _length(octets: bytes | bytearray, at: int) -> tuple[int, int]:
    """The length that stands at `at`, and where the content begins; all its octets are there."""
    following = _length_octets(octets, at)
    if not following:
        return octets[at], at + 1
    return int.from_bytes(octets[at + 1 : at + 1 + following], "big"), at + 1 + following
