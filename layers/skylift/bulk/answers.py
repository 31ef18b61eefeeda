"""What is added to the rows of a table: columns of answers, and of reasons where they are asked for."""

from collections.abc import Collection
from typing import Any

import numpy as np
from numpy.typing import NDArray

from skylift.contract import Contract
from skylift.errors import DataError
from skylift.scoring import Matrix, predicted_classes

PREDICTION = "prediction"
_LOW, _HIGH = "prediction_low", "prediction_high"


def answer_names(contract: Contract) -> list[str]:
    """Names of the added columns, in their order."""
    target = contract.target
    if target.classes:
        return [PREDICTION, *(f"probability_{key}" for key in target.keys)]
    return [PREDICTION, _LOW, _HIGH] if target.margins else [PREDICTION]


def check_names(contract: Contract, columns: Collection[str]) -> None:
    """Refuse a table that has a column of the name of an answer.

    Raises
    ------
    DataError
    """
    if taken := [name for name in answer_names(contract) if name in columns]:
        raise DataError(f"the table has a column {taken[0]!r}, which is the name of an answer", "rename it")


def answer_types(contract: Contract) -> list[Any]:
    """Arrow's types of the added columns."""
    import pyarrow as pa

    classes = contract.target.classes
    types = {bool: pa.bool_(), int: pa.int64()}
    (kind,) = {type(name) for name in classes} if len({type(name) for name in classes}) == 1 else (str,)
    first = types.get(kind, pa.string()) if classes else pa.float64()
    return [first, *[pa.float64()] * (len(answer_names(contract)) - 1)]


def answer_columns(contract: Contract, scores: Matrix) -> list[Any]:
    """The added columns as arrays of Arrow; what JSON has no number for is missing.

    Parameters
    ----------
    scores
        See `Predictor.scores`.
    """
    import pyarrow as pa

    target = contract.target
    first, *_ = answer_types(contract)
    if target.classes:
        codes = predicted_classes(target, scores)
        known = scores[np.arange(len(scores)), codes] == scores[np.arange(len(scores)), codes]
        names = target.keys if first == pa.string() else target.classes
        labels = pa.array(names, first).take(pa.array(codes, mask=~known))
        return [labels, *(_numbers(column) for column in scores.T)]
    if target.margins is None:
        return [_numbers(scores)]
    places = np.searchsorted(target.margins.edges, scores, side="right")
    ends = [scores + np.array(margins)[places] for margins in (target.margins.low, target.margins.high)]
    return [_numbers(scores), *map(_numbers, ends)]


def _numbers(values: NDArray[np.float64]) -> Any:
    import pyarrow as pa

    finite = np.isfinite(values)
    return pa.array(values) if finite.all() else pa.array(values, mask=~finite)
