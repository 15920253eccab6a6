"""Clients: the systems that ask, over RADIUS or with a key of this API."""

from typing import Annotated, Literal

from fastapi import APIRouter
from pydantic import Field
from starlette.responses import Response

from vestibule.core.api_keys import Right
from vestibule.flows import clients
from vestibule.flows.views import client_told
from vestibule.frontends.http import shown as shapes
from vestibule.frontends.http.fields import Body, Hidden, Id, Name, Text
from vestibule.frontends.http.work import Represent, Work, Written, answer, right, shown

router = APIRouter(prefix="/clients", tags=["Clients"])

Reader = Annotated[Work, right(Right.CLIENTS_READ)]
Writer = Annotated[Work, right(Right.CLIENTS_WRITE)]
Networks = Annotated[list[Text], Field(min_length=1, max_length=1000)]


class ClientFields(Body):
    """How a client is known, and how it asks; what is left out keeps its value or its default."""

    networks: Networks | None = Field(None, description="Where its RADIUS packets come from, in CIDR form.")
    nas_identifier: Text | None = None
    sign_in: shapes.SignIn | None = None
    require_user_match: bool | None = None
    require_message_authenticator: bool | None = None
    limit_proxy_state: bool | None = None
    holds: bool | None = None
    time_budget: float | None = Field(None, ge=2, le=600, allow_inf_nan=False)
    rejoin_seconds: int | None = Field(None, ge=0, le=10)
    first_factor: Text | None = Field(None, description="The directory that is asked for everybody's password.")
    pass_until: Text | None = Field(None, description="The day until which the first factor alone may do, or empty.")
    pass_through: bool | None = Field(None, description="Hand MS-CHAP and EAP on to its first factor, as they are.")


class NewClient(ClientFields):
    """A client that is to be added; without networks it asks over this API only, and has no shared secret."""

    name: Name
    id: Text | None = Field(None, description="A short name for rules; made of the name otherwise.")
    secret: Hidden | None = Field(None, description="The shared secret of RADIUS; made here otherwise.")


class ClientChanges(ClientFields):
    """What is to become another."""

    name: Name | None = None


class SecretStep(Body):
    """`begin` takes a second, newer secret; `finish` drops the older."""

    step: Literal["begin", "finish"]
    secret: Hidden | None = None


@router.get("", operation_id="listClients", summary="List clients", response_model=shapes.Clients)
async def list_clients(work: Reader) -> Response:
    """All clients, in order of id."""
    return answer(await work.tell(clients.listed))


@router.post("", operation_id="addClient", summary="Add a client", status_code=201, response_model=shapes.ClientMade)
async def add_client(work: Writer, body: NewClient, how: Written) -> Response:
    """Add a client; a shared secret that is made here is shown once."""
    return await work.write(clients.add, how, status=201, **body.arguments())


@router.get("/{id}", operation_id="getClient", summary="Show a client", response_model=shapes.ClientTold)
async def get_client(work: Reader, id: Id) -> Response:
    """One client, and what is weak about it."""
    told = await work.tell(clients.show, id=id)
    return shown(told, told["client"])


@router.patch("/{id}", operation_id="changeClient", summary="Change a client", response_model=shapes.ClientChanged)
async def change_client(work: Writer, id: Id, body: ClientChanges, how: Written) -> Response:
    """Change what is given."""
    return await work.write(clients.change, how, _of(id), id=id, **body.arguments())


@router.delete("/{id}", operation_id="removeClient", summary="Remove a client", response_model=shapes.Removed)
async def remove_client(work: Writer, id: Id, how: Written) -> Response:
    """Remove a client; refused while a rule of the policy or a key names it."""
    return await work.write(clients.remove, how, _of(id), id=id)


@router.post(
    "/{id}/secret", operation_id="changeClientSecret", summary="Change a secret", response_model=shapes.ClientMade
)
async def change_client_secret(work: Writer, id: Id, body: SecretStep, how: Written) -> Response:
    """Change the shared secret in two steps, without a gap."""
    return await work.write(clients.change_secret, how, _of(id), id=id, **body.arguments())


def _of(id: str) -> Represent:
    return lambda reading: client_told(clients.the_client(reading, id))
