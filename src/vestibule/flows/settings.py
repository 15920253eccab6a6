"""Settings that rule from the next decision on: list them, set one, put one back to its default."""

import json

from vestibule.core.ports import Reading, Writing
from vestibule.flows.desk import Desk, KnownSetting, Told
from vestibule.flows.refused import Missing, Refused


async def listed(desk: Desk, actor: str) -> Told:  # noqa: ARG001 - every flow is told who asks
    """All settings with their values, their defaults and what they do."""
    stored = await desk.store.read(lambda reading: reading.settings())
    return {"settings": [_told(setting, stored.get(setting.name)) for setting in desk.settings.values()]}


def told(desk: Desk, reading: Reading, name: str) -> Told:
    """One setting; refused for a name that is none's."""
    return _told(_known(desk, name), reading.setting(name))


async def change(desk: Desk, actor: str, *, name: str, value: object) -> Told:
    """Set one; `value` is JSON, or the text that a person would type for it."""
    setting = _known(desk, name)
    text = json.dumps(_typed(setting, value), ensure_ascii=False)

    def act(writing: Writing) -> Told:
        _refuse_unfit(desk, {**writing.settings(), name: text})
        writing.set(name, text)
        writing.note(desk.entry("setting.set", actor, setting=name, value=json.loads(text)))
        return {"name": name, "value": json.loads(text)}

    return await desk.store.change(act)


async def unset(desk: Desk, actor: str, *, name: str) -> Told:
    """Put one back to its default."""
    setting = _known(desk, name)

    def act(writing: Writing) -> Told:
        remaining = {other: text for other, text in writing.settings().items() if other != name}
        _refuse_unfit(desk, remaining)
        writing.set(name, None)
        writing.note(desk.entry("setting.unset", actor, setting=name))
        return {"name": name, "value": _plain(setting.default)}

    return await desk.store.change(act)


def _told(setting: KnownSetting, stored: str | None) -> Told:
    default = _plain(setting.default)
    return {
        "name": setting.name,
        "value": default if stored is None else json.loads(stored),
        "default": default,
        "changed": stored is not None,
        "help": setting.help,
        "fits": setting.fits,
    }


def _known(desk: Desk, name: str) -> KnownSetting:
    setting = desk.settings.get(name)
    if setting is None:
        raise Missing(f"There is no setting {name}. See them all with: vestibule setting list", "name")
    return setting


def _typed(setting: KnownSetting, value: object) -> object:
    """The value in the type of the setting, where a person typed a text for it."""
    if not isinstance(value, str) or isinstance(setting.default, str):
        return value
    if isinstance(setting.default, tuple):
        return [part.strip() for part in value.split(",") if part.strip()]
    try:
        return json.loads(value)
    except ValueError:
        return value


def _refuse_unfit(desk: Desk, texts: dict[str, str]) -> None:
    try:
        desk.check_settings(texts)
    except ValueError as unfit:
        raise Refused(str(unfit), "value") from None


def _plain(value: object) -> object:
    return list(value) if isinstance(value, tuple) else value
