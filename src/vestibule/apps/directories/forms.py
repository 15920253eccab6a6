"""What all kinds of directories have in their settings, and how a wrong setting is told."""

import json
from collections.abc import Mapping
from typing import Annotated, Any, TypeVar

from pydantic import BaseModel, BeforeValidator, ConfigDict, ValidationError

from vestibule.core.directories import DirectoryRecord
from vestibule.core.errors import Malformed

M = TypeVar("M", bound=BaseModel)


def as_tuple(value: object) -> object:
    """A list, frozen; one text alone is a list of one."""
    if isinstance(value, str):
        return (value,)
    return tuple(value) if isinstance(value, list) else value


Texts = Annotated[tuple[str, ...], BeforeValidator(as_tuple)]


class Form(BaseModel):
    """Settings: frozen, strict, closed to unknown names, and silent about values in their errors."""

    model_config = ConfigDict(
        frozen=True, strict=True, extra="forbid", hide_input_in_errors=True, validate_default=True
    )


def read(form: type[M], settings: Mapping[str, Any]) -> M:
    """Read settings as `form`. Raises Malformed with the name of the first that does not fit."""
    try:
        return form.model_validate(settings)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        place = ".".join(str(part) for part in first["loc"])
        words = first["msg"].removeprefix("Value error, ").rstrip(".")
        if first["type"] == "extra_forbidden":
            known = f"; known are {', '.join(form.model_fields)}" if len(first["loc"]) == 1 else ""
            words = f"there is no such setting{known}"
        raise Malformed(f"{place}: {words}" if place else words) from None


def kept(form: BaseModel) -> dict[str, Any]:
    """What differs from the defaults, as JSON carries it."""
    return form.model_dump(mode="json", exclude_defaults=True)


def stored(record: DirectoryRecord) -> dict[str, Any]:
    """The settings of a directory as they were kept."""
    return dict(json.loads(record.settings))
