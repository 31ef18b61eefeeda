"""Answers are columns of types of their own."""

import numpy as np
import pytest

from skylift.bulk.answers import answer_columns, answer_names, check_names
from skylift.conformal import Margins
from skylift.contract import ClassName, Contract, Target
from skylift.errors import DataError
from skylift.feature import Feature
from skylift.scoring import predictions

X = (Feature(name="x", kind="number"),)


def of_classes(*classes: ClassName, threshold: float | None = None) -> Contract:
    return Contract(task="classification", features=X, target=Target(name="y", classes=classes, threshold=threshold))


@pytest.mark.parametrize(
    ("classes", "kind", "labels"),
    [
        (("a", "b"), "string", ["b", "a", None]),
        ((1, 5), "int64", [5, 1, None]),
        ((False, True), "bool", [True, False, None]),
        ((1, "b"), "string", ["b", "1", None]),
    ],
)
def test_labels_have_the_type_of_the_classes(classes: tuple[ClassName, ...], kind: str, labels: list[object]) -> None:
    scores = np.array([[0.2, 0.8], [0.5, 0.5], [np.nan, np.nan]])

    label, first, second = answer_columns(of_classes(*classes), scores)

    assert (str(label.type), label.to_pylist()) == (kind, labels)
    assert (first.to_pylist(), second.to_pylist()) == ([0.2, 0.5, None], [0.8, 0.5, None])
    assert answer_names(of_classes(*classes))[1].startswith("probability_")


def test_a_threshold_decides_as_in_a_request() -> None:
    contract = of_classes("no", "yes", threshold=0.3)
    scores = np.array([[0.6, 0.4], [0.8, 0.2], [0.7, 0.3]])

    assert answer_columns(contract, scores)[0].to_pylist() == [row["label"] for row in predictions(contract, scores)]


def test_values_have_their_intervals() -> None:
    margins = Margins(level=0.9, edges=(0.0, 1.0), low=(-1.0, -2.0, -3.0), high=(1.0, 2.0, 3.0))
    contract = Contract(task="regression", features=X, target=Target(name="y", margins=margins))
    scores = np.array([-1.0, 0.0, 0.5, 1.0, 7.0, np.inf])

    columns = answer_columns(contract, scores)

    asked = predictions(contract, scores[:-1])
    assert [column.to_pylist()[:-1] for column in columns] == [
        [row[k] for row in asked] for k in ("value", "low", "high")
    ]
    assert [column[-1].as_py() for column in columns] == [None, None, None]
    assert answer_names(contract) == ["prediction", "prediction_low", "prediction_high"]
    assert answer_names(contract.undecided) == ["prediction"]
    assert len(answer_columns(contract.undecided, scores)) == 1


def test_a_column_may_not_have_the_name_of_an_answer() -> None:
    check_names(of_classes("a", "b"), ["x", "probability_c"])
    with pytest.raises(DataError, match="column 'probability_b', which is the name of an answer: rename it"):
        check_names(of_classes("a", "b"), ["x", "probability_b"])
