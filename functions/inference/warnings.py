"""What a caller should know about an answer that has doubts: the `warnings` of `/predict`.

Each kind is bounded, in number and in the time it takes, however large the request.
"""

import math
from collections.abc import Mapping, Sequence

import numpy as np

from skylift.contract import Contract, Instance
from skylift.feature import LARGEST_EXACT_INTEGER, Feature
from skylift.names import NearestNames, listed
from skylift.scoring import Matrix
from skylift.values import clean

type Remark = dict[str, object]
"""`instance`, its number or null; `field`, its name or null; `message`."""

type UnknownValue = tuple[int, Feature, str]
"""Number of the instance, the category, and the text that training never saw in it."""

_MAX_WARNINGS = 100
_MAX_NEAREST = 3
_MAX_SHOWN = 100
_SIMILAR = 0.3
_MAX_KNOWN = 5


def of_ignored(contract: Contract, instances: Sequence[Instance]) -> list[Remark]:
    """Name the columns of the table that a request holds and the model does not use, in one warning."""
    present = set().union(*instances)
    if not (names := [name for name in contract.ignored if name in present]):
        return []
    message = f"not used by the model: {listed([name or repr(name) for name in names])}"
    return [{"instance": None, "field": None, "message": message}]


def unknown_values(contract: Contract, instances: Sequence[Instance], rows: Matrix) -> list[UnknownValue]:
    """Texts that are known in no category of theirs, and were encoded as missing.

    Parameters
    ----------
    rows
        Leads of the instances, float64 `[n, features]`; see `skylift.encoding`. Here and below.
    """
    columns = [column for column, feature in enumerate(contract.features) if feature.takes_unknown]
    missing = np.isnan(rows[:, columns])
    if not missing.any():
        return []
    unknown = []
    for instance, place in np.argwhere(missing).tolist():
        feature = contract.features[columns[place]]
        value = clean(feature, instances[instance].get(feature.name))
        if isinstance(value, str):
            unknown.append((instance, feature, value))
    return unknown


def of_unknown(values: Sequence[UnknownValue], known: Mapping[str, NearestNames]) -> list[Remark]:
    """Name each value that training never saw, and the nearest known one for the first few different values.

    Parameters
    ----------
    known
        Known values by the name of their category.
    """
    nearest: dict[tuple[str, str], str] = {}
    warnings: list[Remark] = []
    for instance, feature, value in values[:_MAX_WARNINGS]:
        key = (feature.name, value)
        if key not in nearest and len(nearest) < _MAX_NEAREST:
            nearest[key] = _nearest(feature, value, known[feature.name])
        shown = value if len(value) <= _MAX_SHOWN else value[:_MAX_SHOWN] + "..."
        message = f"{shown!r} was not in the training data and counts as missing{nearest.get(key, '')}"
        warnings.append({"instance": instance, "field": feature.name, "message": message})
    return warnings + _rest(len(values) - len(warnings), "values that were not in the training data")


def of_ranges(
    contract: Contract, rows: Matrix, lower: Matrix, upper: Matrix, unlearned: Mapping[int, list[float]]
) -> list[Remark]:
    """Name the values outside the training range, and categories of no training row; a missing value is neither."""
    if len(rows) == 1 and not unlearned and _is_inside(rows, lower, upper):
        return []
    outside = (rows < lower) | (rows > upper)
    for place, codes in unlearned.items():
        outside[:, place] = np.isin(rows[:, place], codes)
    if not outside.any():
        return []
    places = np.argwhere(outside).tolist()
    warnings: list[Remark] = []
    for instance, index in places[:_MAX_WARNINGS]:
        feature = contract.features[index]
        warnings.append(
            {"instance": instance, "field": feature.name, "message": _about(feature, rows[instance, index])}
        )
    return warnings + _rest(len(places) - len(warnings), "values outside their range")


def _is_inside(rows: Matrix, lower: Matrix, upper: Matrix) -> bool:
    """Whether no value of the only row is outside; without arrays, which cost more for a row."""
    limits = zip(lower.tolist(), rows[0].tolist(), upper.tolist(), strict=True)
    return not any(value < low or value > high for low, value, high in limits)


def _about(feature: Feature, number: float) -> str:
    """What is remarkable about a value: training did not have it, or it is an integer that numbers cannot tell."""
    value = feature.describe(number)
    if feature.levels:
        return f"no training row has {value!r}"
    inexact = feature.json_type == "integer" and abs(number) >= LARGEST_EXACT_INTEGER
    inside = (feature.min is None or number >= feature.min) and (feature.max is None or number <= feature.max)
    first = value if inside else f"{value} is outside the training range {feature.training_range}"
    if not inexact:
        return first
    return f"{first}{':' if inside else ';'} integers of this size are not exact as numbers"


def of_undefined(scores: Matrix) -> list[Remark]:
    """Say which predictions have a number that JSON cannot write: it is null in the answer."""
    if all(map(math.isfinite, scores.ravel().tolist())) if len(scores) == 1 else np.isfinite(scores).all():
        return []
    undefined = ~np.isfinite(scores.reshape(len(scores), -1)).all(axis=1)
    message = "the model gives no finite number here"
    return [
        {"instance": instance, "field": None, "message": message}
        for instance in np.flatnonzero(undefined).tolist()[:_MAX_WARNINGS]
    ]


def _rest(count: int, noun: str) -> list[Remark]:
    return [{"instance": None, "field": None, "message": f"and {count} more {noun}"}] if count else []


def _nearest(feature: Feature, value: str, known: NearestNames) -> str:
    """The known value nearest to another, or some known values where none is like it."""
    if near := known.nearest(value, at_least=_SIMILAR):
        return f"; the nearest known value is {near!r}"
    return f"; known are {', '.join(map(repr, feature.levels[:_MAX_KNOWN]))}"
