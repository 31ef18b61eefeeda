"""Labelled rows of traffic: captured whole, with a label, and as a contract takes them."""

import math
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
WITHOUT_NEW = CONTRACT.model_copy(update={"features": CONTRACT.features[:2]})
WHOLE = {"size": 1.5, "colour": "red", "new": True}


class Lines:
    """Lines of the service."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self.labels = LabelStore(MemoryBucket(), "iris")

    def read(self, reader: Reader, start: datetime, end: datetime) -> Reading:
        return Reading(reader.chunks([line.encode() + b"\n" for line in self.lines]))

    def answer(self, number: int, *rows: Any, days: float = 2, label: str | None = "b", **members: Any) -> None:
        at = END - timedelta(days=days)
        name = f"{number:016}"
        self.lines.append(answered(name, None, at=at.isoformat(), answers=[0] * len(rows), rows=rows, **members))
        if label:
            told = [Label(name, place, label, at) for place in range(len(rows))]
            self.labels.keep(repr(told).encode(), told, END - timedelta(days=1))

    def rows(self, contract: Contract = CONTRACT, *, active: Contract = CONTRACT) -> list[tuple[Any, Any]]:
        return [(row.values, row.label) for row in labelled_rows(self, self.labels, contract, active, END)]


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
        WHOLE | {"size": math.inf},
        WHOLE | {"size": 10**400},
        WHOLE | {"size": 1e300},
        WHOLE | {"size": [1.5]},
        WHOLE | {"colour": "green"},
        WHOLE | {"colour": ["red"]},
        WHOLE | {"new": "yes"},
        WHOLE | {"new": 1},
        WHOLE | {"new": {}},
        "not a row",
        None,
    ],
    ids=lambda row: str(row)[:60],
)
def test_a_row_that_the_contract_does_not_take_is_left_out(lines: Lines, row: Any) -> None:
    lines.answer(1, row)
    lines.answer(2, WHOLE)

    assert lines.rows() == [(WHOLE, "b")]


def test_null_stands_for_a_text_that_training_never_saw(lines: Lines) -> None:
    size, colour, new = CONTRACT.features
    known = colour.model_copy(update={"required": True, "unknown": "missing"})
    contract = CONTRACT.model_copy(update={"features": (size, known, new)})
    lines.answer(1, WHOLE | {"colour": None})

    assert lines.rows(contract, active=contract) == [(WHOLE | {"colour": None}, "b")]


def test_a_feature_of_the_active_version_that_is_not_captured_is_not_missing(lines: Lines) -> None:
    lines.answer(1, {"size": 1.5, "new": True})

    assert lines.rows() == []


def test_an_optional_feature_that_the_active_version_does_not_have_is_missing(lines: Lines) -> None:
    size, colour, new = CONTRACT.features
    old, row = {"size": 1.5, "colour": "red"}, new.model_copy(update={"required": False})
    optional = CONTRACT.model_copy(update={"features": (size, colour, row)})
    lines.answer(1, old)

    assert lines.rows(optional, active=WITHOUT_NEW) == [(old, "b")]
    assert lines.rows(CONTRACT, active=WITHOUT_NEW) == []


def test_a_row_that_the_active_version_does_not_take_is_left_out(lines: Lines) -> None:
    size, colour, new = CONTRACT.features
    wider = colour.model_copy(update={"categories": ("blue", "green", "red")})
    lines.answer(1, WHOLE | {"colour": "green"})
    lines.answer(2, WHOLE)

    assert lines.rows(CONTRACT.model_copy(update={"features": (size, wider, new)})) == [(WHOLE, "b")]


def test_only_requests_of_the_time_count(lines: Lines) -> None:
    """Sources give lines from around it as well."""
    for number, days in enumerate((30.5, 29.5, 0.5, -0.01)):
        lines.answer(number, WHOLE | {"size": number}, days=days)

    assert [values["size"] for values, _ in lines.rows()] == [1, 2]


def test_of_many_the_newest_are_kept(lines: Lines, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MOST_ROWS", 2)
    for number in range(1, 6):
        lines.answer(number, WHOLE | {"size": number}, days=number)

    assert [values["size"] for values, _ in lines.rows()] == [2, 1]
