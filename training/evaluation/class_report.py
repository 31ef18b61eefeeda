"""What the evaluation of a classification says of its classes and their probabilities."""

from pydantic import Field

from skylift.contract import ClassName
from skylift.documents import Document
from skylift.metrics import Interval
from training.search.report import CalibrationMethod, Reliability


class Curve(Document):
    """Points of a line, at most about 200.

    Parameters
    ----------
    x, y
        ROC: false and true positive rate. Precision and recall: recall and precision.
    """

    x: tuple[float, ...]
    y: tuple[float, ...]


class CalibrationBin(Document):
    """Rows with similar probabilities.

    Parameters
    ----------
    low, high
        Edges of the bin.
    rows
        Number of rows in the bin; bins without rows are left out.
    predicted, observed
        The mean probability, and the share of the rows for which it was right.
    """

    low: float
    high: float
    rows: int
    predicted: float
    observed: float


class ClassReport(Document):
    """One class against the others, on the holdout.

    Parameters
    ----------
    support
        Rows that truly are of the class.
    precision, recall, f1
        0 where nothing was predicted, or nothing is there to be found.
    roc_auc, average_precision
        Area under the ROC curve, and under the precision-recall curve; None without rows inside and outside the class.
    intervals
        Intervals by the names above; those that resampling can tell.
    roc, precision_recall
        The curves; None where the area is, and beyond the 20 classes with most rows.
    calibration
        The class's own probability against how often it was right.
    """

    name: ClassName
    support: int
    precision: float
    recall: float
    f1: float
    roc_auc: float | None = None
    average_precision: float | None = None
    intervals: dict[str, Interval] = Field(default_factory=dict)
    roc: Curve | None = None
    precision_recall: Curve | None = None
    calibration: tuple[CalibrationBin, ...] = ()


class Calibration(Document):
    """Whether the probability of the predicted class can be believed.

    Parameters
    ----------
    ece
        Expected calibration error: the mean distance of predicted and observed, weighted by rows.
    bins
        Bins of the predicted class's probability.
    """

    ece: float
    bins: tuple[CalibrationBin, ...]


class Decision(Document):
    """How the threshold between two classes was chosen.

    Parameters
    ----------
    positive
        Class that is the label where its probability is above `threshold`.
    by
        What it was chosen by: `cost`, a metric, or `threshold` where `model.yaml` names it.
    cost_false_negative, cost_false_positive
        Costs of the two mistakes; None if it was not chosen by them.
    value, usual
        Mean cost of a row, or the metric, of out-of-fold answers labelled by the threshold, and by the most probable
        class; None if `model.yaml` names the threshold.
    holdout, holdout_usual
        The same on the holdout.
    curve
        Cost or metric of out-of-fold answers by threshold.
    """

    positive: ClassName
    threshold: float
    by: str
    cost_false_negative: float | None = None
    cost_false_positive: float | None = None
    value: float | None = None
    usual: float | None = None
    holdout: float | None = None
    holdout_usual: float | None = None
    curve: Curve | None = None


class Recalibration(Document):
    """How probabilities were calibrated, and what that changed.

    Parameters
    ----------
    method
        Way in which the calibration learned from answers out of fold.
    before, after
        Reliability of these answers; after, as other folds calibrate them.
    holdout_before, holdout_after
        The same on the holdout.
    """

    method: CalibrationMethod
    before: Reliability
    after: Reliability
    holdout_before: Reliability
    holdout_after: Reliability
