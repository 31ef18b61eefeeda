"""How good a version is: its metrics, the leaderboard of candidates, and the gates."""

from typing import Literal

from pydantic import Field

from skylift.contract import ClassName
from skylift.documents import Document
from skylift.feature import Scalar
from skylift.figures import apart, exact_text, format_value


class Spread(Document):
    """A metric over the folds of the cross-validation."""

    mean: float
    std: float
    folds: tuple[float, ...]

    def __str__(self) -> str:
        return f"{format_value(self.mean)} +- {format_value(self.std)}"


class Interval(Document):
    """Where a metric would lie on other rows of the same kind.

    Parameters
    ----------
    level
        Confidence level, 0 to 1.
    method
        `bootstrap` (percentile, over the holdout's rows), or `wilson` for a share without a single miss or hit:
        resampling such rows gives the same share every time.
    """

    low: float
    high: float
    level: float = 0.95
    method: Literal["bootstrap", "wilson"] = "bootstrap"

    def __str__(self) -> str:
        return f"{format_value(self.low)} to {format_value(self.high)}"


class ClassMetrics(Document):
    """How well one class is recognised on the holdout.

    Parameters
    ----------
    roc_auc, average_precision
        Areas under the curves against all other classes; None if undefined on the holdout, and in versions of older
        releases.
    """

    name: ClassName
    precision: float
    recall: float
    f1: float
    support: int
    roc_auc: float | None = None
    average_precision: float | None = None


class Metrics(Document):
    """How good the model is, by metric name.

    Parameters
    ----------
    cross_validated
        Metrics over the folds of the training rows, by metric; empty of a model that was trained elsewhere.
    holdout
        Metrics on rows that no candidate has seen, computed once, by metric.
    per_class
        Metrics of each class on the holdout; empty for regression.
    intervals
        Confidence intervals of the holdout metrics that resampling can give; empty in versions of older releases.
    """

    cross_validated: dict[str, Spread]
    holdout: dict[str, float]
    per_class: tuple[ClassMetrics, ...] = ()
    intervals: dict[str, Interval] = Field(default_factory=dict)


class LeaderboardEntry(Document):
    """A candidate's line in the leaderboard.

    Parameters
    ----------
    candidate
        Name of the candidate in `model.yaml`.
    estimator
        Import path of the estimator's class.
    params
        Parameters of the estimator, with those that the search chose.
    scores
        Cross-validated metrics by name; empty after a failed fit, and of a model that was trained elsewhere.
    failure
        Reason of the failed fit; None after a success.
    dropped
        Why it was measured in some folds only; None if in all or in none.
    """

    candidate: str
    estimator: str
    params: dict[str, Scalar | list[Scalar]]
    scores: dict[str, Spread]
    failure: str | None = None
    dropped: str | None = None


class Gate(Document):
    """A bound on a metric, and whether it held.

    Parameters
    ----------
    metric
        Name of the metric; or `behaviour`, of which all checks must pass.
    value
        Value on those rows; None where they cannot tell, which no bound passes.
    against
        Value that it is compared with: of the dummy baseline, or of the active version; None for neither, and in
        versions of older releases.
    detail
        Bound in words, to read after the value; None if `min` and `max` are the bound.
    rows
        Rows that it was measured on; None for the holdout, or the test rows of `skylift evaluate`.
    """

    metric: str
    min: float | None = None
    max: float | None = None
    value: float | None
    passed: bool
    against: float | None = None
    detail: str | None = None
    rows: Literal["labelled traffic"] | None = None

    def __str__(self) -> str:
        others = [other for other in (self.min, self.max, self.against) if other is not None]
        value = "undefined" if self.value is None else apart(self.value, *others)
        if self.detail is not None:
            return f"{self.metric} {value} {self.detail}"
        bounds = {">=": self.min, "<=": self.max}
        words = [f"{sign} {exact_text(bound)}" for sign, bound in bounds.items() if bound is not None]
        return f"{self.metric} {value} ({' and '.join(words)})"
