"""Converters for support vectors, and for the calibration that turns decisions into probabilities."""

from functools import reduce
from itertools import combinations
from operator import add
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.calibration import CalibratedClassifierCV, _SigmoidCalibration
from sklearn.isotonic import IsotonicRegression
from sklearn.svm import SVC, SVR, NuSVC, NuSVR

from training.compile.dispatch import decide, score
from training.compile.graph import Tensor, concatenate, shares, two_classes

_ABOVE_ZERO = 1e-12
"""What scikit-learn adds to probabilities before it takes their logarithm."""


@score.register(SVR)
@score.register(NuSVR)
def _score_vectors(estimator: Any, rows: Tensor) -> Tensor:
    return _kernel(estimator, rows) @ np.asarray(estimator.dual_coef_).T + np.asarray(estimator.intercept_)


@decide.register(SVC)
@decide.register(NuSVC)
def _decide_vectors(estimator: Any, rows: Tensor) -> Tensor:
    kernel, classes = _kernel(estimator, rows), len(estimator.classes_)
    if classes == 2:
        return kernel @ np.asarray(estimator.dual_coef_).T + np.asarray(estimator.intercept_)
    if estimator.decision_function_shape != "ovr":
        raise NotImplementedError("no converter for decisions between pairs of classes")
    pairs = list(combinations(range(classes), 2))
    decisions = kernel @ _pair_weights(estimator, pairs) + estimator.intercept_
    return _votes(decisions, pairs, classes)


def _pair_weights(estimator: Any, pairs: list[tuple[int, int]]) -> NDArray[np.float64]:
    """Weights of the support vectors in the decision between each pair of classes, `[vectors, pairs]`.

    libsvm keeps them by vector and by the other classes, its own left out.
    """
    ends = np.cumsum(estimator.n_support_)
    weights = np.zeros((len(estimator.support_vectors_), len(pairs)))
    for pair, (first, second) in enumerate(pairs):
        of_first = slice(ends[first] - estimator.n_support_[first], ends[first])
        of_second = slice(ends[second] - estimator.n_support_[second], ends[second])
        weights[of_first, pair] = estimator.dual_coef_[second - 1, of_first]
        weights[of_second, pair] = estimator.dual_coef_[first, of_second]
    return weights


def _votes(decisions: Tensor, pairs: list[tuple[int, int]], classes: int) -> Tensor:
    """Votes of the pairs for each class, and what breaks their ties, as `sklearn.utils.multiclass` counts them."""
    first, second = np.zeros((2, len(pairs), classes))
    for pair, (one, other) in enumerate(pairs):
        first[pair, one] = second[pair, other] = 1.0
    against = decisions.apply("Less", 0.0).as_double()
    votes = against @ second + (1.0 - against) @ first
    confidence = decisions @ (first - second)
    return votes + confidence / ((confidence.apply("Abs") + 1.0) * 3.0)


def _kernel(estimator: Any, rows: Tensor) -> Tensor:
    """Kernel of rows and support vectors, `[n, vectors]`."""
    vectors, gamma = np.asarray(estimator.support_vectors_), float(estimator._gamma)
    if estimator.kernel == "rbf":
        # Squared distances by products lose digits far from the origin: move it to the vectors.
        center = vectors.mean(axis=0)
        centered, moved = rows - center, vectors - center
        squares = (centered * centered).row_sums() + (moved * moved).sum(axis=1)
        distances = (squares - (centered @ moved.T) * 2.0).apply("Max", 0.0)
        return (distances * -gamma).apply("Exp")
    products = rows @ vectors.T
    if estimator.kernel == "linear":
        return products
    if estimator.kernel == "poly":
        return (products * gamma + float(estimator.coef0)).apply("Pow", float(estimator.degree))
    if estimator.kernel == "sigmoid":
        return (products * gamma + float(estimator.coef0)).apply("Tanh")
    raise NotImplementedError(f"no converter for the kernel {estimator.kernel}")


@score.register
def _score_calibrated(estimator: CalibratedClassifierCV, rows: Tensor) -> Tensor:
    each = [_calibrated(member, rows) for member in estimator.calibrated_classifiers_]
    return each[0] if len(each) == 1 else reduce(add, each) / float(len(each))


def _calibrated(member: Any, rows: Tensor) -> Tensor:
    if member.method == "temperature":
        return (_logits(member, rows) * float(member.calibrators[0].beta_)).softmax()
    decisions = _decisions(member, rows)
    if len(member.classes) == 2:
        return two_classes(_calibrate(member.calibrators[0], decisions))
    each = concatenate(
        [_calibrate(calibrator, decisions.columns([code])) for code, calibrator in enumerate(member.calibrators)]
    )
    return shares(each, len(member.classes))


def _logits(member: Any, rows: Tensor) -> Tensor:
    """What a temperature divides, `[n, classes]`: decisions, or logarithms of probabilities a little above 0."""
    if not hasattr(member.estimator, "decision_function"):
        probabilities: Tensor = score(member.estimator, rows)
        both = two_classes(probabilities.columns([1])) if len(member.classes) == 2 else probabilities
        return (both + _ABOVE_ZERO).apply("Log")
    decisions: Tensor = decide(member.estimator, rows)
    return concatenate([decisions * -1.0, decisions]) if len(member.classes) == 2 else decisions


def _decisions(member: Any, rows: Tensor) -> Tensor:
    """What is calibrated: decisions, or the probabilities of an estimator that has none."""
    if hasattr(member.estimator, "decision_function"):
        return decide(member.estimator, rows)
    probabilities = score(member.estimator, rows)
    return probabilities.columns([1]) if len(member.classes) == 2 else probabilities


def _calibrate(calibrator: Any, decisions: Tensor) -> Tensor:
    if isinstance(calibrator, _SigmoidCalibration):
        return (decisions * -float(calibrator.a_) - float(calibrator.b_)).logistic()
    if isinstance(calibrator, IsotonicRegression):
        return _interpolate(calibrator.X_thresholds_.astype(float), calibrator.y_thresholds_.astype(float), decisions)
    raise NotImplementedError(f"no converter for {type(calibrator).__name__}")


def _interpolate(points: NDArray[np.float64], values: NDArray[np.float64], at: Tensor) -> Tensor:
    """Straight lines between points, and the outer values outside: `at` is `[n, 1]`."""
    graph = at.graph
    if len(points) == 1:
        return at * 0.0 + float(values[0])
    at = at.apply("Max", points[0]).apply("Min", points[-1])
    # Points that a value has passed; the last one ends the last line.
    passed = at.apply("GreaterOrEqual", points[1:-1][None, :]).as_integers().row_sums()
    slopes = np.diff(values) / np.diff(points)

    def of_line(column: NDArray[np.float64]) -> Tensor:
        return graph.add("Gather", (column, passed), axis=0)

    return of_line(slopes) * (at - of_line(points[:-1])) + of_line(values[:-1])
