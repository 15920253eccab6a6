"""Settings, which rule from the next decision on."""

from typing import Annotated, Any

from fastapi import APIRouter, Query
from pydantic import Field, JsonValue
from starlette.responses import Response

from vestibule.core.api_keys import Right
from vestibule.flows import settings, settings_history
from vestibule.frontends.http import shown as shapes
from vestibule.frontends.http import shown_access as told
from vestibule.frontends.http.fields import Body, Id, Limit, Text
from vestibule.frontends.http.work import Represent, Work, Written, answer, right, shown

router = APIRouter(prefix="/settings", tags=["Settings"])

Reader = Annotated[Work, right(Right.SETTINGS_READ)]
Writer = Annotated[Work, right(Right.SETTINGS_WRITE)]


class NewValue(Body):
    """The new value: a number, a text or a list of texts, as the setting's `fits` says."""

    value: Annotated[JsonValue, Field(description="What fits.")]
    reason: Text = Field("", description="Why; the journal keeps it.")

    def arguments(self) -> dict[str, Any]:
        """The value, also where it is null, which no setting takes."""
        return {"value": "null" if self.value is None else self.value, "reason": self.reason}


@router.get("", operation_id="listSettings", summary="List settings", response_model=shapes.Settings)
async def list_settings(work: Reader) -> Response:
    """All settings with their values, their defaults and what they do."""
    return answer(await work.tell(settings.listed))


@router.get("/changes", operation_id="listChanges", summary="List changes", response_model=told.SettingChanges)
async def list_changes(
    work: Reader, name: Annotated[Text | None, Query(description="Only of this setting.")] = None, limit: Limit = 50
) -> Response:
    """The last changes of settings, the newest first."""
    return answer(await work.tell(settings_history.listed, name=name, limit=limit))


@router.post(
    "/changes/{chain}/{seq}/undo", operation_id="undoChange", summary="Undo a change", response_model=shapes.SettingTold
)
async def undo_change(work: Writer, chain: Id, seq: Id, how: Written) -> Response:
    """Put back what a setting was before a change, by its `change`. Refused where it was changed again since."""
    return await work.write(settings_history.undo, how, change=f"{chain}/{seq}")


@router.get("/{name}", operation_id="getSetting", summary="Show a setting", response_model=shapes.Setting)
async def get_setting(work: Reader, name: Id) -> Response:
    """One setting."""
    found = await work.desk.store.read(lambda reading: settings.told(work.desk, reading, name))
    return shown(found, found)


@router.put("/{name}", operation_id="setSetting", summary="Change a setting", response_model=shapes.SettingTold)
async def set_setting(work: Writer, name: Id, body: NewValue, how: Written) -> Response:
    """Change one; it rules from the next decision on, on every node."""
    return await work.write(settings.change, how, _of(work, name), name=name, **body.arguments())


@router.delete("/{name}", operation_id="unsetSetting", summary="Reset a setting", response_model=shapes.SettingTold)
async def unset_setting(work: Writer, name: Id, how: Written) -> Response:
    """Put one back to its default."""
    return await work.write(settings.unset, how, _of(work, name), name=name)


def _of(work: Work, name: str) -> Represent:
    return lambda reading: settings.told(work.desk, reading, name)
