"""Programs of the machine that make and read sounds: espeak-ng speaks, mpg123 or ffmpeg read MP3. None is needed."""

import shutil
import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from vestibule.core.errors import Malformed, Unavailable

SECONDS: Final = 30.0
WORDS_A_MINUTE: Final = 150
PACE: Final = {"th": 210}
"""Where a language is spoken faster than that."""
VOICES: Final = {"en": "en-us"}
"""Where espeak-ng's voice has another name than the language."""


def can_speak() -> bool:
    """Whether recordings of our own words can be made here."""
    return shutil.which("espeak-ng") is not None


def spoken(text: str, language: str) -> bytes:
    """The text as a WAV file. Raises Unavailable when it can not be spoken here."""
    program = shutil.which("espeak-ng")
    if program is None:
        raise Unavailable("espeak-ng is not installed here; Debian has it in the package espeak-ng")
    return _run(
        [
            program,
            "-v",
            VOICES.get(language, language),
            "-s",
            str(PACE.get(language, WORDS_A_MINUTE)),
            "--stdout",
            "--",
            text,
        ]
    )


def unpacked(octets: bytes) -> bytes:
    """An MP3 file as a WAV file. Raises Malformed; Unavailable when no program here can read it."""
    with tempfile.TemporaryDirectory(prefix="vestibule-sound-") as directory:
        source, target = Path(directory, "in.mp3"), Path(directory, "out.wav")
        source.write_bytes(octets)
        command = _reader(source, target)
        if command is None:
            raise Unavailable("no program here reads MP3; save the recording as WAV, or install mpg123")
        try:
            _run(command)
            return target.read_bytes()
        except (Unavailable, OSError):
            raise Malformed("this MP3 file can not be read; save the recording as WAV, PCM, 16 bit") from None


def _reader(source: Path, target: Path) -> Sequence[str | Path] | None:
    if program := shutil.which("mpg123"):
        return [program, "-q", "--mono", "-w", target, source]
    if program := shutil.which("ffmpeg"):
        return [program, "-v", "error", "-nostdin", "-f", "mp3", "-i", source, "-ac", "1", target]
    return None


def _run(command: Sequence[str | Path]) -> bytes:
    try:
        done = subprocess.run(command, capture_output=True, timeout=SECONDS, check=True)  # noqa: S603 - named above
    except (subprocess.SubprocessError, OSError) as error:
        raise Unavailable(f"{Path(command[0]).name} failed: {type(error).__name__}") from None
    return done.stdout
