"""Converters for encoders of categories: a column of ones for each, its place, or the target where a row has it."""

from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray
from onnx import numpy_helper
from sklearn.preprocessing import OneHotEncoder, OrdinalEncoder, TargetEncoder

from training.compile.dispatch import transform
from training.compile.graph import TREES_DOMAIN, Tensor, concatenate


@transform.register
def _transform_ordinal(encoder: OrdinalEncoder, rows: Tensor) -> Tensor:
    unknown = np.nan if encoder.unknown_value is None else float(encoder.unknown_value)
    columns = []
    for index, known in enumerate(encoder.categories_):
        keys, values = known.astype(float), np.arange(len(known), dtype=float)
        if (grouped := _places_of_infrequent(encoder, index)) is not None:
            values[: len(grouped)] = grouped  # a missing value, which is the last one, is never among them
        values[np.isnan(keys)] = encoder.encoded_missing_value
        columns.append(_looked_up(rows.columns([index]), keys, values, unknown))
    return concatenate(columns)


def is_plain(encoder: OneHotEncoder) -> bool:
    """Whether an encoder gives a column for each of its categories, none of which is a missing value."""
    grouped = encoder._infrequent_enabled or encoder.drop is not None
    return not grouped and not any(np.isnan(known.astype(float)).any() for known in encoder.categories_)


def one_hot(rows: Tensor, columns: Iterable[int], categories: list[NDArray[Any]]) -> Tensor:
    """1 where a column holds each of its categories, for several columns at once."""
    repeated = [column for column, known in zip(columns, categories, strict=True) for _ in known]
    return rows.columns(repeated).apply("Equal", np.concatenate(categories).astype(float)).as_double()


@transform.register
def _transform_one_hot(encoder: OneHotEncoder, rows: Tensor) -> Tensor:
    if is_plain(encoder):
        return one_hot(rows, range(len(encoder.categories_)), encoder.categories_)
    parts: list[Tensor] = []
    for index, known in enumerate(encoder.categories_):
        keys, column = known.astype(float), rows.columns([index])
        grouped = _places_of_infrequent(encoder, index)
        places = np.arange(len(keys)) if grouped is None else grouped
        rare = int(places.max()) if grouped is not None else len(keys)
        frequent = keys[places < rare]
        dropped = None if encoder._drop_idx_after_grouping is None else encoder._drop_idx_after_grouping[index]
        if len(kept := np.delete(frequent, [dropped] if dropped is not None and dropped < len(frequent) else [])):
            parts.append(_is_each(column, kept))
        if grouped is not None and dropped != rare:
            parts.append(_is_rare(encoder, column, frequent, keys[places == rare]))
    return concatenate(parts)


def _is_rare(
    encoder: OneHotEncoder, column: Tensor, frequent: NDArray[np.float64], rare: NDArray[np.float64]
) -> Tensor:
    """1 where a column holds an infrequent category, `[n, 1]`; unknown ones are, unless these are ignored."""
    if encoder.handle_unknown == "ignore":
        return _is_each(column, rare).row_sums()
    return 1.0 - _is_each(column, frequent).row_sums()


def _is_each(column: Tensor, keys: NDArray[np.float64]) -> Tensor:
    """1 where a column is each of some values, `[n, keys]`; NaN, which comes last, may be one."""
    numbers = keys[~np.isnan(keys)]
    parts = [column.apply("Equal", numbers).as_double()]
    return concatenate(parts if len(numbers) == len(keys) else [*parts, column.apply("IsNaN").as_double()])


def _places_of_infrequent(encoder: OneHotEncoder | OrdinalEncoder, index: int) -> NDArray[np.intp] | None:
    """Places of the categories of a column where infrequent ones share the last; None if it has none."""
    if not encoder._infrequent_enabled:
        return None
    places: NDArray[np.intp] | None = encoder._default_to_infrequent_mappings[index]
    return places


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
