"""Bring the portal's catalogues up to date: `python -m tests.portals.catalogues`.

It takes the texts out of the code and the templates, adds what is new to each `portal.po`, drops what is gone, and
compiles. What is new stands there without a translation, and a test fails until it has one.
"""

import io
from datetime import UTC, datetime
from pathlib import Path

from babel.messages.catalog import Catalog
from babel.messages.extract import extract_from_dir
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po, write_po

from tests.house.sources import PACKAGE
from vestibule.flows import binding, own_factors, passkey_models, passkeys, roles, trace_texts
from vestibule.portals import phones
from vestibule.portals.administration.saying import known
from vestibule.portals.languages import CODES, DOMAIN, LOCALE
from vestibule.stores.settings import known_settings

PORTALS = PACKAGE / "portals"
METHODS = [("**.py", "python"), ("templates/**.html", "jinja2")]
KEYWORDS = {"_": None, "ngettext": (1, 2), "marked": None}
OF_FLOWS = (
    own_factors.FULL,
    own_factors.UNKNOWN_SERIAL,
    own_factors.LAST,
    binding.WRONG,
    binding.SPENT,
    binding.SLOW_DOWN,
    *passkeys.NOT_TAKEN.values(),
    passkeys.FULL,
    passkeys.THERE,
    passkey_models.OVERDUE,
    roles.LAST_OWNER,
    *sorted(phones.SAID),
)
HEADER = "# The texts of the portal; `python -m tests.portals.catalogues` brings them up to date."
ALWAYS = datetime(2026, 1, 1, tzinfo=UTC)  # so that a run that finds nothing new changes nothing
TRANSLATED = tuple(code for code in CODES if code != "en")


def texts() -> Catalog:
    """Everything that can be shown, as it stands in the code."""
    found = Catalog(domain=DOMAIN, fuzzy=False)
    options = {"templates/**.html": {"trimmed": "true", "silent": "false", "newstyle_gettext": "true"}}
    for _file, _line, message, _comments, _context in extract_from_dir(
        PORTALS, method_map=METHODS, keywords=KEYWORDS, options_map=options
    ):
        found.add(message)
    for text in (*OF_FLOWS, *of_traces(), *of_settings()):
        found.add(text)
    return found


def of_traces() -> list[str]:
    """Every sentence of a decision trace, whatever it is called."""
    named = [value for name, value in vars(trace_texts).items() if name.isupper()]
    return [text for value in named for text in ([value] if isinstance(value, str) else value.values())]


def of_settings() -> list[str]:
    """What each setting does, and which values fit where `saying` has no form for them."""
    found = known_settings().values()
    return [setting.help for setting in found] + [setting.fits for setting in found if not known(setting.fits)]


def file_of(code: str) -> Path:
    return LOCALE / code / "LC_MESSAGES" / f"{DOMAIN}.po"


def catalogue(code: str) -> Catalog:
    """What is translated, as it is kept."""
    file = file_of(code)
    if not file.exists():
        return Catalog(locale=code, domain=DOMAIN, fuzzy=False)
    with file.open("rb") as opened:
        return read_po(opened, locale=code, domain=DOMAIN)


def compiled(code: str) -> bytes:
    """The catalogue as gettext reads it."""
    written = io.BytesIO()
    write_mo(written, catalogue(code))
    return written.getvalue()


def bring_up_to_date() -> None:
    wanted = texts()
    for code in TRANSLATED:
        kept = catalogue(code)
        kept.update(wanted, no_fuzzy_matching=True)
        kept.obsolete.clear()
        kept.header_comment, kept.project, kept.version = HEADER, "Vestibule", "1"
        kept.creation_date = kept.revision_date = ALWAYS
        kept.msgid_bugs_address, kept.last_translator, kept.language_team = "", "", ""
        file_of(code).parent.mkdir(parents=True, exist_ok=True)
        with file_of(code).open("wb") as opened:
            write_po(opened, kept, width=110, no_location=True, sort_output=True, ignore_obsolete=True)
        file_of(code).with_suffix(".mo").write_bytes(compiled(code))


if __name__ == "__main__":
    bring_up_to_date()
