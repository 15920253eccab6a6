"""The figures as tables for people, and as JSON for whoever compares."""

import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from bench.goals import Figure
from bench.setting import Case, Setting

RESULTS = Path(__file__).parent / "results"
GOALS = ("row", "work", "must", "aim", "measured", "rounds", "")
CASES = ("case", "a second", "p50 ms", "p99 ms", "CPU µs", "core busy", "requests", "lost", "wrong")


def tables(machine: Mapping[str, str], setting: Setting, figures: Sequence[Figure]) -> str:
    """Machine, goals and cases in Markdown."""
    about = "\n".join(f"- {name}: {text}" for name, text in machine.items())
    goals = _table(GOALS, map(_goal_line, figures))
    cases = _table(CASES, (_case_line(name, case) for name, case in setting.cases.items()))
    return f"{about}\n\n{goals}\n\n{cases}\n"


def written(name: str, machine: Mapping[str, str], setting: Setting, figures: Sequence[Figure]) -> Path:
    """Write `name`.md and `name`.json; gives the second."""
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / f"{name}.md").write_text(tables(machine, setting, figures), encoding="utf-8")
    path = RESULTS / f"{name}.json"
    path.write_text(json.dumps(_document(machine, setting, figures), ensure_ascii=False, indent=1), encoding="utf-8")
    return path


def _document(machine: Mapping[str, str], setting: Setting, figures: Sequence[Figure]) -> dict[str, object]:
    return {
        "machine": dict(machine),
        "users": setting.scale.users,
        "figures": [_figure(figure) for figure in figures],
        "cases": {name: _case(case) for name, case in setting.cases.items()},
    }


def _figure(figure: Figure) -> dict[str, object]:
    goal = figure.goal
    return {
        "row": goal.row,
        "work": goal.work,
        "unit": goal.unit,
        "must": str(goal.must or ""),
        "aim": str(goal.aim or ""),
        "value": figure.value,
        "rounds": list(figure.values),
        "verdict": figure.verdict,
        "note": figure.note,
    }


def _case(case: Case) -> dict[str, object]:
    return {
        "rate": case.rate,
        "p50_ms": case.quantile(0.5),
        "p99_ms": case.quantile(0.99),
        "cpu_us": case.cpu_microseconds,
        "busy": case.busy,
        "requests": case.requests,
        "lost": case.lost,
        "wrong": case.wrong,
    }


def _goal_line(figure: Figure) -> tuple[str, ...]:
    goal = figure.goal
    rounds = " · ".join(_short(value) for value in figure.values) if len(figure.values) > 1 else figure.note
    measured = "–" if figure.value is None else f"{_short(figure.value)} {goal.unit}"
    return goal.row, goal.work, str(goal.must or ""), str(goal.aim or ""), measured, rounds, figure.verdict


def _case_line(name: str, case: Case) -> tuple[str, ...]:
    return (
        name,
        f"{case.rate:,.0f}",
        _short(case.quantile(0.5)),
        _short(case.quantile(0.99)),
        f"{case.cpu_microseconds:.1f}",
        f"{case.busy:.0%}",
        f"{case.requests:,}",
        str(case.lost),
        str(case.wrong),
    )


def _short(value: float) -> str:
    return f"{value:.3g}" if abs(value) < 1000 else f"{value:,.0f}"


def _table(head: Sequence[str], lines: Iterable[Sequence[str]]) -> str:
    rows = [head, *lines]
    widths = [max(len(row[i]) for row in rows) for i in range(len(head))]
    padded = [
        "| " + " | ".join(text.ljust(width) for text, width in zip(row, widths, strict=True)) + " |" for row in rows
    ]
    return "\n".join([padded[0], "|-" + "-|-".join("-" * width for width in widths) + "-|", *padded[1:]])
