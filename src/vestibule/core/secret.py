"""A value that never prints: not in repr, str, format, logs, tracebacks, pickles or JSON."""

import hmac
from typing import NoReturn


class Secret:
    """Bytes that only `reveal` gives out; every call of `reveal` is a place to look at in a review."""

    __slots__ = ("_value",)

    def __init__(self, value: bytes) -> None:
        """Wrap `value`; the caller forgets its own reference."""
        self._value = value

    @classmethod
    def of(cls, text: str) -> "Secret":
        """Wrap the UTF-8 form of `text`."""
        return cls(text.encode())

    def reveal(self) -> bytes:
        """Give the bytes to the one who computes with them."""
        return self._value

    def __eq__(self, other: object) -> bool:
        """Compare in constant time."""
        return isinstance(other, Secret) and hmac.compare_digest(self._value, other._value)

    def __hash__(self) -> int:
        """Hash by value, so that frozen values that hold a secret stay hashable."""
        return hash(self._value)

    def __bool__(self) -> bool:
        """False for the empty secret."""
        return bool(self._value)

    def __len__(self) -> int:
        """Length in octets; lengths are not secret here (policy warns about short ones)."""
        return len(self._value)

    def __repr__(self) -> str:
        """Print stars, whatever the value."""
        return "Secret(***)"

    def __reduce__(self) -> NoReturn:
        """Refuse to be pickled or copied into another process."""
        raise TypeError("a Secret does not leave the process; reveal() it where it is used")
