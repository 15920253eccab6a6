"""Every link between our pages leads somewhere, and every page of docs/ can be found from the menu."""

import re
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.house.sources import ROOT

DOCS = ROOT / "docs"
PAGES = [
    *(ROOT / name for name in ("README.md", "ARCHITECTURE.md", "CONTRIBUTING.md", "CHANGELOG.md", "SECURITY.md")),
    ROOT / "packaging" / "README.md",
    *sorted(DOCS.rglob("*.md")),
]
CODE = re.compile(r"^( *)(```+|~~~+).*?^\1\2|`[^`\n]+`", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"\]\(<?([^)\s>]+)>?(?:\s+\"[^\"]*\")?\)|^\[[^\]]+\]:\s+(\S+)", re.MULTILINE)


def relative_links(text: str) -> Iterator[str]:
    """Find the targets of links that stay inside the project, without their anchors."""
    for match in LINK.finditer(CODE.sub("", text)):
        target = (match[1] or match[2]).partition("#")[0]
        if target and not re.match(r"[a-z][a-z0-9+.-]*:", target):
            yield target


def menu(entries: object) -> Iterator[str]:
    """Find the pages in the menu, however deep."""
    match entries:
        case str(page):
            yield page
        case list(items):
            for item in items:
                yield from menu(item)
        case dict(titles):
            for item in titles.values():
                yield from menu(item)
        case _:
            raise TypeError(entries)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_links_lead_somewhere(page: Path) -> None:
    broken = [link for link in relative_links(page.read_text(encoding="utf-8")) if not (page.parent / link).exists()]
    assert not broken, f"{page.relative_to(ROOT)} links to what is not there: {', '.join(broken)}"


def test_the_menu_and_the_pages_are_the_same() -> None:
    site = tomllib.loads((ROOT / "zensical.toml").read_text(encoding="utf-8"))
    in_menu = {page for page in menu(site["project"]["nav"]) if not page.startswith("http")}
    on_disk = {page.relative_to(DOCS).as_posix() for page in DOCS.rglob("*.md")}
    assert not on_disk - in_menu, f"`nav` in zensical.toml lacks {', '.join(sorted(on_disk - in_menu))}"
    assert not in_menu - on_disk, f"docs/ lacks {', '.join(sorted(in_menu - on_disk))}"


def test_this_test_knows_a_link() -> None:
    text = "[a](b.md#c) `[x](y.md)` [d](https://example.org/) [e](#f)\n\n```\n[g](h.md)\n```\n\n[i]: j.md\n"
    assert list(relative_links(text)) == ["b.md", "j.md"]
