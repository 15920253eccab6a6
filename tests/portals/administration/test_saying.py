"""Whatever a flow of set-up refuses or warns of has words for pages: found in the flows' own source."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.house.sources import PACKAGE
from vestibule.flows import client_rules
from vestibule.portals.administration.saying import known, said
from vestibule.portals.languages import ENGLISH, LANGUAGES

FLOWS = (
    "access_pass",
    "bypass",
    "inventory",
    "people",
    "roles",
    "token_import",
    "token_list",
    "trace",
    "waivers",
    "api_keys",
    "bench",
    "client_rules",
    "clients",
    "directories",
    "directory_state",
    "groups",
    "policy",
    "policy_preview",
    "providers",
    "send_routes",
    "settings",
    "settings_history",
    "sync",
)
ELSEWHERE = {"{str(unfit)}", "{malformed}."}
"""Texts that are made elsewhere: of the settings' own table, and of the settings of a kind of directory."""

HINTS = {"x7. x7": "x7. See them all with: vestibule group list"}
"""What stands in the place of a hint that is put together."""


def constants(tree: ast.Module) -> dict[str, str]:
    """The texts that have a name in a module, their places as `{}`."""
    found = {}
    for node in tree.body:
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
            text = template(node.value, {})
            if text:
                found[node.targets[0].id] = text
    return found


def template(node: ast.expr, names: dict[str, str]) -> str:
    """The text with what is put in as `{name}`."""
    match node:
        case ast.Constant(value=str(text)):
            return text
        case ast.JoinedStr(values=parts):
            return "".join(
                str(part.value) if isinstance(part, ast.Constant) else "{" + ast.unparse(part.value) + "}"  # type: ignore[attr-defined]
                for part in parts
            )
        case ast.Name(id=name):
            return names.get(name, "")
        case ast.Call(func=ast.Attribute(value=inner, attr="format")):
            return template(inner, names)
        case ast.Call():
            return "{" + ast.unparse(node) + "}"
        case _:
            return ""


def refusals(path: Path) -> Iterator[str]:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    names = {**constants(tree), "BUILT_IN": client_rules.BUILT_IN}
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in {"Refused", "Missing"}:
            yield template(node.args[0], names)


@pytest.mark.parametrize("flow", FLOWS)
def test_every_refusal_of_the_flows_has_words_on_pages(flow: str) -> None:
    texts = [text for text in refusals(PACKAGE / "flows" / f"{flow}.py") if text not in ELSEWHERE]
    assert all(texts), "a refusal is made of something that this test can not read"
    filled = [re.sub(r"\{[^}]*\}", "x7", text) for text in texts]
    for short, whole in HINTS.items():
        filled = [text.replace(short, whole) for text in filled]
    missing = [text for text in filled if not known(text)]
    assert not missing, f"no words in administration/saying.py for: {missing}"


def test_every_warning_about_a_client_has_words_on_pages() -> None:
    tree = ast.parse((PACKAGE / "flows" / "client_rules.py").read_text(encoding="utf-8"))
    inside = next(
        node
        for node in tree.body
        if isinstance(node, ast.FunctionDef) and node.name == client_rules.warnings_among.__name__
    )
    names = constants(tree)
    used = {node.id for node in ast.walk(inside) if isinstance(node, ast.Name)} & set(names)
    assert len(used) > 4
    for name in (*used, "SHORT", "PLAIN"):
        assert known(names[name].replace("{}", "x7")), name


def test_a_text_is_said_in_the_readers_language_with_its_names_and_without_commands() -> None:
    text = "There is no client vpn. Look for its id with: vestibule client list"
    assert said(ENGLISH, text) == "There is no client vpn."
    assert "vpn" in said(LANGUAGES["nl"], text)
    assert said(ENGLISH, "time_budget must be from 2 to 600 seconds.").endswith("from 2 to 600 seconds.")
    assert (
        said(ENGLISH, "name has 300 characters; shorten it to at most 256.")
        == "The text has 300 characters; shorten it to 256."
    )
    assert said(ENGLISH, "Something new. Do: vestibule new") == "Something new."
