"""Tests wait for what happens, not for time to pass; they hand in what they want changed instead of patching it."""

import ast
from collections.abc import Iterator

import pytest

from tests.house.sources import dotted, python_files

SLEEPS = {"time.sleep", "asyncio.sleep", "anyio.sleep", "sleep"}
PATCHES = {"monkeypatch.setattr", "monkeypatch.delattr"}


def sleeps(tree: ast.AST) -> Iterator[ast.Call]:
    """Find calls that let time pass; `asyncio.sleep(0)` only gives way to others."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and dotted(node.func) in SLEEPS:
            match node.args:
                case [ast.Constant(value=0)]:
                    pass
                case _:
                    yield node


def imported(tree: ast.AST) -> Iterator[tuple[ast.Import | ast.ImportFrom, str, str]]:
    """Find imports: the statement, the full name, and the name it has in this file."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield node, alias.name, alias.asname or alias.name.partition(".")[0]
        elif isinstance(node, ast.ImportFrom):
            for alias in node.names:
                yield node, f"{node.module}.{alias.name}", alias.asname or alias.name


def mocks(tree: ast.AST) -> Iterator[ast.stmt]:
    """Find imports of mock."""
    for statement, name, _ in imported(tree):
        if name == "mock" or name.startswith(("mock.", "unittest.mock")):
            yield statement


def patches(tree: ast.AST) -> Iterator[ast.Call]:
    """Find monkeypatches of what this project wrote, by object or by dotted name."""
    ours = {local for _, name, local in imported(tree) if name.split(".")[0] == "vestibule"}
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and dotted(node.func) in PATCHES and node.args:
            match node.args[0]:
                case ast.Constant(value=str(name)):
                    owner = name
                case target:
                    owner = dotted(target)
            if owner.partition(".")[0] in ours | {"vestibule"}:
                yield node


def test_no_test_sleeps() -> None:
    wrong = [source.place(node) for source in python_files("tests") for node in sleeps(source.tree)]
    assert not wrong, "wait for the event, or move a clock that was handed in:\n" + "\n".join(wrong)


def test_no_test_patches_our_own_code() -> None:
    wrong = [
        place
        for source in python_files("tests")
        for place in (*map(source.place, mocks(source.tree)), *map(source.place, patches(source.tree)))
    ]
    assert not wrong, "hand in a small double that keeps the port's contract:\n" + "\n".join(wrong)


@pytest.mark.parametrize("code", ["time.sleep(1)", "await asyncio.sleep(0.1)", "await anyio.sleep(x)", "sleep(2)"])
def test_this_test_knows_a_sleep(code: str) -> None:
    assert list(sleeps(ast.parse(code)))


@pytest.mark.parametrize("code", ["asyncio.sleep(0)", "clock.sleep_until(1)", "monkeypatch.setenv('A', '1')"])
def test_this_test_lets_the_rest_be(code: str) -> None:
    tree = ast.parse(code)
    assert not [*sleeps(tree), *mocks(tree), *patches(tree)]


@pytest.mark.parametrize(
    "code",
    [
        "from vestibule.core import engine\nmonkeypatch.setattr(engine, 'step', None)",
        "import vestibule.core.engine\nmonkeypatch.setattr(vestibule.core.engine, 'step', None)",
        "monkeypatch.setattr('vestibule.core.engine.step', None)",
        "from unittest import mock",
        "from unittest.mock import patch",
    ],
)
def test_this_test_knows_a_patch(code: str) -> None:
    tree = ast.parse(code)
    assert [*mocks(tree), *patches(tree)]
