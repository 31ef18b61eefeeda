"""Turns a pipeline that was fitted on a data frame into one on encoded rows: names become places, texts become codes.

So it needs no data frame where it is served, and compiles like a pipeline of Skylift's own. Whoever calls this proves
that both give the same answers.
"""

import copy
from bisect import bisect_left
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.compose import ColumnTransformer
from sklearn.impute import SimpleImputer
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import FunctionTransformer, OneHotEncoder, OrdinalEncoder, TargetEncoder

from skylift.cells import clean_text
from skylift.contract import Contract
from skylift.feature import Feature
from training.job.inputs_taken import first_steps, members, places_of_part, places_taken


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


def on_encoded_rows(estimator: Any, contract: Contract) -> Any:
    """The same fitted model on encoded rows.

    Parameters
    ----------
    estimator
        Model that was fitted on a data frame.
    contract
        Contract with the features that it reads, in the order of `inputs_of`.

    Raises
    ------
    NotImplementedError
        A step takes texts, dates or words, and how it does is not known.
    """
    for feature in contract.features:
        if feature.kind == "datetime" or feature.letters is not None:
            raise NotImplementedError(f"{feature.name} is read by its own steps")
    changed = copy.deepcopy(estimator)
    steps = first_steps(changed)
    taken = places_taken(steps, getattr(steps[0], "n_features_in_", 0))
    for step in steps:
        if isinstance(step, ColumnTransformer):
            step._transformer_to_input_indices = {  # noqa: SLF001
                name: [
                    column
                    for place in places_of_part(step, name, part)
                    for column in _columns_of(contract, taken.index(place))
                ]
                for name, part, _ in step.transformers_
            }
            step.n_features_in_ = contract.width
    columns = [column for feature in contract.features for column in [_Column(feature)] * feature.width]
    _change(changed, columns)
    return changed


def _columns_of(contract: Contract, place: int) -> Iterable[int]:
    """Columns of a feature as a step takes them: of a text all but its length, of anything else the only one."""
    block = contract.blocks[place]
    return range(block.start + (contract.features[place].kind == "text"), block.stop)


def _change(step: Any, columns: list[_Column]) -> list[_Column]:
    """Change a fitted step in place; the columns that the next one sees, without any if they are computed."""
    if _passes_through(step):
        return columns
    vars(step).pop("feature_names_in_", None)
    for part in (*(members(step) or ()), *filter(None, [getattr(step, "_preprocessor", None)])):
        _change(part, columns)
    match step:
        case Pipeline():
            for _, part in step.steps:
                columns = _change(part, columns)
            return columns
        case ColumnTransformer():
            return _change_parts(step, columns)
        case _ if all(column.known is None for column in columns):
            pass
        case SimpleImputer():
            _change_imputer(step, columns)
            return columns
        case OneHotEncoder() | OrdinalEncoder() | TargetEncoder():
            step.categories_ = [
                column.codes(known.tolist()) for column, known in zip(columns, step.categories_, strict=True)
            ]
        case _ if not hasattr(step, "predict"):  # an estimator may know the codes of sorted texts, or has its members
            raise NotImplementedError(f"{type(step).__name__} takes texts")
    return []


def _passes_through(step: Any) -> bool:
    return isinstance(step, str) or step is None or (isinstance(step, FunctionTransformer) and step.func is None)


def _change_parts(step: ColumnTransformer, columns: list[_Column]) -> list[_Column]:
    parts, after = [], []
    for name, part, _ in step.transformers_:
        places = places_of_part(step, name, part)
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
