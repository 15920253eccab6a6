"""A circuit breaker: a server that failed is left alone for a while, then one caller may look. Pure."""


class Breaker:
    """Closed while the server answers. Each failure in a row doubles the pause, up to the longest."""

    def __init__(self, first_pause: float, longest_pause: float) -> None:
        """Take the pauses in seconds."""
        self._first = first_pause
        self._longest = longest_pause
        self._pause = first_pause
        self._until: float | None = None
        self._probing = False

    @property
    def closed(self) -> bool:
        """Whether everybody may ask the server."""
        return self._until is None

    def wait(self, now: float) -> float:
        """Seconds until somebody may look again; 0 while it is closed."""
        return 0.0 if self._until is None else max(0.0, self._until - now)

    def probe(self, now: float) -> bool:
        """Whether this caller is the one who may look; it must then end with `succeeded`, `failed` or `gave_up`."""
        if self._until is None or self._probing or now < self._until:
            return False
        self._probing = True
        return True

    def succeeded(self) -> bool:
        """The server answers; whether it was left alone until now."""
        was_open = not self.closed
        self._until = None
        self._probing = False
        self._pause = self._first
        return was_open

    def failed(self, now: float, *, at_least: float = 0.0) -> bool:
        """The server does not answer; those who found out together count once. Whether it is left alone from now on."""
        if self._until is not None and not self._probing:
            return False
        opened = self.closed
        self._until = now + max(self._pause, at_least)
        self._pause = min(self._pause * 2, self._longest)
        self._probing = False
        return opened

    def gave_up(self) -> None:
        """Whoever looked left before there was an answer; the next may look."""
        self._probing = False
