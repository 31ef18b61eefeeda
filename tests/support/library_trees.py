"""Small tables for the boosted trees of other libraries, and their answers in both forms."""

import warnings
from typing import Any

import numpy as np
from onnxruntime import InferenceSession
from sklearn.base import is_classifier

from skylift.scoring import Matrix
from training.compile.dispatch import answers, score, splits_of
from training.compile.graph import Graph

ROWS, CODES = 300, 40  # more categories than one word of 32 bits has


def _rows(*, missing: bool) -> Matrix:
    noise = np.random.default_rng(3)
    rows = noise.normal(size=(ROWS, 4))
    rows[:, 2] = np.round(rows[:, 2])  # zeros, also exact ones
    rows[:, 3] = noise.integers(0, CODES, ROWS)
    if missing:
        rows[noise.random(rows.shape) < 0.1] = np.nan
    return rows


COMPLETE, MISSING = _rows(missing=False), _rows(missing=True)
VALUES = COMPLETE[:, 0] + COMPLETE[:, 3] % 2 + 0.2 * COMPLETE[:, 2]
AMOUNTS = VALUES - VALUES.min() + 0.5


def fitted(estimator: Any, rows: Matrix, classes: int) -> Any:
    codes = np.digitize(VALUES, np.quantile(VALUES, np.arange(1, classes) / classes)) if classes else AMOUNTS
    return estimator.fit(rows, codes)


def asked(estimator: Any, rows: Matrix) -> Matrix:
    """Rows, with one column set to each code, to nothing, to zeros, and to each threshold and its neighbours."""
    varied: list[Any] = [
        rows,
        np.full((1, 4), np.nan),
        np.zeros((1, 4)),
        np.full((1, 4), 1e30),
        [[1e-40, -1e-40, -1e-36, 0]],
    ]

    def vary(column: int, value: float) -> None:
        varied.append(rows[:2].copy())
        varied[-1][:, column] = value

    for code in range(CODES):
        vary(3, float(code))
    splits = splits_of(estimator)
    assert splits is not None
    for tree in splits.trees:
        for node in set(np.flatnonzero(~tree.leaf).tolist()) - tree.categories.keys():
            threshold = splits.dtype(tree.threshold[node])
            with np.errstate(over="ignore"):  # CatBoost tells missing values by the smallest number
                neighbours = [np.nextafter(threshold, splits.dtype(sign * np.inf)) for sign in (-1, 1)]
            for value in (threshold, *neighbours):
                vary(int(tree.feature[node]), float(value))
    return np.vstack(varied)


def converted(estimator: Any, rows: Matrix, classes: int) -> Matrix:
    graph = Graph(rows.shape[1])
    score(estimator, graph.rows)
    scores: Matrix = InferenceSession(graph.model(max(classes, 1)).SerializeToString()).run(None, {"rows": rows})[0]
    return scores


def check(estimator: Any, rows: Matrix, classes: int, *, rounding: float) -> None:
    """Hold a model, once fitted, to its library's answers at each of its thresholds and around it."""
    fitted(estimator, rows, classes)
    every = asked(estimator, rows)

    got = converted(estimator, every, classes)

    expected = answers(estimator, every).reshape(got.shape)
    expected = expected / expected.sum(axis=1, keepdims=True) if classes else expected
    np.testing.assert_allclose(got, expected, rtol=rounding, atol=rounding * (1 if classes else AMOUNTS.max()))
    assert is_classifier(estimator) is bool(classes)


def refusal(estimator: Any, rows: Any, classes: int) -> str:
    """Why a model is not converted."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of what the library would rather not have
        fitted(estimator, rows, classes)
        try:
            score(estimator, Graph(4).rows)
        except NotImplementedError as error:
            return str(error)
    return "it is converted"
