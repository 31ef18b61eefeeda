"""The training distribution by bin, which traffic is compared with: `baseline.json` of a version.

Training knows the bins, so that serving can log the bin and not the value.
"""

import math
from datetime import date, timedelta
from functools import cached_property
from itertools import pairwise
from typing import Self

import numpy as np
from numpy.typing import NDArray
from pydantic import ValidationError, model_validator
from pydantic_core import from_json

from skylift.contract import Contract
from skylift.documents import Document, first_fault
from skylift.errors import IntegrityError
from skylift.figures import exact_text, told_apart
from skylift.monitoring.expected import Expectation, ExpectedError

_ROUNDING = 1e-6  # of a day

type Counts = NDArray[np.int64]
"""Rows by bin, int64 `[bins]`."""


class Bins(Document):
    """Where the values of a feature, or the predictions, are counted.

    A number is in bin 0 below the first edge, and in bin k from the last of k edges on. A level is in the bin of its
    code; the next one is of values that training never saw. The last bin is of missing values.

    Parameters
    ----------
    edges
        Edges of a number, increasing: the least value of training, and what follows its largest one, are the ends.
    levels
        Levels in the order of their codes, for what is not measured.
    origin
        Day that the numbers are counted from, if they are dates.

    Raises
    ------
    ValueError
        There are both or neither, or the edges do not increase.
    """

    edges: tuple[float, ...] | None = None
    levels: tuple[str, ...] | None = None
    origin: date | None = None

    @model_validator(mode="after")
    def _is_coherent(self) -> Self:
        if (self.edges is None) == (self.levels is None):
            raise ValueError("bins have either edges or levels")
        edges = self.edges or ()
        if not all(map(math.isfinite, edges)) or not all(low < high for low, high in pairwise(edges)):
            raise ValueError("edges are finite and increase")
        return self

    @property
    def size(self) -> int:
        """Number of bins."""
        return len(self.edges or self.levels or ()) + 2

    @property
    def missing(self) -> int:
        """The bin of missing values, the last one."""
        return self.size - 1

    @property
    def outside(self) -> tuple[int, ...]:
        """The bins of values that no training row has: below and above its range, or of no known level."""
        return (self.size - 2,) if not self.edges else (0, self.size - 2)

    @property
    def ordered(self) -> bool:
        """Whether a later bin means more, missing values aside."""
        return self.levels is None

    @cached_property
    def cuts(self) -> list[float]:
        """Numbers to bisect: as many are at or below a value as its bin says.

        NaN, the missing value, passes them all, in `bisect` and in numpy: it compares as less than none. So the last
        ones are infinite, for the bins that no other value may reach.
        """
        finite = [*self.edges] if self.edges is not None else [float(code) for code in range(1, len(self.levels or ()))]
        return finite + [math.inf] * (self.missing - len(finite))

    def places(self, values: NDArray[np.float64]) -> NDArray[np.intp]:
        """The bin of each value.

        Parameters
        ----------
        values
            Numbers or codes of levels, NaN for missing, float64 `[n]`; a value that training never saw is NaN as well.
        """
        return np.searchsorted(self._cuts, values, side="right")

    def counts(self, values: NDArray[np.float64]) -> Counts:
        """Number of values in each bin; see `places`."""
        return np.bincount(self.places(values), minlength=self.size)

    def words(self, index: int, name: str, *, whole: bool = False) -> str:
        """A bin in the words of the contract.

        Parameters
        ----------
        name
            Name of the feature or the target.
        whole
            Whether the values are integers, as those of an `integer` feature.

        Examples
        --------
        >>> Bins(levels=("Nord", "Sued")).words(0, "district")
        'district = Nord'
        >>> Bins(edges=(1.0, 4.9, 5.1)).words(2, "petal_length"), Bins(edges=(1.0, 4.0)).words(0, "petal_length")
        ('petal_length 4.9 to 5.1', 'petal_length below 1')
        """
        if index == self.missing:
            return f"{name} missing"
        if self.levels is not None:
            return f"{name} = {self.levels[index]}" if index < len(self.levels) else f"{name} not seen in training"
        edges = self.edges or ()
        if not edges or self.origin is not None:
            return f"{name} {self._dates(index, self.origin) if self.origin and edges else 'not missing'}"
        if index == 0:
            return f"{name} below {exact_text(edges[0])}"
        if index == len(edges):
            end = math.nextafter(edges[-1], -math.inf)
            return f"{name} above {min(exact_text(end), exact_text(edges[-1]), key=len)}"
        low, high = edges[index - 1], edges[index]
        if whole:
            low, high = math.ceil(low), math.ceil(high) - 1
        elif index == len(edges) - 1 or high == math.nextafter(low, math.inf):
            high = math.nextafter(high, -math.inf)
        elif index > 1 and low == math.nextafter(edges[index - 2], math.inf):
            low = edges[index - 2]
        return f"{name} = {exact_text(low)}" if low == high else f"{name} {' to '.join(told_apart([low, high]))}"

    def _dates(self, index: int, origin: date) -> str:
        """A bin of dates, without their time of day."""
        days = [str(origin + timedelta(days=math.floor(edge + _ROUNDING))) for edge in self.edges or ()]
        if index == 0:
            return f"before {days[0]}"
        if index == len(days):
            return f"after {days[-1]}"
        low, high = days[index - 1], days[index]
        return f"on {low}" if low == high else f"{low} to {high}"

    @cached_property
    def _cuts(self) -> NDArray[np.float64]:
        return np.array(self.cuts)


class Distribution(Document):
    """How many rows are in each bin.

    Parameters
    ----------
    bins
        Bins; for predicted values they have no ends, so that no value is outside of them.
    counts
        Rows by bin.

    Raises
    ------
    ValueError
        There is not one count for each bin.
    """

    bins: Bins
    counts: tuple[int, ...]

    @model_validator(mode="after")
    def _is_coherent(self) -> Self:
        if len(self.counts) != self.bins.size or min(self.counts) < 0:
            raise ValueError("each bin has a count")
        return self


class FeatureDistribution(Distribution):
    """The training rows by one feature.

    Parameters
    ----------
    importance
        Permutation importance on the holdout; None if it was not measured.
    """

    importance: float | None = None


class Baseline(Document):
    """What the monitor knows of training.

    Parameters
    ----------
    rows
        Number of training rows.
    features
        Training rows by feature, in the contract's order.
    predictions
        Predictions of the served model for the holdout rows, by class or by bin of the predicted value.
    confidence
        How often training rows were answered rightly out of fold, or how far off; None in versions of older releases.
    words
        Holdout rows by the share of words that the vocabulary of a text lacks, by feature; None without a text,
        and in versions of older releases.

    Raises
    ------
    ValueError
        The errors are of other bins than the predictions.
    """

    rows: int
    features: dict[str, FeatureDistribution]
    predictions: Distribution
    confidence: Expectation | None = None
    words: dict[str, FeatureDistribution] | None = None

    @property
    def counted(self) -> dict[str, FeatureDistribution]:
        """All that is counted of the rows of a request, by name and in its order: features, then words of texts."""
        return self.features | {f"{name}: unknown words": each for name, each in (self.words or {}).items()}

    @model_validator(mode="after")
    def _has_errors_by_bin(self) -> Self:
        confidence = self.confidence
        if isinstance(confidence, ExpectedError) and len(confidence.means) != self.predictions.bins.size:
            raise ValueError("the errors are by the bins of the predictions")
        return self

    def fits(self, contract: Contract) -> bool:
        """Whether it is of the features and the target of a contract."""
        if [*self.features] != [feature.name for feature in contract.features]:
            return False
        texts = [feature.name for feature in contract.features if feature.directions is not None]
        if self.words is not None and [*self.words] != texts:
            return False
        counted = all(
            self.features[feature.name].bins.levels in {feature.counted or None, feature.levels or None}
            for feature in contract.features
        )  # versions of older releases count each level
        return counted and self.predictions.bins.levels == (contract.target.keys or None)

    @classmethod
    def of_version(cls, data: bytes, *, source: str) -> Self | None:
        """Read what is stored with a version.

        Parameters
        ----------
        source
            Name of the document, for the error.

        Returns
        -------
        Baseline or None
            None for a version of an older release, which has no bins.

        Raises
        ------
        IntegrityError
            They are not a training distribution.
        """
        hint = "publish the version again, or upgrade Skylift"
        try:
            document = from_json(data)
        except ValueError as error:
            raise IntegrityError(f"{source} is not JSON", hint) from error
        if isinstance(document, dict) and "predictions" not in document:
            return None
        try:
            return cls.model_validate(document)
        except ValidationError as error:
            raise IntegrityError(f"{source} cannot be read: {first_fault(error)}", hint) from error
