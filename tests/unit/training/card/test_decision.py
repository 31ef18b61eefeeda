"""The card says which of two classes a row is labelled with, and what that is good for."""

from typing import Any

import pytest

from skylift.metrics import Interval
from tests.support.models import trained_iris
from tests.support.pages import text_of
from training.card.decision import decision, promise, recalibration
from training.evaluation.class_report import Curve, Decision, Recalibration
from training.evaluation.report import Coverage
from training.search.report import Reliability

CURVE = Curve(x=(0.01, 0.05, 0.1, 0.9), y=(0.4, 0.25, 0.3, 0.5))
BY_COST = Decision(
    positive="fraud",
    threshold=0.05,
    by="cost",
    cost_false_negative=20,
    cost_false_positive=1,
    value=0.25,
    usual=0.5,
    holdout=0.3,
    holdout_usual=0.6,
    curve=CURVE,
)


def shown(made: Decision | None) -> str:
    section = decision(trained_iris().evaluation.model_copy(update={"decision": made}))
    return "" if section is None else text_of(section)


def test_of_the_most_probable_class_nothing_is_said() -> None:
    assert shown(None) == ""


def test_costs_and_what_they_come_to_are_told() -> None:
    text = shown(BY_COST)

    assert "fraud where its probability is above 0.0500" in text
    assert "a missed fraud costs 20.00, a false one 1.0000" in text or "a missed fraud costs 20" in text
    assert "mean cost of a row 0.2500; 0.5000 if the label were the most probable class" in text
    assert "mean cost of a row 0.3000; 0.6000" in text


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"by": "f1", "cost_false_negative": None}, "For the best F1 of answers out of fold."),
        ({"by": "threshold", "value": None, "holdout": None, "curve": None}, "By model.yaml."),
    ],
)
def test_other_ways_are_named(fields: Any, words: str) -> None:
    assert words in shown(BY_COST.model_copy(update=fields))


@pytest.mark.parametrize(
    ("bins", "words"),
    [
        (1, "Intervals"),
        (5, "Of each of 5 bins of predicted values"),
        (None, "By POST /predict?set=true."),
    ],
)
def test_what_intervals_and_sets_hold_of_the_holdout_is_told(bins: int | None, words: str) -> None:
    interval = Interval(low=0.85, high=0.95, method="wilson")
    covered = Coverage(level=0.9, rows=200, covered=0.91, interval=interval, size=12.5, bins=bins)

    section = promise(trained_iris().evaluation.model_copy(update={"coverage": covered}))

    text = "" if section is None else text_of(section)
    assert "91.0% (85.0% to 95.0%) of 200 rows were." in text
    assert words in text


def test_without_intervals_nothing_is_promised() -> None:
    assert promise(trained_iris().evaluation) is None


@pytest.mark.parametrize(
    ("method", "words"), [("temperature", "A temperature"), ("sigmoid", "A sigmoid"), ("isotonic", "A rising line")]
)
def test_calibration_says_what_it_changed(method: Any, words: str) -> None:
    before, after = (Reliability(log_loss=loss, ece=ece) for loss, ece in ((0.5, 0.1), (0.25, 0.02)))
    made = Recalibration(method=method, before=before, after=after, holdout_before=before, holdout_after=after)

    section = recalibration(trained_iris().evaluation.model_copy(update={"recalibration": made}))

    text = "" if section is None else text_of(section)
    assert words in text
    assert (
        text.count("log loss 0.5000 before, 0.2500 after; expected calibration error 0.1000 before, 0.0200 after") == 2
    )


def test_of_probabilities_as_they_are_nothing_is_said() -> None:
    assert recalibration(trained_iris().evaluation) is None
