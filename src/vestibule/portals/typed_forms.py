"""Forms as they come in: what was typed before a sign-in came in between, and forms that are sent twice.

Both are kept in the memory of this process for a short time, bounded, and neither is written anywhere.
"""

import asyncio
import re
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field

from starlette.responses import Response

DRAFT_SECONDS = 1800.0
MOST_DRAFTS = 500
AGAIN_SECONDS = 10.0
MOST_ANSWERS = 1_000
NEVER_KEPT = re.compile(r"^(csrf|once|draft|first|second)$|passw|passphrase|secret|code|key")
"""Names of fields that hold a proof or a secret, or may: they are typed anew."""


@dataclass(slots=True)
class Drafts:
    """What somebody had typed when their session was over, by an id that only their browser has."""

    kept: OrderedDict[str, tuple[float, str, dict[str, str]]] = field(default_factory=OrderedDict, repr=False)

    def keep(self, id: str, user_id: str, fields: Mapping[str, str], now: float) -> bool:
        """Keep what may be kept of these fields, for this person or ("") whoever goes on; whether there is any."""
        plain = {name: text for name, text in fields.items() if text and not NEVER_KEPT.search(name)}
        if plain:
            self.kept[id] = (now + DRAFT_SECONDS, user_id, plain)
        while len(self.kept) > MOST_DRAFTS:
            self.kept.popitem(last=False)
        return bool(plain)

    def found(self, id: str, user_id: str, now: float) -> dict[str, str]:
        """The fields that are kept under this id for this person; nothing for anything else."""
        until, whose, fields = self.kept.get(id, (0.0, "", {}))
        return dict(fields) if now < until and whose in ("", user_id) else {}


@dataclass(slots=True)
class Answers:
    """Answers to the forms of the last seconds: the second click on a button gets that of the first."""

    kept: OrderedDict[str, tuple[float, asyncio.Task[Response]]] = field(default_factory=OrderedDict, repr=False)

    async def once(self, key: str, now: float, act: Callable[[], Awaitable[Response]]) -> Response:
        """The answer of `act`, or the one that it gave a moment ago for the same key."""
        while self.kept and next(iter(self.kept.values()))[0] <= now:
            self.kept.popitem(last=False)
        if key not in self.kept or len(self.kept) > MOST_ANSWERS:
            self.kept[key] = (now + AGAIN_SECONDS, asyncio.ensure_future(_done(act)))
        return await asyncio.shield(self.kept[key][1])


async def _done(act: Callable[[], Awaitable[Response]]) -> Response:
    return await act()
