"""Settings that rule from the next decision on: list them, set one, put one back to its default.

The journal's line of a change holds the old and the new value (`flows.settings_history` reads them): no setting is a
secret.
"""

import json

from vestibule.core.ports import Reading, Writing
from vestibule.flows.desk import Desk, KnownSetting, Told, checked
from vestibule.flows.refused import Missing, Refused

ACTIONS = ("setting.set", "setting.unset")


async def listed(desk: Desk, actor: str) -> Told:  # noqa: ARG001 - every flow is told who asks
    """All settings with their values, their defaults and what they do."""
    stored = await desk.store.read(lambda reading: reading.settings())
    return {"settings": [_told(setting, stored.get(setting.name)) for setting in desk.settings.values()]}


def told(desk: Desk, reading: Reading, name: str) -> Told:
    """One setting; refused for a name that is none's."""
    return _told(known(desk, name), reading.setting(name))


async def change(desk: Desk, actor: str, *, name: str, value: object, reason: str = "") -> Told:
    """Set one; `value` is JSON, or the text that a person would type for it. The journal keeps the reason."""
    setting, why = known(desk, name), checked(reason, "reason")
    wanted = json.loads(json.dumps(_typed(setting, value)))
    return await desk.store.change(lambda writing: put(desk, writing, actor, name, wanted, reason=why))


async def unset(desk: Desk, actor: str, *, name: str, reason: str = "") -> Told:
    """Put one back to its default."""
    default, why = _plain(known(desk, name).default), checked(reason, "reason")

    def act(writing: Writing) -> Told:
        return put(desk, writing, actor, name, default, action="setting.unset", reason=why)

    return await desk.store.change(act)


def put(
    desk: Desk,
    writing: Writing,
    actor: str,
    name: str,
    value: object,
    /,
    *,
    action: str = "setting.set",
    **said: str,
) -> Told:
    """Store the value, or with the action `setting.unset` none, and journal it with the old one. Refused if unfit."""
    setting = known(desk, name)
    old = told(desk, writing, name)["value"]
    text = None if action == "setting.unset" else json.dumps(value, ensure_ascii=False)
    others = {other: stored for other, stored in writing.settings().items() if other != name}
    _refuse_unfit(desk, others if text is None else {**others, name: text})
    writing.set(name, text)
    new = told(desk, writing, name)["value"]
    more = {what: text for what, text in said.items() if text}
    writing.note(desk.entry(action, actor, setting=setting.name, old=old, new=new, **more))
    return {"name": name, "value": new}


def shown(value: object) -> str:
    """A value in a sentence."""
    return json.dumps(value, ensure_ascii=False)


def known(desk: Desk, name: str) -> KnownSetting:
    """The setting of this name; refused for a name that is none's."""
    setting = desk.settings.get(name)
    if setting is None:
        raise Missing(f"There is no setting {name}. See them all with: vestibule setting list", "name")
    return setting


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
