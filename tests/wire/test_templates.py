"""Requests with named places: whatever is put in stays within its place."""

import json
from urllib.parse import parse_qs, urlsplit
from xml.parsers import expat

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vestibule.core.errors import Malformed
from vestibule.wire.templates import checked, found_at, in_form, in_header, in_json, in_url, in_xml, json_texts

TEXTS = st.text(st.characters(exclude_categories=["Cs"]))


@given(TEXTS)
def test_a_url_gives_back_what_was_put_in(text: str) -> None:
    pieces = urlsplit(in_url("https://a.example/{x}/end?q={x}&r=1", {"x": text}))
    assert (pieces.scheme, pieces.netloc, pieces.fragment) == ("https", "a.example", "")
    assert parse_qs(pieces.query, keep_blank_values=True) == {"q": [text], "r": ["1"]}
    assert pieces.path.count("/") == 2


@given(TEXTS, TEXTS)
def test_a_form_gives_back_what_was_put_in(name: str, text: str) -> None:
    assert parse_qs(in_form({name: "<{x}>"}, {"x": text}).decode(), keep_blank_values=True) == {name: [f"<{text}>"]}


@given(TEXTS)
def test_json_gives_back_what_was_put_in(text: str) -> None:
    template = {"{x}": [1, None, True, {"a": "{{{x}}}"}]}
    assert json.loads(in_json(template, {"x": text})) == {"{x}": [1, None, True, {"a": "{" + text + "}"}]}


@given(TEXTS)
def test_xml_has_the_same_elements_whatever_is_put_in(text: str) -> None:
    opened: list[str] = []
    parser = expat.ParserCreate()
    parser.StartElementHandler = lambda name, _attributes: opened.append(name)
    parser.Parse(in_xml("<a b='{x}' c=\"{x}\">{x}</a>", {"x": text}), True)
    assert opened == ["a"]


@given(TEXTS)
def test_a_header_has_one_line(text: str) -> None:
    try:
        value = in_header("Key {x}", {"x": text})
    except Malformed:
        return
    assert value.isascii()
    assert value.isprintable()


@given(st.text(alphabet="{}xy!:.[]0 "))
def test_a_template_that_was_checked_can_be_filled(template: str) -> None:
    try:
        checked(template, ["x"])
    except Malformed:
        return
    in_url(template, {"x": "1"})


def test_a_template_may_not_be_endlessly_deep() -> None:
    deep: object = "x"
    for _ in range(20):
        deep = [deep]
    with pytest.raises(Malformed, match="deeper"):
        list(json_texts(deep))


@pytest.mark.parametrize(
    ("path", "found"),
    [
        ("a.0.b", "1"),
        ("a.1", "true"),
        ("a.2", ""),
        ("a.9", ""),
        ("a.x", ""),
        ("a.-1", ""),
        ("c", "1.5"),
        ("d.e", ""),
        ("", ""),
        ("a", ""),
    ],
)
def test_what_stands_at_a_path_is_a_text(path: str, found: str) -> None:
    assert found_at({"a": [{"b": 1}, True, None], "c": 1.5, "d": "text"}, path) == found
