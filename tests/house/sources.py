"""The project's own files, read once, for the tests of the house rules."""

import ast
from dataclasses import dataclass
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PACKAGE = ROOT / "src" / "vestibule"

Function = ast.FunctionDef | ast.AsyncFunctionDef


@dataclass(frozen=True)
class Source:
    """One Python file: where it is, what it says, what it means."""

    path: Path
    text: str
    tree: ast.Module

    @property
    def lines(self) -> list[str]:
        return self.text.splitlines()

    def place(self, node: ast.expr | ast.stmt | ast.excepthandler) -> str:
        return f"{self.path.relative_to(ROOT)}:{node.lineno}"

    def within(self, *folders: str) -> bool:
        """Say whether the file is one of these rooms of the package, as a folder or as a file."""
        name = self.path.with_suffix("").relative_to(PACKAGE).as_posix()
        return any(name == folder or name.startswith(f"{folder}/") for folder in folders)


@cache
def python_files(folder: str) -> tuple[Source, ...]:
    """Read every Python file below `folder`, a path from the project's root."""
    return tuple(_read(path) for path in sorted((ROOT / folder).rglob("*.py")))


@cache
def package() -> tuple[Source, ...]:
    """Read every Python file that is shipped."""
    return python_files("src/vestibule")


def functions(source: Source) -> list[Function]:
    """List functions and methods, nested ones too."""
    return [node for node in ast.walk(source.tree) if isinstance(node, Function)]


def length(function: Function) -> int:
    """Count lines from `def` to the last one, docstring and blank lines included, decorators not."""
    return (function.end_lineno or function.lineno) - function.lineno + 1


def dotted(node: ast.AST) -> str:
    """Spell `a.b.c` out; a part that is no name is left empty."""
    match node:
        case ast.Name(id=name):
            return name
        case ast.Attribute(value=value, attr=attr):
            return f"{dotted(value)}.{attr}"
        case _:
            return ""


def _read(path: Path) -> Source:
    text = path.read_text(encoding="utf-8")
    return Source(path, text, ast.parse(text, filename=str(path)))
