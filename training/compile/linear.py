"""Converters for linear models, discriminants, naive Bayes and perceptrons."""

from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis, QuadraticDiscriminantAnalysis
from sklearn.linear_model import LogisticRegression, SGDClassifier, SGDRegressor
from sklearn.linear_model._base import LinearClassifierMixin, LinearModel
from sklearn.linear_model._glm import _GeneralizedLinearRegressor
from sklearn.naive_bayes import GaussianNB
from sklearn.neural_network import MLPClassifier, MLPRegressor

from training.compile.dispatch import decide, score
from training.compile.graph import Tensor, shares, two_classes

_ACTIVATIONS = {"tanh": "Tanh", "relu": "Relu", "exp": "Exp"}


@score.register
def _score_linear(estimator: LinearModel, rows: Tensor) -> Tensor:
    return _affine(rows, np.atleast_2d(estimator.coef_), estimator.intercept_)


@score.register
def _score_sgd(estimator: SGDRegressor, rows: Tensor) -> Tensor:
    return _affine(rows, np.atleast_2d(estimator.coef_), estimator.intercept_)


@score.register
def _score_generalized(estimator: _GeneralizedLinearRegressor, rows: Tensor) -> Tensor:
    return inverse_link(estimator._base_loss.link, _affine(rows, np.atleast_2d(estimator.coef_), estimator.intercept_))


@decide.register
def _decide_linear(estimator: LinearClassifierMixin, rows: Tensor) -> Tensor:
    return _affine(rows, np.atleast_2d(estimator.coef_), estimator.intercept_)


@score.register(LogisticRegression)
@score.register(LinearDiscriminantAnalysis)
def _score_logistic(estimator: Any, rows: Tensor) -> Tensor:
    if len(estimator.coef_) == 1:
        return _logistic_of_one(estimator, rows)
    decisions: Tensor = decide(estimator, rows)
    return decisions.softmax()


def _logistic_of_one(estimator: Any, rows: Tensor) -> Tensor:
    """Logistic function of one decision: the softmax of zero and that."""
    pair = np.vstack([np.zeros_like(estimator.coef_), estimator.coef_])
    return _affine(rows, pair, np.append(0.0, estimator.intercept_)).softmax()


@score.register
def _score_sgd_classifier(estimator: SGDClassifier, rows: Tensor) -> Tensor:
    if estimator.loss != "log_loss":
        raise NotImplementedError(f"no converter for SGDClassifier with {estimator.loss}")
    if len(estimator.coef_) == 1:
        return _logistic_of_one(estimator, rows)
    each: Tensor = decide(estimator, rows).logistic()
    return shares(each, len(estimator.coef_))


@score.register
def _score_quadratic(estimator: QuadraticDiscriminantAnalysis, rows: Tensor) -> Tensor:
    graph, distances = rows.graph, []
    for mean, rotation, scaling in zip(estimator.means_, estimator.rotations_, estimator.scalings_, strict=True):
        whitened = (rows - mean) @ (rotation * scaling**-0.5)
        distances.append((whitened * whitened).row_sums())
    volumes = np.array([np.log(scaling).sum() for scaling in estimator.scalings_])
    norms = graph.add("Concat", distances, axis=1)
    return ((norms + volumes) * -0.5 + np.log(np.asarray(estimator.priors_))).softmax()


@score.register
def _score_bayes(estimator: GaussianNB, rows: Tensor) -> Tensor:
    distances = []
    for mean, variance in zip(estimator.theta_, estimator.var_, strict=True):
        centered = rows - mean
        distances.append((centered * centered / variance).row_sums())
    constants = np.log(np.asarray(estimator.class_prior_)) - 0.5 * np.log(2 * np.pi * np.asarray(estimator.var_)).sum(
        axis=1
    )
    return (rows.graph.add("Concat", distances, axis=1) * -0.5 + constants).softmax()


@score.register(MLPClassifier)
@score.register(MLPRegressor)
def _score_perceptron(estimator: Any, rows: Tensor) -> Tensor:
    *hidden, last = zip(estimator.coefs_, estimator.intercepts_, strict=True)
    for weights, biases in hidden:
        rows = _activate(estimator.activation, _affine(rows, weights.T, biases))
    output = _activate(estimator.out_activation_, _affine(rows, last[0].T, last[1]))
    return two_classes(output) if estimator.out_activation_ == "logistic" else output


def _activate(name: str, values: Tensor) -> Tensor:
    if name == "identity":
        return values
    if name in {"logistic", "softmax"}:
        return values.logistic() if name == "logistic" else values.softmax()
    return values.apply(_ACTIVATIONS[name])


def _affine(rows: Tensor, weights: NDArray[Any], intercepts: Any) -> Tensor:
    """Products with the rows of weights `[outputs, features]`, plus intercepts."""
    biases = np.broadcast_to(np.asarray(intercepts, dtype=float), (len(weights),))
    return rows.apply("Gemm", weights, biases, transB=1)


def inverse_link(link: Any, values: Tensor) -> Tensor:
    """Values on the scale of the target, from those on the scale of a loss."""
    name = type(link).__name__
    if name not in {"IdentityLink", "LogLink"}:
        raise NotImplementedError(f"no converter for {name}")
    return values.apply("Exp") if name == "LogLink" else values
