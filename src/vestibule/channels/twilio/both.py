"""Texts and calls of one account at Twilio, as one provider."""

from vestibule.channels.twilio.texts import TwilioTexts
from vestibule.channels.twilio.voice import TwilioCalls
from vestibule.core.delivery import Abilities, Hook, HookAnswer, Medium, Outgoing, Report, Say, Sent
from vestibule.wire.hooks.twilio import form_fields


class Twilio:
    """Has the shapes `Provider`, `Hooked`, `Askable` and `Cancelling`."""

    def __init__(self, texts: TwilioTexts, calls: TwilioCalls) -> None:
        """Take both."""
        self._texts = texts
        self._calls = calls

    @property
    def abilities(self) -> Abilities:
        """See `Provider`."""
        of_texts = self._texts.abilities
        media = of_texts.media | self._calls.abilities.media
        return Abilities(media, receipts=of_texts.receipts, replies=of_texts.replies)

    async def send(self, outgoing: Outgoing, deadline: float) -> Sent:
        """See `Provider`."""
        return await (self._calls if outgoing.medium is Medium.CALL else self._texts).send(outgoing, deadline)

    async def ask(self, send_id: str, reference: str, deadline: float) -> Sent | None:
        """See `Askable`."""
        return await self._behind(reference).ask(send_id, reference, deadline)

    async def cancel(self, send_id: str, reference: str, deadline: float) -> None:
        """See `Cancelling`."""
        await self._behind(reference).cancel(send_id, reference, deadline)

    def understand(self, hook: Hook, now: float) -> tuple[Report, ...]:
        """See `Hooked`."""
        return self._about(hook).understand(hook, now)

    def answer(self, hook: Hook, says: tuple[Say, ...], locale: str) -> HookAnswer:
        """See `Hooked`."""
        return self._about(hook).answer(hook, says, locale)

    async def close(self) -> None:
        """See `Provider`."""
        await self._texts.close()
        await self._calls.close()

    def _behind(self, reference: str) -> TwilioTexts | TwilioCalls:
        return self._calls if reference.startswith("CA") else self._texts

    def _about(self, hook: Hook) -> TwilioTexts | TwilioCalls:
        """Who understands a request; either looks at its signature before it believes anything."""
        return self._calls if "CallSid" in dict(form_fields(hook.body)) else self._texts
