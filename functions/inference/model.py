"""A loaded version, ready to answer."""

import math
from dataclasses import dataclass, field
from datetime import datetime
from time import perf_counter
from typing import Literal, Self, cast

import numpy as np

from inference import warnings
from inference.capacity import most_instances
from inference.profiling import RequestProfiler
from inference.schema import RequestSchema
from skylift.contract import Instance
from skylift.encoding import RowEncoder
from skylift.feature import LARGEST_EXACT_INTEGER, Feature
from skylift.manifest import Manifest
from skylift.monitoring.profile import Member
from skylift.names import NearestNames
from skylift.references import Reference
from skylift.scoring import Matrix, Predictor, predictions


@dataclass(frozen=True, slots=True)
class ScoredRequest:
    """Predictions for the instances of one request, and what a caller should know about them.

    Parameters
    ----------
    predictions
        Answers in the order of the instances.
    warnings
        Remarks, bounded in number; see `inference.warnings`.
    unknown_categories
        Number of values that training never saw.
    profile
        Profile of the instances; None where the version makes none.
    rows
        The instances as they were scored, float64 `[n, width]`.
    scores
        What the predictions were made of; see `Predictor.scores`.
    seconds
        Time that scoring took.
    """

    predictions: list[dict[str, object]]
    warnings: list[warnings.Remark]
    unknown_categories: int
    profile: Member | None
    rows: Matrix
    scores: Matrix
    seconds: float


@dataclass(frozen=True, slots=True)
class ServedModel:
    """A version in memory, with everything that can be made of it once.

    Parameters
    ----------
    reference, manifest, predictor, encoder
        The version as loaded and verified.
    schema
        Reader of request bodies by the version's contract.
    lower, upper
        Values by feature beyond which a caller is warned, float64 `[features]`; infinite for one that has levels.
    loaded_at
        Time of loading, UTC.
    known_values
        Values of each category that answers those which training never saw, by its name.
    unlearned
        Codes of categories that no training row has, by the place of their feature.
    profiler
        Maker of profiles; None for a version of an older release, or if its training distribution cannot be read.
    """

    reference: Reference
    manifest: Manifest
    predictor: Predictor
    encoder: RowEncoder
    schema: RequestSchema
    lower: Matrix
    upper: Matrix
    loaded_at: datetime
    known_values: dict[str, NearestNames]
    unlearned: dict[int, list[float]] = field(default_factory=dict)
    profiler: RequestProfiler | None = None

    @classmethod
    def of(
        cls,
        reference: Reference,
        manifest: Manifest,
        predictor: Predictor,
        *,
        max_instances: int,
        loaded_at: datetime,
        encoder: RowEncoder | None = None,
        profiler: RequestProfiler | None = None,
    ) -> Self:
        """Prepare a version for requests, of `max_instances` or of as many as can be answered."""
        features = manifest.contract.features
        return cls(
            reference,
            manifest,
            predictor,
            encoder or RowEncoder(manifest.contract),
            RequestSchema(manifest.contract, min(max_instances, most_instances(manifest.contract))),
            np.array([_bound(feature, -1) for feature in features]),
            np.array([_bound(feature, 1) for feature in features]),
            loaded_at,
            {feature.name: feature.names for feature in features if feature.takes_unknown},
            {
                place: [feature.codes[name] for name in feature.unlearned]
                for place, feature in enumerate(features)
                if feature.unlearned
            },
            profiler,
        )

    def answer(self, instances: list[Instance], *, profile: bool = True) -> ScoredRequest:
        """Score valid instances in one call.

        Parameters
        ----------
        instances
            Valid instances, as `schema.parse` returns them.
        profile
            Whether to make their profile, if the version does.
        """
        contract = self.manifest.contract
        rows = self.encoder.encode(instances)
        started = perf_counter()
        scores = self.predictor.scores(rows)
        seconds = perf_counter() - started
        numbers = self.encoder.leads(rows)
        unknown = warnings.unknown_values(contract, instances, numbers) if self.known_values else []
        remarks = [
            *(warnings.of_ignored(contract, instances) if contract.ignored else []),
            *(warnings.of_unknown(unknown, self.known_values) if unknown else []),
            *warnings.of_ranges(contract, numbers, self.lower, self.upper, self.unlearned),
            *warnings.of_undefined(scores),
        ]
        answers = predictions(contract, scores)
        made = None
        if self.profiler and profile:
            if self.profiler.counts_words:
                numbers = np.hstack([numbers, self.encoder.unknown_words(instances)])
            made = self.profiler.of(numbers, unknown, scores, answers)
        return ScoredRequest(answers, remarks, len(unknown), made, rows, scores, seconds)

    def codes(self, answers: list[dict[str, object]]) -> list[float]:
        """Class codes of predictions, or their values; NaN for one without a label."""
        target = self.manifest.contract.target
        if not target.classes:
            return [cast("float", answer["value"]) for answer in answers]
        codes: dict[object, float] = {label: code for code, label in enumerate(target.classes)}
        return [codes.get(answer["label"], math.nan) for answer in answers]


def _bound(feature: Feature, sign: Literal[-1, 1]) -> float:
    """The value beyond which, upwards or downwards, a caller is warned: of the training range, or of exact integers."""
    end = feature.max if sign > 0 else feature.min
    bound = math.inf if end is None else sign * end
    return sign * min(bound, LARGEST_EXACT_INTEGER - 1 if feature.json_type == "integer" else math.inf)
