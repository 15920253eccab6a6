"""The page on settings and the code say the same; `python -m tests.stores.test_settings_page` rewrites the table."""

import json
import re
from pathlib import Path

from vestibule.stores.settings import known_settings

PAGE = Path(__file__).parents[2] / "docs" / "settings.md"
TABLE = re.compile(r"(?<=<!-- settings: begin -->\n).*?(?=<!-- settings: end -->)", re.DOTALL)


def brought_up_to_date(page: str) -> str:
    rows = [
        f"| `{one.name}` | `{json.dumps(one.default, ensure_ascii=False)}` | {one.help} | {one.fits} |\n"
        for one in known_settings().values()
    ]
    table = "".join(("\n| setting | default | what it does | fits |\n|---|---|---|---|\n", *rows, "\n"))
    return TABLE.sub(lambda _: table, page)


def test_the_page_has_every_setting_with_its_default_and_help() -> None:
    page = PAGE.read_text(encoding="utf-8")
    assert brought_up_to_date(page) == page, "run `python -m tests.stores.test_settings_page`"
    assert all(f"`{name}`" in page for name in known_settings())


if __name__ == "__main__":
    PAGE.write_text(brought_up_to_date(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
