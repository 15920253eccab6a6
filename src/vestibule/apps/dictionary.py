"""The RADIUS dictionary of this installation."""

from functools import partial
from pathlib import Path

from vestibule.apps.configuration import Configuration
from vestibule.wire.radius.dictionary import Dictionary, parse, standard


def dictionary(configuration: Configuration) -> Dictionary:
    """The built-in dictionary with the administrator's files on top. Raises Malformed, OSError."""
    known = standard()
    for path in configuration.radius.dictionaries:
        known = parse(path.read_text(), file=str(path), included=partial(_included, path.parent), onto=known)
    return known


def _included(folder: Path, name: str) -> str:
    return (folder / name).read_text()
