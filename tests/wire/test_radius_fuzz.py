"""A short run of the fuzzer, so that it stays able to run long."""

import pytest

from tests.fuzz import radius


@pytest.mark.requirement(43)
@pytest.mark.parametrize("seed", [1, 2])
def test_mutated_packets_end_in_a_right_reply_or_in_malformed(seed: int) -> None:
    radius.run(cases=20_000, seed=seed)
