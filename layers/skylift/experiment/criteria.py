"""What an experiment has to show: when a challenger is worse for certain, and when it is certainly not much worse.

The probability that a challenger that is no worse is ever rejected is `alpha`, for all reasons together: each gets a
part of it, by Bonferroni. The probability that a challenger beyond a limit is ever promoted is `beta`: all limits must
be kept, so that each may have all of it.
"""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from skylift.experiment import evidence
from skylift.experiment.evidence import Numbers, Truths

type Errors = tuple[ArrayLike, ArrayLike]
"""Errors and requests of one side."""

MEDIAN, P95 = 0.5, 0.95

_ERRORS, _REFUSALS, _LATENCY, _ANSWERS = 0.5, 0.2, 0.2, 0.1
"""Parts of alpha; half of `_LATENCY` for each quantile, half of `_ANSWERS` for labels and for other labels."""


@dataclass(frozen=True, slots=True)
class Criteria:
    """Limits of an experiment.

    Parameters
    ----------
    alpha
        Probability that a challenger that is no worse is ever rejected, however often it is judged.
    beta
        Probability that a challenger beyond one of the limits is ever promoted.
    min_requests
        Requests that the challenger must have had before it is promoted.
    max_hours
        Time after which the experiment ends without a decision.
    max_error_increase
        Share of the requests that the challenger may fail more than the champion.
    median_ms, p95_ms
        Milliseconds that the challenger may take longer, in the median and in the 95th percentile of the pairs.
    max_disagreement
        Share of the rows that may get another label; None to report it only.
    """

    alpha: float = 0.01
    beta: float = 0.05
    min_requests: int = 1000
    max_hours: float = 72
    max_error_increase: float = 0.01
    median_ms: float = 5
    p95_ms: float = 25
    max_disagreement: float | None = None

    @property
    def errors_at(self) -> float:
        """The e-value of errors at which a challenger is rejected."""
        return 1 / (self.alpha * _ERRORS)

    def refusals_at(self, reasons: NDArray[np.int64]) -> Numbers:
        """The e-value of refusals for one reason at which a challenger is rejected.

        The k-th reason that turns up gets the part 1 / (k (k + 1)), and all parts add up to 1 however many turn up.

        Parameters
        ----------
        reasons
            Number of reasons that were seen until each look.
        """
        at: Numbers = reasons * (reasons + 1) / (self.alpha * _REFUSALS)
        return at

    @property
    def latency_at(self) -> float:
        """The e-value of pairs over the budget at which a challenger is rejected."""
        return 2 / (self.alpha * _LATENCY)

    @property
    def answers_at(self) -> float:
        """The e-value of other labels, or of wrong ones, at which a challenger is rejected."""
        return 2 / (self.alpha * _ANSWERS)

    def error_increase(self, challenger: Errors, champion: Errors) -> tuple[Numbers, Numbers]:
        """Bounds of the challenger's share of errors less the champion's, each ever wrong with probability `beta`."""
        half = self.beta / 2
        return (
            evidence.lower(*challenger, half) - evidence.upper(*champion, half),
            evidence.upper(*challenger, half) - evidence.lower(*champion, half),
        )

    def errors_held(self, challenger: Errors, champion: Errors) -> Truths:
        """Whether the challenger had traffic enough, and certainly fails no more than the champion and the limit."""
        half = self.beta / 2
        errors, requests = challenger
        champion_errors, champion_requests = (np.asarray(each, np.float64) for each in champion)
        seen = champion_errors / np.maximum(champion_requests, 1)
        held = np.asarray(np.asarray(requests) >= self.min_requests)
        held = held & evidence.certainly_below(errors, requests, self._most(seen), half)  # else the bound is not either
        if held.any():
            least = evidence.lower(champion_errors, champion_requests, half)
            held &= evidence.certainly_below(errors, requests, self._most(least), half)
        return held

    def _most(self, rate: Numbers) -> Numbers:
        """The rate that the challenger must be below where the champion has this one."""
        return np.minimum(rate + self.max_error_increase, 1 - 1e-9)

    def share_held(self, beyond: ArrayLike, trials: ArrayLike, share: float) -> Truths:
        """Whether certainly no more than a share of the trials is beyond a limit."""
        return evidence.certainly_below(beyond, trials, share, self.beta)

    @property
    def max_minutes(self) -> float:
        """`max_hours` in minutes."""
        return 60 * self.max_hours


def reached(log_evidence: Numbers, threshold: float | Numbers) -> Truths:
    """Whether evidence reaches a threshold, given as an e-value."""
    found: Truths = log_evidence >= np.log(threshold)
    return found


def e_value(log_evidence: float) -> float:
    """An e-value from its logarithm, as large as a float can be."""
    return math.exp(min(log_evidence, 700.0))
