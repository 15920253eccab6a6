"""Throws mutated token files of every form at their reader: `python -m tests.fuzz.token_files --cases N --seed S`.

Whatever comes in, out come rows and problems, or `Malformed` alone; nothing shows the key; and no mutated file passes
as encrypted with a MAC unless its keys are the right ones.
"""

import argparse
import time
from collections import Counter
from random import Random

from tests.wire.token_file_vectors import token_file_vectors
from vestibule.core.errors import Malformed
from vestibule.core.secret import Secret
from vestibule.wire.tabular import RowProblem
from vestibule.wire.tabular_writing import failures_csv
from vestibule.wire.token_csv import TokenRow
from vestibule.wire.token_files import TokenFile, read_token_file

KEY = b"12345678901234567890"

_FILES = tuple((vector.content, vector.key, vector.passphrase) for vector in token_file_vectors() if vector.content)
_SHOWN = ("31323334353637", "MTIzNDU2Nzg5", "GEZDGNBVGY3T", "12345678901234567890")
_PIECES = (
    *(bytes([octet]) for octet in b"<>&\"'/=#:;,|?% \t\r\n\0\x1b\x7f\x80\xff09AZaz"),
    *(
        b"<!DOCTYPE x>",
        b"<!--",
        b"-->",
        b"<![CDATA[",
        b"]]>",
        b"&lt;",
        b"&x;",
        b"&#0;",
        b"</Key>",
        b"<Key>",
        b"</Data>",
    ),
    *(
        b"<Secret>",
        b"<Data>",
        b"<KeyPackage>",
        b"</KeyPackage>",
        b"EncryptedValue",
        b"PlainValue",
        b"pskc:",
        b"xmlns=''",
    ),
    *(
        b"totp",
        b"hotp",
        b"ocra",
        b"otpauth://",
        b"otpauth-migration://offline?data=",
        b"# version: 2\n",
        b"AAAA",
        b"-1",
    ),
    *(b"99999999999999999999999", b"\xef\xbb\xbf", b"\xff\xfe", b"x" * 70, b"line,column,field,reason,", b",,,,,,,,"),
)


def run(cases: int, seed: int) -> Counter[str]:
    """Run so many cases; give how often each kind of outcome was met. Raises `AssertionError` with the file."""
    chance = Random(seed)
    met: Counter[str] = Counter()
    for _ in range(cases):
        content, key, passphrase = chance.choice(_FILES)
        mutated = _mutated(content, chance)
        try:
            _check(mutated, key, passphrase, met)
        except Exception as error:
            raise AssertionError(f"read_token_file({mutated!r})") from error
    return met


def _mutated(content: bytes, chance: Random) -> bytes:
    """Change a file in up to four places; sometimes a part of it is doubled, moved or taken out."""
    for _ in range(chance.randrange(5)):
        start = chance.randrange(len(content) + 1)
        end = min(len(content), start + chance.choice((0, 0, 1, 3, 40)))
        piece = chance.choice((chance.choice(_PIECES), content[start : start + 60], content[:40]))
        content = content[:start] + piece + content[end:]
    return content


def _check(content: bytes, key: Secret | None, passphrase: Secret | None, met: Counter[str]) -> None:
    file = _read(content, key, passphrase)
    if isinstance(file, Malformed):
        met[type(file).__name__] += 1
        assert not any(shown in str(file) for shown in _SHOWN)
        return
    met.update(type(row).__name__ for row in file.rows)
    met[str(file.format)] += 1
    said = "".join((*file.notes, *(row.field + row.reason for row in file.rows if isinstance(row, RowProblem))))
    assert not any(shown in said for shown in _SHOWN)
    assert all(isinstance(row, TokenRow | RowProblem) for row in file.rows)
    "".join(failures_csv(row for row in file.rows if isinstance(row, RowProblem))).encode()
    if b"MACMethod" in content and key:
        _check_whole(file)


def _read(content: bytes, key: Secret | None, passphrase: Secret | None) -> TokenFile | Malformed:
    try:
        return read_token_file(content, "tokens", key=key, passphrase=passphrase)
    except Malformed as malformed:
        return malformed


def _check_whole(file: TokenFile) -> None:
    """Behind a MAC there is only the one key: changed octets are never taken for another."""
    encrypted = {row.secret.reveal() for row in file.rows if isinstance(row, TokenRow)}
    assert encrypted <= {KEY}


def main() -> None:
    """Run as many cases as the command line says and print what was met."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cases", type=int, default=1_000_000)
    parser.add_argument("--seed", type=int, default=0)
    asked = parser.parse_args()
    started = time.monotonic()
    met = run(asked.cases, asked.seed)
    print(f"{asked.cases} files in {time.monotonic() - started:.0f} s, seed {asked.seed}: {dict(met)}")


if __name__ == "__main__":
    main()
