"""Our own words as recordings, spoken by espeak-ng: made once, kept in the data directory, made anew when they change.

They are not shipped: in three languages they are 8 MB, and espeak-ng makes them anywhere in half a minute. It runs as a
process of its own (`python -m vestibule.apps.rendering DIRECTORY LANGUAGE…`), so that no sign-in waits for it.
"""

import sys
from collections.abc import Iterator, Sequence
from contextlib import suppress
from hashlib import sha256
from pathlib import Path

from vestibule.apps.speech import spoken
from vestibule.core.call_sounds import LANGUAGES, Sound, words
from vestibule.wire.wav import for_telephone, read_wav, write_wav

LONGEST_SECONDS = 60.0


def place_of(directory: Path, language: str, sound: Sound) -> Path:
    """Where the recording of a message lies: its name changes with its words."""
    digest = sha256(words(sound, language).encode()).hexdigest()[:12]
    return directory / f"{language}.{sound}.{digest}.wav"


def rendered(directory: Path, language: str) -> Iterator[tuple[Sound, bytes]]:
    """The recordings of a language that are there."""
    for sound in Sound:
        with suppress(FileNotFoundError):
            yield sound, place_of(directory, language, sound).read_bytes()


def complete(directory: Path, language: str) -> bool:
    """Whether all messages of a language are there."""
    return all(place_of(directory, language, sound).exists() for sound in Sound)


def render(directory: Path, languages: Sequence[str]) -> int:
    """Make what is missing; how many were made. Raises Unavailable where espeak-ng is not installed, OSError."""
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    made = 0
    for language in languages:
        for sound in Sound:
            place = place_of(directory, language, sound)
            if not place.exists():
                recording = for_telephone(read_wav(spoken(words(sound, language), language), LONGEST_SECONDS))
                _put(place, write_wav(recording))
                made += 1
        _forget_older(directory, language)
    return made


def _put(place: Path, octets: bytes) -> None:
    """As a whole: another process may look at any time."""
    fresh = place.with_suffix(".new")
    fresh.write_bytes(octets)
    fresh.replace(place)


def _forget_older(directory: Path, language: str) -> None:
    current = {place_of(directory, language, sound) for sound in Sound}
    for place in directory.glob(f"{language}.*.wav"):
        if place not in current:
            place.unlink(missing_ok=True)


if __name__ == "__main__":
    render(Path(sys.argv[1]), [one for one in sys.argv[2:] if one in LANGUAGES])
