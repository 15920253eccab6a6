"""The API does what its description says, whatever is sent: generated requests with both kinds of key."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from schemathesis.core.result import Ok
from schemathesis.specs.openapi.checks import positive_data_acceptance

from tests.flows.desks import memory_office
from tests.frontends.http.door import Door, door_of
from vestibule.core.api_keys import Right
from vestibule.frontends.http.application import routes
from vestibule.frontends.http.listener import ApiListener

EXAMPLES = 12
# What fits each field may still be refused by a rule or by what is stored, so this one would blame the rules.
LEFT_OUT: list[Any] = [positive_data_acceptance]


@pytest.fixture
async def served() -> AsyncIterator[tuple[Door, str]]:
    office = memory_office()
    manners = {"allowed_hosts": frozenset({"127.0.0.1"}), "failures_per_minute": 1_000_000}
    async with door_of(office, **manners) as door:
        listener = ApiListener(door.app, "127.0.0.1", 0, None)
        listener.start()
        yield door, listener.url
        await listener.close()
    await office.store.close()


def explore(description: dict[str, Any], url: str, key: str, *, verifying: bool) -> int:
    """Send generated requests to every operation; how many operations there were."""
    schema = schemathesis.openapi.from_dict(description)
    explored = 0
    for found in schema.get_all_operations():
        assert isinstance(found, Ok), found
        operation = found.ok()
        if ("/attempts" in operation.path) is not verifying:
            continue

        @given(case=operation.as_strategy())
        @settings(
            max_examples=EXAMPLES,
            deadline=None,
            database=None,
            derandomize=True,
            suppress_health_check=list(HealthCheck),
        )
        def send(case: schemathesis.Case[Any]) -> None:
            headers = {"Authorization": f"Bearer {key}"}
            case.call_and_validate(base_url=url, headers=headers, excluded_checks=LEFT_OUT)

        send()
        explored += 1
    return explored


@pytest.mark.timeout(240)
async def test_a_key_that_verifies_finds_no_fault(served: tuple[Door, str]) -> None:
    door, url = served
    await door.person("alice")
    key = await door.key(client=await door.client())
    description = routes(door.behind).openapi()
    assert await asyncio.to_thread(explore, description, url, key, verifying=True) == 4


@pytest.mark.timeout(240)
async def test_a_key_that_manages_finds_no_fault(served: tuple[Door, str]) -> None:
    door, url = served
    await door.person("alice")
    key = await door.key(rights=[right.value for right in Right])
    description = routes(door.behind).openapi()
    assert await asyncio.to_thread(explore, description, url, key, verifying=False) == 87
    assert door.log.lines == []
