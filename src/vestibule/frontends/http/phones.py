"""Telephone numbers, addresses and PINs of people.

`{user}` is a name or an id, `{phone}` an id, a label or a number.
"""

from typing import Annotated, Literal

from fastapi import APIRouter
from pydantic import Field
from starlette.responses import Response

from vestibule.core.api_keys import Right
from vestibule.flows import phones, pin_codes
from vestibule.frontends.http import shown_delivery as told
from vestibule.frontends.http.fields import Body, Hidden, Id, Name, Text
from vestibule.frontends.http.work import Work, Written, answer, right

router = APIRouter(prefix="/users/{user}", tags=["Numbers"])

Reader = Annotated[Work, right(Right.USERS_READ)]
FactorWriter = Annotated[Work, right(Right.FACTORS_WRITE)]


class NewPhone(Body):
    """A number with its country (`+1 425 555 0100 x123`) or an e-mail address, and what it serves."""

    number: Name
    kind: Literal["mobile", "office", "backup"] = "mobile"
    uses: list[told.Use] = Field(["text", "call"], min_length=1, max_length=3)
    pin: bool | None = None
    label: Text = ""


class PhoneChanges(Body):
    """What is to become another; a new number lets the old one know."""

    number: Name | None = None
    uses: list[told.Use] | None = Field(None, min_length=1, max_length=3)
    pin: Literal["yes", "no", "default"] | None = None
    label: Text | None = None


class NewPin(Body):
    """A PIN; one is drawn where none is given."""

    pin: Hidden | None = None
    must_change: bool = True


@router.get("/phones", operation_id="listPhones", summary="List numbers", response_model=told.Phones)
async def list_phones(work: Reader, user: Id) -> Response:
    """The numbers and addresses of a user, masked."""
    return answer(await work.tell(phones.listed, user=user))


@router.post(
    "/phones", operation_id="addPhone", summary="Give a number", status_code=201, response_model=told.PhoneMade
)
async def add_phone(work: FactorWriter, user: Id, body: NewPhone, how: Written) -> Response:
    """Give a user a number or an address; it counts at once."""
    return await work.write(phones.add, how, status=201, user=user, **body.arguments())


@router.patch(
    "/phones/{phone}", operation_id="changePhone", summary="Change a number", response_model=told.PhoneChanged
)
async def change_phone(work: FactorWriter, user: Id, phone: Id, body: PhoneChanges, how: Written) -> Response:
    """Change what is given."""
    return await work.write(phones.change, how, user=user, phone=phone, **body.arguments())


@router.delete("/phones/{phone}", operation_id="removePhone", summary="Remove a number", response_model=told.Removed)
async def remove_phone(work: FactorWriter, user: Id, phone: Id, how: Written) -> Response:
    """Take a number or an address away."""
    return await work.write(phones.remove, how, user=user, phone=phone)


@router.put("/pin", operation_id="setPin", summary="Set the PIN", response_model=told.PinSet)
async def set_pin(work: FactorWriter, user: Id, body: NewPin, how: Written) -> Response:
    """Give a user a PIN."""
    return await work.write(pin_codes.set_for, how, user=user, **body.arguments())


@router.delete("/pin", operation_id="removePin", summary="Remove the PIN", response_model=told.Removed)
async def remove_pin(work: FactorWriter, user: Id, how: Written) -> Response:
    """Take the PIN of a user away."""
    return await work.write(pin_codes.remove, how, user=user)
