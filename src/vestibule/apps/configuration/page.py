"""Keep `docs/configuration.md` true: `python -m vestibule.apps.configuration.page [path]` rewrites its generated parts.

What stands between `<!-- name: begin -->` and `<!-- name: end -->` is made here; the rest is written by hand.
"""

import re
import sys
from collections.abc import Mapping
from pathlib import Path

from vestibule.apps.configuration import file, variables
from vestibule.apps.configuration.keys import KEYS, SECTIONS, Key
from vestibule.apps.configuration.loading import DEFAULT_FILE, settle
from vestibule.apps.configuration.problems import ConfigurationWrong

PAGE = Path("docs/configuration.md")

_WRONG_FILE = """\
data_directory = "/srv/vestibule"

[radius]
lisen = ["192.0.2.10:1812"]
duplicate_seconds = 90
reject_delay_seconds = 0

[http]
listen = "0.0.0.0:9464"

[logs]
level = "info"
"""
_WRONG_ENVIRONMENT = {"VESTIBULE_PASSWORDS_WORKERS": "many", "VESTIBULE_RADIUS_LISTENS": "192.0.2.10:1812"}
_BROKEN_FILE = """\
[radius]
listen = [0.0.0.0:1812]
"""


def brought_up_to_date(page: str) -> str:
    """Give `page` with its generated parts made anew."""
    for name, part in (("keys", _tables()), ("errors", _samples())):
        page = _replaced(page, name, part)
    return page


def main(arguments: list[str]) -> None:
    """Rewrite the page that the arguments name, or the usual one."""
    path = Path(arguments[0]) if arguments else PAGE
    path.write_text(brought_up_to_date(path.read_text(encoding="utf-8")), encoding="utf-8")


def _replaced(page: str, name: str, part: str) -> str:
    """Put `part` between the markers of `name`."""
    begin, end = f"<!-- {name}: begin -->", f"<!-- {name}: end -->"
    return re.sub(
        f"{re.escape(begin)}.*?{re.escape(end)}", lambda _: f"{begin}\n\n{part}\n\n{end}", page, flags=re.DOTALL
    )


def _tables() -> str:
    return "\n\n".join(_table(section) for section in ("", *SECTIONS))


def _table(section: str) -> str:
    title = f"### `[{section}]`" if section else "### Outside the sections"
    rows = [_row(key) for key in KEYS.values() if key.section == section]
    return "\n".join([title, "", "| Key | Type | Default | Meaning | Environment |", "|---|---|---|---|---|", *rows])


def _row(key: Key) -> str:
    return f"| `{key.leaf}` | {key.type} | `{key.default}` | {key.help} | `{key.environment}` |"


def _samples() -> str:
    return "\n\n".join(
        [
            "This file and environment",
            _fenced("toml", _WRONG_FILE),
            _fenced("sh", "\n".join(f"{name}={value}" for name, value in _WRONG_ENVIRONMENT.items())),
            "are refused with",
            _fenced("text", _said(_WRONG_FILE, _WRONG_ENVIRONMENT)),
            "and a file that is not TOML with",
            _fenced("text", _said(_BROKEN_FILE, {})),
        ]
    )


def _fenced(language: str, text: str) -> str:
    return f"```{language}\n{text.rstrip()}\n```"


def _said(text: str, environment: Mapping[str, str]) -> str:
    """Give the error that this file and environment lead to."""
    try:
        settle(file.parsed(text, str(DEFAULT_FILE)), variables.read(environment))
    except ConfigurationWrong as wrong:
        return str(wrong)
    raise AssertionError("the samples on the page must be wrong")


if __name__ == "__main__":
    main(sys.argv[1:])
