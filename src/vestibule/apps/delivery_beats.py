"""What keeps calls, texts and mail going in a running server."""

import time

from vestibule.apps.background import Beat
from vestibule.apps.commands.desk import desk_of
from vestibule.apps.pieces import Pieces
from vestibule.flows import notice_mails
from vestibule.flows.sends_upkeep import forget

LOOK_SECONDS = 5.0
FORGET_SECONDS = 3600.0
TELL_SECONDS = 10.0


def delivery_beats(pieces: Pieces) -> tuple[Beat, ...]:
    """Providers are opened, so that those with a connection of their own are heard; people are told; the old goes."""
    desk = desk_of(pieces)

    async def forgotten() -> int:
        return await forget(pieces.store, time.time())

    async def told() -> int:
        return await notice_mails.tell(desk)

    look = pieces.delivery.providers.look
    return (
        Beat("providers", LOOK_SECONDS, look),
        Beat("sends", FORGET_SECONDS, forgotten),
        Beat("notices", TELL_SECONDS, told),
    )
