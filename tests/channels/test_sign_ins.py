"""Somebody signs in over RADIUS with a code that a real provider carried, and the receipt finds its send."""

import re
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

import pytest

from tests.channels.fakes.gateway import FakeGateway
from tests.channels.fakes.smsbox import FakeSmsbox
from tests.channels.fakes.smsc import FakeSmsc
from tests.channels.fakes.telnyx import FakeTelnyx
from tests.channels.fakes.twilio import FakeTwilio
from tests.channels.fakes.webhook import Receiver
from tests.channels.test_http_form import GatewayRig
from tests.channels.test_kannel import KannelRig
from tests.channels.test_smpp import SmppRig
from tests.channels.test_telnyx import TelnyxRig
from tests.channels.test_twilio import TwilioRig
from tests.channels.test_webhook import WebhookRig
from tests.conformance.provider_suite import NOW, Act, HookRig, Rig
from tests.delivery.world import NUMBER, Delivering, sending_world
from tests.journeys.nas import nas, typed_state
from tests.journeys.world import memory_store
from vestibule.core.delivery import Hooked
from vestibule.core.sends import SendState
from vestibule.wire.radius.packet import Code

RIGS: dict[str, tuple[Callable[[], Any], Callable[[Any], Rig]]] = {
    "twilio": (FakeTwilio, TwilioRig),
    "telnyx": (FakeTelnyx, TelnyxRig),
    "webhook": (Receiver, WebhookRig),
    "http": (FakeGateway, GatewayRig),
    "kannel": (FakeSmsbox, KannelRig),
    "smpp": (FakeSmsc, SmppRig),
}
TOLD = [name for name in RIGS if name != "smpp"]


@asynccontextmanager
async def sending(*names: str) -> AsyncIterator[tuple[Delivering, list[Rig]]]:
    """Somebody with a telephone, and these providers in order of their ids."""
    async with AsyncExitStack() as stack:
        rigs = [RIGS[name][1](await stack.enter_async_context(RIGS[name][0]())) for name in names]
        live = {f"{place}": rig.provider for place, rig in enumerate(rigs)}
        here = await stack.enter_async_context(sending_world(memory_store(), live))
        await here.phone()
        yield here, rigs


def code_in(text: str) -> str:
    found = re.search(r"\d{6}", text)
    assert found, "no code was carried"
    return found[0]


async def signed_in(here: Delivering, rigs: list[Rig]) -> Code:
    """Ask, wait for what was carried, and type it."""
    async with nas(here.world.radius) as asker:
        challenge = await asker.ask(asker.request("alice", "secret"))
        await here.quiet()
        (carried,) = [carried for rig in rigs for carried in rig.carried]
        assert carried.to == NUMBER
        state = typed_state(challenge)
        return Code((await asker.ask(asker.request("alice", code_in(carried.text), state=state))).code)


@pytest.mark.parametrize("name", RIGS)
async def test_a_code_that_was_carried_lets_in(name: str) -> None:
    async with sending(name) as (here, rigs):
        assert await signed_in(here, rigs) == Code.ACCESS_ACCEPT
        (sent,) = await here.sends()
        assert sent.state is SendState.ACCEPTED
        assert sent.reference == rigs[0].carried[0].reference


@pytest.mark.parametrize("name", TOLD)
async def test_a_receipt_finds_its_send(name: str) -> None:
    async with sending(name) as (here, rigs):
        await signed_in(here, rigs)
        rig: HookRig = rigs[0]  # type: ignore[assignment]
        assert isinstance(rig.provider, Hooked)
        for _ in range(2):
            for report in rig.provider.understand(rig.receipt(rig.carried[0], delivered=True, now=NOW), NOW):
                await here.reports.take("0", report)
        (sent,) = await here.sends()
        assert sent.state is SendState.DELIVERED


@pytest.mark.parametrize("first", RIGS)
async def test_when_one_provider_can_not_the_next_one_carries_it(first: str) -> None:
    async with sending(first, "telnyx" if first != "telnyx" else "twilio") as (here, rigs):
        rigs[0].next(Act.OTHER)
        assert await signed_in(here, rigs) == Code.ACCESS_ACCEPT
        assert [sent.state for sent in await here.sends()] == [SendState.FAILED, SendState.ACCEPTED]


@pytest.mark.parametrize("first", ["twilio", "kannel", "smpp", "http"])
async def test_what_may_have_been_carried_is_not_sent_by_another(first: str) -> None:
    async with sending(first, "telnyx") as (here, rigs):
        rigs[0].next(Act.DROP)
        assert await signed_in(here, rigs) == Code.ACCESS_ACCEPT
        (sent,) = await here.sends()
        assert sent.state is SendState.UNKNOWN
        assert not rigs[1].carried
