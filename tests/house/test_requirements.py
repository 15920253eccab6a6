"""Each requirement that docs/security-requirements.md calls kept is carried by a test, marked with its number."""

import ast
import re

from tests.house.sources import ROOT, dotted, python_files

PAGE = ROOT / "docs" / "security-requirements.md"
ROW = re.compile(r"^\| (\d+) \|.*\| (\w+) \|$", re.MULTILINE)


def listed() -> dict[int, str]:
    """Read the page: number → state."""
    return {int(number): state for number, state in ROW.findall(PAGE.read_text(encoding="utf-8"))}


def marked() -> dict[int, str]:
    """Read the tests: number → the first place that carries it."""
    places: dict[int, str] = {}
    for source in python_files("tests"):
        for node in ast.walk(source.tree):
            if isinstance(node, ast.Call) and dotted(node.func) == "pytest.mark.requirement":
                for argument in node.args:
                    if isinstance(argument, ast.Constant) and isinstance(argument.value, int):
                        places.setdefault(argument.value, source.place(node))
    return places


def test_the_page_lists_every_requirement_once() -> None:
    assert list(listed()) == list(range(1, 59))
    assert set(listed().values()) <= {"kept", "planned"}


def test_every_kept_requirement_has_a_test() -> None:
    gaps = [number for number, state in listed().items() if state == "kept" and number not in marked()]
    assert not gaps, f"no test carries @pytest.mark.requirement(n) for n = {', '.join(map(str, gaps))}"


def test_every_mark_names_a_listed_requirement() -> None:
    wrong = [f"{place} names {number}" for number, place in marked().items() if number not in listed()]
    assert not wrong, f"{PAGE.name} does not list these:\n" + "\n".join(wrong)
