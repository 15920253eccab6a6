"""Short runs of the fuzzers of what providers send, so that they stay able to run long."""

import pytest

from tests.fuzz import hooks, smpp


@pytest.mark.parametrize("seed", [1, 2])
def test_mutated_pdus_are_values_or_malformed(seed: int) -> None:
    smpp.run(cases=20_000, seed=seed)


@pytest.mark.parametrize("seed", [1, 2])
def test_broken_calls_are_reports_or_refused(seed: int) -> None:
    hooks.run(cases=5_000, seed=seed)
