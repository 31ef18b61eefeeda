"""What people read of evaluations and comparisons on the terminal."""

from typing import Any

import pytest
from rich.console import Console

from skylift.metrics import Interval, Spread
from tests.support.models import trained_iris
from training.cli.evaluation_tables import comparison_tables, evaluation_tables
from training.evaluation.comparison import ChangedRow, ComparedFact, Comparison, PublishedMetric, Scored
from training.evaluation.report import Champion, Check, Evaluation, Residuals, Slice, Slices
from training.metrics.intervals import Difference

SAME = Difference(metric="accuracy", before=0.9, after=0.9, test="mcnemar", p_value=1.0, within_noise=True)
BETTER = Difference(metric="rmse", before=3.0, after=2.0, test="paired bootstrap", within_noise=False)
CHAMPION = Champion(version="v3", reference="v3@sha256:0", max_regression=0.05)


def printed(tables: Any) -> list[str]:
    """The lines of tables on a wide screen without styles, each with single blanks."""
    screen = Console(width=250, highlight=False, force_terminal=False, color_system=None)
    with screen.capture() as capture:
        for table in tables:
            screen.print(table)
    return [" ".join(line.split()) for line in capture.get().splitlines()]


def findings(**parts: Any) -> dict[str, str]:
    """The last table of an evaluation by its first column."""
    evaluation: Evaluation = trained_iris().evaluation.model_copy(update=parts)
    *_, last = evaluation_tables(evaluation)
    lines = printed([last])
    names = ("errors", "worst slice", "importance", "active version", "behaviour")
    return {name: line.removeprefix(f"{name} ") for line in lines for name in names if line.startswith(name)}


class TestEvaluation:
    def test_metrics_are_told_with_interval_folds_and_the_dummys_value(self) -> None:
        accuracy = trained_iris().evaluation.metrics["accuracy"]
        folds = accuracy.cross_validated
        assert folds is not None

        title, head, *rows = printed(evaluation_tables(trained_iris().evaluation))

        assert title == "Holdout, 30 rows"
        assert head == "metric holdout 95% interval cross-validated dummy"
        (row,) = (row for row in rows if row.startswith("accuracy "))
        assert row.startswith(f"accuracy {accuracy.value:.4f} {accuracy.interval} {folds.mean:.4f} +-")

    def test_the_active_version_has_a_column_once_it_was_compared(self) -> None:
        champion = CHAMPION.model_copy(update={"metrics": {"accuracy": 0.8125}, "difference": SAME})

        _, head, *rows = printed(evaluation_tables(trained_iris().evaluation.model_copy(update={"champion": champion})))

        assert head.endswith("dummy active v3")
        assert [row.split()[-1] for row in rows if row.startswith(("accuracy ", "log_loss "))] == ["0.8125", "-"]

    def test_many_classes_are_left_to_the_card(self) -> None:
        evaluation = trained_iris().evaluation
        many = evaluation.model_copy(update={"classes": evaluation.classes * 7})

        assert "Classes, on the holdout" in printed(evaluation_tables(evaluation))
        assert "Classes, on the holdout" not in printed(evaluation_tables(many))

    def test_errors_of_a_regression_are_told_by_their_quantiles(self) -> None:
        residuals = Residuals(quantiles={"0.5": 1.25, "1": 9.0}, bias=-0.5, true=(), predicted=())

        assert findings(residuals=residuals)["errors"] == "within: 50% 1.25, 100% 9; bias -0.5"

    def test_the_worst_slice_is_named(self) -> None:
        interval = Interval(low=0.25, high=0.75, method="bootstrap")
        worst = Slice(column="city", value="Oslo", rows=12, metrics={"accuracy": 0.5}, interval=interval)

        found = findings(slices=Slices(metric="accuracy", slices=(worst,), worst=worst))

        assert found["worst slice"] == f"city Oslo: accuracy 0.5000 ({interval}) on 12 rows"

    @pytest.mark.parametrize(
        ("parts", "text"),
        [
            ({"reason": "it does regression"}, "v3 was not compared: it does regression"),
            ({"difference": BETTER}, "v3: rmse 3.0000 -> 2.0000, more than noise (paired bootstrap)"),
            (
                {"difference": SAME, "changed_labels": 2},
                "v3: accuracy 0.9000 -> 0.9000, within noise (mcnemar, p = 1); 2 rows change label",
            ),
        ],
    )
    def test_the_active_version_is_compared_in_a_line(self, parts: dict[str, Any], text: str) -> None:
        assert findings(champion=CHAMPION.model_copy(update=parts))["active version"] == text

    def test_checks_that_failed_are_explained(self) -> None:
        checks = (
            Check(name="golden rows", passed=True, detail=""),
            Check(name="order", passed=False, detail="off by 1"),
        )

        assert findings(behaviour=checks)["behaviour"] == "order: off by 1"
        assert findings(behaviour=checks[:1])["behaviour"] == "golden rows: as expected"


class TestComparison:
    def shown(self, scored: Scored | None = None, **parts: Any) -> list[str]:
        spread = Spread(mean=0.5, std=0.25, folds=(0.25, 0.75))
        sides = (PublishedMetric(cross_validated=spread, holdout=0.5), PublishedMetric())
        facts: dict[str, Any] = {
            "data": (ComparedFact(name="rows", before="10", after="10"),),
            "parameters": (ComparedFact(name="max_depth", before=None, after="3"),),
            "environment": (),
        }
        comparison = Comparison(before="v1", after="v2", metrics={"accuracy": sides}, scored=scored, **facts | parts)
        return printed(comparison_tables(comparison))

    def test_what_was_published_stands_side_by_side_and_what_differs_is_marked(self) -> None:
        lines = self.shown()

        assert "accuracy 0.5000 +- 0.2500 - 0.5000 - - -" in lines
        assert "rows 10 10" in lines
        assert "* max_depth - 3" in lines
        assert not [line for line in lines if line.startswith("On the same")]

    def test_limits_are_told_last(self) -> None:
        assert self.shown(notes=("v1 could not score the rows",))[-1] == "note v1 could not score the rows"

    def test_differences_are_told_with_their_test_and_verdict(self) -> None:
        lines = self.shown(Scored(rows=30, differences=(SAME, BETTER), changed=0, examples=()))

        assert "On the same 30 rows" in lines
        assert "accuracy 0.9000 0.9000 +0.0000 - mcnemar, p = 1 within noise" in lines
        assert "rmse 3.0000 2.0000 -1.0000 - paired bootstrap more than noise" in lines
        assert lines[-1] == "rows both versions give the same predictions"

    @pytest.mark.parametrize(
        ("changed", "count", "title"),
        [
            (2, 2, "Rows with another label: 2"),
            (40, 40, "Rows with another label: 40, of which the first 20"),
            (None, 3, "Largest differences"),
        ],
    )
    def test_rows_that_changed_are_listed_as_far_as_they_fit(self, changed: int | None, count: int, title: str) -> None:
        rows = tuple(ChangedRow(row=number, true=0.5, before=1 / 3, after=2.0) for number in range(1, count + 1))

        lines = self.shown(Scored(rows=50, differences=(), changed=changed, examples=rows))

        assert title in " ".join(lines), "a title is as wide as its table"
        assert "1 0.5 0.3333333333333333 2" in lines
