"""Labelled rows of traffic: captured whole, with a label, and as a contract takes them."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from skylift.contract import Contract, Target
from skylift.feature import Feature
from skylift.monitoring import labelled_rows as module
from skylift.monitoring.label_store import LabelStore
from skylift.monitoring.labelled_rows import labelled_rows
from skylift.monitoring.labels import Label
from skylift.monitoring.records import Reader
from skylift.monitoring.sources import Reading
from tests.support.fakes import MemoryBucket
from tests.support.log_lines import answered

END = datetime(2026, 3, 31, tzinfo=UTC)
CONTRACT = Contract(
    task="classification",
    features=(
        Feature(name="size", kind="number", required=True, example=1.0, min=0, max=9, mean=2),
        Feature(
            name="colour", kind="category", required=False, categories=("blue", "red"), unknown="refuse", example="red"
        ),
        Feature(name="new", kind="boolean", required=True, example=True),
    ),
    target=Target(name="kind", classes=("a", "b")),
)
WHOLE = {"size": 1.5, "colour": "red", "new": True}


class Lines:
    """Lines of the service."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self.labels = LabelStore(MemoryBucket(), "iris")

    def read(self, reader: Reader, start: datetime, end: datetime) -> Reading:
        return Reading(reader.chunks([line.encode() + b"\n" for line in self.lines]))

    def answer(self, number: int, *rows: Any, days: int = 2, label: str | None = "b", **members: Any) -> None:
        at = END - timedelta(days=days)
        name = f"{number:016}"
        self.lines.append(answered(name, None, at=at.isoformat(), answers=[0] * len(rows), rows=rows, **members))
        if label:
            told = [Label(name, place, label, at) for place in range(len(rows))]
            self.labels.keep(repr(told).encode(), told, at)

    def rows(self) -> list[tuple[Any, Any]]:
        return [(row.values, row.label) for row in labelled_rows(self, self.labels, CONTRACT, END)]


@pytest.fixture
def lines() -> Lines:
    return Lines()


def test_each_labelled_instance_is_a_row_the_oldest_first(lines: Lines) -> None:
    lines.answer(1, WHOLE, WHOLE | {"size": 2}, days=1, label="a")
    lines.answer(2, WHOLE | {"colour": None}, days=3)

    assert lines.rows() == [(WHOLE | {"colour": None}, "b"), (WHOLE, "a"), (WHOLE | {"size": 2}, "a")]


def test_without_labels_no_line_is_read(lines: Lines, monkeypatch: pytest.MonkeyPatch) -> None:
    lines.answer(1, WHOLE, label=None)
    monkeypatch.setattr(lines, "read", None)

    assert lines.rows() == []


@pytest.mark.parametrize(
    "row",
    [
        {"size": 1.5, "colour": "red"},
        WHOLE | {"size": None},
        WHOLE | {"size": "large"},
        WHOLE | {"size": True},
        WHOLE | {"colour": "green"},
        WHOLE | {"new": "yes"},
        "not a row",
    ],
    ids=str,
)
def test_a_row_that_the_contract_does_not_take_is_left_out(lines: Lines, row: Any) -> None:
    lines.answer(1, row)
    lines.answer(2, WHOLE)

    assert lines.rows() == [(WHOLE, "b")]


def test_of_many_the_newest_are_kept(lines: Lines, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MOST_ROWS", 2)
    for number in range(1, 6):
        lines.answer(number, WHOLE | {"size": number}, days=number)

    assert [values["size"] for values, _ in lines.rows()] == [2, 1]
