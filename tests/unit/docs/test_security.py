"""Each row of who can do what names a test that exists."""

import re

import pytest

from tests.support.paths import ROOT

PAGE = (ROOT / "docs" / "security.md").read_text(encoding="utf-8")
ROWS = [line for line in PAGE.splitlines() if line.startswith("| ") and not line.startswith(("| who |", "|---"))]


def test_there_are_rows() -> None:
    assert len(ROWS) >= 10


@pytest.mark.parametrize("row", ROWS)
def test_a_row_names_a_test(row: str) -> None:
    shown = re.search(r"`(tests/\S+\.py)::(test_\w+)` \|$", row)

    assert shown
    path = ROOT / shown[1]
    assert not path.parent.exists() or f"def {shown[2]}(" in path.read_text(encoding="utf-8")
