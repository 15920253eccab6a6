"""Forms of set-up: what is kept, what was typed instead, and texts of fields as values. Raises Refused by field."""

from collections.abc import Iterable, Mapping

from vestibule.flows.refused import Refused
from vestibule.portals.languages import marked
from vestibule.portals.visit import Visit

LONGEST = 20
NO_NUMBER = marked("Write a number here.")

Values = dict[str, str]


def filled(visit: Visit, kept: Mapping[str, str]) -> Values:
    """What the form shows: what was typed, once something was, else what is kept. A box that is not ticked is ""."""
    if not set(visit.form) & set(kept):
        return dict(kept)
    return {name: visit.form.get(name, "") for name in kept} | {
        name: text for name, text in visit.form.items() if "." in name
    }


def lines(text: str) -> list[str]:
    """What stands on lines, or between commas, without what is empty."""
    return [part.strip() for line in text.splitlines() for part in line.split(",") if part.strip()]


def number(visit: Visit, name: str) -> float:
    """The number in a field. Refused for anything else."""
    try:
        return float(visit.form.get(name, "").strip().replace(",", ".")[:LONGEST])
    except ValueError:
        raise Refused(NO_NUMBER, name) from None


def whole(visit: Visit, name: str) -> int:
    """The whole number in a field. Refused for anything else."""
    found = number(visit, name)
    if found != found // 1:
        raise Refused(NO_NUMBER, name)
    return int(found)


def ticked(visit: Visit, name: str) -> bool:
    """Whether a box was ticked."""
    return visit.form.get(name) == "yes"


def chosen(visit: Visit, prefix: str, of: Iterable[str]) -> list[str]:
    """Those of a list whose boxes were ticked; their fields are called `prefix.name`."""
    return [one for one in of if visit.form.get(f"{prefix}.{one}") == "yes"]
