"""Recordings of one's own for calls, in the place of the words that we ship: added, listed, removed.

A recording is turned once into what a telephone carries, and checked. Its octets name it, so that whoever keeps a copy
of it (a provider, an Asterisk) never plays an old one.
"""

import asyncio
from hashlib import sha256

from vestibule.core.call_sounds import Sound, languages_for, words
from vestibule.core.errors import Malformed
from vestibule.core.ports import Writing
from vestibule.core.sounds import Recording, recording_id
from vestibule.flows.desk import LONGEST_TEXT, Desk, Told
from vestibule.flows.refused import Missing, Refused
from vestibule.wire.wav import for_telephone, read_wav, write_wav

LARGEST = 5 * 1024 * 1024
LONGEST_SECONDS = 20.0
LONGEST_LANGUAGE = 35
PAGE = 50
CHANGED = "recordings"
"""The note that tells all nodes that there is something new to be loaded."""


async def add(desk: Desk, actor: str, *, language: str, message: str, content: bytes, file_name: str = "") -> Told:
    """Take a WAV file in the place of a message: {"recording": RECORDING}."""
    spoken, name = _language(language), _message(message)
    if len(content) > LARGEST:
        raise Refused("The file is larger than 5 MB. A message takes less than 20 seconds.", "content")
    try:
        octets, seconds = await asyncio.to_thread(_carried, content)
    except Malformed as malformed:
        raise Refused(f"{file_name or 'The file'} can not be used: {malformed}.", "content") from None
    digest, source = sha256(octets).hexdigest(), file_name[:LONGEST_TEXT]
    recording = Recording(recording_id(spoken, name), digest, seconds, source, desk.clock(), octets)

    def act(writing: Writing) -> Told:
        writing.put(recording)
        writing.set_state(CHANGED, digest)
        writing.note(desk.entry("sound.add", actor, language=spoken, message=name, digest=digest))
        return {"recording": _told(recording)}

    return await desk.store.change(act)


async def listed(desk: Desk, actor: str) -> Told:  # noqa: ARG001 - every flow is told who asks
    """All messages with their words in English, and the recordings: {"messages": [...], "recordings": [RECORDING]}.

    RECORDING is {language, message, seconds, source, changed_at, digest}.
    """
    found = await recordings(desk)
    messages = [{"message": sound.value, "words": words(sound, "en")} for sound in Sound]
    return {"messages": messages, "recordings": [_told(one) for one in found]}


async def remove(desk: Desk, actor: str, *, language: str, message: str) -> Told:
    """Go back to the words that we ship: {}."""
    id = recording_id(_language(language), _message(message))

    def act(writing: Writing) -> Told:
        if writing.get(Recording, id) is None:
            raise Missing(f"There is no recording of {message} in {language}.", "message")
        writing.remove(Recording, id)
        writing.set_state(CHANGED, f"{id} went at {desk.clock()}")
        writing.note(desk.entry("sound.remove", actor, language=language, message=message))
        return {}

    return await desk.store.change(act)


async def recordings(desk: Desk) -> list[Recording]:
    """All recordings, in order of language and message."""
    found: list[Recording] = []
    after = ""
    while page := await desk.store.read(lambda reading, after=after: reading.page(Recording, after, PAGE)):  # type: ignore[misc]
        found += page
        after = page[-1].id
    return found


def _carried(content: bytes) -> tuple[bytes, float]:
    """What a telephone carries of it, and how long it is. Raises Malformed."""
    recording = for_telephone(read_wav(content, LONGEST_SECONDS))
    return write_wav(recording), recording.seconds


def _language(text: str) -> str:
    language = languages_for(text)[0]
    parts = language.split("-")
    if not text or len(text) > LONGEST_LANGUAGE or not all(part.isascii() and part.isalnum() for part in parts):
        raise Refused("The language is written as en, nl or pt-BR.", "language")
    return language


def _message(text: str) -> str:
    if text not in set(Sound):
        raise Refused(f"There is no message {text}. See all of them with: vestibule sound list", "message")
    return text


def _told(recording: Recording) -> Told:
    language, _, message = recording.id.partition("/")
    return {
        "language": language,
        "message": message,
        "seconds": round(recording.seconds, 1),
        "source": recording.source,
        "changed_at": recording.changed_at,
        "digest": recording.digest,
    }
