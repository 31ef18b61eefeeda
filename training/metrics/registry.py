"""The metrics: one record each, with all that selection, gates, intervals, comparisons and the card need.

A new metric is one more record. Its formula takes resamples and gives a value for each; the value on the rows
themselves is the resample that counts each row once.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Literal

import numpy as np

from skylift.contract import Task
from skylift.scoring import Matrix
from training.metrics.resamples import Counts, Resamples, ScoredRows

DEFAULT_METRIC: dict[Task, str] = {"classification": "log_loss", "regression": "rmse"}

type Unit = Literal["share", "squared share", "nats", "target"]
type Strategy = Literal["prior", "mean", "median"]
type Proportion = Callable[[Resamples], tuple[Counts, Counts]]
"""Gives the hits and the trials whose quotient a metric is."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Metric:
    """A metric of a whole model.

    Parameters
    ----------
    name
        Key in `model.yaml` and in stored documents.
    task
        Task that the metric belongs to.
    title
        Name for people, as in a heading.
    meaning
        What a value says, in a few words for people.
    unit
        Unit of a value. Differences of shares mean the same for any table; others have no scale of their own.
    dummy
        Constant prediction of the dummy baseline to beat: class shares, mean, or median.
    compute
        Formula, from resamples to values `[resamples]`; NaN where the rows of a resample cannot tell.
    higher_is_better
        False for errors and losses.
    selectable
        Whether it is measured in folds, so that candidates can be selected by it and gates can bound it.
    selects
        Whether candidates can be selected by it; False where a constant answer may be best, which gates alone bound.
    has_interval
        Whether the percentiles of its resamples are an interval.
    proportion
        Hits and trials, for a share of rows: its interval is Wilson's where every trial is a hit, or none.
    decides
        Whether a threshold between two classes can be chosen by it.
    slice_metric
        Name of the metric that ranks slices in its place, because the few rows of a slice may not determine it.
    """

    name: str
    task: Task
    title: str
    meaning: str
    unit: Unit
    dummy: Strategy
    compute: Callable[[Resamples], Matrix]
    higher_is_better: bool = True
    selectable: bool = True
    selects: bool = True
    has_interval: bool = True
    proportion: Proportion | None = None
    decides: bool = False
    slice_metric: str | None = None

    @property
    def sign(self) -> int:
        """1 where more is better, -1 for errors and losses."""
        return 1 if self.higher_is_better else -1

    @property
    def is_absolute(self) -> bool:
        """Whether differences mean the same for any table: true of shares, not of losses and errors."""
        return self.unit == "share"


@dataclass(frozen=True, slots=True, kw_only=True)
class ClassMetric:
    """A metric of each class against the others.

    Parameters
    ----------
    name
        Key in stored documents.
    compute
        Formula, from resamples to values `[resamples, classes]`; NaN where the rows of a resample cannot tell.
    proportion
        Hits and trials, both `[resamples, classes]`, for a share of rows.
    """

    name: str
    compute: Callable[[Resamples], Matrix]
    proportion: Proportion | None = None


def metrics_of(task: Task) -> tuple[Metric, ...]:
    """All metrics of a task."""
    return tuple(metric for metric in METRICS.values() if metric.task == task)


def selectable(task: Task) -> tuple[Metric, ...]:
    """The metrics of a task that candidates can be selected by."""
    return tuple(metric for metric in metrics_of(task) if metric.selectable)


def compute(metrics: Iterable[Metric | ClassMetric], resamples: Resamples) -> dict[str, Matrix]:
    """Values of metrics in each resample, by name."""
    with np.errstate(divide="ignore", invalid="ignore"):
        return {metric.name: metric.compute(resamples) for metric in metrics}


def log_losses(rows: ScoredRows) -> Matrix:
    """The log loss of each row; a probability of 0 counts as the smallest above it, as in scikit-learn."""
    least = np.finfo(np.float64).eps
    losses: Matrix = -np.log(np.clip(rows.scores[np.arange(len(rows.targets)), rows.targets], least, 1 - least))
    return losses


def brier_losses(rows: ScoredRows) -> Matrix:
    """The squared error of each row's probabilities: 0 to 1 for two classes, 0 to 2 for more, as in scikit-learn."""
    truth = np.zeros_like(rows.scores)
    truth[np.arange(len(rows.targets)), rows.targets] = 1
    losses: Matrix = ((rows.scores - truth) ** 2).sum(axis=1) / (2 if rows.classes == 2 else 1)
    return losses


def _right_labels(resamples: Resamples) -> tuple[Counts, Counts]:
    return resamples.hits.sum(axis=1), resamples.sizes


def _accuracy(resamples: Resamples) -> Matrix:
    return resamples.hits.sum(axis=1) / resamples.sizes


def _balanced_accuracy(resamples: Resamples) -> Matrix:
    present = resamples.support > 0
    recall = np.where(present, resamples.hits / resamples.support, 0.0)
    balanced: Matrix = recall.sum(axis=1) / present.sum(axis=1)
    return balanced


def _mcc(resamples: Resamples) -> Matrix:
    """Gorodkin's R_K (2004), which for two classes is Matthews' phi; 0 if all labels, or all truths, are equal."""
    support, predicted = resamples.support.astype(np.float64), resamples.predicted.astype(np.float64)
    size = resamples.sizes.astype(np.float64)
    covariance = resamples.hits.sum(axis=1) * size - (support * predicted).sum(axis=1)
    variances = (size**2 - (support**2).sum(axis=1)) * (size**2 - (predicted**2).sum(axis=1))
    return np.where(variances > 0, covariance / np.sqrt(variances), 0.0)


def _ece(resamples: Resamples) -> Matrix:
    gaps = [part.rows * np.abs(part.predicted - part.observed) for part in resamples.calibration]
    return np.sum(gaps, axis=0) / resamples.sizes


def _over_classes(values: Matrix) -> Matrix:
    """The second of two classes against the first; of more, the mean over each against the others."""
    mean: Matrix = values[:, 1] if values.shape[1] == 2 else values.mean(axis=1)
    return mean


def _r2(resamples: Resamples) -> Matrix:
    rows, sizes = resamples.rows, resamples.sizes
    centred, squared = rows.targets - rows.targets.mean(), resamples.total((rows.scores - rows.targets) ** 2)
    variation = resamples.total(centred**2) - resamples.total(centred) ** 2 / sizes
    whole = float((centred**2).sum())
    # Where nothing varies there is nothing to explain: undefined, not 1 or 0 as scikit-learn has it.
    return np.where(variation > 1e-12 * whole, 1 - squared / variation, np.nan)


def _median_absolute_error(resamples: Resamples) -> Matrix:
    order, errors = resamples.rows.absolute_errors
    ranks, sizes = np.cumsum(resamples.counts[:, order], axis=1), resamples.sizes[:, None]
    middle = [errors[(ranks <= place).sum(axis=1)] for place in ((sizes - 1) // 2, sizes // 2)]
    median: Matrix = (middle[0] + middle[1]) / 2
    return median


def _precision(resamples: Resamples) -> Matrix:
    return np.where(resamples.predicted > 0, resamples.hits / resamples.predicted, 0.0)


def _recall(resamples: Resamples) -> Matrix:
    return np.where(resamples.support > 0, resamples.hits / resamples.support, np.nan)


def _f1(resamples: Resamples) -> Matrix:
    rows = resamples.support + resamples.predicted
    return np.where(rows > 0, 2 * resamples.hits / rows, 0.0)


METRICS: dict[str, Metric] = {
    metric.name: metric
    for metric in (
        Metric(
            name="accuracy",
            task="classification",
            title="accuracy",
            meaning="share of rows with the right label",
            unit="share",
            dummy="prior",
            compute=_accuracy,
            proportion=_right_labels,
            decides=True,
        ),
        Metric(
            name="balanced_accuracy",
            task="classification",
            title="balanced accuracy",
            meaning="recall, every class counted equally",
            unit="share",
            dummy="prior",
            compute=_balanced_accuracy,
            decides=True,
        ),
        Metric(
            name="f1_macro",
            task="classification",
            title="F1 (macro)",
            meaning="precision and recall in one, every class counted equally",
            unit="share",
            dummy="prior",
            compute=lambda resamples: _f1(resamples).mean(axis=1),
            decides=True,
        ),
        Metric(
            name="log_loss",
            task="classification",
            title="log loss",
            meaning="how surprised the probabilities are by the truth; 0 is perfect",
            unit="nats",
            dummy="prior",
            compute=lambda resamples: resamples.mean(log_losses(resamples.rows)),
            higher_is_better=False,
        ),
        Metric(
            name="roc_auc",
            task="classification",
            title="ROC-AUC",
            meaning="how well rows are ranked; 0.5 is chance",
            unit="share",
            dummy="prior",
            compute=lambda resamples: _over_classes(resamples.class_areas[0]),
            slice_metric="log_loss",
        ),
        Metric(
            name="mcc",
            task="classification",
            title="Matthews correlation",
            meaning="correlation of labels and truth; 1 is perfect, 0 is chance",
            unit="share",
            dummy="prior",
            compute=_mcc,
            decides=True,
            slice_metric="accuracy",
        ),
        Metric(
            name="average_precision",
            task="classification",
            title="average precision",
            meaning="precision at every recall; the share of positive rows is chance",
            unit="share",
            dummy="prior",
            compute=lambda resamples: _over_classes(resamples.class_areas[1]),
            slice_metric="log_loss",
        ),
        Metric(
            name="f1",
            task="classification",
            title="F1",
            meaning="precision and recall of the positive class in one",
            unit="share",
            dummy="prior",
            compute=lambda resamples: _over_classes(_f1(resamples)),
            decides=True,
        ),
        Metric(
            name="precision",
            task="classification",
            title="precision",
            meaning="share of the rows labelled positive that are",
            unit="share",
            dummy="prior",
            compute=lambda resamples: _over_classes(_precision(resamples)),
            slice_metric="accuracy",
            selects=False,
        ),
        Metric(
            name="recall",
            task="classification",
            title="recall",
            meaning="share of the positive rows that are found",
            unit="share",
            dummy="prior",
            compute=lambda resamples: _over_classes(_recall(resamples)),
            slice_metric="accuracy",
            selects=False,
        ),
        Metric(
            name="brier",
            task="classification",
            title="Brier score",
            meaning="mean squared error of the probabilities; 0 is perfect",
            unit="squared share",
            dummy="prior",
            compute=lambda resamples: resamples.mean(brier_losses(resamples.rows)),
            higher_is_better=False,
            selectable=False,
        ),
        Metric(
            name="ece",
            task="classification",
            title="calibration error",
            meaning="mean distance of probability and truth; 0 is perfect",
            unit="share",
            dummy="prior",
            compute=_ece,
            higher_is_better=False,
            selectable=False,
            has_interval=False,  # resampling adds noise to each bin: every resample's error is too large
        ),
        Metric(
            name="mae",
            task="regression",
            title="mean absolute error",
            meaning="mean distance from the truth",
            unit="target",
            dummy="median",
            compute=lambda resamples: resamples.mean(np.abs(resamples.rows.scores - resamples.rows.targets)),
            higher_is_better=False,
        ),
        Metric(
            name="rmse",
            task="regression",
            title="root mean squared error",
            meaning="distance from the truth, large errors counted more",
            unit="target",
            dummy="mean",
            compute=lambda resamples: np.sqrt(resamples.mean((resamples.rows.scores - resamples.rows.targets) ** 2)),
            higher_is_better=False,
        ),
        Metric(
            name="r2",
            task="regression",
            title="R\N{SUPERSCRIPT TWO}",
            meaning="share of the variance explained; 1 is perfect",
            unit="share",
            dummy="mean",
            compute=_r2,
            slice_metric="rmse",
        ),
        Metric(
            name="median_absolute_error",
            task="regression",
            title="median absolute error",
            meaning="half of the rows are nearer",
            unit="target",
            dummy="median",
            compute=_median_absolute_error,
            higher_is_better=False,
            selectable=False,
        ),
    )
}

CLASS_METRICS = (
    ClassMetric(name="precision", compute=_precision, proportion=lambda drawn: (drawn.hits, drawn.predicted)),
    ClassMetric(name="recall", compute=_recall, proportion=lambda drawn: (drawn.hits, drawn.support)),
    ClassMetric(name="f1", compute=_f1),
    ClassMetric(name="roc_auc", compute=lambda resamples: resamples.class_areas[0]),
    ClassMetric(name="average_precision", compute=lambda resamples: resamples.class_areas[1]),
)
