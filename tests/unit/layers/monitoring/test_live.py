"""Live metrics are those of training, as wide as the labels are few, and a gate is missed only beyond doubt."""

import math
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import numpy as np
import pytest

from skylift.contract import ClassName, Contract, Target
from skylift.feature import Feature
from skylift.intervals import wilson
from skylift.metrics import Gate
from skylift.monitoring.join import Labelled
from skylift.monitoring.labels import Label
from skylift.monitoring.live import ENOUGH_REQUESTS, Live, measure
from training.metrics.scores import score_metrics

NOON = datetime(2026, 3, 31, 12, tzinfo=UTC)
SPECIES = Target(name="species", classes=("a", "b", "c"))
PRICE = Target(name="price")


def live(
    answers: Sequence[float],
    values: Sequence[ClassName | float],
    target: Target = SPECIES,
    *,
    requests: Sequence[int] | None = None,
    bins: Sequence[Sequence[int] | None] | None = None,
    **how: Any,
) -> Live:
    rows = len(answers)
    labelled = Labelled(
        requests=list(requests or range(rows)),
        answers=list(answers),
        labels=[Label("request", 0, value, NOON) for value in values],
        delays=[float(number) for number in range(rows)],
        bins=list(bins or [None] * rows),
    )
    found = measure(labelled, target, version="v7", predictions=2 * rows, **how)
    assert found is not None
    return found


def classified(rows: int = 200, share: float = 0.8, seed: int = 0) -> tuple[list[float], list[str]]:
    """Answers to rows of three classes, that share of them right."""
    generator = np.random.default_rng(seed)
    truth = generator.integers(3, size=rows)
    answers = np.where(np.arange(rows) < share * rows, truth, (truth + 1) % 3)
    return answers.astype(float).tolist(), ["abc"[code] for code in truth]


def contract(target: Target) -> Contract:
    return Contract(
        task="classification" if target.classes else "regression",
        features=(Feature(name="x", kind="number"),),
        target=target,
    )


class TestClassification:
    def test_metrics_are_those_of_training(self) -> None:
        answers, labels = classified()
        codes, scores = np.array(["abc".index(label) for label in labels]), np.eye(3)[np.array(answers, dtype=int)]
        expected = score_metrics(contract(SPECIES), codes, scores)

        found = live(answers, labels)

        assert {name: one.value for name, one in found.metrics.items()} == pytest.approx(
            {name: expected[name] for name in ("accuracy", "balanced_accuracy", "f1_macro")}
        )

    def test_the_interval_of_accuracy_is_wilsons(self) -> None:
        found, share = live(*classified()), wilson(160, 200)

        assert (found.metric, found.value) == ("accuracy", 0.8)
        assert (found.low, found.high) == pytest.approx((share.low, share.high))

    def test_coverage_and_delay_are_told(self) -> None:
        found = live(*classified(100))

        assert (found.version, found.labels, found.predictions, found.coverage) == ("v7", 100, 200, 0.5)
        assert found.delay_seconds == 49.5

    def test_a_class_that_the_version_does_not_know_was_answered_wrongly(self) -> None:
        assert live([0.0, 0.0], ["a", "new"]).value == 0.5

    def test_an_answer_that_is_not_a_number_is_wrong(self) -> None:
        assert live([0.0, math.nan], ["a", "a"]).value == 0.5

    def test_true_is_not_the_class_1(self) -> None:
        assert live([1.0, 1.0], [1, True], Target(name="y", classes=(0, 1))).value == 0.5

    def test_rows_that_are_wrong_together_tell_less(self) -> None:
        right = np.repeat([1, 1, 1, 0], 25).tolist()
        answers, labels = [0.0] * 100, ["a" if one else "b" for one in right]

        alone, together = (
            live(answers, labels, requests=requests) for requests in (None, np.repeat(range(20), 5).tolist())
        )

        for found in (alone, together):
            assert found.low is not None
            assert found.high is not None
        width = [(found.high or 0) - (found.low or 0) for found in (alone, together)]
        assert width[1] > 1.8 * width[0]

    def test_one_label_is_measured(self) -> None:
        found = live([0.0], ["a"])

        assert (found.value, found.high) == (1, 1)
        assert found.metrics["f1_macro"].low is None


class TestRegression:
    def rows(self, count: int = 300) -> tuple[list[float], list[float]]:
        generator = np.random.default_rng(1)
        truth = generator.normal(100, 20, count)
        return (truth + generator.normal(0, 5, count)).tolist(), truth.tolist()

    def test_metrics_are_those_of_training(self) -> None:
        answers, labels = self.rows()
        expected = score_metrics(contract(PRICE), np.array(labels), np.array(answers))

        found = live(answers, labels, PRICE)

        assert (found.metric, found.value) == ("mae", found.metrics["mae"].value)
        assert {name: one.value for name, one in found.metrics.items()} == pytest.approx(
            {name: expected[name] for name in ("mae", "rmse", "r2")}
        )

    def test_intervals_are_about_those_of_the_textbook(self) -> None:
        answers, labels = self.rows()
        errors = np.abs(np.subtract(answers, labels))
        half = 1.96 * errors.std() / math.sqrt(len(errors))

        found = live(answers, labels, PRICE).metrics["mae"]

        assert (found.low, found.high) == pytest.approx((errors.mean() - half, errors.mean() + half), rel=0.03)

    def test_of_many_requests_some_are_drawn_and_the_interval_is_as_narrow(self) -> None:
        answers, labels = self.rows(20_000)
        errors = np.abs(np.subtract(answers, labels))
        half = 1.96 * errors.std() / math.sqrt(len(errors))

        found = live(answers, labels, PRICE)

        assert ((found.high or 0) - (found.low or 0)) / 2 == pytest.approx(half, rel=0.2)

    def test_a_prediction_that_is_not_a_number_is_left_out(self) -> None:
        assert live([math.nan, 2.0], [1.0, 1.0], PRICE).labels == 1
        nothing = Labelled([0], [math.nan], [Label("request", 0, 1.0, NOON)], [0.0], [None])
        assert measure(nothing, PRICE, version="v7", predictions=1) is None


class TestGates:
    GATE = Gate(metric="accuracy", min=0.9, value=0.95, passed=True)

    def test_one_is_missed_when_the_whole_interval_is_beyond(self) -> None:
        assert live(*classified(200, 0.8), gates=[self.GATE]).missed == (
            "accuracy 0.8000 (0.7391 to 0.8495), not >= 0.9",
        )

    def test_an_interval_that_holds_the_bound_misses_nothing(self) -> None:
        assert live(*classified(200, 0.88), gates=[self.GATE]).missed == ()

    def test_a_few_requests_miss_nothing(self) -> None:
        few, enough = (live(*classified(rows, 0), gates=[self.GATE]) for rows in (ENOUGH_REQUESTS - 1, ENOUGH_REQUESTS))

        assert few.missed == ()
        assert len(enough.missed) == 1

    def test_an_upper_bound_is_missed_from_above(self) -> None:
        answers, labels = [10.0 + number % 3 for number in range(60)], [0.0] * 60
        gate = Gate(metric="mae", max=9.5, value=9.0, passed=True)

        assert live(answers, labels, PRICE, gates=[gate]).missed[0].endswith("not <= 9.5")

    def test_what_labels_cannot_tell_is_not_judged(self) -> None:
        assert live(*classified(200, 0), gates=[Gate(metric="log_loss", max=0.1, value=0, passed=True)]).missed == ()


class TestSlices:
    def words(self, feature: int, place: int) -> str:
        return f"feature {feature} bin {place}"

    def test_the_bin_that_is_answered_worse_is_named(self) -> None:
        places = [[number % 4, number % 2] for number in range(400)]
        labels = ["b" if place == 3 and number % 3 else "a" for number, (place, _) in enumerate(places)]

        found = live([0.0] * 400, labels, bins=places, words=self.words)

        assert found.slices[0].rows == "feature 0 bin 3"
        assert found.slices[0].labels == 100
        assert (found.slices[0].high or 1) < found.value

    def test_of_a_regression_it_is_the_one_with_larger_errors(self) -> None:
        places = [[number % 2] for number in range(200)]
        answers = [(5.0 if place else 1.0) + number % 3 / 10 for number, (place,) in enumerate(places)]

        (found,) = live(answers, [0.0] * 200, PRICE, bins=places, words=self.words).slices

        assert found.rows == "feature 0 bin 1"

    def test_rows_of_larger_requests_are_in_no_bin(self) -> None:
        assert live(*classified(), words=self.words).slices == ()
        assert live(*classified(), bins=[[0]] * 30 + [None] * 170, words=self.words).slices == ()
