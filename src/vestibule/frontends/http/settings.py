"""Settings, which rule from the next decision on."""

from typing import Annotated, Any

from fastapi import APIRouter
from pydantic import Field, JsonValue
from starlette.responses import Response

from vestibule.core.api_keys import Right
from vestibule.flows import settings
from vestibule.frontends.http import shown as shapes
from vestibule.frontends.http.fields import Body, Id
from vestibule.frontends.http.work import Represent, Work, Written, answer, right, shown

router = APIRouter(prefix="/settings", tags=["Settings"])

Reader = Annotated[Work, right(Right.SETTINGS_READ)]
Writer = Annotated[Work, right(Right.SETTINGS_WRITE)]


class NewValue(Body):
    """The new value: a number, a text or a list of texts, as the setting's `fits` says."""

    value: Annotated[JsonValue, Field(description="What fits.")]

    def arguments(self) -> dict[str, Any]:
        """The value, also where it is null, which no setting takes."""
        return {"value": "null" if self.value is None else self.value}


@router.get("", operation_id="listSettings", summary="List settings", response_model=shapes.Settings)
async def list_settings(work: Reader) -> Response:
    """All settings with their values, their defaults and what they do."""
    return answer(await work.tell(settings.listed))


@router.get("/{name}", operation_id="getSetting", summary="Show a setting", response_model=shapes.Setting)
async def get_setting(work: Reader, name: Id) -> Response:
    """One setting."""
    told = await work.desk.store.read(lambda reading: settings.told(work.desk, reading, name))
    return shown(told, told)


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
