"""What pictures of an evaluation show, as their text alternatives say it."""

from typing import Any
from xml.etree import ElementTree as ET

import pytest

from skylift.pages.markup import Markup
from tests.support.models import trained_iris
from training.card.pictures import (
    MAX_BARS,
    calibration_picture,
    confusion_picture,
    curves_picture,
    effect_label,
    effect_picture,
    importance_picture,
    residuals_picture,
)
from training.evaluation.class_report import Calibration, CalibrationBin
from training.evaluation.report import Effect, Evaluation, Importance, Residuals


def evaluation(**parts: Any) -> Evaluation:
    return trained_iris().evaluation.model_copy(update=parts)


def description(picture: Markup) -> str:
    return ET.fromstring(picture).findtext("{http://www.w3.org/2000/svg}desc") or ""


def texts(picture: Markup) -> list[str]:
    return ["".join(node.itertext()) for node in ET.fromstring(picture).iter("{http://www.w3.org/2000/svg}text")]


def test_a_confusion_names_what_each_class_is_taken_for() -> None:
    counts = ((9, 1, 0), (0, 8, 2), (0, 0, 10))

    assert description(confusion_picture(evaluation(confusion=counts))) == (
        "setosa: 9 of 10 right, 1 taken for versicolor; versicolor: 8 of 10 right, 2 taken for virginica; "
        "virginica: 10 of 10 right."
    )


def test_calibration_says_how_often_a_probability_was_right() -> None:
    one = CalibrationBin(low=0.8, high=0.9, rows=20, predicted=0.85, observed=0.8)

    picture = calibration_picture(evaluation(calibration=Calibration(ece=0.05, bins=(one,))))

    assert description(picture) == "said 85%, right 80% of 20 rows."


@pytest.mark.parametrize(("kind", "axis"), [("roc", "false positive rate"), ("precision_recall", "recall")])
def test_curves_are_named_with_their_areas(kind: str, axis: str) -> None:
    picture = curves_picture(trained_iris().evaluation.classes, kind)

    assert description(picture).startswith("Area by class: setosa 1, versicolor ")
    assert axis in texts(picture)


def test_residuals_say_from_where_to_where_they_go() -> None:
    pairs = Residuals(quantiles={}, bias=0, true=(1.0, 2.0, 3.0), predicted=(1.5, 2.0, 9.0))

    assert description(residuals_picture(pairs)) == (
        "3 rows of the holdout. True values from 1 to 3, predicted from 1.5 to 9."
    )


def test_only_the_most_important_features_are_drawn() -> None:
    many = tuple(Importance(feature=f"f{i:02}", mean=1.0, std=0.1, repeats=()) for i in range(MAX_BARS + 1))

    picture = importance_picture(evaluation(importance=many))

    assert f"f{MAX_BARS - 1:02}" in description(picture)
    assert f"f{MAX_BARS:02}" not in picture


@pytest.mark.parametrize(
    ("answers", "label", "series"),
    [
        ({"value": (1.0, 2.0)}, "mean answer", "value from 1 to 2"),
        ({"no": (0.75, 0.25), "yes": (0.25, 0.75)}, "probability of yes", "yes from 0.25 to 0.75"),
        ({"a": (0.5, 0.25), "b": (0.25, 0.5), "c": (0.25, 0.25)}, "probability", "a from 0.5 to 0.25; b from 0.25"),
    ],
    ids=["a regression", "the second of two classes", "each of three classes"],
)
@pytest.mark.parametrize("grid", [(0.5, 1.5), (False, True), ("Lyon", "Oslo")])
def test_an_effect_shows_the_series_that_say_something(
    answers: dict[str, tuple[float, ...]], label: str, series: str, grid: tuple[Any, ...]
) -> None:
    effect = Effect(feature="x", grid=grid, answers=answers)

    picture = effect_picture(effect, key="effect-0")

    assert effect_label(effect) == label
    assert description(picture).startswith(f"Along x: {series}")


def test_bars_of_an_effect_are_labelled_as_values_are_written_in_json() -> None:
    picture = effect_picture(Effect(feature="x", grid=(False, True), answers={"value": (1.0, 2.0)}), key="effect-0")

    assert {"false", "true"} <= set(texts(picture))
