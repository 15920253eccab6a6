"""Settings are listed with their help, set by JSON or by what a person types, and put back."""

from typing import Any

import pytest

from tests.flows.desks import ACTOR, Office
from vestibule.flows import settings
from vestibule.flows.refused import Refused


async def shown(office: Office, name: str) -> dict[str, Any]:
    told = await settings.listed(office.desk, ACTOR)
    return next(one for one in told["settings"] if one["name"] == name)


@pytest.mark.parametrize(
    ("name", "value", "stored"),
    [
        ("limits.source_tries", 7, 7),
        ("limits.source_tries", "8", 8),
        ("challenge_seconds", "60.5", 60.5),
        ("text_refused", "123", "123"),
        ("journal_fields", "email, source", ["email", "source"]),
        ("journal_fields", ["email"], ["email"]),
        ("journal_fields", "", []),
    ],
)
async def test_a_setting_is_set_and_put_back(office: Office, name: str, value: object, stored: object) -> None:
    before = await shown(office, name)
    assert (before["value"], before["changed"]) == (before["default"], False)
    assert before["help"]
    assert before["fits"]
    assert await settings.change(office.desk, ACTOR, name=name, value=value) == {"name": name, "value": stored}
    after = await shown(office, name)
    assert (after["value"], after["changed"], after["default"]) == (stored, True, before["default"])
    assert await settings.unset(office.desk, ACTOR, name=name) == {"name": name, "value": before["default"]}
    assert await shown(office, name) == before
    assert [(e.action, e.detail) for e in await office.journal()] == [
        ("setting.set", {"setting": name, "old": before["default"], "new": stored}),
        ("setting.unset", {"setting": name, "old": stored, "new": before["default"]}),
    ]


async def test_a_setting_rules_from_the_next_decision_on(office: Office) -> None:
    await settings.change(office.desk, ACTOR, name="limits.source_tries", value=2)
    assert office.store.snapshot.settings.limits.source_tries == 2


@pytest.mark.parametrize(
    ("name", "value"),
    [("limits.source_tries", 0), ("limits.source_tries", "many"), ("text_refused", ""), ("journal_fields", "colour")],
)
async def test_a_value_that_does_not_fit_is_refused_with_what_would(office: Office, name: str, value: object) -> None:
    with pytest.raises(Refused, match=name) as refused:
        await settings.change(office.desk, ACTOR, name=name, value=value)
    assert refused.value.fields == ("value",)
    assert not (await shown(office, name))["changed"]


async def test_a_setting_that_is_not_known_is_refused(office: Office) -> None:
    for asked in (
        settings.change(office.desk, ACTOR, name="colour", value="red"),
        settings.unset(office.desk, ACTOR, name="colour"),
    ):
        with pytest.raises(Refused, match="There is no setting colour"):
            await asked
    assert await office.journal() == []
