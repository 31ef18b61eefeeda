"""From encoded rows to answers: scoring by a predictor, comparing with golden answers.

A predictor sees one float64 matrix, whatever the table held; `skylift.encoding` makes it. Only these two modules,
`date_encoding` and `predictors` need numpy; functions that handle no model import none of them.
"""

import math
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Protocol, cast

import numpy as np
from numpy.typing import NDArray

from skylift.conformal import Margins, Sets
from skylift.contract import ClassName, Contract, Target
from skylift.encoding import RowEncoder
from skylift.errors import FOREIGN_FAILURES, GoldenMismatch
from skylift.golden import agree, brief
from skylift.manifest import Golden, Prediction

type Matrix = NDArray[np.float64]

TIE_MARGIN = 1e-6
"""Probabilities closer than this are equal."""

_THRESHOLD_MARGIN = TIE_MARGIN / 2  # of two probabilities one is above one half by half of their difference


class Predictor(Protocol):
    """Scores rows.

    Implementations hold a fitted model; `predictors.py` loads them.
    """

    def scores(self, rows: Matrix) -> Matrix:
        """Score encoded rows.

        Parameters
        ----------
        rows
            float64 `[n, width]`.

        Returns
        -------
        float64 `[n, classes]`, probabilities, for classification; `[n]`, values, for regression.
        """
        ...


def predictions(contract: Contract, scores: Matrix) -> list[dict[str, object]]:
    """Answers to scored rows, in their order and as JSON has them."""
    if contract.task == "regression":
        return _values(contract.target.margins, scores.tolist())
    classes = contract.target.classes
    keys = contract.target.keys
    if len(scores) == 1:  # without arrays, which cost more than they save
        (row,) = scores.tolist()
        return [{"label": _label(contract.target, row), "probabilities": dict(zip(keys, row, strict=False))}]
    best = predicted_classes(contract.target, scores).tolist()
    return [  # NaN, which is not itself, makes no label
        {
            "label": classes[index] if row[index] == row[index] else None,
            "probabilities": dict(zip(keys, row, strict=False)),
        }
        for index, row in zip(best, scores.tolist(), strict=True)
    ]


def _values(margins: Margins | None, values: list[float]) -> list[dict[str, object]]:
    if margins is None:
        return [{"value": value} for value in values]
    answers: list[dict[str, object]] = []
    for value in values:
        low, high = margins.around(value)
        answers.append({"value": value, "low": low, "high": high, "level": margins.level})
    return answers


def add_sets(target: Target, sets: Sets, answers: Iterable[dict[str, object]]) -> None:
    """Give answers of classes their prediction sets, as the member `set`; none to one without a label."""
    for answer in answers:
        if answer["label"] is not None:
            probabilities = cast("dict[str, float]", answer["probabilities"]).values()
            answer["set"] = [target.classes[code] for code in sets.of(probabilities)]


def _label(target: Target, row: list[float]) -> ClassName | None:
    """The label of one row; see `predicted_classes`."""
    classes = target.classes
    if target.threshold is not None:
        code = int(row[1] - target.threshold > _THRESHOLD_MARGIN)
        return None if math.isnan(row[code]) else classes[code]
    if any(map(math.isnan, row)):
        return None if math.isnan(row[0]) else classes[0]
    close = max(row) - TIE_MARGIN
    return next(name for name, probability in zip(classes, row, strict=False) if probability >= close)


def as_distributions(scores: Matrix) -> Matrix:
    """Probabilities in [0, 1] that sum to 1, from those that rounding moved out of it.

    Parameters
    ----------
    scores
        Probabilities, float64 `[n, classes]`.
    """
    positive = np.maximum(scores, 0.0)
    positive /= np.add.reduce(positive, axis=1, keepdims=True)
    return positive


def predicted_classes(target: Target, scores: Matrix) -> NDArray[np.intp]:
    """The class that each row is labelled with: by the target's threshold, or the most probable one.

    Of classes that are equal up to rounding it is the first, as for a probability that equals the threshold: forests
    give exact ties, and two ways to add up the same votes differ in the last digits, so that without a margin the label
    would depend on the way.

    Parameters
    ----------
    target
        Target with its classes and threshold.
    scores
        Probabilities, float64 `[n, classes]`.

    Returns
    -------
    Class codes, `[n]`.
    """
    if target.threshold is not None:
        return (scores[:, 1] - target.threshold > _THRESHOLD_MARGIN).astype(np.intp)
    return (scores >= scores.max(axis=1, keepdims=True) - TIE_MARGIN).argmax(axis=1)


@contextmanager
def golden_mismatches() -> Iterator[None]:
    """Turn whatever fails with golden requests, which every servable model can score, into `GoldenMismatch`.

    Raises
    ------
    GoldenMismatch
        They cannot be scored.
    """
    try:
        yield
    except FOREIGN_FAILURES as error:
        raise GoldenMismatch(
            f"the model cannot score the golden requests ({type(error).__name__})", "publish the version again"
        ) from error


def check_golden(encoder: RowEncoder, golden: Golden, predictor: Predictor) -> None:
    """Score the golden requests and compare.

    Parameters
    ----------
    encoder
        What encodes the instances of the version.

    Raises
    ------
    GoldenMismatch
        They cannot be scored, or an answer differs; see `skylift.golden.agree`.
    """
    with golden_mismatches():
        scores = predictor.scores(encoder.encode(golden.instances))
    compare_golden(encoder.contract, golden, scores)


def compare_golden(contract: Contract, golden: Golden, scores: Matrix) -> None:
    """Compare scores of the golden requests with those of training.

    Raises
    ------
    GoldenMismatch
        An answer differs; see `skylift.golden.agree`.
    """
    expected_shape = (
        (len(golden.instances), len(contract.target.classes)) if contract.target.classes else (len(golden.instances),)
    )
    if scores.shape != expected_shape:
        raise GoldenMismatch(
            f"the model answers with shape {scores.shape}, not {expected_shape}", "publish the version again"
        )
    for number, (got, expected) in enumerate(
        zip(predictions(contract, scores), golden.predictions, strict=True), start=1
    ):
        answer = Prediction.model_validate(got)
        if not agree(answer, expected, golden.tolerance):
            raise GoldenMismatch(
                f"golden request {number} of {len(golden.instances)} is scored {brief(answer, expected)}, "
                f"not {brief(expected, answer)} as in training",
                "do not serve it: train and publish again with the pinned requirements",
            )
