"""How often answers are right, or how far off they are, before anyone tells the truth.

Training measured both on rows that the fitted model did not see. A window's estimate weighs that by the confidence, or
by the predicted values, of its rows. So it follows rows that become harder or easier, but it is blind to concept drift:
where the same rows begin to have other answers, nothing in them says so, and only labels tell.
"""

import math
from bisect import bisect_right
from functools import cached_property
from itertools import pairwise
from typing import Annotated, Literal, Self

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, model_validator

from skylift.documents import Document
from skylift.intervals import Z, wilson

type Matrix = NDArray[np.float64]

_STEEPEST, _HALVINGS = 1e3, 40

BLIND = "blind to concept drift: where the same rows begin to have other answers, only labels tell"
"""What whoever reads an estimate has to know."""


class Estimate(Document):
    """What a metric is expected to be in a window.

    Parameters
    ----------
    metric
        `accuracy`, or `mae` of a regression.
    value
        Estimate.
    low, high
        95% interval: of the rows by chance, and of what training could measure.
    baseline
        Value on training rows, each answered by a fit that did not see it.
    rows
        Number of rows of the window.
    """

    metric: Literal["accuracy", "mae"]
    value: float
    low: float
    high: float
    baseline: float
    rows: int


class _Expected(Document):
    """What training knows of the rightness of answers.

    Parameters
    ----------
    rows
        Number of training rows that were measured out of fold.
    value
        Metric on these rows.
    error
        Standard error of an estimate for rows other than these, in the metric's unit.
    """

    rows: int
    value: float
    error: float


class Part(Document):
    """Training rows of about the same confidence.

    Parameters
    ----------
    rows
        Number of rows.
    expected
        Mean calibrated confidence, by lines that were fitted to other rows.
    right
        Share of the answers that are right.
    """

    rows: int
    expected: float
    right: float


class ExpectedAccuracy(_Expected):
    """How often an answer of some confidence is right.

    Parameters
    ----------
    method
        How it was learned: `platt` or `isotonic`, or `none` where neither gives better probabilities.
    confidence, right
        Points of the line from the probability of the predicted class to the share of such answers that are right.
    parts
        Training rows by confidence, the least first: what an estimate for harder or easier rows rests on.
    ece_before, ece
        Calibration errors of the probabilities as the model gives them, and of calibrated ones, on other rows
        than those that the line was fitted to.

    Raises
    ------
    ValueError
        The points do not make a line.
    """

    metric: Literal["accuracy"] = "accuracy"
    method: Literal["none", "platt", "isotonic"]
    confidence: tuple[float, ...]
    right: tuple[float, ...]
    parts: tuple[Part, ...]
    ece_before: float
    ece: float

    @model_validator(mode="after")
    def _is_a_line(self) -> Self:
        if not self.confidence or len(self.confidence) != len(self.right):
            raise ValueError("each confidence has a share")
        if not all(low < high for low, high in pairwise(self.confidence)):
            raise ValueError("confidences increase")
        if not all(0 <= share <= 1 for share in self.right):
            raise ValueError("shares are from 0 to 1")
        if not self.parts or min(part.rows for part in self.parts) < 1:
            raise ValueError("each part has rows")
        return self

    def calibrated(self, confidence: float) -> float:
        """The probability that an answer of this confidence is right."""
        known, right = self.confidence, self.right
        place = bisect_right(known, confidence)
        if place in {0, len(known)}:
            return right[max(place - 1, 0)]
        before = known[place - 1]
        share = (confidence - before) / (known[place] - before)
        return right[place - 1] + share * (right[place] - right[place - 1])

    def calibrated_rows(self, confidence: Matrix) -> Matrix:
        """The probability that each answer is right, `[n]`; NaN of NaN."""
        return np.interp(confidence, *self._line)

    def estimate(self, predictions: NDArray[np.int64], confidence: float) -> Estimate | None:
        """The accuracy of a window; None if it has no rows.

        The interval is Wilson's, of as many rows as have the variance of the window's rows and of what training could
        measure together.

        Parameters
        ----------
        predictions
            Rows by bin of the prediction, `[bins]`.
        confidence
            Sum of the calibrated confidence over the rows.
        """
        rows = int(predictions.sum())
        if not rows:
            return None
        value = min(max(confidence / rows, 0.0), 1.0)
        smoothed = (rows * value + 1) / (rows + 2)
        telling = 1 / (1 / rows + self._variance(value) / (smoothed * (1 - smoothed)))
        interval = wilson(value * telling, telling)
        return Estimate(
            metric="accuracy", value=value, low=interval.low, high=interval.high, baseline=self.value, rows=rows
        )

    def _variance(self, mean: float) -> float:
        """Variance of what is expected of rows with some mean confidence.

        A window tells nothing but the mean. Of all mixtures of the parts that have it, the one nearest to training's is
        assumed: its shares are training's, tilted exponentially (Csiszar, 1975).
        """
        rows = np.array([part.rows for part in self.parts])
        expected = np.array([part.expected for part in self.parts])
        right = np.array([part.right for part in self.parts])
        shares = _tilted(rows / rows.sum(), expected, mean)
        smoothed = (rows * right + 1) / (rows + 2)
        sampled = float(shares**2 @ (smoothed * (1 - smoothed) / rows))
        return max(sampled, self.error**2) + float(shares @ (expected - right)) ** 2

    @cached_property
    def _line(self) -> tuple[Matrix, Matrix]:
        return np.array(self.confidence), np.array(self.right)


class ExpectedError(_Expected):
    """How far off a prediction is, by its bin.

    Parameters
    ----------
    means, spreads
        Mean and standard deviation of the absolute error by bin of the prediction. A bin without a training row has
        those of the nearest one.
    counts
        Training rows by bin.

    Raises
    ------
    ValueError
        The bins differ in number.
    """

    metric: Literal["mae"] = "mae"
    means: tuple[float, ...]
    spreads: tuple[float, ...]
    counts: tuple[int, ...]

    @model_validator(mode="after")
    def _is_coherent(self) -> Self:
        if not len(self.means) == len(self.spreads) == len(self.counts):
            raise ValueError("each bin has a mean, a spread and a count")
        return self

    def estimate(self, predictions: NDArray[np.int64], confidence: float = 0.0) -> Estimate | None:  # noqa: ARG002
        """The mean absolute error of a window; None if it has no rows.

        The error of what training never predicted is known as if from a single row.

        Parameters
        ----------
        predictions
            Rows by bin of the prediction, `[bins]`.
        """
        rows = int(predictions.sum())
        if not rows:
            return None
        shares, variances = predictions / rows, np.array(self.spreads) ** 2
        value = float(shares @ np.array(self.means))
        by_chance = float(shares @ variances) / rows
        rows_of_training = np.maximum(self.counts, 1)
        learned = float(shares**2 @ (variances / rows_of_training))
        half = Z * math.sqrt(by_chance + max(learned, self.error**2))
        return Estimate(
            metric="mae", value=value, low=max(value - half, 0.0), high=value + half, baseline=self.value, rows=rows
        )


def _tilted(shares: Matrix, values: Matrix, mean: float) -> Matrix:
    """Shares, tilted so that values have a mean, as far as any shares can."""
    low, high = -_STEEPEST, _STEEPEST
    for _ in range(_HALVINGS):
        slope = (low + high) / 2
        tilt = slope * values
        tilted: Matrix = shares * np.exp(tilt - tilt.max())
        tilted /= tilted.sum()
        if float(tilted @ values) < mean:
            low = slope
        else:
            high = slope
    return tilted


type Expectation = Annotated[ExpectedAccuracy | ExpectedError, Field(discriminator="metric")]
"""What `baseline.json` holds as `confidence`."""
