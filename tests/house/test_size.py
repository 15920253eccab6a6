"""Small functions, small modules: a page that fits on a screen is read, a longer one is believed."""

import statistics

from tests.house.sources import functions, length, package

LONGEST_FUNCTION = 60
LONGEST_MODULE = 400
MEDIAN_FUNCTION = 8
P95_FUNCTION = 35
MIGRATIONS = "stores/sql/migrations/versions"  # a migration is a flat list of what changes, read once and in order


def test_no_function_is_longer_than_a_screen() -> None:
    too_long = [
        f"{source.place(function)} {function.name} has {length(function)} lines"
        for source in package()
        if not source.within(MIGRATIONS)
        for function in functions(source)
        if length(function) > LONGEST_FUNCTION
    ]
    assert not too_long, f"split these so that each tells one thing (limit {LONGEST_FUNCTION}):\n" + "\n".join(too_long)


def test_no_module_is_longer_than_a_sitting() -> None:
    too_long = [
        f"{source.path} has {len(source.lines)} lines" for source in package() if len(source.lines) > LONGEST_MODULE
    ]
    assert not too_long, f"split these by idea (limit {LONGEST_MODULE}):\n" + "\n".join(too_long)


def test_most_functions_are_short() -> None:
    lengths = sorted(length(function) for source in package() for function in functions(source))
    median = statistics.median(lengths)
    p95 = lengths[int(len(lengths) * 0.95)]
    assert median <= MEDIAN_FUNCTION, f"the median of {len(lengths)} functions is {median} lines"
    assert p95 <= P95_FUNCTION, f"one function in twenty of {len(lengths)} is longer than {p95} lines"
