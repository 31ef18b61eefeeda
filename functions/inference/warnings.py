"""What a caller should know about an answer that has doubts: the `warnings` of `/predict`.

Each kind is bounded, in number and in the time it takes, however large the request.
"""

import math
from collections.abc import Mapping, Sequence
from operator import gt, lt
from typing import Literal

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


class Warnings:
    """What is to be said of the answers of one version.

    Parameters
    ----------
    contract
        Contract of the version.
    """

    def __init__(self, contract: Contract) -> None:
        features = contract.features
        self._features = features
        self._ignored = contract.ignored
        self._lower = [_bound(feature, -1) for feature in features]
        self._upper = [_bound(feature, 1) for feature in features]
        self._open = [place for place, feature in enumerate(features) if feature.takes_unknown]
        self._others = {
            place: features[place].unknown_code for place in self._open if features[place].other is not None
        }
        self._known = {features[place].name: features[place].names for place in self._open}
        self._unlearned = {
            place: frozenset(feature.codes[name] for name in feature.unlearned)
            for place, feature in enumerate(features)
            if feature.unlearned
        }

    def of(
        self, instances: Sequence[Instance], rows: Matrix, scores: Matrix
    ) -> tuple[list[Remark], list[UnknownValue]]:
        """What is to be said of some answers, and the texts in their instances that training never saw.

        Parameters
        ----------
        rows, scores
            Leads of the instances and their scores, float64 `[n, features]` and `[n, classes]` or `[n]`; see
            `skylift.encoding` and `skylift.scoring`.
        """
        unknown = self._unknown_values(instances, rows) if self._open else []
        remarks = self._of_ignored(instances) if self._ignored else []
        if unknown:
            remarks += _of_unknown(unknown, self._known)
        return [*remarks, *self._of_ranges(rows), *_of_undefined(scores)], unknown

    def of_one(
        self, instance: Instance, row: Sequence[float], scores: Matrix
    ) -> tuple[list[Remark], list[UnknownValue]]:
        """The same of one answer, which is seldom remarkable: arrays would cost more than to see that.

        Parameters
        ----------
        row
            Leads of the instance.
        """
        if (
            any(map(lt, row, self._lower))
            or any(map(gt, row, self._upper))
            or (self._open and any(math.isnan(row[place]) for place in self._open))
            or (self._others and any(row[place] == code for place, code in self._others.items()))
            or (self._unlearned and any(row[place] in codes for place, codes in self._unlearned.items()))
            or (self._ignored and not instance.keys().isdisjoint(self._ignored))
            or not all(map(math.isfinite, scores.ravel().tolist()))
        ):
            return self.of([instance], np.array([row]), scores)
        return [], []

    def _of_ignored(self, instances: Sequence[Instance]) -> list[Remark]:
        """Name the columns of the table that a request holds and the model does not use, in one warning."""
        present = set().union(*instances)
        if not (names := [name for name in self._ignored if name in present]):
            return []
        message = f"not used by the model: {listed([name or repr(name) for name in names])}"
        return [{"instance": None, "field": None, "message": message}]

    def _unknown_values(self, instances: Sequence[Instance], rows: Matrix) -> list[UnknownValue]:
        """Texts that are known in no category of theirs, and were encoded as missing, or as one that is unknown."""
        codes = rows[:, self._open]
        unlike = np.isnan(codes) | (codes == np.array([self._others.get(place, math.nan) for place in self._open]))
        if not unlike.any():
            return []
        unknown = []
        for instance, place in np.argwhere(unlike).tolist():
            feature = self._features[self._open[place]]
            value = clean(feature, instances[instance].get(feature.name))
            if isinstance(value, str):
                unknown.append((instance, feature, value))
        return unknown

    def _of_ranges(self, rows: Matrix) -> list[Remark]:
        """Name the values outside the training range, and categories of no training row; a missing one is neither."""
        outside = (rows < np.array(self._lower)) | (rows > np.array(self._upper))
        for place, codes in self._unlearned.items():
            outside[:, place] = np.isin(rows[:, place], [*codes])
        if not outside.any():
            return []
        places = np.argwhere(outside).tolist()
        remarks: list[Remark] = []
        for instance, index in places[:_MAX_WARNINGS]:
            feature = self._features[index]
            message = _about(feature, rows[instance, index])
            remarks.append({"instance": instance, "field": feature.name, "message": message})
        return remarks + _rest(len(places) - len(remarks), "values outside their range")


def _of_unknown(values: Sequence[UnknownValue], known: Mapping[str, NearestNames]) -> list[Remark]:
    """Name each value that training never saw, and the nearest known one for the first few different values.

    Parameters
    ----------
    known
        Known values by the name of their category.
    """
    nearest: dict[tuple[str, str], str] = {}
    remarks: list[Remark] = []
    for instance, feature, value in values[:_MAX_WARNINGS]:
        key = (feature.name, value)
        if key not in nearest and len(nearest) < _MAX_NEAREST:
            nearest[key] = _nearest(feature, value, known[feature.name])
        shown = value if len(value) <= _MAX_SHOWN else value[:_MAX_SHOWN] + "..."
        so = " and counts as missing" if feature.unknown == "missing" else ""
        message = f"{shown!r} was not in the training data{so}{nearest.get(key, '')}"
        remarks.append({"instance": instance, "field": feature.name, "message": message})
    return remarks + _rest(len(values) - len(remarks), "values that were not in the training data")


def _bound(feature: Feature, sign: Literal[-1, 1]) -> float:
    """The value beyond which, upwards or downwards, a caller is warned: of the training range, or of exact integers."""
    end = feature.max if sign > 0 else feature.min
    bound = math.inf if end is None else sign * end
    return sign * min(bound, LARGEST_EXACT_INTEGER - 1 if feature.json_type == "integer" else math.inf)


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


def _of_undefined(scores: Matrix) -> list[Remark]:
    """Say which predictions have a number that JSON cannot write: it is null in the answer."""
    if np.isfinite(scores).all():
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
    return f"; known are {', '.join(map(repr, feature.named[:_MAX_KNOWN]))}"
