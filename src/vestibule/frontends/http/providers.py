"""Providers of calls, texts and mail, what they were handed, routes and prices."""

from typing import Annotated, Any

from fastapi import APIRouter, Query
from pydantic import Field
from starlette.responses import Response

from vestibule.core.api_keys import Right
from vestibule.flows import providers, send_routes
from vestibule.frontends.http import shown_delivery as told
from vestibule.frontends.http.fields import After, Body, Hidden, Id, Limit, Name, Text
from vestibule.frontends.http.work import Work, Written, answer, right, shown

router = APIRouter(tags=["Providers"])

Reader = Annotated[Work, right(Right.PROVIDERS_READ)]
Writer = Annotated[Work, right(Right.PROVIDERS_WRITE)]


class NewProvider(Body):
    """A provider that is to be set up; what the settings may be stands on the page of its kind."""

    id: Name
    kind: Name
    settings: dict[Text, Any] = Field(max_length=100)
    secret: Hidden | None = Field(None, description="Its password, key or token.")


class ProviderChanges(Body):
    """What is to become another; a setting that is null goes back to its default."""

    settings: dict[Text, Any] | None = Field(None, max_length=100)
    secret: Hidden | None = None
    enabled: bool | None = None


class Test(Body):
    """To whom; it goes to a number or an address of their record."""

    __test__ = False  # no test of ours

    user: Name
    phone: Text | None = None


class NewRoute(Body):
    """The first route that names the medium and the region of a message gives its providers, in order."""

    name: Name
    medium: told.Medium
    providers: list[Name] = Field(min_length=1, max_length=50)
    regions: list[Name] = Field([], max_length=300)
    senders: dict[Name, Name] = Field({}, max_length=50)
    position: int = Field(0, ge=0, le=1000, description="Where it stands; 0 is the last.")


class NewPrices(Body):
    """CSV with the columns provider, medium, place and price."""

    content: str = Field(max_length=60_000)
    dry_run: bool = False


@router.get("/providers", operation_id="listProviders", summary="List providers", response_model=told.Providers)
async def list_providers(work: Reader) -> Response:
    """All providers, in order of id."""
    return answer(await work.tell(providers.listed))


@router.post(
    "/providers",
    operation_id="addProvider",
    summary="Set a provider up",
    status_code=201,
    response_model=told.ProviderMade,
)
async def add_provider(work: Writer, body: NewProvider, how: Written) -> Response:
    """Set a provider up; its settings are read first, and nothing is sent."""
    return await work.write(providers.add, how, status=201, **body.arguments())


@router.get(
    "/providers/{provider}", operation_id="getProvider", summary="Show a provider", response_model=told.ProviderMade
)
async def get_provider(work: Reader, provider: Id) -> Response:
    """One provider, never its secret."""
    found = await work.tell(providers.show, id=provider)
    return shown(found, found["provider"])


@router.patch(
    "/providers/{provider}",
    operation_id="changeProvider",
    summary="Change a provider",
    response_model=told.ProviderChanged,
)
async def change_provider(work: Writer, provider: Id, body: ProviderChanges, how: Written) -> Response:
    """Change what is given."""
    return await work.write(providers.change, how, id=provider, **body.arguments())


@router.delete(
    "/providers/{provider}", operation_id="removeProvider", summary="Remove a provider", response_model=told.Removed
)
async def remove_provider(work: Writer, provider: Id, how: Written) -> Response:
    """Remove a provider that no route names."""
    return await work.write(providers.remove, how, id=provider)


@router.post(
    "/providers/{provider}/test", operation_id="testProvider", summary="Send a test", response_model=told.Tested
)
async def test_provider(work: Writer, provider: Id, body: Test, how: Written) -> Response:
    """Send a test to somebody, by this provider alone."""
    return await work.write(providers.probe, how, id=provider, **body.arguments())


@router.get("/sends", operation_id="listSends", summary="List what was sent", response_model=told.Sends)
async def list_sends(
    work: Reader,
    *,
    user: Annotated[str | None, Query(max_length=256)] = None,
    message: Annotated[str | None, Query(max_length=256)] = None,
    after: After = None,
    limit: Limit = 100,
) -> Response:
    """What was handed to providers: to one person, of one message, or all."""
    return answer(await work.tell(providers.sends, user=user, message=message, after=after, limit=limit))


@router.get("/routes", operation_id="listRoutes", summary="List routes", response_model=told.Routes)
async def list_routes(work: Reader) -> Response:
    """All routes, in the order in which they are looked at."""
    return answer(await work.tell(send_routes.listed))


@router.post("/routes", operation_id="addRoute", summary="Add a route", status_code=201, response_model=told.Routes)
async def add_route(work: Writer, body: NewRoute, how: Written) -> Response:
    """Add a route; its providers must be there."""
    return await work.write(send_routes.add, how, status=201, **body.arguments())


@router.delete("/routes/{route}", operation_id="removeRoute", summary="Remove a route", response_model=told.Removed)
async def remove_route(work: Writer, route: Id, how: Written) -> Response:
    """Remove a route."""
    return await work.write(send_routes.remove, how, name=route)


@router.get("/prices", operation_id="listPrices", summary="List prices", response_model=told.Prices)
async def list_prices(work: Reader, *, after: After = None, limit: Limit = 100) -> Response:
    """What is known to cost what."""
    return answer(await work.tell(send_routes.prices, after=after, limit=limit))


@router.put("/prices", operation_id="setPrices", summary="Take prices", response_model=told.PricesTaken)
async def set_prices(work: Writer, body: NewPrices, how: Written) -> Response:
    """Take prices from a table; a row that is wrong stops all of them."""
    return await work.write(send_routes.set_prices, how, **body.arguments())
