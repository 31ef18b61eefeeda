"""The profile of a request: how many of its rows are in which bin. A member of its line in the log.

One row is `[bins, label, confidence]`: a bin by feature in the contract's order, then one for the words of each text
that the vocabulary lacks, the bin of the prediction, and the
calibrated confidence, null for a regression. More rows are `{"rows", "counts", "labels", "confidence"}`: for each
feature and for the predictions the rows by bin, and the sum of the confidence. Rows by bin are a list, or an object by
bin where that is shorter.
"""

import math
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate, zip_longest
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from skylift.monitoring.baseline import Baseline

MAX_BYTES = 128 * 2**10
"""CloudWatch takes 256 KiB a line: of a longer profile it has the number of rows alone."""

_DIGITS = 4
_KEY = 3  # quotes and a colon

type Member = list[object] | dict[str, object]
"""A profile as JSON has it."""

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
        Rows by bin, of each feature and of the words of texts; see `Baseline.counted`.
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
            raise ValueError("it is not a profile, or it was too long for a line")
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
    """Numbers of bins of a version: of each feature and of the words of texts, and of its predictions."""

    features: tuple[int, ...]
    labels: int

    @classmethod
    def of(cls, baseline: Baseline) -> Self:
        """The shape of the profiles of a version."""
        return cls(tuple(feature.bins.size for feature in baseline.counted.values()), baseline.predictions.bins.size)


class Profiler:
    """Makes the profiles of the requests that one version answers.

    Parameters
    ----------
    baseline
        Training distribution of the version.
    """

    def __init__(self, baseline: Baseline) -> None:
        every = [each.bins for each in baseline.counted.values()]
        self._labels = baseline.predictions.bins
        self._cuts = [bins.cuts for bins in every]
        self._fits = sum(len(f"{bins.size},") for bins in every) <= MAX_BYTES
        self._ends = list(accumulate(bins.size for bins in every))
        self._starts = np.array([0, *self._ends[:-1]])
        self._missing = np.array([bins.missing for bins in every])
        self._measured = np.flatnonzero([bins.ordered for bins in every])
        self._named = np.flatnonzero([not bins.ordered for bins in every])
        cuts = [self._cuts[place] for place in self._measured.tolist()]
        self._ranks = np.array(list(zip_longest(*cuts, fillvalue=-math.inf)))

    def of_row(
        self, row: Sequence[float], unseen: Sequence[int], prediction: float, confidence: float | None
    ) -> Member:
        """The profile of one row.

        Parameters
        ----------
        row
            Leads of the encoded row, then the shares of unknown words.
        unseen
            Places of the features whose value training never saw, NaN in the row.
        prediction
            Class code or predicted value; NaN for one that is not finite.
        confidence
            Calibrated probability of the class; None for a regression, or without a class.

        Returns
        -------
        list or dict
            The member of the line; the number of rows alone where it would be too long.
        """
        if not self._fits:
            return {"rows": 1}
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
    ) -> Member:
        """The profile of many rows.

        Parameters
        ----------
        rows
            Leads of the encoded rows, then the shares of unknown words, float64 `[n, counted]`.
        unseen
            Place of the feature of each value that training never saw, NaN in the rows.
        predictions
            Class codes or predicted values, float64 `[n]`; NaN for one that is not finite.
        confidence
            Calibrated probabilities of the classes, float64 `[n]`, NaN without a class; None for a regression.

        Returns
        -------
        dict
            The member of the line; the number of rows alone where it would be too long.
        """
        flat = np.bincount((self._places(rows) + self._starts).ravel(), minlength=self._ends[-1]).tolist()
        counts = [flat[start:end] for start, end in zip(self._starts.tolist(), self._ends, strict=True)]
        for place in unseen:
            counts[place][-1] -= 1
            counts[place][-2] += 1
        digits = len(str(len(rows))) + 1
        written = [_shortest(by_bin, digits) for by_bin in (*counts, self._labels.counts(predictions).tolist())]
        if sum(length for _, length in written) > MAX_BYTES:
            return {"rows": len(rows)}
        *features, labels = [member for member, _ in written]
        total = None if confidence is None else round(float(np.nansum(confidence)), _DIGITS)
        return {"rows": len(rows), "counts": features, "labels": labels, "confidence": total}

    def _places(self, rows: NDArray[np.float64]) -> NDArray[np.intp]:
        """The bin of each value, `[n, features]`: as `Bins.places`, but of all columns at once, which is faster."""
        places = np.empty(rows.shape, dtype=np.intp)
        codes, values = rows[:, self._named], rows[:, self._measured]
        missing = self._missing[self._named]
        places[:, self._named] = np.where(np.isnan(codes), missing, np.minimum(codes, missing - 2))
        above = np.zeros(values.shape, dtype=np.min_scalar_type(len(self._ranks)))
        for cuts in self._ranks:
            above += (values < cuts).view(np.uint8)  # added without a conversion
        places[:, self._measured] = self._missing[self._measured] - above
        return places


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
