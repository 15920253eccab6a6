"""What is said of one setting, and what fits it."""

import re
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Row:
    """Help; the bounds of a number (both included); of what a list may hold; what a text must be or hold.

    `choices` are all that a list may hold, `like` is what each of its texts, or a single text, must match, which
    `words` tells people.
    """

    help: str
    least: float = 0
    most: float = 0
    choices: tuple[str, ...] = ()
    like: str = ""
    words: str = ""

    def has(self, text: str) -> bool:
        """Whether a text may stand here."""
        return text in self.choices if self.choices else re.fullmatch(self.like or ".*", text) is not None
