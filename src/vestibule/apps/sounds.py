"""What is played in calls: recordings of the administrator's own, else our words as espeak-ng speaks them.

Rules of this file:
- A URL is made of the digests of its octets, so nobody guesses one, and what is behind one never changes.
- Providers that speak by themselves are given a recording only where there is one of the administrator's own, or where
  they do not speak the language.
"""

import asyncio
import os
import sys
from collections.abc import Callable, Collection
from hashlib import sha256
from pathlib import Path

from structlog.typing import FilteringBoundLogger

from vestibule.apps import rendering
from vestibule.apps.speech import can_speak
from vestibule.core.call_sounds import LANGUAGES, languages_for, spoken_language
from vestibule.core.ports import Store
from vestibule.core.sounds import Recording, recording_id
from vestibule.flows.sounds import CHANGED, PAGE
from vestibule.frontends.sounds.application import PREFIX
from vestibule.wire.wav import joined, read_wav, write_wav

LONGEST_SECONDS = 60.0
MOST_JOINED = 24
LOOK_SECONDS = 10.0
SILENT = frozenset({"asterisk"})
"""Kinds of providers that speak no language by themselves."""

KEPT = 100
NICE = 10

RecordingOf = Callable[[tuple[str, ...], str], str]
"""The path of messages (names, locale) as one recording, "" where there is none; with `under` the whole URL."""


def under(base: str, recording: RecordingOf) -> RecordingOf:
    """The same as URLs below our address `base` (without a slash at its end), as a provider reaches it; "" for none."""

    def url(names: tuple[str, ...], locale: str) -> str:
        path = recording(names, locale) if base else ""
        return f"{base}{path}" if path else ""

    return url


def public_base(hook: str) -> str:
    """Our public address, out of the URL of a hook; "" where there is none."""
    return hook.partition("/hooks/")[0]


class Sounds:
    """Belongs to one event loop. `directory` is where our own words are kept as recordings."""

    def __init__(self, store: Store, directory: Path, log: FilteringBoundLogger) -> None:
        """Nothing is loaded yet."""
        self._store = store
        self._directory = directory
        self._log = log
        self._own: dict[str, str] = {}
        self._spoken: dict[str, str] = {}
        self._octets: dict[str, bytes] = {}
        self._joined: dict[tuple[str, ...], bytes] = {}
        self._loaded = "never"
        self._warned = False
        self._rendering: asyncio.subprocess.Process | None = None

    def recording(self, *, speaks: Collection[str] = ()) -> RecordingOf:
        """What is played by a provider that `speaks` these languages by itself."""

        def path(names: tuple[str, ...], locale: str) -> str:
            language = spoken_language(locale)
            own = any(self._digest(self._own, locale, name) for name in names)
            if language in speaks and not own:
                return ""
            digests = [
                self._digest(self._own, locale, name) or self._digest(self._spoken, locale, name) for name in names
            ]
            return f"{PREFIX}{'+'.join(digests)}.wav" if all(digests) else ""

        return path

    @staticmethod
    def _digest(known: dict[str, str], locale: str, name: str) -> str:
        """By the language of the words alone: a recording in another language is no stand-in."""
        language = spoken_language(locale)
        tried = [
            one for one in languages_for(locale) if one.partition("-")[0] == locale.replace("_", "-").partition("-")[0]
        ]
        return next((known[id] for one in (*tried, language) if (id := recording_id(one, name)) in known), "")

    def octets(self, digests: tuple[str, ...]) -> bytes | None:
        """The WAV file that a URL names; None for one that does not exist."""
        if not 0 < len(digests) <= MOST_JOINED or any(one not in self._octets for one in digests):
            return None
        if len(digests) == 1:
            return self._octets[digests[0]]
        if digests not in self._joined:
            if len(self._joined) >= KEPT:
                self._joined.clear()
            parts = [read_wav(self._octets[one], LONGEST_SECONDS) for one in digests]
            self._joined[digests] = write_wav(joined(parts))
        return self._joined[digests]

    async def look(self) -> None:
        """Load what is new, and have made what is missing."""
        note = await self._store.read(lambda reading: reading.state(CHANGED))
        if note != self._loaded:
            await self._load_own()
            self._loaded = note
        kinds = {one.kind for one in self._store.snapshot.providers.values() if one.enabled}
        if not SILENT.isdisjoint(kinds):
            await self._render([one for one in LANGUAGES if not rendering.complete(self._directory, one)])
        self._load_spoken()

    async def close(self) -> None:
        """Stop what is being made."""
        if self._rendering is not None and self._rendering.returncode is None:
            self._rendering.kill()
            await self._rendering.wait()

    async def _load_own(self) -> None:
        own: dict[str, str] = {}
        after = ""
        while page := await self._store.read(lambda reading, after=after: reading.page(Recording, after, PAGE)):  # type: ignore[misc]
            for one in page:
                own[one.id] = one.digest
                self._octets[one.digest] = one.octets
            after = page[-1].id
        self._own = own

    def _load_spoken(self) -> None:
        for language in LANGUAGES:
            for sound, octets in rendering.rendered(self._directory, language):
                id = recording_id(language, sound)
                if id not in self._spoken:
                    digest = sha256(octets).hexdigest()
                    self._octets[digest] = octets
                    self._spoken[id] = digest

    async def _render(self, languages: list[str]) -> None:
        if not languages:
            return
        if not can_speak():
            if not self._warned:
                self._log.warning("no voice for calls", remedy="install espeak-ng, or add recordings of your own")
            self._warned = True
            return
        command = ("-m", "vestibule.apps.rendering", str(self._directory), *languages)
        self._rendering = await asyncio.create_subprocess_exec(
            sys.executable, *command, preexec_fn=lambda: os.nice(NICE)
        )
        if await self._rendering.wait():
            self._log.error("the words of calls could not be recorded", languages=languages)
