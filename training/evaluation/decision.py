"""Chooses the threshold between two classes by answers to rows that the model was not fitted on.

Whatever the share of the positive class, a threshold of one half is right only where both mistakes cost the same. By
costs the best threshold of true probabilities is known (Elkan, 2001); measured ones need not be true, so it is looked
for where they lie, and between thresholds that do equally well the one nearest to Elkan's is taken.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from skylift.contract import Contract, Target
from skylift.errors import ConfigError
from skylift.metrics import LeaderboardEntry, Spread
from skylift.scoring import Matrix, predicted_classes
from training.config.answers import DecisionSection
from training.evaluation.class_report import Curve, Decision
from training.metrics.registry import METRICS, compute
from training.metrics.resamples import ScoredRows
from training.metrics.scores import fold_summary, score_metrics
from training.search.out_of_fold import OutOfFold

_CURVE_POINTS = 200
_DIGITS = 6
_EQUAL = 1e-12
_CELLS = np.array([0, 0, 1, 1]), np.eye(2)[[0, 1, 0, 1]]
"""A row for each true and predicted class: how often each counts makes any confusion matrix of it."""


def check_decision(section: DecisionSection | None, contract: Contract) -> None:
    """Refuse a decision between other than two classes, before anything is fitted.

    Raises
    ------
    ConfigError
    """
    if section is not None and (count := len(contract.target.classes)) != 2:
        what = f"{contract.target.name} has {count} classes" if count else f"{contract.target.name} is a number"
        weigh = "; to count mistakes differently, weigh classes in a candidate: params: {class_weight: {NAME: 5}}"
        raise ConfigError(f"decision is between two classes, and {what}", f"leave decision out{weigh if count else ''}")


@dataclass(frozen=True, slots=True)
class _Lines:
    """Every threshold that labels some rows differently, with what it does to them.

    Parameters
    ----------
    thresholds
        Thresholds, rising, `[thresholds]`.
    counts
        Numbers of true negatives, false positives, false negatives and true positives, `[thresholds, 4]`.
    """

    thresholds: Matrix
    counts: NDArray[np.int64]

    @classmethod
    def of(cls, positive: NDArray[np.bool_], probabilities: Matrix) -> "_Lines":
        order = np.argsort(probabilities, kind="stable")
        ordered = probabilities[order]
        ends = np.concatenate([[0.0], ordered, [1.0]])
        places = np.flatnonzero(np.diff(ends) > 0)  # below the row of that number
        found = np.concatenate([[0], np.cumsum(positive[order])])[places]
        missed, passed = found, places - found
        positives = int(positive.sum())
        negatives = len(positive) - positives
        counts = np.column_stack([passed, negatives - passed, missed, positives - missed])
        return cls((ends[places] + ends[places + 1]) / 2, counts)

    def values(self, section: DecisionSection) -> Matrix:
        """What is to be small: the mean cost of a row, or the metric, negative if more of it is better."""
        return _values(section, self.counts)


def _values(section: DecisionSection, counts: NDArray[np.int64]) -> Matrix:
    if section.costs is not None:
        missed, alarm = section.costs
        costs: Matrix = (counts[:, 2] * missed + counts[:, 1] * alarm) / counts.sum(axis=1)
        return costs
    record = METRICS[str(section.metric)]
    target = Target(name="", classes=(False, True))
    (values,) = compute([record], ScoredRows(target, *_CELLS).resampled(counts)).values()
    return -record.sign * values


def _threshold(section: DecisionSection, positive: NDArray[np.bool_], probabilities: Matrix) -> float:
    lines = _Lines.of(positive, probabilities)
    values = lines.values(section)
    equal = np.flatnonzero(values <= values.min() + _EQUAL)
    usual = section.costs[1] / sum(section.costs) if section.costs else 0.5
    nearest = int(equal[np.abs(lines.thresholds[equal] - usual).argmin()])
    return float(f"{lines.thresholds[nearest]:.{_DIGITS}g}")


def choose(
    section: DecisionSection, contract: Contract, out_of_fold: OutOfFold, targets: NDArray[Any]
) -> tuple[Decision, dict[str, Spread]]:
    """Choose a threshold.

    Parameters
    ----------
    contract
        Contract of two classes, without a threshold.
    out_of_fold
        Scores of training rows.
    targets
        Class codes of all training rows.

    Returns
    -------
    tuple
        The decision, not measured on the holdout yet; and the metrics over the folds, each fold labelled by the
        threshold that the others choose.
    """
    known = np.isfinite(out_of_fold.scores).all(axis=1)
    scores, folds = out_of_fold.scores[known], out_of_fold.folds[known]
    truth = targets[out_of_fold.rows[known]]
    positive, probabilities = truth == 1, scores[:, 1]

    def chosen(rows: NDArray[np.bool_]) -> float:
        if section.threshold is not None:
            return section.threshold
        return _threshold(section, positive[rows], probabilities[rows])

    threshold = chosen(np.ones(len(truth), dtype=np.bool_))
    by_fold = []
    for fold in np.unique(folds).tolist():
        others = folds != fold
        line = chosen(others) if positive[others].any() else threshold
        labelled = contract.with_target(threshold=line)
        by_fold.append(score_metrics(labelled, truth[~others], scores[~others]))
    spreads = {
        name: fold_summary([values.get(name, np.nan) for values in by_fold])
        for name in dict.fromkeys(name for values in by_fold for name in values)
    }
    missed, alarm = section.costs or (None, None)
    decision = Decision(
        threshold=threshold,
        positive=contract.target.classes[1],
        by="threshold" if section.threshold is not None else section.metric or "cost",
        cost_false_negative=missed,
        cost_false_positive=alarm,
    )
    if section.threshold is None:
        decided = contract.with_target(threshold=threshold)
        value, usual = (_measured(section, side, truth, scores) for side in (decided, contract))
        curve = _curve(section, positive, probabilities)
        decision = decision.model_copy(update={"value": value, "usual": usual, "curve": curve})
    return decision, spreads


def labelled_by(
    section: DecisionSection,
    contract: Contract,
    entry: LeaderboardEntry,
    out_of_fold: OutOfFold,
    targets: NDArray[Any],
) -> LeaderboardEntry:
    """A candidate's entry with the scores of labels as its own threshold would give them; see `choose`."""
    _, spreads = choose(section, contract, out_of_fold, targets)
    return entry.model_copy(update={"scores": entry.scores | spreads})


def measured_on_holdout(
    decision: Decision, section: DecisionSection, contract: Contract, targets: NDArray[Any], scores: Matrix
) -> Decision:
    """A decision with what its threshold gives on the holdout, and what the most probable class would give.

    Parameters
    ----------
    contract
        Contract with the threshold.
    targets, scores
        Class codes and scores of the holdout, `[n]` and `[n, 2]`.
    """
    if section.threshold is not None:
        return decision
    value, usual = (_measured(section, side, targets, scores) for side in (contract, contract.undecided))
    return decision.model_copy(update={"holdout": value, "holdout_usual": usual})


def _measured(section: DecisionSection, contract: Contract, targets: NDArray[Any], scores: Matrix) -> float:
    labels = predicted_classes(contract.target, scores)
    counts = np.bincount(2 * targets + labels, minlength=4)[None]
    return _shown(section, float(_values(section, counts)[0]))


def _shown(section: DecisionSection, value: float) -> float:
    """A value as people read it: a metric with its own sign."""
    sign = 1 if section.costs else -METRICS[str(section.metric)].sign
    return float(f"{sign * value:.{_DIGITS}g}")


def _curve(section: DecisionSection, positive: NDArray[np.bool_], probabilities: Matrix) -> Curve:
    lines = _Lines.of(positive, probabilities)
    values = lines.values(section)
    chosen = np.unique(np.linspace(0, len(values) - 1, min(len(values), _CURVE_POINTS)).round().astype(int))
    return Curve(
        x=tuple(float(f"{line:.{_DIGITS}g}") for line in lines.thresholds[chosen]),
        y=tuple(_shown(section, value) for value in values[chosen].tolist()),
    )
