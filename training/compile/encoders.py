"""Converters for encoders that look each category up: its place, or what the target is where a row has it."""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray
from onnx import numpy_helper
from sklearn.preprocessing import OrdinalEncoder, TargetEncoder

from training.compile.dispatch import transform
from training.compile.graph import TREES_DOMAIN, Tensor, concatenate


@transform.register
def _transform_ordinal(encoder: OrdinalEncoder, rows: Tensor) -> Tensor:
    unknown = np.nan if encoder.unknown_value is None else float(encoder.unknown_value)
    columns = []
    for index, known in enumerate(encoder.categories_):
        keys, values = known.astype(float), np.arange(len(known), dtype=float)
        if np.isnan(keys).any():
            values[np.isnan(keys)] = encoder.encoded_missing_value
        elif not np.isnan(unknown):
            keys, values = np.append(keys, np.nan), np.append(values, np.nan)
        columns.append(_looked_up(rows.columns([index]), keys, values, unknown))
    return concatenate(columns)


@transform.register
def _transform_target(encoder: TargetEncoder, rows: Tensor) -> Tensor:
    """A column for each feature; of many classes one for each of them.

    What was not fitted, a missing value too unless training saw one, has the mean of the target.
    """
    means = np.atleast_1d(np.asarray(encoder.target_mean_, dtype=float))
    columns = []
    for index, (known, values) in enumerate(zip(encoder.categories_, _by_feature(encoder, len(means)), strict=True)):
        keys, column = known.astype(float), rows.columns([index])
        if len(means) == 1:
            columns.append(_looked_up(column, keys, values[0], float(means[0])))
            continue
        places = _looked_up(column, keys, np.arange(len(keys), dtype=float), float(len(keys))).as_integers()
        table = np.vstack([np.column_stack(values), means])
        found = rows.graph.add("Gather", (table, places), axis=0)
        columns.append(found.apply("Squeeze", np.array([1])))
    return concatenate(columns)


def _by_feature(encoder: TargetEncoder, outputs: int) -> Iterator[list[NDArray[np.float64]]]:
    """Encodings `[categories]` of each feature, one for each of its columns."""
    encodings = [np.asarray(values, dtype=float) for values in encoder.encodings_]
    for first in range(0, len(encodings), outputs):
        yield encodings[first : first + outputs]


def _looked_up(column: Tensor, keys: NDArray[np.float64], values: NDArray[np.float64], default: float) -> Tensor:
    """The value of each key, `[n, 1]`; NaN may be a key."""
    return column.apply(
        "LabelEncoder",
        domain=TREES_DOMAIN,
        keys_tensor=numpy_helper.from_array(keys),
        values_tensor=numpy_helper.from_array(values),
        default_tensor=numpy_helper.from_array(np.array([default])),
    )
