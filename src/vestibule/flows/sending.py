"""Sending: carry calls, texts and mail by one provider after another, and never one message twice.

A channel of the delivery flow. It may be told to send the same message again at any time, by any node: what an earlier
process began is found in the store, and asked for, repeated or given up as unknown, by what its provider can do.
"""

import asyncio
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from typing import cast

from vestibule.core.delivery import Askable, Cancelling, Medium, Outcome, Provider, Sent
from vestibule.core.errors import Malformed, Unavailable
from vestibule.core.messages import Delivery, Message, Missed
from vestibule.core.ports import Store
from vestibule.core.sends import Send, SendState
from vestibule.flows.breaker import Breaker
from vestibule.flows.dispatching import Able, Again, Dispatch, Dispatcher, Stop
from vestibule.flows.provider_kinds import Providers

PROVIDER_SECONDS = 10.0
SHORTEST_PAUSE, LONGEST_PAUSE = 0.3, 5.0
UNKNOWN = Sent(Outcome.UNKNOWN)


class Sending:
    """The flow, for any of the three media."""

    idempotent = True  # see the head of this file

    def __init__(  # noqa: PLR0917 - the pieces that apps/ puts together
        self,
        name: str,
        store: Store,
        dispatcher: Dispatcher,
        providers: Providers,
        breakers: dict[tuple[str, Medium], Breaker],
        clock: Callable[[], float],
        monotonic: Callable[[], float],
        counts: Counter[tuple[str, str, str]] | None = None,
    ) -> None:
        """Take the pieces; `breakers` and `counts` (by provider, medium and outcome) are shared by the three."""
        self.name = name
        self._store = store
        self._dispatcher = dispatcher
        self._providers = providers
        self._breakers = breakers
        self._clock = clock
        self._monotonic = monotonic
        self._counts = Counter() if counts is None else counts

    async def send(self, message: Message, deadline: float) -> Delivery | Missed:
        """See `Channel.send`. Raises Unavailable."""
        fence = 0
        while True:
            able, now = self._able(), self._clock()
            plan = await self._store.change(
                lambda writing, fence=fence, now=now, able=able: self._dispatcher.plan(  # type: ignore[misc]  # bound now
                    writing, message, fence, now, able
                )
            )
            if isinstance(plan, Stop):
                return plan.missed or Delivery.DONE
            fence = plan.fence
            sent = await self._carried(plan, deadline)
            if sent is None:
                return Delivery.DONE  # the provider can not be asked now; the sweep comes again
            end = await self._recorded(plan.send, sent)
            if isinstance(end, Stop):
                return end.missed or Delivery.DONE
            await self._pause(end, deadline)

    async def _recorded(self, send: Send, sent: Sent) -> Again | Stop:
        """Write down what was said; where the store is away, who sweeps finds the send begun and asks what became."""
        try:
            return await self._store.change(lambda writing: self._dispatcher.record(writing, send, sent, self._clock()))
        except Unavailable:
            return Stop()

    async def _carried(self, plan: Dispatch, deadline: float) -> Sent | None:
        """What the provider says; what a process that is gone began is asked for first."""
        provider = self._provider(plan.send.provider)
        if plan.begun_before:
            return await self._found_out(plan, provider, deadline)
        if provider is None:
            return Sent(Outcome.REJECTED)
        return await self._asked(plan, provider, deadline)

    async def _found_out(self, plan: Dispatch, provider: Provider | None, deadline: float) -> Sent | None:
        send, able = plan.send, cast("object", provider)
        if isinstance(able, Askable):
            until = min(deadline, self._monotonic() + PROVIDER_SECONDS)
            try:
                found = await able.ask(send.id, send.reference, until)
            except Unavailable:
                return None
            if found is not None:
                return found
        if provider is not None and provider.abilities.idempotent:
            return await self._asked(plan, provider, deadline)
        return UNKNOWN

    async def _asked(self, plan: Dispatch, provider: Provider, deadline: float) -> Sent:
        """Hand it over, and let the breaker know; one that does not answer in time may have carried it."""
        breaker, began = self.breaker(plan.send.provider, plan.send.medium), self._monotonic()
        until = min(deadline, began + PROVIDER_SECONDS)
        breaker.begins(began)
        sent = UNKNOWN
        try:
            async with asyncio.timeout_at(until):
                sent = await provider.send(plan.outgoing, until)
        except TimeoutError:
            sent = UNKNOWN
        finally:
            breaker.ends(sent, self._monotonic())
            self._counts[plan.send.provider, plan.send.medium.value, sent.outcome.value] += 1
        return sent

    async def _pause(self, end: Again, deadline: float) -> None:
        if end.after:
            wanted = min(max(end.after, SHORTEST_PAUSE), LONGEST_PAUSE)
            await asyncio.sleep(min(wanted, max(0.0, deadline - self._monotonic())))

    def _able(self) -> Able:
        """The providers that can be asked now."""
        now, able = self._monotonic(), {}
        for id in self._enabled():
            provider = self._provider(id)
            if provider is None:
                continue
            media = frozenset(one for one in provider.abilities.media if self.breaker(id, one).lets(now))
            able[id] = media, min((self.breaker(id, one).health(now) for one in media), default=0.0)
        return able

    def _enabled(self) -> list[str]:
        return [id for id, one in self._store.snapshot.providers.items() if one.enabled]

    def _provider(self, id: str) -> Provider | None:
        try:
            return self._providers.provider_of(id)
        except Malformed:
            return None  # the look at all providers has logged it

    def breaker(self, provider: str, medium: Medium) -> Breaker:
        """What this node knows of a provider."""
        return self._breakers.setdefault((provider, medium), Breaker())

    # -- what is not needed any more ------------------------------------------------------------------------------

    async def take_back(self, sends: list[Send]) -> None:
        """Hang calls up, and take back what has not been carried yet, as far as that is possible."""
        for send in sends:
            provider = cast("object", self._provider(send.provider))
            if isinstance(provider, Cancelling) and send.state in {SendState.ACCEPTED, SendState.DISPATCHING}:
                with suppress(Unavailable):
                    await provider.cancel(send.id, send.reference, self._monotonic() + PROVIDER_SECONDS)
