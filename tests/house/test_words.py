"""Names say what a thing is. The words below say nothing, so no module, folder or class has one in its name."""

import ast
import re

import pytest

from tests.house.sources import ROOT, python_files

EMPTY_WORDS = {"manager", "handler", "helper", "util", "common", "base", "data", "info"}


def words(name: str) -> set[str]:
    """Split `snake_case` and `CamelCase` into singular lower-case words."""
    return {word.lower().removesuffix("s") for word in re.findall(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+", name)}


def empty(name: str) -> bool:
    return bool(words(name) & EMPTY_WORDS)


@pytest.mark.parametrize("folder", ["src", "tests", "bench"])
def test_no_module_has_an_empty_name(folder: str) -> None:
    wrong = [
        str(path)
        for path in (source.path.relative_to(ROOT) for source in python_files(folder))
        if any(map(empty, path.with_suffix("").parts))
    ]
    assert not wrong, f"say what these are about: {', '.join(wrong)}"


@pytest.mark.parametrize("folder", ["src", "tests", "bench"])
def test_no_class_has_an_empty_name(folder: str) -> None:
    wrong = [
        f"{source.place(node)} {node.name}"
        for source in python_files(folder)
        for node in ast.walk(source.tree)
        if isinstance(node, ast.ClassDef) and empty(node.name)
    ]
    assert not wrong, "say what these are:\n" + "\n".join(wrong)


def test_this_test_knows_an_empty_name() -> None:
    assert all(map(empty, ["utils", "http_helpers", "TokenManager", "BaseStore", "HTTPHandler"]))
    assert not any(map(empty, ["database", "Attempt", "informed", "baseline"]))
