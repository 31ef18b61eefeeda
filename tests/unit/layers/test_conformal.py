"""Intervals and sets hold what their margins say."""

import numpy as np

from skylift.conformal import Margins, Sets
from skylift.contract import Contract, Target
from skylift.feature import Feature
from skylift.manifest import Prediction
from skylift.scoring import add_sets, predictions

X = Feature(name="x", kind="number")
MARGINS = Margins(level=0.9, edges=(10.0,), low=(-1.0, -2.0), high=(1.0, 4.0))
RENT = Contract(task="regression", features=(X,), target=Target(name="rent", margins=MARGINS))
COLOUR = Contract(
    task="classification",
    features=(X,),
    target=Target(name="colour", classes=("red", "green", "blue"), sets=Sets(level=0.8, least=0.3)),
)


class TestIntervals:
    def test_an_answer_has_the_margins_of_its_bin(self) -> None:
        low, high = predictions(RENT, np.array([5.0, 10.0]))

        assert low == {"value": 5.0, "low": 4.0, "high": 6.0, "level": 0.9}
        assert high == {"value": 10.0, "low": 8.0, "high": 14.0, "level": 0.9}

    def test_one_without_margins_has_a_value_alone(self) -> None:
        assert predictions(RENT.undecided, np.array([5.0])) == [{"value": 5.0}]

    def test_no_number_has_no_ends(self) -> None:
        (answer,) = predictions(RENT, np.array([np.nan]))

        assert str(answer["low"]) == str(answer["high"]) == "nan"

    def test_a_golden_answer_keeps_them(self) -> None:
        (answer,) = predictions(RENT, np.array([5.0]))

        assert Prediction.model_validate(answer).model_dump(exclude_none=True) == answer


class TestSets:
    def test_classes_that_are_probable_enough_are_in_it(self) -> None:
        answers = predictions(COLOUR, np.array([[0.5, 0.3, 0.2], [0.9, 0.05, 0.05]]))

        add_sets(COLOUR.target, COLOUR.target.sets, answers)  # type: ignore[arg-type]

        assert [answer["set"] for answer in answers] == [["red", "green"], ["red"]]

    def test_an_answer_without_a_label_has_none(self) -> None:
        answers = predictions(COLOUR, np.full((1, 3), np.nan))

        add_sets(COLOUR.target, COLOUR.target.sets, answers)  # type: ignore[arg-type]

        assert "set" not in answers[0]
