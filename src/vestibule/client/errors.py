"""What is no decision."""


class Problem(Exception):
    """What the server says instead (RFC 9457); `type` is the path of a page about it on the server.

    `retry_after` is in seconds where the server says it, `reference` is what to look for in its log.
    """

    def __init__(
        self,
        status: int,
        kind: str,
        title: str,
        detail: str = "",
        *,
        errors: tuple[tuple[str, str], ...] = (),
        retry_after: float | None = None,
        reference: str = "",
    ) -> None:
        """Say it in one line."""
        fields = "; ".join(f"{field}: {reason}" for field, reason in errors)
        super().__init__(" ".join(part for part in (f"{title}.", detail, fields, reference) if part))
        self.status = status
        self.type = kind
        self.title = title
        self.detail = detail
        self.errors = errors
        self.retry_after = retry_after
        self.reference = reference


class Unreachable(Exception):
    """The server could not be asked, or did not answer in time; nobody is let in."""
