"""A training in MLflow's words: folds are steps, and only what was measured is a metric."""

from types import SimpleNamespace
from typing import Any, cast

import pytest

from skylift.metrics import ClassMetrics, Interval, LeaderboardEntry, Metrics, Spread
from tests.support.tracking import silenced_mlflow
from training.evaluation.report import MetricReport

with silenced_mlflow():
    from training.tracking.mlflow_runs import cross_validated, holdout, log_batch, selected_params


def values(metrics: list[Any]) -> dict[tuple[str, int], float]:
    return {(metric.key, metric.step): metric.value for metric in metrics}


def test_folds_are_the_steps_of_a_metric() -> None:
    metrics = cross_validated({"accuracy": Spread(mean=0.75, std=0.25, folds=(0.5, 1.0))})

    assert values(metrics) == {
        ("cv_accuracy", 0): 0.75,
        ("cv_accuracy_std", 0): 0.25,
        ("fold_accuracy", 1): 0.5,
        ("fold_accuracy", 2): 1.0,
    }


def test_a_metric_of_the_holdout_has_its_interval_and_the_dummys_value_as_far_as_they_are_known() -> None:
    interval = Interval(low=0.7, high=0.9, method="bootstrap")
    metrics = {
        "accuracy": MetricReport(value=0.8, interval=interval, baseline=0.5),
        "roc_auc": MetricReport(),
        "log_loss": MetricReport(value=0.3),
    }
    one = ClassMetrics(name="a/b", precision=0.5, recall=0.25, f1=0.125, support=4)
    trained: Any = SimpleNamespace(
        evaluation=SimpleNamespace(metrics=metrics), metrics=SimpleNamespace(per_class=[one])
    )

    assert values(holdout(trained)) == {
        ("holdout_accuracy", 0): 0.8,
        ("holdout_accuracy_low", 0): 0.7,
        ("holdout_accuracy_high", 0): 0.9,
        ("holdout_accuracy_dummy", 0): 0.5,
        ("holdout_log_loss", 0): 0.3,
        ("holdout_precision.a_b", 0): 0.5,
        ("holdout_recall.a_b", 0): 0.25,
        ("holdout_f1.a_b", 0): 0.125,
    }


def test_a_version_without_an_evaluation_has_what_its_manifest_says_of_the_holdout() -> None:
    known = Metrics(
        cross_validated={},
        holdout={"accuracy": 0.8, "f1": 0.7},
        intervals={"accuracy": Interval(low=0.7, high=0.9, method="bootstrap")},
    )
    training: Any = SimpleNamespace(evaluation=None, metrics=known)

    assert values(holdout(training)) == {
        ("holdout_accuracy", 0): 0.8,
        ("holdout_accuracy_low", 0): 0.7,
        ("holdout_accuracy_high", 0): 0.9,
        ("holdout_f1", 0): 0.7,
    }


def test_parameters_of_the_selected_candidate_are_those_of_the_training() -> None:
    entry = LeaderboardEntry(candidate="tree", estimator="m.Tree", params={"max_depth": 3}, scores={})

    assert selected_params(entry) == {"estimator": "m.Tree", "model.max_depth": 3}


@pytest.mark.parametrize("place", ["params", "tags"])
def test_names_and_values_are_cut_to_what_mlflow_takes(place: str) -> None:
    batches: list[dict[str, Any]] = []
    client = SimpleNamespace(log_batch=lambda _, **batch: batches.append(batch))

    log_batch(cast("Any", client), "r1", params={"a/b?": "x" * 9000}, metrics=[], tags={"note": "x" * 9000})

    ((entry,),) = [batch[place] for batch in batches]
    assert (entry.key, len(entry.value)) == {"params": ("a_b_", 6000), "tags": ("note", 5000)}[place]
