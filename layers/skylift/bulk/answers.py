"""What is added to the rows of a table: columns of answers, and of the reasons for them."""

from collections.abc import Collection
from typing import Any

import numpy as np
from numpy.typing import NDArray

from skylift.contract import Contract
from skylift.errors import DataError
from skylift.explanation import Explainer
from skylift.scoring import Matrix, predicted_classes

PREDICTION = "prediction"
_LOW, _HIGH = "prediction_low", "prediction_high"
_BASE = "base"


class Answers:
    """The columns of answers.

    Parameters
    ----------
    contract
        Contract of the model.
    explainer
        What gives the reasons; None for none.

    Attributes
    ----------
    names
        Names of the columns, in their order.
    """

    def __init__(self, contract: Contract, explainer: Explainer | None = None) -> None:
        self._contract = contract
        self._explainer = explainer
        target = contract.target
        self.names = [PREDICTION]
        if target.classes:
            self.names += [f"probability_{key}" for key in target.keys]
        elif target.margins:
            self.names += [_LOW, _HIGH]
        if explainer is not None:
            self.names += [_BASE, *(f"contribution_{feature.name}" for feature in contract.features)]

    def check(self, columns: Collection[str]) -> None:
        """Refuse a table that has a column of the name of an answer.

        Raises
        ------
        DataError
        """
        if taken := [name for name in self.names if name in columns]:
            raise DataError(f"the table has a column {taken[0]!r}, which is the name of an answer", "rename it")

    @property
    def types(self) -> list[Any]:
        """Arrow's types of the columns."""
        import pyarrow as pa

        kinds = {type(name) for name in self._contract.target.classes}
        of_kind = {bool: pa.bool_(), int: pa.int64()}
        first = pa.float64() if not kinds else of_kind.get(kinds.pop(), pa.string()) if len(kinds) == 1 else pa.string()
        return [first, *[pa.float64()] * (len(self.names) - 1)]

    def columns(self, rows: Matrix, scores: Matrix) -> list[Any]:
        """The columns as arrays of Arrow; what JSON has no number for is missing.

        Parameters
        ----------
        rows
            Encoded rows, float64 `[n, width]`.
        scores
            What they were scored; see `Predictor.scores`.
        """
        if self._contract.target.classes:
            added = [self._labels(scores), *map(_numbers, scores.T)]
        else:
            added = [*map(_numbers, self._values(scores))]
        if self._explainer is not None:
            reasons = self._explainer.explain(rows, scores)
            added += [_numbers(reasons.base), *map(_numbers, reasons.contributions.T)]
        return added

    def _labels(self, scores: Matrix) -> Any:
        import pyarrow as pa

        target, kind = self._contract.target, self.types[0]
        codes = predicted_classes(target, scores)
        undefined = np.isnan(scores[np.arange(len(scores)), codes])
        names = target.keys if kind == pa.string() else target.classes
        return pa.array(names, kind).take(pa.array(codes, mask=undefined))

    def _values(self, scores: Matrix) -> list[Matrix]:
        margins = self._contract.target.margins
        if margins is None:
            return [scores]
        places = np.searchsorted(margins.edges, scores, side="right")
        return [scores, scores + np.array(margins.low)[places], scores + np.array(margins.high)[places]]


def _numbers(values: NDArray[np.float64]) -> Any:
    import pyarrow as pa

    finite = np.isfinite(values)
    return pa.array(values) if finite.all() else pa.array(values, mask=~finite)
