"""Pages as HTML: one environment for each language, with automatic escaping and no name left undefined."""

from collections.abc import Mapping
from datetime import UTC, datetime
from functools import cache
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from starlette.responses import HTMLResponse

from vestibule.portals.languages import LANGUAGES, Language
from vestibule.portals.static_files import URLS

TEMPLATES = Path(__file__).parent / "templates"
NEVER_KEPT = {"Cache-Control": "no-store"}


@cache
def environment(code: str) -> Environment:
    """The templates in one language."""
    made = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
        extensions=["jinja2.ext.i18n"],
    )
    made.install_gettext_translations(LANGUAGES[code].texts, newstyle=True)  # type: ignore[attr-defined]  # of the extension
    made.globals.update(url=URLS, language=code, words=LANGUAGES[code])
    made.filters.update(day=day, minute=minute, machine=machine, number=number)
    return made


def page(
    language: Language, template: str, answer: int = 200, headers: Mapping[str, str] | None = None, /, **told: object
) -> HTMLResponse:
    """One page; it is never kept by a browser, since it is somebody's own."""
    text = environment(language.code).get_template(template).render(**told)
    return HTMLResponse(text, answer, {**NEVER_KEPT, **(headers or {})})


def machine(at: float) -> str:
    """A time for machines (ISO 8601)."""
    return _at(at).strftime("%Y-%m-%dT%H:%M:%SZ")


def minute(at: float) -> str:
    """A time for people, to the minute; a script shows it in their own time zone."""
    return _at(at).strftime("%Y-%m-%d %H:%M UTC")


def day(at: float) -> str:
    """A day."""
    return _at(at).strftime("%Y-%m-%d")


def number(value: int) -> str:
    """A number whose digits stand in groups of three, with narrow blanks between them, as in every language here."""
    return f"{value:,}".replace(",", "\u202f")


def _at(at: float) -> datetime:
    return datetime.fromtimestamp(at, UTC)
