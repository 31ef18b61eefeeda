"""Arrays of Arrow as training reads the columns of a table."""

import math
from typing import Any

import numpy as np

from skylift.feature import Feature


def value_of(value: Any) -> object:
    """A cell of an array as Python has it; a value of JSON as it is."""
    return without_nan(value.as_py()) if hasattr(value, "as_py") else value


def without_nan(cell: object) -> object:
    """A cell, or None for NaN: data frames write a missing number so."""
    return None if isinstance(cell, float) and math.isnan(cell) else cell


def as_cell(feature: Feature, value: object) -> object:
    """A typed cell as a CSV file has it, where the feature is not a number; a number stays one for a date.

    Bytes, which training leaves out, stay bytes, which no feature takes.
    """
    if value is None or isinstance(value, str | bytes | list | dict) or feature.is_numeric:
        return value
    if isinstance(value, bool):
        return value if feature.kind == "boolean" else str(value).lower()
    if not isinstance(value, int | float):
        return str(value)
    if feature.kind == "datetime":
        return value
    text = str(value)
    if isinstance(value, float) and value.is_integer() and feature.categories and text not in feature.codes:
        return str(int(value))  # whole numbers of which some are missing are floats to data frames
    return text


def plain(array: Any) -> Any:
    """An array of booleans, integers, doubles or texts, or texts in a dictionary; other types as training reads them.

    Numbers of a smaller type than double are the shortest ones that stand for them: 0.1 stays 0.1.
    """
    import pyarrow as pa

    kind, types = array.type, pa.types
    if isinstance(kind, pa.BaseExtensionType):
        return plain(array.storage)
    if types.is_temporal(kind) or types.is_large_string(kind) or types.is_string_view(kind):
        return _as_texts(array)
    if types.is_decimal(kind):
        return array.cast(pa.string()).cast(pa.float64())  # Arrow's own cast makes 868.8100000000001 of 868.81
    if types.is_dictionary(kind) and not types.is_string(kind.value_type):
        return plain(array.dictionary_decode())
    if types.is_floating(kind) and kind != pa.float64():
        distinct, codes = np.unique(array.to_numpy(zero_copy_only=False), return_inverse=True)
        return pa.array(distinct.astype(str).astype(np.float64)[codes], from_pandas=True)
    return array


def _as_texts(array: Any) -> Any:
    """Texts, and what is written as one; Arrow writes a duration as a whole number of its unit."""
    import pyarrow as pa

    if not pa.types.is_duration(array.type):
        return array.cast(pa.string())
    spans = array.cast(pa.duration("us"), safe=False).to_pylist()
    return pa.array([None if span is None else str(span) for span in spans], pa.string())
