"""The ground floor stands on Python alone: core and wire import the standard library, one file of wire a library."""

import ast
import sys
from collections.abc import Iterator

import pytest

from tests.house.sources import package

OURS_OR_PYTHONS = sys.stdlib_module_names | {"vestibule"}
EXCEPTIONS = {("wire/pskc/ciphers", "cryptography")}
"""A file and the one library it may import: AES and key wrap are not in Python."""


def imported_packages(tree: ast.AST) -> Iterator[tuple[ast.stmt, str]]:
    for node in ast.walk(tree):
        match node:
            case ast.Import(names=names):
                yield from ((node, alias.name.partition(".")[0]) for alias in names)
            case ast.ImportFrom(module=str(module)):
                yield node, module.partition(".")[0]
            case _:
                pass


@pytest.mark.parametrize("room", ["core", "wire"])
def test_the_ground_floor_needs_no_library(room: str) -> None:
    wrong = [
        f"{source.place(statement)} imports {name}"
        for source in package()
        if source.within(room)
        for statement, name in imported_packages(source.tree)
        if name not in OURS_OR_PYTHONS
        if not any(source.within(file) and name == library for file, library in EXCEPTIONS)
    ]
    assert not wrong, "\n".join(wrong)
