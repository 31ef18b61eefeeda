"""A loaded version, ready to answer."""

from dataclasses import dataclass
from datetime import datetime
from typing import Self

import numpy as np

from inference.schema import RequestSchema
from skylift.contract import Contract, Instance, listed
from skylift.manifest import Manifest
from skylift.references import Reference
from skylift.scoring import Matrix, Predictor, encode, predictions

_MAX_WARNINGS = 100


@dataclass(frozen=True, slots=True)
class ScoredRequest:
    """Predictions for the instances of one request, and what a caller should know about them."""

    predictions: list[dict[str, object]]
    warnings: list[dict[str, object]]


@dataclass(frozen=True, slots=True)
class ServedModel:
    """A version in memory, with everything that can be made of it once.

    Parameters
    ----------
    reference, manifest, predictor
        The version as loaded and verified.
    schema
        Reader of request bodies by the version's contract.
    lower, upper
        Bounds of the training values by feature, float64 `[features]`; infinite for a feature without a range.
    loaded_at
        Time of loading, UTC.
    """

    reference: Reference
    manifest: Manifest
    predictor: Predictor
    schema: RequestSchema
    lower: Matrix
    upper: Matrix
    loaded_at: datetime

    @classmethod
    def of(
        cls, reference: Reference, manifest: Manifest, predictor: Predictor, *, max_instances: int, loaded_at: datetime
    ) -> Self:
        """Prepare a version for requests."""
        features = manifest.contract.features
        return cls(
            reference,
            manifest,
            predictor,
            RequestSchema(manifest.contract, max_instances),
            np.array([-np.inf if feature.min is None else feature.min for feature in features]),
            np.array([np.inf if feature.max is None else feature.max for feature in features]),
            loaded_at,
        )

    def answer(self, instances: list[Instance]) -> ScoredRequest:
        """Score valid instances in one call.

        Parameters
        ----------
        instances
            Valid instances, as `schema.parse` returns them.
        """
        contract = self.manifest.contract
        rows = encode(contract, instances)
        scores = self.predictor.scores(rows)
        warnings = _ignored_warning(contract, instances) + self._range_warnings(rows) + _undefined_warnings(scores)
        return ScoredRequest(predictions(contract, scores), warnings)

    def _range_warnings(self, rows: Matrix) -> list[dict[str, object]]:
        outside = (rows < self.lower) | (rows > self.upper)  # NaN, a missing value, is on neither side
        if not outside.any():
            return []
        places = np.argwhere(outside).tolist()
        warnings: list[dict[str, object]] = []
        for instance, index in places[:_MAX_WARNINGS]:
            feature = self.manifest.contract.features[index]
            value = feature.describe(rows[instance, index])
            message = f"{value} is outside the training range {feature.training_range}"
            warnings.append({"instance": instance, "field": feature.name, "message": message})
        if rest := len(places) - len(warnings):
            warnings.append({"instance": None, "field": None, "message": f"and {rest} more values outside their range"})
        return warnings


def _ignored_warning(contract: Contract, instances: list[Instance]) -> list[dict[str, object]]:
    """Name the columns of the table that a request holds and the model does not use."""
    if not contract.ignored:
        return []
    present = set().union(*instances)
    if not (names := [name for name in contract.ignored if name in present]):
        return []
    message = f"not used by the model: {listed([name or repr(name) for name in names])}"
    return [{"instance": None, "field": None, "message": message}]


def _undefined_warnings(scores: Matrix) -> list[dict[str, object]]:
    """Say which predictions have a number that JSON cannot write: it is null in the answer."""
    if np.isfinite(scores).all():
        return []
    undefined = ~np.isfinite(scores.reshape(len(scores), -1)).all(axis=1)
    message = "the model gives no finite number here"
    return [
        {"instance": instance, "field": None, "message": message}
        for instance in np.flatnonzero(undefined).tolist()[:_MAX_WARNINGS]
    ]
