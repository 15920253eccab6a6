"""What every provider must do: inherit from `ProviderSuite` and give it a fixture `rig`.

A rig is a provider, opened as the server opens it, and the fake it talks to: a real server on a loopback socket that
carries nothing, notes what it was asked to carry, and fails when it is told to. Providers that are called back inherit
from `HookSuite` too.
"""

import asyncio
import logging
import socket
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

import pytest

from vestibule.core.delivery import (
    Destination,
    Fault,
    Forged,
    Hook,
    Hooked,
    Medium,
    Outcome,
    Outgoing,
    Provider,
    Report,
    ReportKind,
    Sent,
)
from vestibule.core.errors import Malformed
from vestibule.core.secret import Secret

NUMBER = "+14255550142"
MAIL = "dana.canary@example.org"
TEXT = "493817 is your code for Example Corp."
CODE = "493817"
SEND_ID = "0192f0c5d7aa7c6b9c1b2d3e4f506172"
NOW = 1_795_212_000.0
PATIENCE = 7.0


class Act(StrEnum):
    """What a fake does with the next request."""

    ACCEPT = "accept"
    SAME = "same"  # throttled, and says for how long
    OTHER = "other"
    DESTINATION = "destination"
    POLICY = "policy"
    CONFIGURATION = "configuration"
    HANG = "hang"  # carries it out, and never answers
    DROP = "drop"  # carries it out, and ends the connection
    BROKEN = "broken"  # carries it out; a gateway between says 502, or what stands for it
    NONSENSE = "nonsense"  # carries it out, and answers what nobody understands


@dataclass(frozen=True)
class Carried:
    """What a fake was asked to carry. `seconds` is for how long it shall be held, None where that is not said."""

    to: str
    text: str
    sender: str
    seconds: float | None = None
    send_id: str = ""
    reference: str = ""
    hook: str = ""


class Rig(Protocol):
    """A provider and its fake."""

    @property
    def provider(self) -> Provider:
        """The provider, as the server opens it."""

    @property
    def medium(self) -> Medium:
        """What it is asked to carry."""

    @property
    def secret(self) -> str:
        """What must not be seen anywhere."""

    @property
    def carried(self) -> Sequence[Carried]:
        """What the fake was asked to carry, in order."""

    def next(self, *acts: Act) -> None:
        """Do these with the next requests; after them, accept."""

    def at(self, port: int) -> Provider:
        """The same provider, with its server at another port of this machine."""


class HookRig(Rig, Protocol):
    """A rig whose fake calls back."""

    def receipt(self, carried: Carried, *, delivered: bool, now: float) -> Hook:
        """What tells that it was delivered, or was not."""

    def reply(self, sender: str, recipient: str, text: str, now: float) -> Hook:
        """What tells that somebody has written."""

    def forgeries(self, carried: Carried, now: float) -> Mapping[str, Hook]:
        """Requests that are not the provider's; each must be refused."""


def outgoing(medium: Medium, seconds: float = 120.7, text: str = TEXT, sender: str = "") -> Outgoing:
    """A send with an address and a text that must not be seen anywhere."""
    to = Destination(MAIL) if medium is Medium.MAIL else Destination(NUMBER, "US")
    return Outgoing(SEND_ID, medium, to, sender, Secret.of(text), seconds, subject="Sign-in", organisation="Example")


def soon(seconds: float = 5.0) -> float:
    """A deadline."""
    return asyncio.get_running_loop().time() + seconds


def free_port() -> int:
    """A port of this machine at which nobody listens."""
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        port: int = found.getsockname()[1]
        return port


@contextmanager
def silent_port() -> Iterator[int]:
    """A port at which a connection is never taken: the queue of those who wait is full."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        waiting = [socket.socket() for _ in range(4)]
        for one in waiting:
            one.setblocking(False)
            one.connect_ex(listener.getsockname())
        yield listener.getsockname()[1]
        for one in waiting:
            one.close()


def seen(sent: Sent, logged: str) -> str:
    """Everything of a send that a log or a page may show."""
    return f"{sent!r} {sent.text} {logged}"


class ProviderSuite:
    """The contract of `Provider`."""

    told: frozenset[Fault] = frozenset(Fault)
    """The faults that this provider can tell; every one of them is tried."""

    says_patience = True
    """Whether it says for how long it wants to be left alone."""

    async def test_what_is_accepted_was_carried_once_as_it_was_given(self, rig: Rig) -> None:
        given = outgoing(rig.medium)
        sent = await rig.provider.send(given, soon())
        assert (sent.outcome, sent.fault) == (Outcome.ACCEPTED, None)
        (carried,) = rig.carried
        assert (carried.to, carried.text.strip()) == (given.to.address, TEXT)
        assert sent.reference == carried.reference
        assert sent.parts == 1

    async def test_a_text_of_any_signs_arrives_as_it_was_written(self, rig: Rig) -> None:
        text = "493817 – Ünïcödé & <b>\"quotes\"</b> %41 {text} ☎ €[]~ กขค 😀 'x'"
        await rig.provider.send(outgoing(rig.medium, text=text), soon())
        (carried,) = rig.carried
        assert carried.text.strip() == text

    async def test_it_is_held_no_longer_than_it_is_of_use(self, rig: Rig) -> None:
        await rig.provider.send(outgoing(rig.medium, seconds=120.7), soon())
        (carried,) = rig.carried
        assert carried.seconds is None or carried.seconds == 120

    async def test_every_fault_is_told_apart(self, rig: Rig) -> None:
        found = {}
        for fault in self.told:
            rig.next(Act(fault.value))
            sent = await rig.provider.send(outgoing(rig.medium), soon())
            found[fault] = (sent.outcome, sent.fault)
            assert sent.code, f"{fault} has no code"
        assert found == {fault: (Outcome.REJECTED, fault) for fault in self.told}
        assert not rig.carried

    async def test_a_throttle_says_for_how_long(self, rig: Rig) -> None:
        if Fault.SAME not in self.told:
            pytest.skip("it tells no throttle apart")
        rig.next(Act.SAME)
        sent = await rig.provider.send(outgoing(rig.medium), soon())
        assert sent.fault is Fault.SAME
        assert sent.retry_after == PATIENCE if self.says_patience else sent.retry_after > 0

    @pytest.mark.parametrize("act", [Act.HANG, Act.DROP, Act.BROKEN, Act.NONSENSE])
    async def test_what_may_have_been_carried_is_unknown(self, rig: Rig, act: Act) -> None:
        rig.next(act)
        sent = await rig.provider.send(outgoing(rig.medium), soon(0.5))
        assert (sent.outcome, sent.fault) == (Outcome.UNKNOWN, None)
        assert len(rig.carried) == 1, "it was carried, and not twice"

    async def test_nothing_is_tried_again_by_itself(self, rig: Rig) -> None:
        rig.next(Act.DROP)
        await rig.provider.send(outgoing(rig.medium), soon(1.0))
        await rig.provider.send(outgoing(rig.medium), soon())
        assert len(rig.carried) == 2

    async def test_a_refused_connection_is_surely_not_carried(self, rig: Rig) -> None:
        away = rig.at(free_port())
        sent = await away.send(outgoing(rig.medium), soon())
        await away.close()
        assert (sent.outcome, sent.fault) == (Outcome.REJECTED, Fault.OTHER)

    async def test_a_connection_that_does_not_come_about_is_surely_not_carried(self, rig: Rig) -> None:
        with silent_port() as port:
            away = rig.at(port)
            began = soon(0)
            sent = await away.send(outgoing(rig.medium), began + 0.3)
            await away.close()
        assert (sent.outcome, sent.fault) == (Outcome.REJECTED, Fault.OTHER)
        assert soon(0) - began < 1.5

    @pytest.mark.requirement(53)
    async def test_the_deadline_is_kept(self, rig: Rig) -> None:
        rig.next(Act.HANG)
        began = soon(0)
        await rig.provider.send(outgoing(rig.medium), began + 0.3)
        assert soon(0) - began < 1.5

    async def test_a_deadline_that_has_passed_carries_nothing(self, rig: Rig) -> None:
        sent = await rig.provider.send(outgoing(rig.medium), soon(-1))
        assert (sent.outcome, sent.fault) == (Outcome.REJECTED, Fault.OTHER)
        assert not rig.carried

    async def test_many_at_once_are_all_carried(self, rig: Rig) -> None:
        sends = [rig.provider.send(outgoing(rig.medium), soon(20)) for _ in range(25)]
        assert {sent.outcome for sent in await asyncio.gather(*sends)} == {Outcome.ACCEPTED}
        assert len(rig.carried) == 25

    async def test_nothing_of_it_is_printed_or_logged(self, rig: Rig, caplog: pytest.LogCaptureFixture) -> None:
        caplog.set_level(logging.DEBUG)
        for act in (act for act in Act if act.value not in set(Fault) - self.told):
            rig.next(act)
            given = outgoing(rig.medium)
            sent = await rig.provider.send(given, soon(0.4))
            shown = seen(sent, caplog.text) + repr(rig.provider) + repr(given)
            for hidden in (given.to.address, given.to.address.lstrip("+"), TEXT, CODE, rig.secret):
                assert hidden not in shown, f"{act}: {hidden!r} is seen"

    async def test_it_can_be_closed_twice(self, rig: Rig) -> None:
        await rig.provider.send(outgoing(rig.medium), soon())
        await rig.provider.close()
        await rig.provider.close()

    async def test_it_says_what_it_can_carry(self, rig: Rig) -> None:
        assert rig.medium in rig.provider.abilities.media


class HookSuite:
    """The contract of `Hooked`, for texts."""

    fresh_for_minutes = True
    """Whether its requests have a time that is signed."""

    @staticmethod
    async def sent(rig: HookRig) -> Carried:
        await rig.provider.send(outgoing(rig.medium), soon())
        return rig.carried[-1]

    @staticmethod
    def understood(rig: HookRig, hook: Hook, now: float = NOW) -> tuple[Report, ...]:
        assert isinstance(rig.provider, Hooked)
        return rig.provider.understand(hook, now)

    @pytest.mark.parametrize(("delivered", "kind"), [(True, ReportKind.DELIVERED), (False, ReportKind.UNDELIVERED)])
    async def test_a_receipt_names_its_send(self, rig: HookRig, *, delivered: bool, kind: ReportKind) -> None:
        carried = await self.sent(rig)
        (report,) = self.understood(rig, rig.receipt(carried, delivered=delivered, now=NOW))
        assert report.kind is kind
        assert report.send_id == SEND_ID or (report.reference and report.reference == carried.reference)
        assert delivered or report.code

    async def test_a_receipt_that_comes_twice_is_one_report(self, rig: HookRig) -> None:
        carried = await self.sent(rig)
        hook = rig.receipt(carried, delivered=True, now=NOW)
        assert self.understood(rig, hook) == self.understood(rig, hook)

    async def test_receipts_of_two_states_are_two_reports(self, rig: HookRig) -> None:
        carried = await self.sent(rig)
        late, early = (rig.receipt(carried, delivered=delivered, now=NOW) for delivered in (True, False))
        ids = {report.id for hook in (late, early) for report in self.understood(rig, hook)}
        assert len(ids) == 2

    async def test_a_reply_says_who_wrote_what_to_whom(self, rig: HookRig) -> None:
        (report,) = self.understood(rig, rig.reply(NUMBER, "+14255550100", "4938 17 & é", NOW))
        assert (report.kind, report.sender, report.recipient) == (ReportKind.REPLY, NUMBER, "+14255550100")
        assert report.text == Secret.of("4938 17 & é")

    async def test_a_report_does_not_print_who_wrote_what(self, rig: HookRig) -> None:
        (report,) = self.understood(rig, rig.reply(NUMBER, "+14255550100", CODE, NOW))
        assert NUMBER not in repr(report)
        assert CODE not in repr(report)

    async def test_no_forgery_is_believed(self, rig: HookRig) -> None:
        carried = await self.sent(rig)
        forgeries = rig.forgeries(carried, NOW)
        assert len(forgeries) >= 3
        for name, hook in forgeries.items():
            with pytest.raises((Forged, Malformed)) as caught:
                pytest.fail(f"{name} was believed: {self.understood(rig, hook)}")
            assert isinstance(caught.value, Forged), f"{name} was not refused as a forgery"

    async def test_what_was_recorded_can_not_be_played_again(self, rig: HookRig) -> None:
        if not self.fresh_for_minutes:
            pytest.skip("nothing of its requests says when they were made; they are known by their id")
        carried = await self.sent(rig)
        hook = rig.receipt(carried, delivered=True, now=NOW)
        assert self.understood(rig, hook, NOW + 299)
        assert self.understood(rig, hook, NOW - 299)
        for later in (NOW + 301, NOW - 301, NOW + 86_400):
            with pytest.raises(Forged):
                self.understood(rig, hook, later)

    async def test_it_is_answered_with_success(self, rig: HookRig) -> None:
        carried = await self.sent(rig)
        assert isinstance(rig.provider, Hooked)
        answer = rig.provider.answer(rig.receipt(carried, delivered=True, now=NOW), (), "en")
        assert 200 <= answer.status < 300
