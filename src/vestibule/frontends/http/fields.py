"""Fields that bodies, paths and queries share: what fits is said once, for the check and for the description."""

from typing import Annotated, Any

from fastapi import Path, Query
from pydantic import BaseModel, ConfigDict, Field, SecretStr, StringConstraints

PRINTABLE = r"^[^\x00-\x1f\x7f-\x9f]*$"
LONGEST_TEXT = 256
LONGEST_SECRET = 1024

Text = Annotated[str, StringConstraints(max_length=LONGEST_TEXT, pattern=PRINTABLE)]
Name = Annotated[str, StringConstraints(min_length=1, max_length=LONGEST_TEXT, pattern=PRINTABLE)]
Hidden = Annotated[SecretStr, Field(max_length=LONGEST_SECRET)]
Day = Annotated[str, StringConstraints(pattern=r"^[0-9]{4}-[0-9]{2}-[0-9]{2}$")]
Hex = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{32}$")]

Id = Annotated[str, Path(min_length=1, max_length=LONGEST_TEXT, pattern=PRINTABLE)]
"""The last part of a path: what the flows find it by."""

Limit = Annotated[int, Query(ge=1, le=1000, description="The most rows of a page.")]
After = Annotated[
    str | None,
    Query(max_length=1024, pattern=PRINTABLE, description="`next` of the page before; without it, the first page."),
]


class Body(BaseModel):
    """What is sent: strict, closed to unknown fields, and silent about values in its errors."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, hide_input_in_errors=True)

    def arguments(self) -> dict[str, Any]:
        """What was sent, with secrets opened, for the flow that takes it."""
        return {name: _opened(getattr(self, name)) for name in self.model_fields_set}


class Shown(BaseModel):
    """What is answered, for the description; the flows make it."""

    model_config = ConfigDict(extra="forbid")


def _opened(value: object) -> object:
    return value.get_secret_value() if isinstance(value, SecretStr) else value
