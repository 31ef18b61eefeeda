"""Turns a pipeline that was fitted on a data frame into one on encoded rows: names become places, texts become codes.

So it needs no data frame where it is served, and compiles like a pipeline of Skylift's own. Whoever calls this proves
that both give the same answers.
"""

import copy
from bisect import bisect_left
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.compose import ColumnTransformer, TransformedTargetRegressor
from sklearn.impute import SimpleImputer
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import FunctionTransformer, OneHotEncoder, OrdinalEncoder, TargetEncoder

from skylift.cells import clean_text
from skylift.contract import Contract
from skylift.feature import Feature


class _Column:
    """A column as a step sees it: texts, whose codes are known or made, or numbers.

    Parameters
    ----------
    feature
        Feature that is in the column.
    """

    def __init__(self, feature: Feature) -> None:
        self.known: Mapping[Any, float] | None = None
        if feature.is_nominal:
            self.known = feature.codes
        self._made: dict[Any, float] = {}

    def codes(self, values: Sequence[Any]) -> NDArray[np.float64]:
        """Numbers of values; of texts that the table does not have between those that they are sorted among."""
        return np.array([self._code(value) for value in values], dtype=np.float64)

    def _code(self, value: Any) -> float:
        if value is None or (isinstance(value, float) and np.isnan(value)):
            return np.nan
        if self.known is None:
            return float(value)
        value = clean_text(value) if isinstance(value, str) else value
        if value in self.known:
            return self.known[value]
        if value not in self._made:
            before = bisect_left(sorted(filter(None, self.known)), value)
            self._made[value] = before - 0.5 - 0.25 / (1 + len(self._made))
        return self._made[value]


def names_taken(estimator: Any) -> tuple[str, ...] | None:
    """Columns of a data frame that a fitted model reads, without those that it drops at once; None if it knows none."""
    names = getattr(estimator, "feature_names_in_", None)
    if names is None:
        return None
    return tuple(str(names[place]) for place in _places_taken(_first(estimator), len(names)))


def _first(estimator: Any) -> Any:
    return estimator.steps[0][1] if isinstance(estimator, Pipeline) else estimator


def _places_taken(step: Any, width: int) -> list[int]:
    if not isinstance(step, ColumnTransformer):
        return [*range(width)]
    taken = {int(place) for name, part, _ in step.transformers_ for place in _places(step, name, part)}
    return sorted(taken)


def _places(step: ColumnTransformer, name: str, part: Any) -> list[int]:
    if isinstance(part, str) and part == "drop":
        return []
    return [int(place) for place in step._transformer_to_input_indices[name]]  # noqa: SLF001 (by its own names)


def on_encoded_rows(estimator: Any, contract: Contract) -> Any:
    """The same fitted model on encoded rows.

    Parameters
    ----------
    estimator
        Model that was fitted on a data frame.
    contract
        Contract with the features that it reads, in the order of `names_taken`.

    Raises
    ------
    NotImplementedError
        A step takes texts or dates, and how it does is not known.
    """
    if contract.width != len(contract.features) or any(feature.kind == "datetime" for feature in contract.features):
        raise NotImplementedError("dates are read by its own steps")
    changed = copy.deepcopy(estimator)
    first = _first(changed)
    if isinstance(first, ColumnTransformer):
        taken = _places_taken(first, first.n_features_in_)
        first._transformer_to_input_indices = {  # noqa: SLF001
            name: [taken.index(place) for place in _places(first, name, part)] for name, part, _ in first.transformers_
        }
        first.n_features_in_ = len(taken)
    _change(changed, [_Column(feature) for feature in contract.features])
    return changed


def _change(step: Any, columns: list[_Column]) -> list[_Column]:
    """Change a fitted step in place; the columns that the next one sees, without any if they are computed."""
    if isinstance(step, str) or step is None or (isinstance(step, FunctionTransformer) and step.func is None):
        return columns  # passed through
    vars(step).pop("feature_names_in_", None)
    match step:
        case Pipeline():
            for _, part in step.steps:
                columns = _change(part, columns)
            return columns
        case ColumnTransformer():
            return _change_parts(step, columns)
        case TransformedTargetRegressor():
            return _change(step.regressor_, columns)
        case _ if all(column.known is None for column in columns):
            pass
        case SimpleImputer():
            _change_imputer(step, columns)
            return columns
        case OneHotEncoder() | OrdinalEncoder() | TargetEncoder():
            step.categories_ = [
                column.codes(known.tolist()) for column, known in zip(columns, step.categories_, strict=True)
            ]
        case _:
            raise NotImplementedError(f"{type(step).__name__} takes texts")
    return []


def _change_parts(step: ColumnTransformer, columns: list[_Column]) -> list[_Column]:
    parts, after = [], []
    for name, part, _ in step.transformers_:
        places = _places(step, name, part)
        parts.append((name, part, places))
        if isinstance(part, str) and part == "drop":
            continue
        after += _change(part, [columns[place] for place in places])
    if any(column.known is not None for column in after):
        raise NotImplementedError("ColumnTransformer passes texts on")
    step.transformers_ = parts
    step.transformers = [part for part in parts if part[0] != "remainder"]
    return after


def _change_imputer(step: SimpleImputer, columns: list[_Column]) -> None:
    if step.add_indicator or any(column.known is None for column in columns):
        raise NotImplementedError("SimpleImputer fills texts beside something else")
    filled = [column.codes([value])[0] for column, value in zip(columns, step.statistics_.tolist(), strict=True)]
    step.statistics_ = np.array(filled)
    step.missing_values = np.nan
    step.strategy = "most_frequent"  # a constant has another code in each column, as the most frequent texts have
    step._fit_dtype = step._fill_dtype = np.dtype(np.float64)  # noqa: SLF001 (of what it fills)
