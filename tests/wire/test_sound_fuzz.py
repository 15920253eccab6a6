"""A taste of the fuzzer of recordings and of Asterisk's events; `make fuzz` runs a million cases."""

from tests.fuzz import sounds


def test_whatever_comes_in_is_read_or_refused() -> None:
    met = sounds.run(4000, seed=7)
    assert {"recording", "malformed", "event", "nothing"} == set(met)
