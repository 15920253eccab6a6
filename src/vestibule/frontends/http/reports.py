"""What an import tells: the shapes of `flows.importing` and `flows.token_import`, without the failures file."""

from vestibule.frontends.http.fields import Shown


class RowProblem(Shown):
    """What is wrong with one row of a file."""

    line: int
    column: int
    field: str
    reason: str


class Waived(Shown):
    """A row whose key is short and was taken until a date."""

    line: int
    serial: str
    bits: int


class Expired(Shown):
    """A row whose key is over, so that it does not count."""

    line: int
    serial: str
    expires_at: float


class Numbered(Shown):
    """A row without a serial number, and the one that was made for it."""

    line: int
    serial: str


class Unowned(Shown):
    """A row whose owner no user is; its token is nobody's."""

    line: int
    serial: str
    owner: str


class Report(Shown):
    """What an import did, or would do."""

    file_name: str
    dry_run: bool
    created: int
    changed: int
    unchanged: int
    problems: list[RowProblem]


class TokenReport(Report):
    """The same of a token file: what its form is called, and what a person should know of some rows."""

    format: str
    title: str
    assigned: int
    waived: list[Waived]
    expired: list[Expired]
    numbered: list[Numbered]
    unowned: list[Unowned]
    notes: list[str]
