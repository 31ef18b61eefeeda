"""Models that were trained elsewhere, as what scores encoded rows. A joblib file of a version names these classes."""

import copy
from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np

from skylift.contract import Contract
from skylift.feature import LARGEST_EXACT_INTEGER, Feature, Kind
from skylift.letters import Letters
from skylift.scoring import Matrix

if TYPE_CHECKING:
    import pandas as pd


class FrameModel:
    """A model that takes a data frame of the table's own values: each encoded row is one of its rows again.

    Parameters
    ----------
    estimator
        Fitted classifier or regressor.
    contract
        Contract of the rows.
    names
        Names of the features as the model knows them.
    alone
        Whether it takes its only column, and no data frame.
    typed
        Kinds of features whose columns have the type that pandas has for them: `category`, `datetime`.
    blanks
        Names of the texts of which a missing one is an empty one to it.
    """

    alone = False  # of a file that an earlier release stored, as the next two
    typed: frozenset[Kind] = frozenset()
    blanks: frozenset[str] = frozenset()

    def __init__(
        self,
        estimator: Any,
        contract: Contract,
        names: Sequence[str],
        *,
        alone: bool = False,
        typed: Iterable[Kind] = (),
        blanks: Iterable[str] = (),
    ) -> None:
        self.estimator = estimator
        self.names = tuple(names)
        self.alone, self.typed, self.blanks = alone, frozenset(typed), frozenset(blanks)
        self._contract = contract.model_dump_json()  # a text: a later release reads it, whatever its classes are then

    def for_contract(self, contract: Contract) -> "FrameModel":
        """The same for another contract of these columns."""
        changed = copy.copy(self)
        vars(changed)["_contract"] = contract.model_dump_json()
        return changed

    def predict_proba(self, rows: Matrix) -> Matrix:
        """Probabilities of encoded rows, float64 `[n, classes]`."""
        return np.asarray(self.estimator.predict_proba(self.taken(rows)), dtype=np.float64)

    def predict(self, rows: Matrix) -> Matrix:
        """Values of encoded rows, float64 `[n]`."""
        answer = self.estimator.predict
        return np.asarray(answer(self.taken(rows)), dtype=np.float64).ravel()

    def get_params(self, deep: bool = True) -> dict[str, Any]:
        """Parameters as scikit-learn asks for them: the model itself, and its own."""
        return {"estimator": self.estimator, **(self.estimator.get_params() if deep else {})}

    def __sklearn_tags__(self) -> Any:
        """What scikit-learn wants to know of an estimator."""
        return self.estimator.__sklearn_tags__()

    def taken(self, rows: Matrix) -> Any:
        """What the model takes for encoded rows: a data frame, or its only column."""
        frame = self.frame(rows)
        return frame[self.names[0]] if self.alone else frame

    def frame(self, rows: Matrix) -> "pd.DataFrame":
        """The table's own values of encoded rows, NaN where one is missing."""
        import pandas as pd  # only where such a model is served

        contract = _contract(self._contract)
        return pd.DataFrame(
            {
                name: self._column(name, feature, rows[:, block])
                for name, feature, block in zip(self.names, contract.features, contract.blocks, strict=True)
            }
        )

    def _column(self, name: str, feature: Feature, encoded: Matrix) -> Any:
        import pandas as pd

        if feature.letters is not None:
            blank = "" if name in self.blanks else np.nan
            texts = Letters(feature.letters).texts(encoded)
            return pd.Series([blank if text is None else text for text in texts], dtype=object)
        cells = _cells(feature, encoded[:, 0])
        if feature.kind not in self.typed:
            return cells
        if feature.kind == "datetime":
            return pd.to_datetime(feature.dates[1]) + pd.to_timedelta(encoded[:, 0], unit="D").round("ms")
        return pd.Categorical(cells, categories=feature.named)  # an unknown value is a missing one to pandas


class InOrder:
    """A classifier whose classes have another order.

    Parameters
    ----------
    estimator
        Fitted classifier of encoded rows.
    order
        Places of its classes in their new order.
    """

    def __init__(self, estimator: Any, order: Sequence[int]) -> None:
        self.estimator = estimator
        self.order = list(order)

    def predict_proba(self, rows: Matrix) -> Matrix:
        """Probabilities of encoded rows, float64 `[n, classes]`."""
        return np.asarray(self.estimator.predict_proba(rows), dtype=np.float64)[:, self.order]

    def get_params(self, deep: bool = True) -> dict[str, Any]:
        """Parameters as scikit-learn asks for them: the model itself, and its own."""
        return {"estimator": self.estimator, **(self.estimator.get_params() if deep else {})}

    def __sklearn_tags__(self) -> Any:
        """What scikit-learn wants to know of an estimator."""
        return self.estimator.__sklearn_tags__()


class OnnxModel:
    """An ONNX file.

    Parameters
    ----------
    data
        Bytes of the file; see `OnnxPredictor`.
    """

    def __init__(self, data: bytes) -> None:
        self.data = data

    def predict_proba(self, rows: Matrix) -> Matrix:
        """Probabilities of encoded rows, float64 `[n, classes]`."""
        from skylift.predictors import OnnxPredictor

        return OnnxPredictor(self.data).scores(rows)

    predict = predict_proba

    def get_params(self, deep: bool = True) -> dict[str, Any]:  # noqa: ARG002 (scikit-learn's)
        """Parameters as scikit-learn asks for them: none."""
        return {}


@lru_cache(maxsize=8)
def _contract(document: str) -> Contract:
    return Contract.model_validate_json(document)


def _cells(feature: Feature, codes: Matrix) -> Any:
    """A column as pandas reads it from a table of which these are the numbers."""
    if feature.kind == "number":
        return codes
    if feature.kind == "integer":
        whole = feature.required and bool((np.abs(codes) <= LARGEST_EXACT_INTEGER).all())
        return codes.astype(np.int64) if whole else codes
    if feature.kind == "boolean" and feature.required and not np.isnan(codes).any():
        return codes.astype(np.bool_)
    if not feature.levels:
        cells = [np.nan if np.isnan(code) else feature.decode(code) for code in codes.tolist()]
        return np.array(cells, dtype=object)
    known = [feature.decode(float(code)) for code in range(len(feature.levels))]
    return np.array([*known, np.nan], dtype=object)[np.where(np.isnan(codes), -1, codes).astype(np.intp)]
