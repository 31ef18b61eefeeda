"""A loaded version, ready to answer."""

import math
from dataclasses import dataclass
from datetime import datetime
from time import perf_counter
from typing import Self, cast

import numpy as np

from inference.capacity import most_instances
from inference.profiling import RequestProfiler
from inference.schema import RequestSchema
from inference.warnings import Remark, Warnings
from skylift.contract import Instance
from skylift.encoding import RowEncoder
from skylift.manifest import Manifest
from skylift.monitoring.profile import Member
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
    warnings: list[Remark]
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
    loaded_at
        Time of loading, UTC.
    warnings
        What is to be said of its answers.
    profiler
        Maker of profiles; None for a version of an older release, or if its training distribution cannot be read.
    """

    reference: Reference
    manifest: Manifest
    predictor: Predictor
    encoder: RowEncoder
    schema: RequestSchema
    loaded_at: datetime
    warnings: Warnings
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
        return cls(
            reference,
            manifest,
            predictor,
            encoder or RowEncoder(manifest.contract),
            RequestSchema(manifest.contract, min(max_instances, most_instances(manifest.contract))),
            loaded_at,
            Warnings(manifest.contract),
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
        rows = self.encoder.encode(instances)
        started = perf_counter()
        scores = self.predictor.scores(rows)
        seconds = perf_counter() - started
        answers = predictions(self.manifest.contract, scores)
        profiler, made = self.profiler if profile else None, None
        words = self.encoder.unknown_words(instances) if profiler and profiler.counts_words else None
        if len(instances) == 1:
            row = self.encoder.leads_of_one(rows)
            remarks, unknown = self.warnings.of_one(instances[0], row, scores)
            if profiler:
                made = profiler.of_one(row if words is None else [*row, *words[0].tolist()], unknown, answers[0])
        else:
            numbers = self.encoder.leads(rows)
            remarks, unknown = self.warnings.of(instances, numbers, scores)
            if profiler:
                made = profiler.of(numbers if words is None else np.hstack([numbers, words]), unknown, scores)
        return ScoredRequest(answers, remarks, len(unknown), made, rows, scores, seconds)

    def codes(self, answers: list[dict[str, object]]) -> list[float]:
        """Class codes of predictions, or their values; NaN for one without a label."""
        target = self.manifest.contract.target
        if not target.classes:
            return [cast("float", answer["value"]) for answer in answers]
        codes: dict[object, float] = {label: code for code, label in enumerate(target.classes)}
        return [codes.get(answer["label"], math.nan) for answer in answers]
