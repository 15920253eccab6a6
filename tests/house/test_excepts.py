"""Broad excepts stand at the outermost edge only; imports stand at the top of their file.

A bug is caught once: by the process (`apps/`), by the outermost function of a door, or by the store, so that one
caller's bug harms no other in its batch. The last two carry the comment `# outermost` on the line of the `except`.
"""

import ast

import pytest

from tests.house.sources import Source, dotted, functions, package

BROAD = {"Exception", "BaseException", "builtins.Exception", "builtins.BaseException"}


def is_broad(handler: ast.ExceptHandler) -> bool:
    match handler.type:
        case None:
            return True
        case ast.Tuple(elts=kinds):
            return any(dotted(kind) in BROAD for kind in kinds)
        case kind:
            return dotted(kind) in BROAD


def is_allowed(source: Source, handler: ast.ExceptHandler) -> bool:
    marked = "# outermost" in source.lines[handler.lineno - 1]
    return source.within("apps") or (marked and source.within("frontends", "portals", "stores"))


def test_broad_excepts_stand_at_the_edge_only() -> None:
    wrong = [
        source.place(node)
        for source in package()
        for node in ast.walk(source.tree)
        if isinstance(node, ast.ExceptHandler) and is_broad(node) and not is_allowed(source, node)
    ]
    assert not wrong, "name what can go wrong here, or let it rise to the edge:\n" + "\n".join(wrong)


def test_imports_stand_at_the_top() -> None:
    """Only a command of the CLI may import when it runs, so that the other commands start fast."""
    wrong = {
        source.place(node)
        for source in package()
        if not source.within("apps/cli")
        for function in functions(source)
        for node in ast.walk(function)
        if isinstance(node, ast.Import | ast.ImportFrom)
    }
    assert not wrong, "move these to the top of the file:\n" + "\n".join(sorted(wrong))


@pytest.mark.parametrize(
    ("code", "broad"),
    [
        ("except ValueError: ...", False),
        ("except (ValueError, OSError): ...", False),
        ("except Exception: ...", True),
        ("except: ...", True),
        ("except (ValueError, BaseException): ...", True),
    ],
)
def test_this_test_knows_a_broad_except(code: str, *, broad: bool) -> None:
    statement = ast.parse(f"try: ...\n{code}").body[0]
    assert isinstance(statement, ast.Try)
    assert is_broad(statement.handlers[0]) is broad
