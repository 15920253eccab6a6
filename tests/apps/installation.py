"""A complete server's files in a folder of the test, made once and copied: migrations take their time.

pieces = await installation.open()
"""

import secrets
import shutil
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from vestibule.apps.configuration import Configuration, load
from vestibule.apps.pieces import Pieces, put_together
from vestibule.core.credentials import Algorithm, Credential, Seed
from vestibule.core.oath import hotp, time_step
from vestibule.core.ports import Record
from vestibule.core.secret import Secret
from vestibule.core.users import Mfa, User
from vestibule.stores.key_file import create_key_file
from vestibule.stores.sql import add_keys
from vestibule.stores.sql.migrate import upgrade
from vestibule.stores.vault import Vault


def make_template(folder: Path) -> Path:
    """Lay out a new server in `folder`."""
    folder.chmod(0o700)
    (folder / "data").mkdir(mode=0o700)
    url = f"sqlite:///{folder / 'data' / 'vestibule.db'}"
    upgrade(url)
    _, rows = Vault.create(create_key_file(folder / "key" / "master.key", secrets.token_bytes), secrets.token_bytes)
    add_keys(url, rows)
    return folder


@dataclass
class Installation:
    """One server's files, and what was opened of them."""

    folder: Path
    opened: list[Pieces] = field(default_factory=list)

    @classmethod
    def copied(cls, template: Path, folder: Path) -> "Installation":
        shutil.copytree(template, folder)
        return cls(folder)

    @property
    def data(self) -> Path:
        return self.folder / "data"

    @property
    def database(self) -> Path:
        return self.data / "vestibule.db"

    @property
    def key(self) -> Path:
        return self.folder / "key" / "master.key"

    @property
    def heads(self) -> Path:
        return self.folder / "key" / "master.key.heads.json"

    def configuration(self, more: Mapping[str, str] | None = None) -> Configuration:
        return load(None, self.environment(more))

    def environment(self, more: Mapping[str, str] | None = None) -> dict[str, str]:
        """What configures this server, and `more`."""
        settings = {
            "VESTIBULE_DATA_DIRECTORY": str(self.data),
            "VESTIBULE_KEY_FILE": str(self.key),
            "VESTIBULE_SERVER_NAME": "mfa1",
            "VESTIBULE_RADIUS_LISTEN": "127.0.0.1:0",
            "VESTIBULE_HTTP_LISTEN": "127.0.0.1:0",
            "VESTIBULE_API_LISTEN": "127.0.0.1:0",
            "VESTIBULE_PASSWORDS_WORKERS": "1",
        }
        return settings | dict(more or {})

    async def open(self, more: Mapping[str, str] | None = None) -> Pieces:
        self.opened.append(await put_together(self.configuration(more)))
        return self.opened[-1]

    async def close(self) -> None:
        for pieces in self.opened:
            await pieces.close()


@dataclass(frozen=True)
class Token:
    """A user with one token, and what is needed to read it."""

    name: str
    secret: bytes
    method: str = "totp"
    period: int = 30
    drift: int = 0
    algorithm: Algorithm = Algorithm.SHA1

    def records(self) -> tuple[Record, ...]:
        user_id, seed_id = f"id of {self.name}", f"seed of {self.name}"
        credential = Credential(
            f"token of {self.name}", self.method, user_id, seed_id=seed_id, period=self.period, algorithm=self.algorithm
        )
        return (
            User(user_id, self.name, self.name, mfa=Mfa.ENFORCED),
            Seed(seed_id, Secret(self.secret), drift=self.drift),
            credential,
        )

    def code(self, at: float, steps: int = 0) -> str:
        return hotp(self.secret, time_step(at, self.period) + self.drift + steps, 6, self.algorithm)

    def press(self, counter: int) -> str:
        return hotp(self.secret, counter)
