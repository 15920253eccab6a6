"""The two exceptions that may cross floors. A refusal is neither: it is a `Decision`."""


class Malformed(Exception):
    """Bytes from outside make no sense, or their authenticator is wrong.

    The message names the place (line, column, offset, field) and never repeats the bytes themselves.
    """


class Unavailable(Exception):
    """A neighbour (store, directory, carrier) is away, too slow or overloaded; nothing was decided."""
