"""Every metric is that of scikit-learn, on rows and on resamples of them, and can be used wherever metrics are."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from sklearn import metrics

from skylift.contract import Target
from skylift.scoring import Matrix
from training.metrics.registry import CLASS_METRICS, DEFAULT_METRIC, METRICS, compute, metrics_of, selectable
from training.metrics.resamples import ScoredRows, bootstrap_counts

ROWS = 60


def target(classes: int) -> Target:
    return Target(name="y", classes=tuple(range(classes)))


type Reference = Callable[[NDArray[Any], Matrix], float]


def per_class(measure: Callable[..., float], targets: NDArray[Any], scores: Matrix) -> float:
    """The second of two classes, or the mean over more."""
    classes = [1] if scores.shape[1] == 2 else range(scores.shape[1])
    return float(np.mean([measure(targets == code, scores[:, code]) for code in classes]))


def per_label(measure: Callable[..., float], targets: NDArray[Any], scores: Matrix) -> float:
    """The label of the second of two classes, or the mean over more."""
    return per_class(measure, targets, np.eye(scores.shape[1])[scores.argmax(axis=1)])  # no ties here


def expected_calibration_error(targets: NDArray[Any], scores: Matrix) -> float:
    confidence, right = scores.max(axis=1), scores.argmax(axis=1) == targets  # no ties here
    bins = np.minimum((confidence * 10).astype(int), 9)
    gaps = [(bins == one).mean() * abs(confidence[bins == one].mean() - right[bins == one].mean()) for one in {*bins}]
    return float(sum(gaps))


def of_labels(measure: Callable[..., float], **options: Any) -> Reference:
    return lambda targets, scores: measure(targets, scores.argmax(axis=1), **options)  # no ties here


REFERENCES: dict[str, Reference] = {
    "accuracy": of_labels(metrics.accuracy_score),
    "balanced_accuracy": of_labels(metrics.balanced_accuracy_score),
    "f1_macro": of_labels(metrics.f1_score, average="macro"),
    "f1": lambda targets, scores: per_label(metrics.f1_score, targets, scores),
    "precision": lambda targets, scores: per_label(metrics.precision_score, targets, scores),
    "recall": lambda targets, scores: per_label(metrics.recall_score, targets, scores),
    "log_loss": lambda targets, scores: metrics.log_loss(targets, scores, labels=range(scores.shape[1])),
    "roc_auc": lambda targets, scores: per_class(metrics.roc_auc_score, targets, scores),
    "mcc": of_labels(metrics.matthews_corrcoef),
    "average_precision": lambda targets, scores: per_class(metrics.average_precision_score, targets, scores),
    "brier": lambda targets, scores: metrics.brier_score_loss(
        targets if scores.shape[1] == 2 else np.eye(scores.shape[1])[targets],
        scores[:, 1] if scores.shape[1] == 2 else scores,
    ),
    "ece": expected_calibration_error,
    "mae": metrics.mean_absolute_error,
    "rmse": metrics.root_mean_squared_error,
    "r2": metrics.r2_score,
    "median_absolute_error": metrics.median_absolute_error,
}


def sample(name: str, classes: int) -> tuple[NDArray[Any], Any]:
    generator = np.random.default_rng(0)
    if METRICS[name].task == "regression":
        values = generator.normal(1000, 1, ROWS)
        return values, values + generator.normal(size=ROWS).round(1)
    targets = generator.integers(0, classes, ROWS)
    return targets, generator.dirichlet([1] * classes, ROWS)


CASES = [
    (name, classes)
    for name, metric in METRICS.items()
    for classes in ((2, 3) if metric.task == "classification" else (0,))
]


@pytest.mark.parametrize(("name", "classes"), CASES)
def test_a_metric_is_that_of_scikit_learn_on_rows_and_on_each_resample(name: str, classes: int) -> None:
    targets, scores = sample(name, classes)
    rows = ScoredRows(target(classes), targets, scores)
    (counts,) = bootstrap_counts(ROWS, 5, seed=1)
    tolerance = 1e-6 if name == "ece" else 1e-12  # bins are rounded as they are published

    value = compute([METRICS[name]], rows.once())[name]
    resampled = compute([METRICS[name]], rows.resampled(counts))[name]

    assert value == pytest.approx([REFERENCES[name](targets, scores)], rel=tolerance, abs=tolerance)
    expected = [REFERENCES[name](np.repeat(targets, weights), np.repeat(scores, weights, axis=0)) for weights in counts]
    assert resampled == pytest.approx(expected, rel=tolerance, abs=tolerance)


@pytest.mark.parametrize("classes", [2, 3])
def test_each_class_is_measured_as_scikit_learn_does(classes: int) -> None:
    targets, scores = sample("accuracy", classes)
    (counts,) = bootstrap_counts(ROWS, 4, seed=2)

    values = compute(CLASS_METRICS, ScoredRows(target(classes), targets, scores).resampled(counts))

    for place, weights in enumerate(counts):
        drawn, probabilities = np.repeat(targets, weights), np.repeat(scores, weights, axis=0)
        labels = probabilities.argmax(axis=1)  # no ties here
        columns = metrics.precision_recall_fscore_support(drawn, labels, labels=range(classes))
        for name, column in zip(("precision", "recall", "f1"), columns, strict=False):
            assert values[name][place] == pytest.approx(column, rel=1e-12)
        for name, measure in (
            ("roc_auc", metrics.roc_auc_score),
            ("average_precision", metrics.average_precision_score),
        ):
            areas = [measure(drawn == code, probabilities[:, code]) for code in range(classes)]
            assert values[name][place] == pytest.approx(areas, rel=1e-12)


@pytest.mark.parametrize("predicted", [[1.5, 1.0, 5.0], [3.0, 3.0, 3.0]])
def test_r2_of_values_that_do_not_vary_is_undefined(predicted: list[float]) -> None:
    rows = ScoredRows(target(0), np.full(3, 3.0), np.array(predicted))

    assert np.isnan(compute([METRICS["r2"]], rows.once())["r2"]).all()


@pytest.mark.parametrize(("targets", "labels"), [([0, 0, 0], [0, 1, 0]), ([0, 1, 1], [1, 1, 1])])
def test_mcc_is_zero_where_all_truths_or_all_labels_are_equal(targets: list[int], labels: list[int]) -> None:
    rows = ScoredRows(target(2), np.array(targets), np.eye(2)[labels])

    assert compute([METRICS["mcc"]], rows.once())["mcc"].tolist() == [metrics.matthews_corrcoef(targets, labels)] == [0]


def test_areas_with_equal_probabilities_are_those_of_scikit_learn() -> None:
    targets, scores = sample("roc_auc", 2)
    scores = scores.round(1)

    values = compute([METRICS["roc_auc"], METRICS["average_precision"]], ScoredRows(target(2), targets, scores).once())

    assert values["roc_auc"] == pytest.approx([metrics.roc_auc_score(targets, scores[:, 1])])
    assert values["average_precision"] == pytest.approx([metrics.average_precision_score(targets, scores[:, 1])])


def test_a_resample_of_one_class_has_no_areas() -> None:
    rows = ScoredRows(target(2), np.array([1, 0]), np.array([[0.1, 0.9], [0.2, 0.8]]))

    values = compute(CLASS_METRICS, rows.resampled(np.array([[2, 0], [0, 2], [1, 1]])))

    assert np.isnan(values["roc_auc"][:, 1]).tolist() == np.isnan(values["average_precision"][:, 1]).tolist()
    assert np.isnan(values["roc_auc"][:, 1]).tolist() == [True, True, False]


@pytest.mark.parametrize(("right", "error"), [(9, 0), (5, 0.4), (10, 0.1)])
def test_calibration_error_is_the_distance_of_probabilities_from_how_often_they_are_right(
    right: int, error: float
) -> None:
    targets = np.array([0] * right + [1] * (10 - right))

    value = METRICS["ece"].compute(ScoredRows(target(2), targets, np.tile([0.9, 0.1], (10, 1))).once())

    assert value == pytest.approx([error])


def test_equal_probabilities_are_labelled_as_the_service_does() -> None:
    rows = ScoredRows(target(2), np.array([0, 1]), np.array([[0.5, 0.5 + 1e-9], [0.2, 0.8]]))

    assert METRICS["accuracy"].compute(rows.once()).tolist() == [1]


@pytest.mark.parametrize("metric", METRICS.values(), ids=METRICS)
def test_a_perfect_model_beats_a_bad_one_by_every_metric(metric: Any) -> None:
    targets, bad = sample(metric.name, 2)
    good: Any = np.eye(2)[targets] if metric.task == "classification" else targets
    classes = 2 if metric.task == "classification" else 0

    values = [
        metric.sign * metric.compute(ScoredRows(target(classes), targets, scores).once())[0] for scores in (bad, good)
    ]

    assert values[1] > values[0]


def test_every_task_has_metrics_and_a_default_among_the_selectable() -> None:
    for task, default in DEFAULT_METRIC.items():
        assert METRICS[default] in selectable(task)
        assert {metric.slice_metric for metric in metrics_of(task)} <= {None, *(one.name for one in selectable(task))}
