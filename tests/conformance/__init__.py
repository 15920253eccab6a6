"""What every implementation of a port must do, as suites to inherit from."""

import pytest

pytest.register_assert_rewrite("tests.conformance.store")
