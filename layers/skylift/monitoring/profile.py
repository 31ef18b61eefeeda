"""The profile of a request: how many of its rows are in which bin. A member of its line in the log.

One row is `[bins, label, confidence]`: a bin by feature in the contract's order, the bin of the prediction, and the
calibrated confidence, null for a regression. More rows are `{"rows", "counts", "labels", "confidence"}`: for each
feature and for the predictions the rows by bin, and the sum of the confidence. Rows by bin are a list, or an object by
bin where that is shorter.
"""

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from skylift.monitoring.baseline import Baseline

MAX_BYTES = 128 * 2**10
"""CloudWatch takes 256 KiB a line: a longer profile is left out of it."""

_DIGITS = 4
_KEY = 3  # quotes and a colon

type ByBin = dict[int, int]
"""Rows by bin, without the bins that have none."""


@dataclass(frozen=True, slots=True)
class Profile:
    """What a line tells of the rows of a request.

    Parameters
    ----------
    rows
        Number of rows.
    features
        Rows by bin, for each feature in the contract's order.
    labels
        Rows by class code or by bin of the predicted value.
    confidence
        Sum of the calibrated confidence over the rows; None for a regression.
    """

    rows: int
    features: tuple[ByBin, ...]
    labels: ByBin
    confidence: float | None

    @classmethod
    def decode(cls, member: Any, shape: "Shape") -> Self:
        """Read the member of a line.

        Parameters
        ----------
        shape
            Numbers of bins of the version that answered.

        Raises
        ------
        ValueError
            It is not a profile of such a version.
        """
        if isinstance(member, list) and len(member) == 3 and isinstance(member[0], list):
            bins, label, confidence = member
            features, labels, rows = [_of_one(place) for place in bins], _of_one(label), 1
        elif isinstance(member, dict) and isinstance(member.get("counts"), list):
            features, labels = [_by_bin(counts) for counts in member["counts"]], _by_bin(member.get("labels"))
            rows, confidence = member.get("rows", 0), member.get("confidence")
        else:
            raise ValueError("it is not a profile")
        if len(features) != len(shape.features):
            raise ValueError("it is a profile of another version")
        for counts, size in zip((*features, labels), (*shape.features, shape.labels), strict=True):
            if sum(counts.values()) != rows or max(counts, default=0) >= size:
                raise ValueError("it is a profile of other bins")
        if confidence is not None and not (isinstance(confidence, int | float) and 0 <= confidence <= rows):
            raise ValueError("its confidence is not a sum of probabilities")
        return cls(rows, tuple(features), labels, confidence)


@dataclass(frozen=True, slots=True)
class Shape:
    """Numbers of bins of a version: of each feature in the contract's order, and of its predictions."""

    features: tuple[int, ...]
    labels: int

    @classmethod
    def of(cls, baseline: Baseline) -> Self:
        """The shape of the profiles of a version."""
        return cls(tuple(feature.bins.size for feature in baseline.features.values()), baseline.predictions.bins.size)


class Profiler:
    """Makes the profiles of the requests that one version answers.

    Parameters
    ----------
    baseline
        Training distribution of the version.
    """

    def __init__(self, baseline: Baseline) -> None:
        self._bins = [feature.bins for feature in baseline.features.values()]
        self._labels = baseline.predictions.bins
        self._cuts = [bins.cuts for bins in self._bins]
        self._fits = sum(len(f"{bins.size},") for bins in self._bins) <= MAX_BYTES

    def of_row(
        self, row: Sequence[float], unseen: Sequence[int], prediction: float, confidence: float | None
    ) -> list[object] | None:
        """The profile of one row.

        Parameters
        ----------
        row
            Encoded row.
        unseen
            Places of the features whose value training never saw, NaN in the row.
        prediction
            Class code or predicted value; NaN for one that is not finite.
        confidence
            Calibrated probability of the class; None for a regression, or without a class.

        Returns
        -------
        list or None
            The member of the line; None where it would be too long.
        """
        if not self._fits:
            return None
        bins = list(map(bisect_right, self._cuts, row))
        for place in unseen:
            bins[place] -= 1
        label = bisect_right(self._labels.cuts, prediction)
        return [bins, label, None if confidence is None else round(confidence, _DIGITS)]

    def of_rows(
        self,
        rows: NDArray[np.float64],
        unseen: Sequence[int],
        predictions: NDArray[np.float64],
        confidence: NDArray[np.float64] | None,
    ) -> dict[str, object] | None:
        """The profile of many rows.

        Parameters
        ----------
        rows
            Encoded rows, float64 `[n, features]`.
        unseen
            Place of the feature of each value that training never saw, NaN in the rows.
        predictions
            Class codes or predicted values, float64 `[n]`; NaN for one that is not finite.
        confidence
            Calibrated probabilities of the classes, float64 `[n]`, NaN without a class; None for a regression.

        Returns
        -------
        dict or None
            The member of the line; None where it would be too long.
        """
        columns = np.ascontiguousarray(rows.T)
        counts = [bins.counts(column).tolist() for bins, column in zip(self._bins, columns, strict=True)]
        for place in unseen:
            counts[place][-1] -= 1
            counts[place][-2] += 1
        digits = len(str(len(rows))) + 1
        written = [_shortest(by_bin, digits) for by_bin in (*counts, self._labels.counts(predictions).tolist())]
        if sum(length for _, length in written) > MAX_BYTES:
            return None
        *features, labels = [member for member, _ in written]
        total = None if confidence is None else round(float(np.nansum(confidence)), _DIGITS)
        return {"rows": len(rows), "counts": features, "labels": labels, "confidence": total}


def _shortest(counts: list[int], digits: int) -> tuple[list[int] | dict[str, int], int]:
    """Rows by bin in the shorter of both forms, and at most how many bytes it takes."""
    zeros = counts.count(0)
    filled = len(counts) - zeros
    dense, sparse = 2 * zeros + digits * filled, (len(str(len(counts))) + _KEY + digits) * filled
    if dense <= sparse:
        return counts, dense
    return {str(place): count for place, count in enumerate(counts) if count}, sparse


def _of_one(place: Any) -> ByBin:
    """Rows by bin of one row."""
    return {place: 1} if _is_count(place) else {}


def _by_bin(member: Any) -> ByBin:
    """Rows by bin from either form.

    Raises
    ------
    ValueError
        It is neither.
    """
    if isinstance(member, list):
        member = {place: count for place, count in enumerate(member) if count != 0}
    if not isinstance(member, dict) or not all(map(_is_count, member.values())):
        raise ValueError("its rows by bin are not numbers")
    return {int(place): count for place, count in member.items() if str(place).isdecimal()}


def _is_count(value: object) -> bool:
    return type(value) is int and value >= 0
