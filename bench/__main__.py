"""`python -m bench`: run the rows, print and write the tables; the exit status says whether every `must` is met."""

import argparse
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from datetime import datetime

from bench.crowds import attack, growth, parked, passwords
from bench.goals import Figure
from bench.hot_spots import profile
from bench.journal import journal
from bench.machine import cores, described, pin
from bench.population import prepared
from bench.report import tables, written
from bench.rest import at_rest, pskc_import, token_import
from bench.setting import FULL, QUICK, Setting
from bench.shared import shared
from bench.sign_ins import sign_ins
from bench.web import web_sign_ins

ROWS: dict[str, Callable[[Setting], Iterator[Figure]]] = {
    "1": sign_ins,
    "1b": passwords,
    "4": web_sign_ins,
    "5": shared,
    "6": growth,
    "7": attack,
    "8": parked,
    "9": at_rest,
    "10": token_import,
    "11": pskc_import,
    "12": journal,
}


def main(arguments: Sequence[str]) -> int:
    options = _options(arguments)
    scale = QUICK if options.quick else FULL
    setting = Setting(
        cores(),
        replace(
            scale,
            users=options.users or scale.users,
            rounds=options.rounds or scale.rounds,
            lines=options.lines or scale.lines,
        ),
    )
    pin(setting.cores.load)
    prepared(setting.scale.population)
    if options.profile:
        print(profile(setting))
        return 0
    figures = [figure for row in options.rows for figure in _row(row, setting)]
    machine = described()
    print(f"\n{tables(machine, setting, figures)}")
    print(written(f"{datetime.now().astimezone():%Y-%m-%d-%H%M%S}", machine, setting, figures))
    return _status(setting, figures, quick=options.quick)


def _row(row: str, setting: Setting) -> Iterator[Figure]:
    print(f"row {row}", flush=True)
    for figure in ROWS[row](setting):
        value = "–" if figure.value is None else f"{figure.value:.4g} {figure.goal.unit}"
        print(f"  {figure.goal.work}: {value} {figure.note} {figure.verdict}", flush=True)
        yield figure


def _status(setting: Setting, figures: Sequence[Figure], *, quick: bool) -> int:
    """A wrong answer always fails; a goal that is missed fails a run that is long enough to tell."""
    if setting.wrong:
        print(f"{setting.wrong} answers were wrong.")
    missed = [figure for figure in figures if figure.verdict == "NOT MET"]
    return 1 if setting.wrong or (missed and not quick) else 0


def _options(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser("python -m bench", description="What a sign-in costs, beside baselines.")
    parser.add_argument("--quick", action="store_true", help="a short run that shows that the bench itself works")
    parser.add_argument("--users", type=int, help="how many users; growth compares with ten times as many")
    parser.add_argument("--lines", type=int, help="how many lines the journal of row 12 has")
    parser.add_argument("--rounds", type=int, help="how often the rounds of rows 1 to 6 and 9 are run")
    parser.add_argument("--rows", nargs="+", choices=ROWS, default=list(ROWS), help="only these rows")
    parser.add_argument("--profile", action="store_true", help="instead: where the server's time goes, by py-spy")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
