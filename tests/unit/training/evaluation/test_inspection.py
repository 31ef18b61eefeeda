"""What a model attends to and where it is wrong, on tables whose answer is known."""

from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from skylift.contract import Contract, Target
from skylift.errors import ConfigError
from skylift.feature import Feature
from skylift.metrics import Interval
from skylift.scoring import Matrix
from tests.support.fakes import FunctionPredictor
from tests.support.tables import lines, mixed, table_of
from tests.support.wide import wide_split, wide_table
from training.data.table import Split, Table
from training.evaluation.inspection import (
    calibration,
    check_slices,
    class_reports,
    confusion,
    effects,
    importances,
    residuals,
    slices,
)
from training.evaluation.report import Importance, Slices
from training.metrics.scores import class_metrics

ALL = Split(np.arange(40), np.arange(40))
RISING = lines("x,n,y", lambda number: f"{number},{number % 7},{3 * number}")
TRIPLE = FunctionPredictor(lambda rows: 3 * rows[:, 0])
AB = Contract(
    task="classification", features=(Feature(name="x", kind="number"),), target=Target(name="y", classes=("a", "b"))
)
TARGETS = np.array([0, 0, 0, 1, 1])
SCORES = np.array([[0.9, 0.1], [0.8, 0.2], [0.35, 0.65], [0.25, 0.75], [0.4, 0.6]])


@pytest.fixture
def rising(tmp_path: Path) -> Table:
    return table_of(tmp_path, RISING)


class TestImportance:
    def ranking(self, table: Table, *, metric: str = "rmse", seed: int = 0) -> tuple[Importance, ...]:
        return importances(table, ALL, TRIPLE, metric=metric, seed=seed)

    def test_a_feature_that_decides_is_more_important_than_one_that_does_not(self, rising: Table) -> None:
        first, second = self.ranking(rising)

        assert (first.feature, second.feature) == ("x", "n")
        assert first.mean > 10
        assert first.mean == pytest.approx(np.mean(first.repeats), rel=1e-4)
        assert (second.mean, second.std) == (0, 0)

    @pytest.mark.parametrize("metric", ["rmse", "r2"])
    def test_a_loss_is_positive_whether_high_or_low_values_are_better(self, rising: Table, metric: str) -> None:
        assert self.ranking(rising, metric=metric)[0].mean > 0

    def test_it_is_drawn_by_the_seed(self, rising: Table) -> None:
        first, again, other = (self.ranking(rising, seed=seed)[0].repeats for seed in (1, 1, 2))

        assert first == again != other


class TestEffects:
    def test_partial_dependence_follows_the_feature(self, rising: Table) -> None:
        first, second = effects(rising, ALL, TRIPLE, ["x", "n"])

        assert [value / 3 for value in first.answers["value"]] == pytest.approx(first.grid)
        assert len(set(second.answers["value"])) == 1

    def test_a_category_is_swept_through_its_values_with_an_answer_for_each_class(self, tmp_path: Path) -> None:
        table = table_of(tmp_path, mixed(), target="churned")
        plan = [feature.name for feature in table.contract.features].index("plan")

        def likes_plus(rows: Matrix) -> Matrix:
            return np.stack([1 - rows[:, plan], rows[:, plan]], axis=1)

        (effect,) = effects(table, ALL, FunctionPredictor(likes_plus), ["plan"])

        assert effect.grid == ("basic", "plus")
        assert effect.answers == {"no": (1, 0), "yes": (0, 1)}


class TestClasses:
    def test_the_confusion_matrix_counts_rows_by_true_then_predicted_class(self) -> None:
        assert confusion(AB, TARGETS, SCORES) == ((2, 1), (0, 2))

    def test_each_class_has_its_curves_from_corner_to_corner_and_its_calibration(self) -> None:
        for report in class_reports(TARGETS, SCORES, class_metrics(AB, TARGETS, SCORES), {}):
            assert report.roc is not None
            assert (report.roc.x[0], report.roc.y[0], report.roc.x[-1], report.roc.y[-1]) == (0, 0, 1, 1)
            assert report.precision_recall is not None
            assert (report.precision_recall.x[0], report.precision_recall.x[-1]) == (0, 1)
            assert sum(part.rows for part in report.calibration) == len(TARGETS)

    def test_intervals_go_to_the_metric_and_the_class_that_they_are_of(self) -> None:
        interval = Interval(low=0.5, high=0.9, method="bootstrap")

        first, second = class_reports(TARGETS, SCORES, class_metrics(AB, TARGETS, SCORES), {"recall/1": interval})

        assert (first.intervals, second.intervals) == ({}, {"recall": interval})

    def test_a_class_that_no_row_has_gets_no_curves(self) -> None:
        targets = np.zeros(5, dtype=int)

        reports = class_reports(targets, SCORES, class_metrics(AB, targets, SCORES), {})

        assert [(report.roc, report.precision_recall) for report in reports] == [(None, None)] * 2

    def test_calibration_is_of_the_predicted_classs_probability(self) -> None:
        made = calibration(AB, TARGETS, SCORES)

        assert [(part.low, part.rows, part.predicted, part.observed) for part in made.bins] == [
            (0.6, 2, 0.625, 0.5),
            (0.7, 1, 0.75, 1),
            (0.8, 1, 0.8, 1),
            (0.9, 1, 0.9, 1),
        ]
        assert made.ece == pytest.approx((2 * 0.125 + 0.25 + 0.2 + 0.1) / 5)


class TestResiduals:
    def test_they_have_a_sign_and_quantiles_of_their_size(self) -> None:
        made = residuals(np.array([1.0, 2.0, 3.0]), np.array([2.0, 2.0, 6.0]), seed=0)

        assert made.bias == pytest.approx(4 / 3)
        assert (made.quantiles["0.5"], made.quantiles["1"]) == (1, 3)
        assert (made.true, made.predicted) == ((1, 2, 3), (2, 2, 6))

    def test_of_many_rows_some_pairs_are_drawn_by_the_seed(self) -> None:
        targets = np.arange(2000.0)

        first, again = (residuals(targets, targets + 1, seed=3) for _ in range(2))

        assert len(first.true) == 500
        assert first == again
        assert all(after - before == 1 for before, after in zip(first.true, first.predicted, strict=True))


class TestSlices:
    def cut(self, table: Table, *columns: str, scores: Matrix | None = None, select_by: str = "rmse") -> Slices:
        given = table.targets.astype(float) + 1 if scores is None else scores
        made = slices(columns, table, ALL.holdout[: len(table.rows)], given, select_by=select_by, seed=0)
        assert made is not None
        return made

    def test_without_columns_nothing_is_cut(self, rising: Table) -> None:
        assert slices([], rising, ALL.holdout, TRIPLE.scores(rising.rows), select_by="rmse", seed=0) is None

    @pytest.mark.parametrize(
        ("column", "values"),
        [
            ("city", {"Lyon", "Oslo", "Rome", "missing"}),
            ("member", {"false", "true"}),
            ("score", {"0 to 1.5", "1.75 to 3", "3.25 to 5", "5.25 to 7", "missing"}),
        ],
    )
    def test_every_row_is_in_one_slice_of_each_column(self, tmp_path: Path, column: str, values: set[str]) -> None:
        table = table_of(tmp_path, mixed(), target="churned")

        made = self.cut(table, column, scores=np.tile([0.6, 0.4], (40, 1)), select_by="accuracy").slices

        assert {part.column for part in made} == {column}
        assert {part.value for part in made} == values
        assert sum(part.rows for part in made) == 40

    def test_a_number_of_few_values_is_cut_by_them(self, tmp_path: Path) -> None:
        table = table_of(tmp_path, lines("x,y", lambda number: f"{(-0.04464, 0.05068)[number % 2]},{number}"))

        assert [part.value for part in self.cut(table, "x").slices] == ["-0.04464", "0.05068"]

    @pytest.mark.parametrize(
        "value",
        [lambda number: number, lambda number: max(number - 25, 0), lambda number: min(number, 15)],
        ids=["all differ", "most have the lowest", "most have the highest"],
    )
    def test_parts_share_no_value_also_if_most_rows_have_one(self, tmp_path: Path, value: Callable[[int], int]) -> None:
        table = table_of(tmp_path, lines("x,y", lambda number: f"{value(number)},{number}"))

        ends = [part.value.split(" to ") for part in self.cut(table, "x").slices]

        assert len(ends) > 1
        assert all(float(before[-1]) < float(after[0]) for before, after in pairwise(ends))

    def test_the_worst_is_that_with_the_largest_error_of_those_with_enough_rows(self, tmp_path: Path) -> None:
        table = table_of(tmp_path, lines("x,y", lambda number: f"{'abc'[(number > 1) + (number > 20)]},{number}"))
        scores = table.targets + np.repeat([100, 1, 5], [2, 19, 19])

        made = self.cut(table, "x", scores=scores)

        assert [(part.value, part.rows) for part in made.slices] == [("a", 2), ("b", 19), ("c", 19)]
        assert made.worst is not None
        assert (made.metric, made.worst.value) == ("rmse", "c")
        assert made.worst.metrics["rmse"] == pytest.approx(5)

    def test_a_metric_that_a_slice_cannot_tell_is_replaced(self, tmp_path: Path) -> None:
        table = table_of(tmp_path, mixed(), target="churned")

        made = self.cut(table, "plan", scores=np.tile([0.6, 0.4], (40, 1)), select_by="roc_auc")

        assert made.metric != "roc_auc"

    def test_a_column_that_is_not_a_feature_is_refused(self, rising: Table) -> None:
        with pytest.raises(ConfigError, match=r"evaluation\.slices names 'z', which is not a feature: there are: x, n"):
            check_slices(["x", "z"], rising.contract)


class TestAFeatureOfSeveralColumns:
    SPLIT = wide_split()

    def test_it_is_shuffled_as_a_whole(self) -> None:
        table = wide_table()
        together = FunctionPredictor(lambda rows: np.nan_to_num(rows[:, 1], nan=2020.0) - 2000)

        ranking = importances(table, self.SPLIT, together, metric="rmse", seed=0)

        assert ranking[0].feature == "day"
        assert [entry.mean for entry in ranking[1:]] == [0.0, 0.0]

    def test_its_rows_stay_rows_of_the_table(self) -> None:
        table = wide_table()
        known = {block.tobytes() for block in table.rows[:, :3]}
        seen: list[Matrix] = []

        def score(rows: Matrix) -> Matrix:
            seen.append(rows)
            return rows[:, 4]

        importances(table, self.SPLIT, FunctionPredictor(score), metric="rmse", seed=0)

        assert {block.tobytes() for rows in seen for block in np.ascontiguousarray(rows[:, :3])} <= known

    def test_its_effect_is_shown_by_its_values_with_all_of_its_columns_set(self) -> None:
        table = wide_table()
        year = FunctionPredictor(lambda rows: np.nan_to_num(rows[:, 1], nan=0.0))

        (effect,) = effects(table, self.SPLIT, year, ["day"])

        assert [str(value)[:4] for value in effect.grid] == [f"{value:.0f}" for value in effect.answers["value"]]
        assert len(effect.grid) == 20

    def test_slices_cut_by_its_lead(self) -> None:
        table = wide_table()
        scores = table.targets[self.SPLIT.holdout].astype(float)

        found = slices(["day", "rooms"], table, self.SPLIT.holdout, scores, select_by="rmse", seed=0)

        assert found is not None
        assert [part.value for part in found.slices][:1] == ["2020-02-10 to 2020-08-28"]
        assert {part.column for part in found.slices} == {"day", "rooms"}
