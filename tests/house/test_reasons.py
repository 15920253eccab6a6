"""Every reason for a refusal has a row in every door's table, so that no new one falls through a door."""

import pytest

from vestibule.core.reasons import RESULT_OF_REASON, Reason
from vestibule.frontends.http.problems import KIND_OF_REASON
from vestibule.frontends.radius.translation import CODE_OF_REASON
from vestibule.portals.words import WHY


@pytest.mark.parametrize(
    "table",
    [RESULT_OF_REASON, CODE_OF_REASON, KIND_OF_REASON, WHY],
    ids=["result codes of the journal", "packet codes of RADIUS", "problems of the API", "words of the portal"],
)
def test_every_reason_has_a_row(table: dict[Reason, object]) -> None:
    assert set(table) == set(Reason)
