"""Recordings of an administrator's own, in the place of the words that we ship."""

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Recording:
    """One message in one language. `id` is "language/message"; `digest` names its octets (a WAV file, 8 kHz) in URLs.

    `source` is the name of the file that it was made from.
    """

    id: str
    digest: str
    seconds: float
    source: str
    changed_at: float
    octets: bytes = field(repr=False)


def recording_id(language: str, message: str) -> str:
    """The id of the recording of a message in a language."""
    return f"{language}/{message}"
