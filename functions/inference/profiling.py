"""Profiles of answered requests, for versions that know the bins of their training rows."""

import math
from collections.abc import Callable, Sequence
from typing import cast

import numpy as np

from inference.warnings import UnknownValue
from skylift.contract import Contract
from skylift.errors import IntegrityError
from skylift.manifest import BASELINE_FILE, Manifest
from skylift.monitoring.baseline import Baseline
from skylift.monitoring.expected import ExpectedAccuracy
from skylift.monitoring.profile import Member, Profiler
from skylift.scoring import Matrix, predicted_classes


class RequestProfiler:
    """Makes the profiles of the requests that a version answers.

    Parameters
    ----------
    contract, baseline
        Contract and training distribution of the version.

    Attributes
    ----------
    counts_words
        Whether profiles tell of the words of texts.
    """

    def __init__(self, contract: Contract, baseline: Baseline) -> None:
        self._profiler = Profiler(baseline)
        self._target = contract.target
        self.counts_words = bool(baseline.words)
        self._places = {feature.name: place for place, feature in enumerate(contract.features)}
        self._classes = {
            label: (float(code), key)
            for code, (label, key) in enumerate(zip(contract.target.classes, contract.target.keys, strict=True))
        }
        confidence = baseline.confidence
        self._rightness = confidence if isinstance(confidence, ExpectedAccuracy) else None

    def of(self, rows: Matrix, unknown: Sequence[UnknownValue], scores: Matrix) -> Member:
        """The profile of a request of many instances.

        Parameters
        ----------
        rows, scores
            Leads of the encoded rows, with the shares of unknown words where these count, and their scores, float64
            `[n, counted]` and `[n, classes]` or `[n]`.
        unknown
            Values in the rows that training never saw.
        """
        return self._profiler.of_rows(rows, self._unseen(unknown), *self._answers(scores))

    def of_one(self, row: Sequence[float], unknown: Sequence[UnknownValue], prediction: dict[str, object]) -> Member:
        """The profile of a request of one instance.

        Parameters
        ----------
        row
            Leads of the encoded row, then the shares of unknown words where these count.
        unknown
            Values in the row that training never saw.
        prediction
            Answer to the instance.
        """
        return self._profiler.of_row(row, self._unseen(unknown), *self._answer(prediction))

    def _unseen(self, unknown: Sequence[UnknownValue]) -> list[int]:
        return [self._places[feature.name] for _, feature, _ in unknown]

    def _answer(self, prediction: dict[str, object]) -> tuple[float, float | None]:
        """The code or value that is predicted for one row, and how sure that is; without arrays, which cost more."""
        if not self._classes:
            value = cast("float", prediction["value"])
            return (value if math.isfinite(value) else math.nan), None
        if (label := prediction["label"]) is None:
            return math.nan, None
        code, key = self._classes[cast("str", label)]
        if self._rightness is None:
            return code, None
        return code, self._rightness.calibrated(cast("dict[str, float]", prediction["probabilities"])[key])

    def _answers(self, scores: Matrix) -> tuple[Matrix, Matrix | None]:
        """The same of many rows."""
        if not self._classes:
            return np.where(np.isfinite(scores), scores, np.nan), None
        codes = predicted_classes(self._target, scores)
        probabilities = scores[np.arange(len(scores)), codes]
        labels = np.where(np.isnan(probabilities), np.nan, codes)
        return labels, None if self._rightness is None else self._rightness.calibrated_rows(probabilities)


def load_profiler(manifest: Manifest, read: Callable[[str], bytes]) -> RequestProfiler | None:
    """What makes the profiles of a version; None for one of an older release.

    Parameters
    ----------
    read
        Function that returns a file of the version by name, checked against its manifest.

    Raises
    ------
    IntegrityError, AwsUnavailable
        The training distribution is not of this version, or cannot be read.
    """
    if BASELINE_FILE not in manifest.artifacts:
        return None
    source = f"{BASELINE_FILE} of {manifest.name}"
    baseline = Baseline.of_version(read(BASELINE_FILE), source=source)
    if baseline is None:
        return None
    if not baseline.fits(manifest.contract):
        raise IntegrityError(f"{source} is of another contract", "publish the version again")
    return RequestProfiler(manifest.contract, baseline)
