"""Calibration of a classifier's probabilities, if that makes them better.

Three ways are tried: a temperature (Guo, Pleiss, Sun and Weinberger, 2017), a sigmoid (Platt, 1999) and a rising line
(Zadrozny and Elkan, 2002). They learn from answers out of fold, as the model is to answer rows that it has not seen.
What they give in a fold is measured with what the other folds taught, the choice of the way too, and must lower log
loss by more than chance. Nothing is fitted again.
"""

import copy
import math
import warnings
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.calibration import CalibratedClassifierCV
from sklearn.frozen import FrozenEstimator

from skylift.contract import Contract
from skylift.metrics import Spread
from skylift.predictors import SklearnPredictor
from skylift.scoring import Matrix
from training.metrics.registry import METRICS, selectable
from training.metrics.scores import fold_summary, is_better, score_metrics
from training.search.fitting import Folds, threads
from training.search.out_of_fold import OutOfFold
from training.search.report import CalibrationMethod, Reliability

METHODS: tuple[CalibrationMethod, ...] = ("temperature", "sigmoid", "isotonic")
_LOSS, _ERROR = METRICS["log_loss"], METRICS["ece"]
_MOST_ANSWERS = 100_000


class _Answers(ClassifierMixin, BaseEstimator):  # type: ignore[misc]  # scikit-learn has no types
    """A model whose rows are its answers."""

    def fit(self, _answers: Matrix, targets: NDArray[Any]) -> "_Answers":
        self.classes_ = np.unique(targets)
        return self

    def predict_proba(self, answers: Matrix) -> Matrix:
        return answers


@dataclass(frozen=True, slots=True)
class Calibration:
    """What turns a model's probabilities into truer ones.

    Parameters
    ----------
    method
        Way in which it learned.
    calibrator
        Calibrator of answers, fitted on all out of fold.
    before, after
        Reliability of answers out of fold; after, each by a calibrator that its fold did not teach.
    scores
        Metrics of the latter over the folds, by name.
    out_of_fold
        The latter.
    """

    method: CalibrationMethod
    calibrator: CalibratedClassifierCV
    before: Reliability
    after: Reliability
    scores: dict[str, Spread]
    out_of_fold: OutOfFold

    def around(self, estimator: Any) -> CalibratedClassifierCV:
        """A fitted classifier with this calibration, as scikit-learn's own.

        Parameters
        ----------
        estimator
            Fitted classifier without a decision function, which scikit-learn would calibrate instead.
        """
        whole = copy.copy(self.calibrator).set_params(estimator=FrozenEstimator(estimator), cv=None)
        (member,) = map(copy.copy, whole.calibrated_classifiers_)
        member.estimator = estimator
        whole.calibrated_classifiers_ = [member]
        whole.n_features_in_ = estimator.n_features_in_
        return whole

    @staticmethod
    def inside(estimator: CalibratedClassifierCV) -> Any:
        """The classifier that a calibration was put around."""
        (member,) = estimator.calibrated_classifiers_
        return member.estimator


def calibration_of(
    folds: Folds, out_of_fold: OutOfFold, scores: dict[str, Spread], *, select_by: str
) -> Calibration | None:
    """The calibration that makes probabilities truer; None where none does by more than chance.

    Parameters
    ----------
    folds
        Training rows of a classification.
    out_of_fold
        Probabilities of rows that the model was not fitted on.
    scores
        Metrics of these over the folds.
    select_by
        Name of a metric that may not get worse by more than chance.
    """
    rows, numbers, answers = out_of_fold.rows, out_of_fold.folds, out_of_fold.scores
    targets, count = folds.targets[rows], len(folds.contract.target.classes)
    parts = [numbers == fold for fold in np.unique(numbers).tolist()]
    if not np.isfinite(answers).all() or any(len(np.unique(targets[~inside])) < count for inside in parts):
        return None
    with threads(0):  # of a few parameters: more would wait for each other
        by_method = {method: _cross_fitted(method, answers, targets, parts) for method in METHODS}
    losses = {
        method: np.array(
            [score_metrics(folds.contract, targets[inside], given[inside], [_LOSS])[_LOSS.name] for inside in parts]
        )
        for method, given in by_method.items()
    }
    given = np.empty_like(answers)
    for place, inside in enumerate(parts):
        given[inside] = by_method[_best(losses, np.arange(len(parts)) != place)][inside]
    spreads = _over_folds(folds, targets, given, parts)
    before, after = (reliability(folds.contract, targets, each) for each in (answers, given))
    wins = is_better(_LOSS.name, spreads[_LOSS.name], scores[_LOSS.name]) and after.ece < before.ece
    if not wins or is_better(select_by, scores[select_by], spreads[select_by]):
        return None
    method = _best(losses, np.ones(len(parts), dtype=np.bool_))
    calibrator = _learned(method, answers, targets)
    return Calibration(method, calibrator, before, after, spreads, OutOfFold(rows, numbers, given))


def reliability(contract: Contract, targets: NDArray[Any], scores: Matrix) -> Reliability:
    """How true the probabilities of rows are.

    Parameters
    ----------
    targets, scores
        Class codes and probabilities, `[n]` and `[n, classes]`.
    """
    return Reliability(**score_metrics(contract, targets, scores, [_LOSS, _ERROR]))


def _cross_fitted(
    method: CalibrationMethod, answers: Matrix, targets: NDArray[Any], parts: list[NDArray[np.bool_]]
) -> Matrix:
    given = np.empty_like(answers)
    for inside in parts:
        calibrator = _learned(method, answers[~inside], targets[~inside])
        given[inside] = SklearnPredictor(calibrator, "classification").scores(answers[inside])
    return given


def _learned(method: CalibrationMethod, answers: Matrix, targets: NDArray[Any]) -> CalibratedClassifierCV:
    step = -(-answers.size // _MOST_ANSWERS)  # a calibrator has few parameters: more rows would hardly change it
    every = np.arange(0, len(targets), step)
    calibrator = CalibratedClassifierCV(_Answers(), method=method, cv=[(every, every)], ensemble=True)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # a way that fails to learn is worse, and so not taken
        return calibrator.fit(answers, targets)


def _best(losses: dict[CalibrationMethod, NDArray[np.float64]], taught: NDArray[np.bool_]) -> CalibrationMethod:
    """The way with the least loss in some folds; of equals, that of fewer parameters."""
    return min(METHODS, key=lambda method: float(losses[method][taught].mean()))


def _over_folds(
    folds: Folds, targets: NDArray[Any], given: Matrix, parts: list[NDArray[np.bool_]]
) -> dict[str, Spread]:
    values = [score_metrics(folds.contract, targets[inside], given[inside]) for inside in parts]
    return {
        metric.name: fold_summary([one.get(metric.name, math.nan) for one in values])
        for metric in selectable(folds.contract.task)
    }
