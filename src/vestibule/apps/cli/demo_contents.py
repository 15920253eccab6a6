"""What a demonstration knows: made at its first start, kept in files of its directory, the same ever after.

The directory holds `vestibule.toml`, `data/`, `key/` and `secrets/`; `demo.json` says where a running one listens. A
demonstration of two nodes keeps all but the last in `postgresql/`, so that the two do not know each other.
"""

import base64
import os
import secrets
import string
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from vestibule.apps.cli.exits import Code, Stop
from vestibule.core.oath import hotp, time_step

USER = "demo"
ADMIN = "admin"
PASSWORD_FILE = "password"  # noqa: S105 - the names of files
RADIUS_FILE = "radius-secret"
TOTP_FILE = "totp-secret"
HOTP_FILE = "hotp-secret"
API_KEY_FILE = "api-key"
ADMIN_PASSWORD_FILE = "admin-password"  # noqa: S105
ADMIN_TOTP_FILE = "admin-totp-secret"
HOTP_COUNTER = "hotp-counter"
PERIOD = 30
KEY_OCTETS = 20
SECRET_LETTERS = 24

_WORDS = [
    "acorn",
    "amber",
    "apple",
    "atlas",
    "badge",
    "barn",
    "basil",
    "beach",
    "birch",
    "bloom",
    "brook",
    "canoe",
    "cedar",
    "chalk",
    "cloud",
    "clover",
    "comet",
    "coral",
    "crane",
    "daisy",
    "delta",
    "ember",
    "falcon",
    "fern",
    "field",
    "flint",
    "frost",
    "garden",
    "ginger",
    "grape",
    "harbor",
    "hazel",
    "heron",
    "honey",
    "island",
    "ivory",
    "jasmine",
    "kettle",
    "lagoon",
    "lark",
    "lemon",
    "lilac",
    "linen",
    "maple",
    "marble",
    "meadow",
    "mint",
    "north",
    "oasis",
    "olive",
    "orbit",
    "otter",
    "pebble",
    "pepper",
    "pine",
    "plum",
    "quartz",
    "raven",
    "river",
    "robin",
    "saffron",
    "silver",
    "tulip",
    "velvet",
    "walnut",
    "willow",
    "winter",
]


@dataclass(frozen=True, slots=True)
class Contents:
    """Everything that a person or a test needs to sign in."""

    password: str
    radius_secret: str
    totp_secret: str  # Base32
    hotp_secret: str  # hex
    admin_password: str
    admin_totp_secret: str  # Base32


def contents(directory: Path) -> Contents:
    """Read what is kept, and make what is not there yet."""
    kept = directory / "secrets"
    kept.mkdir(mode=0o700, exist_ok=True)
    return Contents(
        _kept(kept / PASSWORD_FILE, _password),
        _kept(kept / RADIUS_FILE, _radius_secret),
        _kept(kept / TOTP_FILE, _key),
        _kept(kept / HOTP_FILE, lambda: secrets.token_hex(KEY_OCTETS)),
        _kept(kept / ADMIN_PASSWORD_FILE, _password),
        _kept(kept / ADMIN_TOTP_FILE, _key),
    )


def directory_of_running() -> Path:
    """The directory of the demonstration that is meant: of its configuration, named itself, or the usual one."""
    configuration, named = os.environ.get("VESTIBULE_CONFIG"), os.environ.get("VESTIBULE_DEMO_DIR")
    usual = Path(named or ".demo")
    possible = [*([Path(configuration).parent] if configuration else []), usual]
    return next((one for one in possible if (one / "secrets" / TOTP_FILE).exists()), usual)


def current_code(directory: Path, *, counted: bool, of_admin: bool = False) -> str:
    """The code that the demo user's authenticator, or the owner's, shows now. Raises Stop where no demonstration is."""
    kept = directory / "secrets"
    try:
        if counted:
            return _next_hotp(kept)
        key = base64.b32decode((kept / (ADMIN_TOTP_FILE if of_admin else TOTP_FILE)).read_text().strip())
    except FileNotFoundError:
        raise Stop(f"There is no demonstration in {directory}. Start one with: vestibule demo", Code.USAGE) from None
    return hotp(key, time_step(time.time(), PERIOD))


def write_private(path: Path, text: str) -> None:
    """Put a file in place as a whole, for its owner only."""
    fresh = path.with_name(f".{path.name}.new")
    fresh.unlink(missing_ok=True)
    with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as written:
        written.write(text)
    fresh.replace(path)


def _kept(path: Path, make: Callable[[], str]) -> str:
    if not path.exists():
        write_private(path, f"{make()}\n")
    return path.read_text().strip()


def _next_hotp(kept: Path) -> str:
    """Count up as a token does when its button is pressed."""
    key, place = bytes.fromhex((kept / HOTP_FILE).read_text().strip()), kept / HOTP_COUNTER
    counter = int(place.read_text()) if place.exists() else 0
    write_private(place, f"{counter + 1}\n")
    return hotp(key, counter)


def _key() -> str:
    return base64.b32encode(secrets.token_bytes(KEY_OCTETS)).decode()


def _password() -> str:
    return "-".join([*(secrets.choice(_WORDS) for _ in range(3)), str(secrets.randbelow(90) + 10)])


def _radius_secret() -> str:
    """Letters and digits, so that no shell or program takes one for something else."""
    return "".join(secrets.choice(string.ascii_letters + string.digits) for _ in range(SECRET_LETTERS))
