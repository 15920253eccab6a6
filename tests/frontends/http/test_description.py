"""The description is complete and true, and every problem has its page."""

import re
from collections.abc import Iterator
from typing import Any, get_type_hints

import pytest
from fastapi.routing import APIRoute
from openapi_spec_validator import validate
from pydantic import BaseModel

from tests.frontends.http.door import Door
from tests.house.sources import ROOT
from vestibule.core.api_keys import Right
from vestibule.frontends.http import (
    access,
    attempts,
    clients,
    directories,
    examples,
    groups,
    journal,
    phones,
    policy,
    providers,
    settings,
    status,
    tokens,
    users,
)
from vestibule.frontends.http.application import routes
from vestibule.frontends.http.description import TAGS, operations, right_of
from vestibule.frontends.http.problems import KINDS, Kind
from vestibule.frontends.http.work import VERIFY

MODULES = (
    attempts,
    users,
    access,
    directories,
    providers,
    phones,
    groups,
    tokens,
    clients,
    policy,
    settings,
    journal,
    status,
)
PAGES = ROOT / "docs" / "problems"


def all_routes() -> Iterator[APIRoute]:
    for module in MODULES:
        yield from (route for route in module.router.routes if isinstance(route, APIRoute))


ROUTES = {str(route.operation_id): route for route in all_routes()}
by_operation = pytest.mark.parametrize("name", ROUTES)


def body_of(route: APIRoute) -> type[BaseModel] | None:
    found: type[BaseModel] | None = get_type_hints(route.endpoint).get("body")
    return found


@pytest.fixture
async def description(door: Door) -> dict[str, Any]:
    return routes(door.behind).openapi()


async def test_the_description_is_valid_openapi(description: dict[str, Any]) -> None:
    assert description["openapi"].startswith("3.1")
    validate(description)


async def test_the_description_has_every_operation_once(description: dict[str, Any]) -> None:
    named = [operation["operationId"] for _, _, operation in operations(description)]
    assert sorted(named) == sorted(ROUTES)


async def test_every_operation_says_what_it_takes_and_what_can_go_wrong(description: dict[str, Any]) -> None:
    known = {VERIFY, *Right}
    for method, path, operation in operations(description):
        assert right_of(operation) in known, path
        assert operation["summary"], path
        assert operation["description"], path
        assert set(operation["tags"]) <= {name for name, _ in TAGS}, path
        assert {"400", "401", "403", "429", "500", "503"} <= set(operation["responses"]), path
        assert ("requestBody" in operation) is (operation["operationId"] in examples.SENT), path
        reads = method == "GET" or operation["operationId"] in {"testPolicy", "lookUpPerson"}
        assert right_of(operation).endswith("read") is reads or right_of(operation) == VERIFY, path


@by_operation
def test_each_example_is_what_the_operation_takes_and_tells(name: str) -> None:
    route = ROUTES[name]
    body = body_of(route)
    if body is not None:
        body.model_validate(examples.SENT[name])
    assert route.response_model
    route.response_model.model_validate(examples.ANSWERED[name])


async def test_the_page_lists_every_operation_and_loads_nothing_from_elsewhere(door: Door) -> None:
    page = (await door.program().get("/docs")).text
    for name in ROUTES:
        assert f'id="{name}"' in page
    assert set(re.findall(r'(?:src|href)="([^"]*)"', page)) == {"/api/v1/docs.css", "/api/v1/openapi.json"}
    assert "<script" not in page


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
async def test_each_type_of_problem_leads_to_a_page(door: Door, kind: Kind) -> None:
    page = (await door.program().get(kind.type.removeprefix("/api/v1"))).text
    assert kind.title in page
    written = (PAGES / f"{kind.name}.md").read_text(encoding="utf-8")
    assert written.startswith(f"# {kind.title}\n")
    assert f"Status {kind.status}." in written
    assert kind.remedy in written.replace("\n", " ")


def test_no_page_is_about_a_problem_that_is_none() -> None:
    assert {path.stem for path in PAGES.glob("*.md")} == {kind.name for kind in KINDS}
