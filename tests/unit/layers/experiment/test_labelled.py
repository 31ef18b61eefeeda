"""Labels of requests that both versions answered: which side alone was right."""

from datetime import UTC, datetime
from typing import Any

import pytest

from skylift.contract import ClassName, Target
from skylift.experiment.labelled import right_by
from skylift.monitoring.labels import Label, LabelBook
from skylift.monitoring.records import Reader, Record
from tests.support.log_lines import answered

NOW = datetime(2026, 11, 26, tzinfo=UTC)
IRIS = Target(name="species", classes=("setosa", "versicolor", "virginica"))


def _record(champion: Any, challenger: Any) -> Record:
    line = answered("request-1", answers=champion, experiment={"id": "v8-1", "answers": challenger})
    (record,) = Reader().chunks([line.encode()])
    return record


def _book(*values: ClassName | float, request: str = "request-1") -> LabelBook:
    book = LabelBook()
    book.add([Label(request, instance, value, NOW) for instance, value in enumerate(values)], NOW)
    return book


@pytest.mark.parametrize(
    ("champion", "challenger", "right"),
    [
        ([0], [1], (0, 1)),
        ([1], [0], (1, 0)),
        ([0], [0], (0, 0)),
        ([1], [2], (0, 0)),
        ([None], [0], (1, 0)),
        ([0], [None], (0, 1)),
        ([], [0], (0, 0)),
        (None, [0], (0, 0)),
        ([0], None, (0, 0)),
        ("0", ["0"], (0, 0)),
    ],
)
def test_a_row_counts_for_the_side_that_alone_has_its_label(
    champion: Any, challenger: Any, right: tuple[int, int]
) -> None:
    assert right_by(_book("setosa"), IRIS)(_record(champion, challenger)) == right


def test_each_row_of_a_request_counts() -> None:
    book = _book("setosa", "versicolor", "virginica")

    assert right_by(book, IRIS)(_record([0, 0, 0], [1, 1, 2])) == (2, 1)


def test_a_label_that_neither_version_knows_makes_nobody_right() -> None:
    assert right_by(_book("rose"), IRIS)(_record([0], [1])) == (0, 0)


def test_requests_without_a_label_count_nothing() -> None:
    assert right_by(_book("setosa", request="another"), IRIS)(_record([0], [1])) == (0, 0)


def test_classes_are_told_apart_from_numbers_that_look_like_them() -> None:
    target = Target(name="sold", classes=(False, True))

    assert right_by(_book(True), target)(_record([0], [1])) == (1, 0)
    assert right_by(_book(1.0), target)(_record([0], [1])) == (0, 0)


def test_values_of_a_regression_are_neither_right_nor_wrong() -> None:
    assert right_by(_book(1.5), Target(name="rent"))(_record([1.5], [2.5])) == (0, 0)
