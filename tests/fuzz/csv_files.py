"""Throws mutated token and user files at their readers: `python -m tests.fuzz.csv_files --cases N --seed S`.

Whatever comes in, out come rows, problems or `Malformed`; no reason shows the key; and every problem survives the
failures file: it can be written as UTF-8, and reads back as exactly one row or problem.
"""

import argparse
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from random import Random

from vestibule.core.errors import Malformed
from vestibule.wire.tabular import RowProblem
from vestibule.wire.tabular_writing import failures_csv
from vestibule.wire.token_csv import TokenRow, read_tokens
from vestibule.wire.user_csv import UserRow, read_users

KEY = "JBSWY3DPEHPK3PXP"

Outcome = TokenRow | UserRow | RowProblem
Reader = Callable[[Iterable[str] | Iterable[bytes]], Iterator[Outcome]]

_FILES: tuple[tuple[Reader, list[str]], ...] = (
    (read_tokens, [f"A1,{KEY},30\n", f"A2,{KEY},60\r\n", f'"A3","{KEY}","30"\n']),
    (read_tokens, ["serial;secret;interval\n", f"A1;{KEY};30\n"]),
    (
        read_tokens,
        ["upn,serial number,secret key,time interval,manufacturer,model\r\n", f"a@b,A1,{KEY},30,X,Y\r\n"],
    ),
    (
        read_tokens,
        ["line,column,field,reason,serial number,secret key,time interval\n", f"1,2,x,y,'=A1,{KEY},30\n"],
    ),
    (read_users, ["name,email,phone,groups,mfa,locale\n", 'bob,b@c,+41 44 1,"a;b",off,de\n', "BOB,,,,,\n"]),
    (read_users, ["UPN\tFirst Name\n", "é\t'x\n"]),
)
_PIECES = (
    *",;\t\"'=+-@ \r\n\0\x1b\ufeff\ufffdé0189A\u202e",
    *('""', "\r\n", '"\n', ',"', '",', "30", "60", KEY, "name", "upn", "line,column,field,reason,", ",,,,", "x" * 70),
)
_OCTETS = (b"\xff", b"\xe9", b"\xc3", b"\0", b"\xef\xbb\xbf", b"\xed\xa0\x80", b"\xff\xfe")


def run(cases: int, seed: int) -> Counter[str]:
    """Run so many cases; give how often each kind of outcome was met. Raises `AssertionError` with the file."""
    chance = Random(seed)
    met: Counter[str] = Counter()
    for _ in range(cases):
        reader, lines = chance.choice(_FILES)
        chunks = _chunks(_mutated(lines, chance), chance)
        try:
            _check(reader, chunks, met)
        except Exception as error:
            raise AssertionError(f"{reader.__name__}({chunks!r})") from error
    return met


def _mutated(lines: list[str], chance: Random) -> str:
    """Change a file in up to four places, the first line in one file of four."""
    text = lines[0] + "".join(chance.choices(lines, k=chance.randrange(5)))
    spared = chance.choice((0, len(lines[0]), len(lines[0]), len(lines[0])))
    for _ in range(chance.randrange(5)):
        start = chance.randrange(min(spared, len(text)), len(text) + 1)
        end = start + chance.choice((0, 0, 1, 3))
        text = text[:start] + chance.choice(_PIECES) + text[end:]
    return text


def _chunks(text: str, chance: Random) -> list[str] | list[bytes]:
    """Cut the file in two, as text or as octets with perhaps one that is not UTF-8."""
    cut = max(chance.randrange(len(text) + 1), chance.randrange(len(text) + 1))
    match chance.randrange(4):
        case 0:
            return [text[:cut], text[cut:]]
        case 1:
            return [text[:cut] + chr(chance.randrange(0xD800, 0xE000)), text[cut:]]
        case 2:
            octets = text.encode()
            return [octets[:cut], octets[cut:]]
        case _:
            octets = text.encode()
            return [octets[:cut] + chance.choice(_OCTETS), octets[cut:]]


def _check(reader: Reader, chunks: list[str] | list[bytes], met: Counter[str]) -> None:
    outcomes, malformed = _read(reader, chunks)
    met.update(type(outcome).__name__ for outcome in outcomes)
    met["Malformed"] += bool(malformed)
    problems = [outcome for outcome in outcomes if isinstance(outcome, RowProblem)]
    assert all(isinstance(outcome, TokenRow | UserRow | RowProblem) for outcome in outcomes)
    assert KEY[:6] not in malformed
    assert not any(KEY[:6] in problem.reason or KEY[:6] in repr(problem) for problem in problems)
    again, malformed = _read(reader, [line.encode() for line in failures_csv(problems)])
    assert len(again) == len(problems)
    assert bool(malformed) == (not problems)


def _read(reader: Reader, chunks: Iterable[str] | Iterable[bytes]) -> tuple[list[Outcome], str]:
    """Read until the end or until `Malformed`, whose text comes with what was read before it."""
    outcomes: list[Outcome] = []
    try:
        outcomes.extend(reader(chunks))
    except Malformed as malformed:
        return outcomes, str(malformed)
    return outcomes, ""


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
