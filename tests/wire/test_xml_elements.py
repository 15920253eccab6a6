"""The reader of XML: what a hostile file can try costs it a line number."""

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vestibule.core.errors import Malformed
from vestibule.wire.xml_elements import LIMITS, Element, Limits, read_elements

SMALL = Limits(octets=10_000, depth=4, elements=5, text=100, attributes=3)


def refusal(text: str | bytes, limits: Limits = SMALL) -> str:
    with pytest.raises(Malformed) as refused:
        list(read_elements(text if isinstance(text, bytes) else text.encode(), limits))
    return str(refused.value)


def test_the_root_comes_first_and_then_each_child_with_its_line() -> None:
    root, first, second = read_elements(b"<r a='1'>\n<c>x<d/> y</c>\n <c xmlns='urn:n'/>\n</r>", SMALL)
    assert (root.name, root.attributes, root.children, root.line) == ("r", {"a": "1"}, [], 1)
    assert (first.name, first.namespace, first.text, first.line) == ("c", "", "x y", 2)
    assert [child.name for child in first.children] == ["d"]
    assert (second.name, second.namespace, second.line) == ("c", "urn:n", 3)


def test_the_root_is_there_before_the_rest_is_read() -> None:
    elements = read_elements(b"<r>" + b" " * 70_000 + b"<c></d>", LIMITS)
    assert next(elements).name == "r"
    with pytest.raises(Malformed, match="mismatched tag"):
        list(elements)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "line 1, column 1: not XML (no element found); the file is damaged"),
        ("<r>\n<c></r>", "line 2, column 6: not XML (mismatched tag); the file is damaged"),
        ("<r>&x;</r>", "line 1, column 4: not XML (undefined entity); the file is damaged"),
        ("<r/>\n<!DOCTYPE r>", "line 2, column 1: not XML (junk after document element)"),
        ("<!DOCTYPE r SYSTEM 'file:///etc/passwd'><r/>", "line 1: a document type is not taken"),
        ("<!DOCTYPE r [<!ENTITY a 'b'>]><r>&a;</r>", "line 1: a document type is not taken"),
        ("\n<!DOCTYPE r [<!ENTITY % a SYSTEM 'http://x/'> %a;]><r/>", "line 2: a document type is not taken"),
        ("<r>\n<c><c><c><c/></c></c></c></r>", "line 2: elements stand more than 4 deep in each other"),
        ("<r>\n<c><d/><d/><d/><d/><d/>\n<d/></c></r>", "line 3: one entry has more than 5 elements"),
        ("<r><c a='1' b='2' d='3' e='4'/></r>", "line 1: an element has more than 3 attributes"),
        ("<r><c>" + "x" * 101 + "</c></r>", "line 1: a text has more than 100 characters"),
        ("<r><c>" + "x\n" * 51 + "</c></r>", "line 52: a text has more than 100 characters"),
        ("<?xml version='1.0' encoding='no-such'?><r/>", "line 1"),
        ("<?xml version='1.0' encoding='rot13'?><r/>", "line 1"),
        (b"<r>\xff</r>", "line 1, column 4: not XML (not well-formed (invalid token)); the file is damaged"),
    ],
)
def test_what_is_not_taken_is_refused_with_its_line(text: str | bytes, said: str) -> None:
    assert refusal(text).startswith(said)


def test_many_entries_are_taken_where_one_with_as_many_elements_is_not() -> None:
    assert len(list(read_elements(b"<r>" + b"<c><d/><d/></c> " * 500 + b"</r>", SMALL))) == 501


def test_a_file_that_is_too_large_is_refused_at_once() -> None:
    assert refusal(b"<r>".ljust(10_001)) == "the file has 10001 octets; at most 10000 are taken, so divide it"


@pytest.mark.parametrize("start", [b"<r a='", b"<r><!--", b"<r><?x ", b"<r><c a='"])
def test_a_tag_or_comment_without_end_is_refused_before_it_costs_much(start: bytes) -> None:
    assert "a tag or comment has more than 196608 octets" in refusal(start + b"x" * 400_000, LIMITS)


def test_a_name_that_stands_twice_has_no_only_child() -> None:
    parent = Element("", "p", 1, children=[Element("", "c", 2), Element("", "c", 3)])
    with pytest.raises(Malformed, match="line 3: c stands twice in p"):
        parent.child("c")
    with pytest.raises(Malformed, match="line 1: p has no d"):
        parent.required("d")


@given(st.binary(max_size=100) | st.text(alphabet="<>/r=' x&;![]-?", max_size=40).map(str.encode))
def test_any_octets_give_elements_or_malformed(content: bytes) -> None:
    with suppress(Malformed):
        list(read_elements(content, SMALL))
