"""The training distribution of a version: shares for people, and bins with counts for the monitor."""

import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from skylift.manifest import BASELINE_FILE
from skylift.monitoring.baseline import Baseline, Bins
from skylift.monitoring.expected import ExpectedError
from tests.support.contracts import modest
from tests.support.models import iris_package, trained_iris
from tests.support.tables import LOGISTIC, RIDGE, learned, lines, mixed
from training.job import Trained
from training.release.distribution import bins_of_numbers, bins_of_predictions, training_distribution


def described(trained: Trained) -> dict[str, Any]:
    """The training distribution, by feature."""
    found: dict[str, Any] = json.loads(training_distribution(trained))
    return found


def baseline_of(trained: Trained) -> Baseline:
    """The training distribution as the service reads it."""
    read = Baseline.of_version(training_distribution(trained), source="it")
    assert read is not None
    return read


@pytest.fixture(scope="module")
def trained_mixed(tmp_path_factory: pytest.TempPathFactory) -> Trained:
    return learned(tmp_path_factory.mktemp("mixed"), mixed(), LOGISTIC, target="churned")


@pytest.fixture(scope="module")
def trained_line(tmp_path_factory: pytest.TempPathFactory) -> Trained:
    return learned(tmp_path_factory.mktemp("line"), lines("x,y", lambda number: f"{number},{number * 1.5}"), RIDGE)


class TestShares:
    def test_it_is_a_file_of_the_package(self) -> None:
        assert iris_package().artifacts[BASELINE_FILE] == training_distribution(trained_iris())

    def test_it_is_of_the_rows_learned_from(self, trained_mixed: Trained) -> None:
        assert described(trained_mixed)["rows"] == len(trained_mixed.split.train)

    def test_every_feature_has_shares_that_add_up_to_one(self, trained_mixed: Trained) -> None:
        features = described(trained_mixed)["features"]

        assert features.keys() == {feature.name for feature in trained_mixed.table.contract.features}
        for feature in features.values():
            shares = feature["shares"]
            assert sum(shares.values() if isinstance(shares, dict) else shares) == pytest.approx(1)

    def test_categories_and_booleans_are_counted_by_value(self, trained_mixed: Trained) -> None:
        features = described(trained_mixed)["features"]

        assert features["city"]["shares"].keys() == {"Lyon", "Oslo", "Rome"}
        assert features["member"]["shares"].keys() == {"false", "true"}

    def test_numbers_are_counted_between_deciles(self) -> None:
        petal = described(trained_iris())["features"]["petal_length"]
        column = trained_iris().table.rows[trained_iris().split.train, 2]

        assert len(petal["shares"]) == len(petal["edges"]) - 1 <= 10
        assert (petal["edges"][0], petal["edges"][-1]) == (column.min(), column.max())

    def test_the_share_of_missing_values_is_told(self, trained_mixed: Trained) -> None:
        rows = trained_mixed.table.rows[trained_mixed.split.train]

        features = described(trained_mixed)["features"]

        assert features["age"]["missing"] == 0
        assert features["visits"]["missing"] == pytest.approx(np.isnan(rows[:, 1]).mean())

    def test_the_target_is_described_too(self, trained_line: Trained) -> None:
        classes = described(trained_iris())["target"]["shares"]
        values = described(trained_line)["target"]

        assert classes == pytest.approx([1 / 3, 1 / 3, 1 / 3])
        assert len(values["shares"]) == 10

    def test_a_number_that_the_learned_rows_never_know_is_described_as_missing(self, tmp_path: Path) -> None:
        text = lines("n,x,y", lambda number: f"{number},{'2.5' if number == 7 else ''},{'ab'[number % 2]}")
        seeds = (learned(tmp_path, text, LOGISTIC, split={"seed": seed}) for seed in range(50))
        trained = next(trained for trained in seeds if 7 in trained.split.holdout)

        assert described(trained)["features"]["x"]["missing"] == 1
        assert baseline_of(trained).features["x"].counts == (0, len(trained.split.train))


class TestCounts:
    def test_every_training_row_is_counted_once_for_each_feature(self, trained_mixed: Trained) -> None:
        counted = baseline_of(trained_mixed)

        assert counted.rows == len(trained_mixed.split.train)
        assert [*counted.features] == [feature.name for feature in trained_mixed.table.contract.features]
        assert {sum(feature.counts) for feature in counted.features.values()} == {counted.rows}

    def test_no_training_row_is_outside_of_the_training_range(self, trained_mixed: Trained) -> None:
        for feature in baseline_of(trained_mixed).features.values():
            assert [feature.counts[place] for place in feature.bins.outside] == [0] * len(feature.bins.outside)

    def test_missing_values_are_counted(self, trained_mixed: Trained) -> None:
        visits = trained_mixed.table.rows[trained_mixed.split.train, 1]

        assert baseline_of(trained_mixed).features["visits"].counts[-1] == np.isnan(visits).sum() > 0

    def test_categories_and_booleans_have_a_bin_for_each_level(self, trained_mixed: Trained) -> None:
        features = baseline_of(trained_mixed).features

        assert features["city"].bins.levels == ("Lyon", "Oslo", "Rome")
        assert features["member"].bins.levels == ("false", "true")

    def test_integers_are_told_apart_where_they_are_many(self, trained_mixed: Trained) -> None:
        visits = baseline_of(trained_mixed).features["visits"].bins

        assert [visits.words(place, "visits", whole=True) for place in range(visits.size)] == [
            "visits below 0",
            *(f"visits = {number}" for number in range(5)),
            "visits above 4",
            "visits missing",
        ]

    def test_importance_is_that_of_the_evaluation(self, trained_mixed: Trained) -> None:
        measured = {entry.feature: entry.mean for entry in trained_mixed.evaluation.importance}

        features = baseline_of(trained_mixed).features

        assert {name: feature.importance for name, feature in features.items()} == measured

    def test_predictions_are_those_for_the_holdout(self, trained_mixed: Trained, trained_line: Trained) -> None:
        for trained in (trained_mixed, trained_line):
            assert sum(baseline_of(trained).predictions.counts) == len(trained.split.holdout)
        assert baseline_of(trained_mixed).predictions.bins.levels == ("no", "yes")
        assert len(baseline_of(trained_line).predictions.bins.edges or ()) == 7  # eight rows are in the holdout

    def test_how_often_answers_are_right_is_of_rows_out_of_fold(self, trained_mixed: Trained) -> None:
        confidence = baseline_of(trained_mixed).confidence

        assert confidence is not None
        assert (confidence.metric, confidence.rows) == ("accuracy", len(trained_mixed.split.train))

    def test_how_far_off_predictions_are_is_by_their_bins(self, trained_line: Trained) -> None:
        found = baseline_of(trained_line)

        assert isinstance(found.confidence, ExpectedError)
        assert len(found.confidence.means) == found.predictions.bins.size


class TestBinsOfNumbers:
    def test_ten_of_them_have_as_many_values_each(self) -> None:
        values = np.random.default_rng(1).normal(size=1000)

        counts = bins_of_numbers(values).counts(values)

        assert counts.tolist() == [0, *[100] * 10, 0, 0]

    def test_the_ends_are_the_least_value_and_what_follows_the_largest(self) -> None:
        edges = bins_of_numbers(np.array([3.0, math.nan, 1.0, 2.5])).edges

        assert edges is not None
        assert (edges[0], edges[-1]) == (1.0, math.nextafter(3.0, math.inf))

    @pytest.mark.parametrize("value", [0.0, 0.37, 1.0])
    def test_a_value_that_many_rows_have_is_alone_in_its_bin(self, value: float) -> None:
        values = np.concatenate([np.full(60, value), np.linspace(0, 1, 940)])

        bins = bins_of_numbers(values)

        alone = bins.places(np.array([value]))[0]
        assert bins.counts(values)[alone] == (values == value).sum()
        assert bins.words(int(alone), "x") == f"x = {value:g}"

    def test_a_value_that_one_row_has_is_not(self) -> None:
        assert bins_of_numbers(np.array([1.0, 2.0, 3.0])).edges == (1.0, 2.0, 3.0, math.nextafter(3.0, math.inf))

    def test_a_constant_has_one_bin(self) -> None:
        assert bins_of_numbers(np.full(50, 7.0)).edges == (7.0, math.nextafter(7.0, math.inf))

    @modest
    @given(
        st.lists(st.one_of(st.integers(-3, 3).map(float), st.floats(-1e30, 1e30), st.just(math.nan)), max_size=60),
        st.booleans(),
    )
    def test_any_values_can_be_counted(self, drawn: list[float], whole: bool) -> None:
        values = np.array([value // 1 if whole else value for value in drawn], dtype=np.float64)

        bins = bins_of_numbers(values, whole=whole)
        counts = bins.counts(values)

        assert counts.sum() == len(values)
        assert counts[-1] == np.isnan(values).sum()
        if bins.edges:
            assert counts[0] == counts[-2] == 0


class TestBinsOfPredictions:
    @pytest.mark.parametrize("step", [1e-12, -1e-12])
    def test_what_another_machine_rounds_otherwise_stays_in_its_bin(self, step: float) -> None:
        leaves = np.repeat([20.0, 20.1, 35.0], [50, 30, 20])

        bins = bins_of_predictions(leaves)

        assert bins.counts(leaves + step).tolist() == bins.counts(leaves).tolist() == [50, 30, 20, 0]

    def test_the_outer_ones_are_open(self) -> None:
        bins = bins_of_predictions(np.array([10.0, 20.0]))

        assert [bins.words(place, "rent") for place in range(bins.size)] == [
            "rent below 15",
            "rent above 15",
            "rent missing",
        ]

    def test_ten_of_them_have_as_many_values_each(self) -> None:
        values = np.random.default_rng(1).normal(size=1000)

        assert bins_of_predictions(values).counts(values).tolist() == [*[100] * 10, 0]

    @pytest.mark.parametrize("values", [[], [5.0] * 9, [math.nan, math.inf]])
    def test_a_constant_or_nothing_has_one(self, values: list[float]) -> None:
        bins = bins_of_predictions(np.array(values))

        assert bins == Bins(edges=())
        assert bins.counts(np.array(values)).sum() == len(values)

    def test_edges_are_short_to_read(self) -> None:
        edges = bins_of_predictions(np.random.default_rng(1).normal(size=300) * 1e5).edges

        assert edges is not None
        assert all(len(f"{edge:.4g}") <= 10 and float(f"{edge:.4g}") == edge for edge in edges)
