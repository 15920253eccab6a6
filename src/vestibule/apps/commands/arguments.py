"""Arguments from outside, held against the signature of the flow that they are for.

They come as JSON carries them: octets are Base64 there.
"""

import base64
import binascii
from collections.abc import Mapping, Sequence
from functools import cache, partial
from inspect import Parameter, signature
from math import isfinite
from types import NoneType, UnionType
from typing import Any, get_args, get_origin, get_type_hints

from vestibule.apps.commands.table import Flow
from vestibule.flows.refused import Refused

PROGRESS = "progress"

WORDS = {str: "a text", int: "a whole number", float: "a number", bool: "true or false", bytes: "octets in Base64"}


def checked(flow: Flow, given: Mapping[str, Any]) -> dict[str, Any]:
    """The arguments as they are given to `flow`; null stands for one that was left out.

    Refused for one that is unknown, missing or of another type.
    """
    wanted = parameters(flow)
    arguments = {name: value for name, value in given.items() if value is not None}
    for name, value in arguments.items():
        if name not in wanted:
            raise Refused(f"There is no argument {name}. Known are: {', '.join(wanted) or 'none'}.", name)
        arguments[name] = _opened(value, wanted[name].annotation)
        if not _fits(arguments[name], wanted[name].annotation):
            raise Refused(f"{name} must be {_words(wanted[name].annotation)}.", name)
    missing = [name for name, one in wanted.items() if one.default is Parameter.empty and name not in arguments]
    if missing:
        raise Refused(f"An argument is missing: {', '.join(missing)}.", *missing)
    return arguments


def takes_progress(flow: Flow) -> bool:
    """Whether `flow` tells how far it is."""
    return PROGRESS in signature(flow).parameters


@cache
def parameters(flow: Flow) -> dict[str, Parameter]:
    """The arguments of a flow by name, with their types as values instead of texts."""
    hints = get_type_hints(flow.func if isinstance(flow, partial) else flow)
    return {
        name: one.replace(annotation=hints[name])
        for name, one in signature(flow).parameters.items()
        if one.kind is Parameter.KEYWORD_ONLY and name != PROGRESS
    }


def _opened(value: object, wanted: object) -> object:
    """The octets of a text in Base64 where octets are wanted, else the value as it is."""
    if not isinstance(value, str) or bytes not in (wanted, *get_args(wanted)):
        return value
    try:
        return base64.b64decode(value.encode("ascii"), validate=True)
    except (binascii.Error, ValueError):
        return value


def _fits(value: object, wanted: object) -> bool:
    if get_origin(wanted) is UnionType:
        return any(_fits(value, one) for one in get_args(wanted))
    if get_origin(wanted) is Sequence:
        (item,) = get_args(wanted)
        return isinstance(value, list | tuple) and all(_fits(one, item) for one in value)
    if get_origin(wanted) is Mapping:
        return isinstance(value, dict)
    if wanted is str:
        return isinstance(value, str) and _is_text(value)
    if wanted is float:
        return isinstance(value, int | float) and not isinstance(value, bool) and isfinite(value)
    if wanted is int:
        return isinstance(value, int) and not isinstance(value, bool)
    return wanted is object or (isinstance(wanted, type) and isinstance(value, wanted))


def _is_text(value: str) -> bool:
    """Whether it can be written as UTF-8: JSON can carry halves of characters."""
    try:
        value.encode()
    except UnicodeEncodeError:
        return False
    return True


def _words(wanted: object) -> str:
    """A type for people."""
    if get_origin(wanted) is UnionType:
        return " or ".join(_words(one) for one in get_args(wanted) if one is not NoneType)
    if get_origin(wanted) is Sequence:
        (item,) = get_args(wanted)
        return "a list of texts" if item is str else "a list of pairs of texts"
    return WORDS[wanted] if isinstance(wanted, type) and wanted in WORDS else "an object"
