"""What a person can meet has a page: every method, and every reason for a refusal."""

import pytest

from tests.house.sources import PACKAGE, ROOT
from vestibule.core.reasons import Reason

METHODS = sorted(path.stem for path in (PACKAGE / "methods").iterdir() if not path.name.startswith(("_", ".")))


@pytest.mark.parametrize("method", METHODS)
def test_every_method_has_a_page(method: str) -> None:
    page = ROOT / "docs" / "methods" / f"{method}.md"
    assert page.exists(), f"write {page.relative_to(ROOT)}: who it is for, how to set it up, what it protects from"


def test_every_reason_is_explained() -> None:
    text = (ROOT / "docs" / "reasons.md").read_text(encoding="utf-8")
    missing = [reason.value for reason in Reason if f"`{reason.value}`" not in text]
    assert not missing, f"docs/reasons.md does not explain {', '.join(missing)}"
