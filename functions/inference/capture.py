"""Capture of raw rows: the member `rows` of a request's line, in a share of the requests and of named features only."""

import math
from hashlib import sha256
from typing import TYPE_CHECKING, Self

from inference.model import ServedModel
from inference.settings import InferenceSettings
from skylift.feature import Feature, Scalar
from skylift.http.record import Record
from skylift.observability import as_line, logger
from skylift.scoring import Matrix

if TYPE_CHECKING:
    from skylift.references import Reference

MAX_BYTES = 48 * 2**10
"""CloudWatch takes 256 KiB a line, of which the profile may have 128 and the answers 64: longer rows are left out."""


class RowCapture:
    """Gives records the values of their instances, as the model saw them.

    Parameters
    ----------
    rate
        Share of the requests, 0 to 1.
    names
        Names of the features that may be captured.
    """

    def __init__(self, rate: float, names: frozenset[str]) -> None:
        self._rate = rate
        self._names = names
        self._seen: tuple[Reference | None, list[tuple[int, Feature]]] = (None, [])
        self._told: set[str] = set()

    @classmethod
    def of(cls, settings: InferenceSettings) -> Self | None:
        """What the settings ask for; None where that is nothing."""
        names = frozenset(name for part in settings.capture_features.split(",") if (name := part.strip()))
        return cls(settings.capture_rate, names) if settings.capture_rate and names else None

    def add(self, record: Record, model: ServedModel, rows: Matrix) -> None:
        """Give a record its rows if its prediction id is in the share, or their number where they are too long.

        Parameters
        ----------
        rows
            Encoded rows, float64 `[n, width]`.
        """
        reference, features = self._seen
        if model.reference != reference:
            features = self._features_of(model)
            self._seen = model.reference, features  # both at once: others may look in other threads
        if not features or not is_sampled(record.prediction_id, self._rate):
            return
        captured, size = [], 0
        for row in rows[:, [lead for lead, _ in features]].tolist():
            values = {feature.name: _value(feature, code) for (_, feature), code in zip(features, row, strict=True)}
            size += len(as_line(values).encode()) + 1
            if size > MAX_BYTES:
                record.rows_left_out = len(rows)
                return
            captured.append(values)
        record.rows = captured

    def _features_of(self, model: ServedModel) -> list[tuple[int, Feature]]:
        """The features that a version has, with the columns of their leads; tells once of each name that it lacks."""
        contract = model.manifest.contract
        features = [
            (lead, feature)
            for lead, feature in zip(contract.leads, contract.features, strict=True)
            if feature.name in self._names and feature.kind != "text"  # nothing stored holds what a person wrote
        ]
        if unknown := self._names.difference((feature.name for feature in contract.features), self._told):
            self._told |= unknown
            extra = {"features": sorted(unknown), "version": model.reference.name}
            logger.warning("not captured: the model has no such features", extra=extra)
        return features


def is_sampled(prediction_id: str, rate: float) -> bool:
    """Whether a request belongs to a share: the same answer wherever it is asked, and in every larger share as well.

    Parameters
    ----------
    rate
        Share of the requests, 0 to 1.

    Examples
    --------
    >>> is_sampled("mR1tXk3_9aQzLw0E", 0), is_sampled("mR1tXk3_9aQzLw0E", 1)
    (False, True)
    """
    return int.from_bytes(sha256(prediction_id.encode()).digest()[:8]) < rate * 2**64


def _value(feature: Feature, code: float) -> Scalar:
    """The value of a code; None for a missing one, and for a text that training never saw."""
    return None if math.isnan(code) or code == feature.unknown_code else feature.decode(code)
