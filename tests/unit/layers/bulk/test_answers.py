"""Answers are columns of types of their own."""

from typing import Any

import numpy as np
import pytest

from skylift.background import Background
from skylift.bulk.answers import Answers
from skylift.conformal import Margins
from skylift.contract import ClassName, Contract, Target
from skylift.errors import DataError
from skylift.explanation import Explainer
from skylift.feature import Feature
from skylift.scoring import Matrix, predictions

X = (Feature(name="x", kind="number"),)


def of_classes(*classes: ClassName, threshold: float | None = None) -> Contract:
    return Contract(task="classification", features=X, target=Target(name="y", classes=classes, threshold=threshold))


class Half:
    """Classes by two columns."""

    def scores(self, rows: Matrix) -> Matrix:
        first = (rows[:, 0] * rows[:, 1] + rows[:, 0]) / 2
        return np.column_stack([first, 1 - first])


def columns(contract: Contract, scores: Matrix) -> list[Any]:
    return Answers(contract).columns(np.zeros((len(scores), 1)), scores)


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

    label, first, second = columns(of_classes(*classes), scores)

    assert (str(label.type), label.to_pylist()) == (kind, labels)
    assert (first.to_pylist(), second.to_pylist()) == ([0.2, 0.5, None], [0.8, 0.5, None])
    assert Answers(of_classes(*classes)).names[1].startswith("probability_")


def test_a_threshold_decides_as_in_a_request() -> None:
    contract = of_classes("no", "yes", threshold=0.3)
    scores = np.array([[0.6, 0.4], [0.8, 0.2], [0.7, 0.3]])

    assert columns(contract, scores)[0].to_pylist() == [row["label"] for row in predictions(contract, scores)]


def test_values_have_their_intervals() -> None:
    margins = Margins(level=0.9, edges=(0.0, 1.0), low=(-1.0, -2.0, -3.0), high=(1.0, 2.0, 3.0))
    contract = Contract(task="regression", features=X, target=Target(name="y", margins=margins))
    scores = np.array([-1.0, 0.0, 0.5, 1.0, 7.0, np.inf])

    added = columns(contract, scores)

    asked = predictions(contract, scores[:-1])
    assert [column.to_pylist()[:-1] for column in added] == [
        [row[k] for row in asked] for k in ("value", "low", "high")
    ]
    assert [column[-1].as_py() for column in added] == [None, None, None]
    assert Answers(contract).names == ["prediction", "prediction_low", "prediction_high"]
    assert Answers(contract.undecided).names == ["prediction"]
    assert len(columns(contract.undecided, scores)) == 1


def test_a_column_may_not_have_the_name_of_an_answer() -> None:
    Answers(of_classes("a", "b")).check(["x", "probability_c"])
    with pytest.raises(DataError, match="column 'probability_b', which is the name of an answer: rename it"):
        Answers(of_classes("a", "b")).check(["x", "probability_b"])


def test_reasons_add_up_to_the_answer() -> None:
    contract = Contract(
        task="classification",
        features=(*X, Feature(name="z", kind="number")),
        target=Target(name="y", classes=("a", "b")),
    )
    explainer = Explainer(contract, Background(np.array([[0.0, 0.0], [0.3, 0.5]]), np.array([0.5, 0.5])), Half())
    rows = np.array([[0.1, 0.9], [0.8, 0.9]])

    answers = Answers(contract, explainer)
    added = dict(zip(answers.names, answers.columns(rows, Half().scores(rows)), strict=True))

    assert [*added][3:] == ["base", "contribution_x", "contribution_z"]
    assert added["prediction"].to_pylist() == ["b", "a"]
    total = sum(added[name].to_numpy() for name in ("base", "contribution_x", "contribution_z"))
    assert total.tolist() == pytest.approx([added["probability_b"][0].as_py(), added["probability_a"][1].as_py()])
