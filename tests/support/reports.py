"""A small table to validate, and what its report says."""

from pathlib import Path
from typing import Any

from tests.support.tables import config_of, lines
from training.data.validation import Report, validate


def row(number: int) -> str:
    cells = [
        f"{number * 37 % 101 / 4}",
        str(20 + number * 7 % 50),
        ("Lyon", "Oslo")[number * 3 % 7 % 2],
        "ab"[number * 7 % 11 % 2],
    ]
    return ",".join(cells)


def report(folder: Path, *, changes: dict[int, str] | None = None, **sections: Any) -> Report:
    """Of sixty sound rows, some of them replaced (counted from 1)."""
    text = lines("x,age,city,y", lambda number: (changes or {}).get(number + 1, row(number)), count=60)
    (folder / "table.csv").write_text(text, encoding="utf-8")
    return validate(config_of(folder / "table.csv", **sections).table)


def failures(found: Report) -> list[str]:
    assert found.passed == (not [finding for finding in found.findings if finding.status == "failed"])
    return [f"{finding.check}: {finding}" for finding in found.findings if finding.status == "failed"]


def warnings(found: Report) -> list[str]:
    return [f"{finding.check}: {finding}" for finding in found.findings if finding.status == "warning"]
