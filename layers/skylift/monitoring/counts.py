"""What many requests come to: rows by bin, which add up in any order and in any parts."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from skylift.monitoring.baseline import Baseline
from skylift.monitoring.profile import Profile, Shape

type Histogram = NDArray[np.int64]
"""Rows by bin, int64 `[bins]`."""

_BATCH = 4096
_DIGITS = 4  # of a confidence in a profile: rounded sums of such numbers do not depend on their order


@dataclass(frozen=True, eq=False)
class Counts:
    """Rows by bin of one version, in training or in traffic.

    Parameters
    ----------
    requests, rows
        Numbers of requests and of rows; training has no requests.
    features
        Rows by bin, of each feature and of the words of texts; see `Baseline.counted`.
    predictions
        Rows by class, or by bin of the predicted value.
    confidence
        Sum of the calibrated confidence over the rows; 0 for a regression.
    """

    requests: int
    rows: int
    features: tuple[Histogram, ...]
    predictions: Histogram
    confidence: float = 0.0

    @classmethod
    def none(cls, shape: Shape) -> Self:
        """Counts of no request."""
        return cls(0, 0, tuple(np.zeros(size, np.int64) for size in shape.features), np.zeros(shape.labels, np.int64))

    @classmethod
    def of_training(cls, baseline: Baseline) -> Self:
        """Counts of the training rows."""
        features = tuple(np.array(feature.counts, np.int64) for feature in baseline.counted.values())
        return cls(0, baseline.rows, features, np.array(baseline.predictions.counts, np.int64))

    @classmethod
    def from_document(cls, document: dict[str, Any]) -> Self:
        """Undo `to_document`."""
        features = tuple(np.array(counts, np.int64) for counts in document["features"])
        predictions = np.array(document["predictions"], np.int64)
        return cls(document["requests"], document["rows"], features, predictions, document["confidence"])

    def to_document(self) -> dict[str, Any]:
        """The counts as JSON has them."""
        return {
            "requests": self.requests,
            "rows": self.rows,
            "features": [counts.tolist() for counts in self.features],
            "predictions": self.predictions.tolist(),
            "confidence": self.confidence,
        }

    @property
    def shape(self) -> Shape:
        """Numbers of bins."""
        return Shape(tuple(len(counts) for counts in self.features), len(self.predictions))

    def __add__(self, other: "Counts") -> "Counts":
        """Counts of both.

        Raises
        ------
        ValueError
            They are of other bins.
        """
        if self.shape != other.shape:
            raise ValueError("counts of one version do not add to those of another")
        return Counts(
            self.requests + other.requests,
            self.rows + other.rows,
            tuple(mine + others for mine, others in zip(self.features, other.features, strict=True)),
            self.predictions + other.predictions,
            round(self.confidence + other.confidence, _DIGITS),
        )

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Counts) and self.to_document() == other.to_document()

    __hash__ = None  # type: ignore[assignment] # arrays have none


class Tally:
    """Counts profiles of one version as they are read.

    Parameters
    ----------
    shape
        Numbers of bins of the version.

    Attributes
    ----------
    unreadable
        Number of members that could not be read as a profile of the version, as of the last `counts`.
    """

    def __init__(self, shape: Shape) -> None:
        self._shape = shape
        self._counts = Counts.none(shape)
        self._sizes = np.array([*shape.features, shape.labels])
        self._rows: list[list[Any]] = []
        self.unreadable = 0

    def add(self, member: Any) -> None:
        """Count the profile of one request.

        Parameters
        ----------
        member
            Member `profile` of its line.
        """
        if not isinstance(member, list):
            self._add_each([member])
            return
        self._rows.append(member)
        if len(self._rows) >= _BATCH:
            self._flush()

    def counts(self) -> Counts:
        """What was counted until now."""
        self._flush()
        return self._counts

    def _flush(self) -> None:
        members, self._rows = self._rows, []
        if not members:
            return
        places, confidence = _as_arrays(members)
        if places is None or places.shape[1] != len(self._sizes) or (places < 0).any() or (places >= self._sizes).any():
            self._add_each(members)
            return
        *features, labels = (
            np.bincount(column, minlength=size).astype(np.int64)
            for column, size in zip(np.ascontiguousarray(places.T), self._sizes, strict=True)
        )
        self._counts += Counts(len(members), len(members), tuple(features), labels, confidence)

    def _add_each(self, members: Iterable[Any]) -> None:
        for member in members:
            try:
                self._counts += self._one(Profile.decode(member, self._shape))
            except (ValueError, OverflowError):
                self.unreadable += 1

    def _one(self, profile: Profile) -> Counts:
        none = Counts.none(self._shape)
        for counts, by_bin in zip((*none.features, none.predictions), (*profile.features, profile.labels), strict=True):
            counts[list(by_bin)] = list(by_bin.values())
        confidence = round(profile.confidence or 0.0, _DIGITS)
        return Counts(1, profile.rows, none.features, none.predictions, confidence)


def _as_arrays(members: list[list[Any]]) -> tuple[NDArray[np.int64] | None, float]:
    """Bins `[rows, features + 1]`, the prediction's last, and the sum of the confidence.

    The bins are None unless all members are profiles of one row and of as many features.
    """
    try:
        places = np.array([[*bins, label] for bins, label, _ in members])
        confidence = np.array([0.0 if value is None else value for _, _, value in members])
    except (ValueError, TypeError):  # one is not of this form
        return None, 0.0
    if places.dtype.kind != "i" or places.ndim != 2 or confidence.dtype.kind not in "if" or confidence.ndim != 1:
        return None, 0.0
    if not ((confidence >= 0) & (confidence <= 1)).all():
        return None, 0.0
    return places, round(float(np.round(confidence * 10**_DIGITS).sum()) / 10**_DIGITS, _DIGITS)
