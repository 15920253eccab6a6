"""The journal's heads as a file of JSON beside the master key, away from the database that they watch over.

It is replaced as a whole: a crash leaves the old one or the new one, never a part. It holds no secret and needs no
seal: who may write here may read the master key, too.
"""

import json
import os
from pathlib import Path

from vestibule.core.errors import Malformed
from vestibule.core.heads import Head, Heads

FORMAT = 1
SUFFIX = ".heads.json"


def heads_path(key_file: Path) -> Path:
    """Where the heads lie: the key file's name with an ending of its own."""
    return key_file.with_name(f"{key_file.name}{SUFFIX}")


def read_heads(path: Path) -> Heads | None:
    """The heads, or None when none were ever written. Raises Malformed for a damaged file, OSError."""
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        return None
    try:
        return _heads(json.loads(text))
    except (ValueError, KeyError, TypeError, AttributeError):
        raise Malformed(
            f"{path} is damaged: it holds no heads of a journal. Put an intact copy in its place; without one, remove "
            "it, and nothing will show whether the journal's end was cut off until now"
        ) from None


def write_heads(path: Path, heads: Heads) -> None:
    """Replace the file, mode 0600; it is on disk when this returns. Raises OSError."""
    chains = {name: {"seq": head.seq, "mac": head.mac} for name, head in heads.chains.items()}
    text = json.dumps({"format": FORMAT, "at": heads.at, "chains": chains}, indent=1)
    fresh = path.with_name(f"{path.name}.new")
    file = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    with os.fdopen(file, "w", encoding="utf-8") as opened:
        opened.write(f"{text}\n")
        opened.flush()
        give_to_owner(file, path.parent)
        os.fsync(file)
    fresh.replace(path)
    sync_directory(path.parent)


def give_to_owner(file: int, directory: Path) -> None:
    """Root works for the user that the directory belongs to, who must be able to go on."""
    if os.geteuid() == 0:
        owner = directory.stat()
        os.fchown(file, owner.st_uid, owner.st_gid)


def sync_directory(directory: Path) -> None:
    """Bring a new name to disk."""
    opened = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(opened)
    finally:
        os.close(opened)


def _heads(found: dict[str, object]) -> Heads:
    if found["format"] != FORMAT:
        raise ValueError("another format")
    chains = found["chains"]
    if not isinstance(chains, dict) or not isinstance(found["at"], int | float):
        raise TypeError("other contents")
    return Heads(float(found["at"]), {name: _head(one) for name, one in chains.items()})


def _head(found: dict[str, object]) -> Head:
    seq, mac = found["seq"], found["mac"]
    if not isinstance(seq, int) or not isinstance(mac, str):
        raise TypeError("no head")
    return Head(seq, mac)
