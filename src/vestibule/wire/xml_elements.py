"""XML from strangers, child by child of the root, on expat alone (XML 1.0, Namespaces in XML 1.0).

Rules of this file:
- No document type, hence no entities; nothing is ever fetched.
- Depth, size and number of elements are bounded before they cost anything.
- Each element knows its line, and `Malformed` names the line; no message repeats what the file says.
"""

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final, NamedTuple
from xml.parsers import expat

from vestibule.core.errors import Malformed


class Limits(NamedTuple):
    """The most that is taken: octets of a file, levels, elements below one child of the root, characters of a text."""

    octets: int = 64 * 1024 * 1024
    depth: int = 16
    elements: int = 1024
    text: int = 65_536
    attributes: int = 32


LIMITS: Final = Limits()

_CHUNK: Final = 65_536
_LONGEST_TAG: Final = 4 * _CHUNK  # expat reads an unfinished tag anew with each chunk


@dataclass(slots=True)
class Element:
    """One element: its namespace ("" for none), local name, attributes by local name, own text, children, line."""

    namespace: str
    name: str
    line: int
    attributes: dict[str, str] = field(default_factory=dict, repr=False)
    children: list["Element"] = field(default_factory=list, repr=False)
    text: str = field(default="", repr=False)

    def child(self, name: str) -> "Element | None":
        """Give the only child of this name. Raises `Malformed` for a second one."""
        found = [child for child in self.children if child.name == name]
        if len(found) > 1:
            raise Malformed(f"line {found[1].line}: {name} stands twice in {self.name}; the file is damaged")
        return found[0] if found else None

    def required(self, name: str) -> "Element":
        """Give the only child of this name. Raises `Malformed` if there is none."""
        found = self.child(name)
        if found is None:
            raise Malformed(f"line {self.line}: {self.name} has no {name}; the file is damaged or not complete")
        return found

    def text_of(self, name: str) -> str:
        """Give the text of a child without outer blanks, "" where there is none."""
        found = self.child(name)
        return found.text.strip() if found else ""


def read_elements(content: bytes, limits: Limits = LIMITS) -> Iterator[Element]:
    """Give the root element without its children, as soon as it is open, then each child of it as it is complete.

    Raises `Malformed` with line and column for what is not well-formed, and with the line for what is not taken.
    """
    if len(content) > limits.octets:
        raise Malformed(f"the file has {len(content)} octets; at most {limits.octets} are taken, so divide it")
    builder = _Builder(limits)
    for start in range(0, max(len(content), 1), _CHUNK):
        builder.feed(content[start : start + _CHUNK], last=start + _CHUNK >= len(content))
        while builder.done:
            yield builder.done.popleft()


class _Builder:
    """Takes what expat says and keeps only the branch that is open."""

    def __init__(self, limits: Limits) -> None:
        self.done: deque[Element] = deque()
        self._limits = limits
        self._open: list[Element] = []
        self._texts: list[list[str]] = []
        self._elements = 0
        self._characters_here = 0
        self._fed = 0
        self._parser = expat.ParserCreate(namespace_separator=" ")
        self._parser.buffer_text = True
        self._parser.StartElementHandler = self._start
        self._parser.EndElementHandler = self._end
        self._parser.CharacterDataHandler = self._characters
        self._parser.StartDoctypeDeclHandler = self._doctype
        self._parser.SetParamEntityParsing(expat.XML_PARAM_ENTITY_PARSING_NEVER)

    def feed(self, chunk: bytes, *, last: bool) -> None:
        try:
            self._parser.Parse(chunk, last)
        except expat.ExpatError as error:
            place = f"line {error.lineno}, column {error.offset + 1}"
            raise Malformed(f"{place}: not XML ({expat.ErrorString(error.code)}); the file is damaged") from None
        except (LookupError, ValueError):
            raise Malformed("line 1: the file names an encoding that is not known; save it as UTF-8") from None
        self._fed += len(chunk)
        if not last and self._fed - self._parser.CurrentByteIndex > _LONGEST_TAG:
            raise Malformed(f"line {self._line}: a tag or comment has more than {_LONGEST_TAG - _CHUNK} octets")

    @property
    def _line(self) -> int:
        return self._parser.CurrentLineNumber

    def _doctype(self, *_: object) -> None:
        raise Malformed(f"line {self._line}: a document type is not taken; remove the DOCTYPE declaration")

    def _start(self, name: str, attributes: dict[str, str]) -> None:
        depth, limits = len(self._open), self._limits
        self._elements = self._elements + 1 if depth > 1 else 0
        if depth >= limits.depth:
            raise Malformed(f"line {self._line}: elements stand more than {limits.depth} deep in each other")
        if self._elements > limits.elements:
            raise Malformed(f"line {self._line}: one entry has more than {limits.elements} elements")
        if len(attributes) > limits.attributes:
            raise Malformed(f"line {self._line}: an element has more than {limits.attributes} attributes")
        namespace, _, local = name.rpartition(" ")
        own = {key.rpartition(" ")[2]: value for key, value in attributes.items()}
        element = Element(namespace, local, self._line, own)
        self._open.append(element)
        self._texts.append([])
        self._characters_here = 0
        if depth == 0:
            self.done.append(element)

    def _end(self, _: str) -> None:
        element = self._open.pop()
        element.text = "".join(self._texts.pop())
        if len(self._open) == 1:
            self.done.append(element)
        elif self._open:
            self._open[-1].children.append(element)

    def _characters(self, text: str) -> None:
        """Keep the text of all but the root; what stands between two tags is bounded."""
        if len(self._open) == 1:
            return
        self._characters_here += len(text)
        if self._characters_here > self._limits.text:
            raise Malformed(f"line {self._line}: a text has more than {self._limits.text} characters")
        self._texts[-1].append(text)
