"""A short run of the fuzzer, so that it stays able to run long."""

import pytest

from tests.fuzz import ldap


@pytest.mark.parametrize("seed", [1, 2])
def test_mutated_messages_and_texts_are_values_or_malformed(seed: int) -> None:
    ldap.run(cases=20_000, seed=seed)
