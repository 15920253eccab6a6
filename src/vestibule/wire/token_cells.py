"""A token as the cells of the CSV form that it came in, for the failures file of an import.

A row that was read well but cannot be taken goes back to its sender under the columns of its own file, so that the file
can be corrected and read again. What the form does not keep here (realms, access codes) comes back empty.
"""

from datetime import UTC, datetime
from typing import Final

from vestibule.core.secret import Secret
from vestibule.wire.otpauth import OtpMethod, write_key
from vestibule.wire.token_csv import TokenRow
from vestibule.wire.vendor_csv import LOG_COLUMNS

OTHER_NAMES: Final = {
    "upn": "user",
    "serial number": "public id",
    "secret key": "key (hex)",
    "time interval": "interval or counter",
    "counter": "interval or counter",
}
"""What a column is called in the forms that do not have it under its usual name."""


def column_named(field: str, columns: tuple[str, ...]) -> str:
    """Give the name that the column of this field has among `columns`; the field's own where it has none."""
    other = OTHER_NAMES.get(field, field)
    return other if field not in columns and other in columns else field


def cells_of(row: TokenRow, columns: tuple[str, ...]) -> tuple[Secret, ...]:
    """Write the token under these columns."""
    cells = _logged(row) if columns == LOG_COLUMNS else _named(row)
    return tuple(cells.get(column, _NOTHING) for column in columns)


_NOTHING: Final = Secret(b"")


def _named(row: TokenRow) -> dict[str, Secret]:
    timed = row.method is OtpMethod.TOTP
    moving = str(row.period_seconds if timed else row.counter)
    texts = {
        "upn": row.upn or "",
        "user": row.upn or "",
        "serial number": row.serial,
        "secret key": write_key(row.secret),
        "key (hex)": row.secret.reveal().hex(),
        "type": row.method.value,
        "digits": str(row.digits),
        "time interval": str(row.period_seconds) if timed else "",
        "counter": "" if timed else str(row.counter),
        "interval or counter": moving,
        "algorithm": row.algorithm.value,
        "manufacturer": row.manufacturer,
        "model": row.model,
        "start date": _date(row.starts_at),
        "expiry date": _date(row.expires_at),
        "private id": "0",
    }
    return {name: Secret.of(text) for name, text in texts.items()}


def _logged(row: TokenRow) -> dict[str, Secret]:
    """The columns of the Personalization Tool's log that count."""
    texts = {
        "event": "OATH-HOTP",
        "public id": row.serial,
        "secret key": row.secret.reveal().hex(),
        "digits": str(row.digits),
    }
    return {name: Secret.of(text) for name, text in texts.items()}


def _date(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%dT%H:%M:%SZ") if at else ""
