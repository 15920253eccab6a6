"""The scanner that finds the lines of keys, held against `tomllib`.

The oracle: cut a document before a key's line and `tomllib` accepts it without the key; the first longer piece that it
accepts at all has the key. Only the line on which the key's statement begins has this property.
"""

import json
import tomllib
from collections.abc import Iterator
from itertools import count
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vestibule.apps.configuration.lines import key_lines, line_of

Path = tuple[str, ...]

_TRICKY = st.text(alphabet="ab=[]{}#.,'\"\\\n\té", max_size=12)
_LITERAL = st.text(alphabet='ab=[]{}#., "\\\té', max_size=8)
_COMMENTS = st.sampled_from(["", "  # [x] = 1", "#\"'''", ' # """ ['])


def _long_basic(text: str) -> str:
    return '"""' + text.replace("\\", "\\\\").replace('"""', '""\\"').removesuffix("\\") + '\n[not]\na = 1\n"""'


def _long_literal(text: str) -> str:
    return "'''" + text.replace("'''", "") + "\n[not]\nb = '1'\n'''"


_SCALARS = st.one_of(
    st.sampled_from(["1", "-2.5e3", "true", "nan", "1979-05-27T07:32:00Z", "1979-05-27 07:32:00", '""', "''"]),
    st.sampled_from(['""""a""""', '"""""a"""""', "''''a''''", "'''''a'''''", '""""""', "''''''", '"""a\\\n  b"""']),
    _TRICKY.map(lambda text: json.dumps(text, ensure_ascii=False)),
    _LITERAL.map(lambda text: f"'{text}'"),
    _TRICKY.map(_long_basic),
    _TRICKY.map(_long_literal),
)


@st.composite
def _arrays(draw: st.DrawFn, items: st.SearchStrategy[str]) -> str:
    parts = [f"{item},{draw(_COMMENTS)}\n  " for item in draw(st.lists(items, max_size=3))]
    return f"[{draw(st.sampled_from(['', chr(10), ' # ][ ' + chr(10)]))}{''.join(parts)}]"


@st.composite
def _inline(draw: st.DrawFn, items: st.SearchStrategy[str]) -> str:
    parts = [f"in{number} = {item}" for number, item in enumerate(draw(st.lists(items, max_size=3)))]
    return f"{{ {', '.join(parts)} }}"


_VALUES = st.recursive(_SCALARS, lambda items: _arrays(items) | _inline(items), max_leaves=5)


@st.composite
def _names(draw: st.DrawFn, number: int) -> str:
    """A dotted key whose first part is used once in the document."""
    first = draw(st.sampled_from(["a{}", "-{}_", "{}", "'x.{}'", '"= [{}]"', '"\\u00e9#{}"', '"\\"{}"'])).format(number)
    rest = draw(st.lists(st.sampled_from(["b", "1", "'c d'", '"#"', "''"]), max_size=2))
    return draw(st.sampled_from([".", " . ", "\t."])).join([first, *rest])


@st.composite
def _documents(draw: st.DrawFn) -> str:
    parts = []
    for number, kind in enumerate(
        draw(st.lists(st.sampled_from(["key", "key", "table", "tables", "gap"]), max_size=10))
    ):
        name = draw(_names(number))
        match kind:
            case "key":
                parts.append(f"{draw(st.sampled_from(['', '  ']))}{name} = {draw(_VALUES)}{draw(_COMMENTS)}")
            case "table":
                parts.append(f"[ {name} ]{draw(_COMMENTS)}")
            case "tables":
                parts.append(f"[[{name}]]{draw(_COMMENTS)}")
            case _:
                parts.append(draw(st.sampled_from(["", "   ", "# a = [1", "#[b]"])))
    return "\n".join(parts) + draw(st.sampled_from(["", "\n"]))


def _leaves(table: dict[str, Any], path: Path = ()) -> Iterator[Path]:
    for name, value in table.items():
        if isinstance(value, dict) and value:
            yield from _leaves(value, (*path, name))
        else:
            yield (*path, name)


def _has(table: object, path: Path) -> bool:
    for name in path:
        if not isinstance(table, dict) or name not in table:
            return False
        table = table[name]
    return True


def _valid(text: str) -> dict[str, Any] | None:
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError:
        return None


@settings(deadline=None)  # time is the machine's affair, not the scanner's
@given(_documents())
def test_the_line_of_a_key_is_where_tomllib_first_sees_it(text: str) -> None:
    lines = key_lines(text)
    pieces = [piece + "\n" for piece in text.split("\n")]
    for path in _leaves(tomllib.loads(text)):
        line = line_of(lines, path)
        before = _valid("".join(pieces[: line - 1]))
        assert before is not None
        assert not _has(before, path)
        longer = (_valid("".join(pieces[:end])) for end in count(line))
        assert _has(next(one for one in longer if one is not None), path)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", {}),
        ("a = 1", {("a",): 1}),
        ("# a = 0\n\na = 1", {("a",): 3}),
        ("a = '''\nb = 1\n'''\nb = 2", {("a",): 1, ("b",): 4}),
        ("a = [\n 1, # ]\n]\nb = 2", {("a",): 1, ("b",): 4}),
        ("[s]\nk = 1\n[t]\nk = 2", {("s",): 1, ("s", "k"): 2, ("t",): 3, ("t", "k"): 4}),
        ('[s]\n"k.l" . m = 1', {("s",): 1, ("s", "k.l", "m"): 2}),
        ("a = { b = 1 }\nc = 1", {("a",): 1, ("c",): 2}),
    ],
)
def test_tables_keys_strings_and_arrays_are_told_apart(text: str, expected: dict[Path, int]) -> None:
    assert key_lines(text) == expected


def test_a_table_that_is_only_implied_stands_where_its_first_key_stands() -> None:
    lines = key_lines("x = 1\ns.k = 2\n[t.u]\nk = 3\n")
    assert line_of(lines, ("s",)) == 2
    assert line_of(lines, ("t",)) == 3


def test_a_key_in_an_inline_table_stands_where_the_table_stands() -> None:
    assert line_of(key_lines("x = 1\ns = { k = 2 }\n"), ("s", "k")) == 2
