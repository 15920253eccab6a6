"""The page on configuration and the code say the same.

After a change of a key or a message run `python -m vestibule.apps.configuration.page` and commit what it writes.
"""

import re
from pathlib import Path

from vestibule.apps.configuration import explain, load
from vestibule.apps.configuration.page import brought_up_to_date, main

PAGE = Path(__file__).parents[2] / "docs" / "configuration.md"
CURE = "docs/configuration.md is behind the code: run `python -m vestibule.apps.configuration.page`"


def test_the_generated_parts_of_the_page_are_up_to_date() -> None:
    page = PAGE.read_text(encoding="utf-8")
    assert brought_up_to_date(page) == page, CURE


def test_every_key_is_in_the_table_with_its_default_help_and_variable() -> None:
    page = PAGE.read_text(encoding="utf-8")
    for row in explain():
        leaf = row.key.rpartition(".")[2]
        cells = f"| `{leaf}` | {row.type} | `{row.default}` | {row.help} | `{row.environment}` |"
        assert cells in page, f"{row.key}: {CURE}"


def test_the_example_on_the_page_is_accepted(tmp_path: Path) -> None:
    example = re.search(r"## An example\n\n```toml\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    assert example
    path = tmp_path / "vestibule.toml"
    path.write_text(example[1], encoding="utf-8")
    assert load(path, {}).server.name == "mfa1"


def test_the_page_shows_a_real_error() -> None:
    page = PAGE.read_text(encoding="utf-8")
    assert "/etc/vestibule/vestibule.toml:4: radius.lisen" in page
    assert "VESTIBULE_PASSWORDS_WORKERS: passwords.workers" in page


def test_the_command_rewrites_only_the_generated_parts(tmp_path: Path) -> None:
    copy = tmp_path / "page.md"
    page = PAGE.read_text(encoding="utf-8")
    emptied = re.sub(r"(<!-- (\w+): begin -->).*?(<!-- \2: end -->)", r"\1\3", page, flags=re.DOTALL)
    copy.write_text(emptied, encoding="utf-8")
    main([str(copy)])
    assert copy.read_text(encoding="utf-8") == page
