"""Metrics: cross-validated for choosing, on the holdout for telling."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import (
    accuracy_score,
    f1_score,
    get_scorer,
    log_loss,
    mean_absolute_error,
    precision_recall_fscore_support,
    r2_score,
    roc_auc_score,
    root_mean_squared_error,
)

from skylift.contract import Contract, Task
from skylift.errors import ConfigError
from skylift.manifest import ClassMetrics, Gate, Spread
from skylift.scoring import Matrix
from training.config import GateSection, Metric

# scikit-learn's scorers are all "greater is better": errors come negated.
SCORERS: dict[Task, dict[Metric, str]] = {
    "classification": {
        "accuracy": "accuracy",
        "balanced_accuracy": "balanced_accuracy",
        "f1_macro": "f1_macro",
        "log_loss": "neg_log_loss",
        "roc_auc": "roc_auc_ovr",
    },
    "regression": {"mae": "neg_mean_absolute_error", "rmse": "neg_root_mean_squared_error", "r2": "r2"},
}
DEFAULT_METRIC: dict[Task, Metric] = {"classification": "accuracy", "regression": "rmse"}


def scorers(task: Task, classes: int) -> dict[str, Any]:
    """scikit-learn scorers of a task, by metric name."""
    made: dict[str, Any] = {metric: get_scorer(scorer) for metric, scorer in SCORERS[task].items()}
    if classes == 2:
        made["roc_auc"] = get_scorer("roc_auc")
    if task == "classification":
        made["log_loss"] = _LogLoss(classes)
    return made


class _LogLoss:
    """Negated log loss that knows every class, also those a fold's test rows lack."""

    def __init__(self, classes: int) -> None:
        self._labels = np.arange(classes)

    def __call__(self, estimator: Any, rows: Matrix, targets: NDArray[np.int64]) -> float:
        return -float(log_loss(targets, estimator.predict_proba(rows), labels=self._labels))


def spread(metric: str, folds: Sequence[float]) -> Spread:
    """A metric over folds, from the values of its scorer, which for errors are negated."""
    sign = 1 if metric in ("accuracy", "balanced_accuracy", "f1_macro", "roc_auc", "r2") else -1
    values = [sign * float(value) for value in folds]
    return Spread(mean=float(np.mean(values)), std=float(np.std(values)), folds=tuple(values))


def holdout_metrics(
    contract: Contract, targets: NDArray[Any], scores: Matrix
) -> tuple[dict[str, float], tuple[ClassMetrics, ...]]:
    """Measure scored holdout rows.

    Parameters
    ----------
    targets
        Class codes or values, `[n]`.
    scores
        As a predictor gives them.

    Returns
    -------
    tuple
        Values by metric name, and per class for classification.
    """
    if contract.task == "regression":
        errors = {
            "mae": float(mean_absolute_error(targets, scores)),
            "rmse": float(root_mean_squared_error(targets, scores)),
        }
        return errors | ({"r2": float(r2_score(targets, scores))} if len(targets) > 1 else {}), ()
    labels = np.arange(len(contract.target.classes))
    predicted = scores.argmax(axis=1)
    columns = precision_recall_fscore_support(targets, predicted, labels=labels, zero_division=0)
    recall, support = columns[1], columns[3]
    values = {
        "accuracy": float(accuracy_score(targets, predicted)),
        "balanced_accuracy": float(recall[support > 0].mean()),  # scikit-learn's own warns of a class without rows
        "f1_macro": float(f1_score(targets, predicted, labels=labels, average="macro", zero_division=0)),
        "log_loss": float(log_loss(targets, scores, labels=labels)),
    }
    if len(np.unique(targets)) == len(labels):  # ROC needs rows of every class
        positive = scores[:, 1] if len(labels) == 2 else scores
        values["roc_auc"] = float(roc_auc_score(targets, positive, multi_class="ovr", labels=labels))
    per_class = tuple(
        ClassMetrics(name=name, precision=float(p), recall=float(r), f1=float(f), support=int(n))
        for name, p, r, f, n in zip(contract.target.classes, *columns, strict=True)
    )
    return values, per_class


def judge(gates: Mapping[Metric, GateSection], holdout: Mapping[str, float]) -> tuple[Gate, ...]:
    """Hold metrics against their gates.

    Raises
    ------
    ConfigError
        A gate is on a metric that the task does not have.
    """
    judged = []
    for metric, bounds in gates.items():
        if metric not in holdout:
            raise ConfigError(f"gates names {metric}, which was not measured", f"there are: {', '.join(holdout)}")
        value = holdout[metric]
        passed = (bounds.min is None or value >= bounds.min) and (bounds.max is None or value <= bounds.max)
        judged.append(Gate(metric=metric, min=bounds.min, max=bounds.max, value=value, passed=passed))
    return tuple(judged)
