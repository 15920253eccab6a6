"""Texts and calls of one account at Telnyx, as one provider."""

from vestibule.channels.telnyx.texts import TelnyxTexts
from vestibule.channels.telnyx.voice import TelnyxCalls
from vestibule.core.delivery import Abilities, Hook, HookAnswer, Medium, Outgoing, Report, Say, Sent


class Telnyx:
    """Has the shapes `Provider`, `Talking`, `Hooked`, `Askable` and `Cancelling`; the last two for its calls."""

    def __init__(self, texts: TelnyxTexts, calls: TelnyxCalls) -> None:
        """Take both."""
        self._texts = texts
        self._calls = calls

    @property
    def abilities(self) -> Abilities:
        """See `Provider`."""
        of_texts = self._texts.abilities
        media = of_texts.media | self._calls.abilities.media
        return Abilities(media, idempotent=True, receipts=of_texts.receipts, replies=of_texts.replies)

    async def send(self, outgoing: Outgoing, deadline: float) -> Sent:
        """See `Provider`."""
        return await (self._calls if outgoing.medium is Medium.CALL else self._texts).send(outgoing, deadline)

    async def say(self, send_id: str, reference: str, say: Say, locale: str, deadline: float) -> None:
        """See `Talking`."""
        await self._calls.say(send_id, reference, say, locale, deadline)

    async def ask(self, send_id: str, reference: str, deadline: float) -> Sent | None:
        """See `Askable`; of a text nothing is known but by its receipts."""
        return await self._calls.ask(send_id, reference, deadline) if _is_call(reference) else None

    async def cancel(self, send_id: str, reference: str, deadline: float) -> None:
        """See `Cancelling`; a text is not taken back."""
        if _is_call(reference):
            await self._calls.cancel(send_id, reference, deadline)

    def understand(self, hook: Hook, now: float) -> tuple[Report, ...]:
        """See `Hooked`: either looks at the signature, and takes what is its own."""
        return self._texts.understand(hook, now) or self._calls.understand(hook, now)

    def answer(self, hook: Hook, says: tuple[Say, ...], locale: str) -> HookAnswer:
        """See `Hooked`."""
        return self._calls.answer(hook, says, locale)

    async def close(self) -> None:
        """See `Provider`."""
        await self._texts.close()
        await self._calls.close()


def _is_call(reference: str) -> bool:
    """Calls have a control id ("v3:…"), texts a UUID."""
    return ":" in reference
