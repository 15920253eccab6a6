"""How a command ends: the exit codes, and the one exception that carries a text for a person."""

from enum import IntEnum


class Code(IntEnum):
    """Exit codes, as docs/cli.md explains them. Everything else is a signal or a bug."""

    OK = 0
    FAILED = 1  # refused, or part of it did not work
    USAGE = 2  # the command line or the configuration is wrong
    UNAVAILABLE = 3  # something that is needed is away or taken; trying again may help


class Stop(Exception):
    """End the program with `code`; the text says what happened and what to do next, `fields` what it is about."""

    def __init__(self, text: str, code: Code = Code.FAILED, fields: tuple[str, ...] = ()) -> None:
        """Take one paragraph, or lines that are already laid out."""
        super().__init__(text)
        self.code = code
        self.fields = fields


class Taken(Stop):
    """An address cannot be listened on."""

    def __init__(self, text: str) -> None:
        """Say which, and why."""
        super().__init__(text, Code.UNAVAILABLE)
