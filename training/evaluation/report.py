"""The evaluation of a version: one document, published beside the model as `evaluation.json`.

The model card, MLflow and `skylift compare` read nothing else about how good a model is. Every list in it is limited,
so that it stays small whatever the table's size, and no number in it is NaN or infinite: what could not be measured
is None or absent.
"""

from typing import ClassVar, Literal

from pydantic import Field, ValidationError

from skylift.contract import ClassName, Document, Scalar, Task
from skylift.errors import IntegrityError
from skylift.manifest import Interval, Spread, first_fault
from training.metrics.intervals import Difference
from training.search.report import SearchReport

EVALUATION_FILE = "evaluation.json"


class MetricReport(Document):
    """One metric of the published model.

    Parameters
    ----------
    value
        On the holdout; None where its rows cannot tell, as ROC-AUC without rows of a class.
    interval
        Of the holdout's value; None where resampling cannot tell, as where no row was wrong.
    cross_validated
        On the training rows; None for metrics that candidates are not compared by.
    baseline
        Of the dummy on the same holdout.
    higher_is_better
        False for errors and losses.
    """

    value: float | None = None
    interval: Interval | None = None
    cross_validated: Spread | None = None
    baseline: float | None = None
    higher_is_better: bool = True


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
        In the bin; bins without rows are left out.
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
        By the names above; those that resampling can tell.
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
        Of the predicted class's probability.
    """

    ece: float
    bins: tuple[CalibrationBin, ...]


class Residuals(Document):
    """The errors of a regression on the holdout.

    Parameters
    ----------
    quantiles
        Of the absolute error, by level: `0.5`, `0.75`, `0.9`, `0.95`, `0.99`, `1`.
    bias
        The mean of predicted minus true.
    true, predicted
        Pairs, at most 500, drawn by the seed.
    """

    quantiles: dict[str, float]
    bias: float
    true: tuple[float, ...]
    predicted: tuple[float, ...]


class Slice(Document):
    """Some of the holdout's rows.

    Parameters
    ----------
    column, value
        Which: a category, `true`, `false`, `missing`, or a range of numbers such as `1.5 to 4.2`.
    rows
        How many.
    metrics
        By name; those that these rows can tell.
    interval
        Of the metric that slices are ranked by.
    """

    column: str
    value: str
    rows: int
    metrics: dict[str, float]
    interval: Interval | None = None


class Slices(Document):
    """The holdout cut by the columns that `evaluation.slices` names.

    Parameters
    ----------
    metric
        What slices are ranked by.
    worst
        Of those with enough rows to tell, by `metric`.
    """

    metric: str
    slices: tuple[Slice, ...]
    worst: Slice | None = None


class Importance(Document):
    """What the model loses where a feature is shuffled.

    Parameters
    ----------
    mean, std
        Of the loss in `select_by` over the repeats, positive where the feature helps.
    repeats
        The single losses.
    """

    feature: str
    mean: float
    std: float
    repeats: tuple[float, ...]


class Effect(Document):
    """Partial dependence: the mean answer where a feature is set to a value in every row.

    Parameters
    ----------
    feature
        One of the most important.
    grid
        Numbers, categories, or false and true.
    answers
        A series over the grid for each class by its key, or for the value of a regression by `value`.
    """

    feature: str
    grid: tuple[Scalar, ...]
    answers: dict[str, tuple[float, ...]]


class DummyBaseline(Document):
    """The dummy that a model must beat.

    Parameters
    ----------
    strategy
        What it always answers: the classes' shares, the mean, or the median.
    metric
        The one it must be beaten in.
    value, challenger
        Of the dummy and of the model, on the same rows.
    on
        `holdout`, or `cross_validation` where the holdout's rows cannot tell.
    beaten
        Whether the model is better.
    """

    strategy: Literal["prior", "mean", "median"]
    metric: str
    value: float
    challenger: float
    on: Literal["holdout", "cross_validation"] = "holdout"
    beaten: bool


class Champion(Document):
    """The version in service, on the same holdout.

    Parameters
    ----------
    version, reference
        Which.
    reason
        Why it was not compared; None where it was.
    metrics
        By name.
    difference
        From the champion to this model, in `select_by`.
    regression
        By how much this model is worse, 0 where it is not: absolute for shares and R2, relative to the champion's
        value for losses and errors.
    max_regression
        From `gates.max_regression`.
    changed_labels
        Rows of the holdout with another label; None for regression.
    unseen
        Whether the champion has learned from none of these rows: same table, same split.
    """

    version: str
    reference: str
    reason: str | None = None
    metrics: dict[str, float] = Field(default_factory=dict)
    difference: Difference | None = None
    regression: float | None = None
    max_regression: float
    changed_labels: int | None = None
    unseen: bool | None = None


class Check(Document):
    """A behaviour that anyone would expect of the model.

    Parameters
    ----------
    name
        `column order`, `duplicated rows`, `minimum function`, `golden rows` or `monotone: FEATURE`.
    passed
        A model that fails one is not published.
    detail
        What was found, for people.
    """

    name: str
    passed: bool
    detail: str


class Evaluation(Document):
    """How good a version is, and how that was found out.

    Parameters
    ----------
    selected, select_by
        The candidate, and the metric it was chosen by.
    rows, train_rows, folds
        Of the holdout, of the training rows, and how many folds these were cut into.
    level, resamples
        Of all intervals: confidence, and bootstrap resamples.
    metrics
        By name: accuracy, balanced_accuracy, f1_macro, log_loss, roc_auc, average_precision, brier, ece; or
        mae, rmse, r2, median_absolute_error.
    classes, confusion, calibration
        For classification; the confusion matrix has a row for each true class and a column for each predicted one,
        in the contract's order.
    residuals
        For regression.
    slices
        None where `evaluation.slices` names no column.
    importance, effects
        By permutation, most important first, and partial dependence of the first few.
    champion
        None where no version is in service.
    searches
        Of the candidates that were searched for.
    notes
        What limits the above.
    """

    schema_version: Literal[1] = 1
    task: Task
    selected: str
    select_by: str
    rows: int
    train_rows: int
    folds: int
    level: float
    resamples: int
    metrics: dict[str, MetricReport]
    classes: tuple[ClassReport, ...] = ()
    confusion: tuple[tuple[int, ...], ...] = ()
    calibration: Calibration | None = None
    residuals: Residuals | None = None
    slices: Slices | None = None
    importance: tuple[Importance, ...] = ()
    effects: tuple[Effect, ...] = ()
    baseline: DummyBaseline
    champion: Champion | None = None
    behaviour: tuple[Check, ...] = ()
    searches: tuple[SearchReport, ...] = ()
    notes: tuple[str, ...] = ()

    indent: ClassVar[int] = 1  # most of it is long lists of numbers

    @classmethod
    def from_bytes(cls, data: bytes, *, source: str) -> "Evaluation":
        """Read published bytes.

        Raises
        ------
        IntegrityError
            They are no evaluation of a known schema.
        """
        try:
            return cls.model_validate_json(data)
        except ValidationError as error:
            raise IntegrityError(
                f"{source} is not an evaluation this release can read ({first_fault(error)})",
                "train the version again, or upgrade Skylift",
            ) from error
