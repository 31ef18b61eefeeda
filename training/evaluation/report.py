"""The evaluation of a version: one document, published beside the model as `evaluation.json`.

The model card, MLflow and `skylift compare` read nothing else about how good a model is. Every list in it is limited,
so that it stays small whatever the table's size, and no number in it is NaN or infinite: what could not be measured
is None or absent.
"""

from typing import ClassVar, Literal

from pydantic import Field

from skylift.contract import Task
from skylift.documents import Document
from skylift.feature import Scalar
from skylift.metrics import Interval, Spread
from training.evaluation.class_report import Calibration, ClassReport, Decision, Recalibration
from training.metrics.intervals import Difference
from training.search.report import SearchReport

EVALUATION_FILE = "evaluation.json"


class MetricReport(Document):
    """One metric of the published model.

    Parameters
    ----------
    value
        Value on the holdout; None if its rows cannot tell, as ROC-AUC without rows of a class.
    interval
        Interval of the holdout's value; None if resampling cannot tell, for example because no row was wrong.
    cross_validated
        Spread over the folds of the training rows; None for metrics that candidates are not compared by.
    baseline
        Value of the dummy baseline on the same holdout.
    higher_is_better
        False for errors and losses.
    """

    value: float | None = None
    interval: Interval | None = None
    cross_validated: Spread | None = None
    baseline: float | None = None
    higher_is_better: bool = True


class Coverage(Document):
    """What intervals or prediction sets hold of the holdout.

    Parameters
    ----------
    level
        Share that they are to hold.
    rows, covered
        Number of rows, and the share of them whose true value or class is within.
    interval
        Interval of that share.
    size
        Mean width of the intervals, or mean number of classes in a set.
    bins
        Number of bins of predicted values with margins of their own; None of sets.
    """

    level: float
    rows: int
    covered: float
    interval: Interval
    size: float
    bins: int | None = None


class Residuals(Document):
    """The errors of a regression on the holdout.

    Parameters
    ----------
    quantiles
        Quantiles of the absolute error, by level: `0.5`, `0.75`, `0.9`, `0.95`, `0.99`, `1`.
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
        Column of the table, and its value: a category, `true`, `false`, `missing`, or a range such as `1.5 to 4.2`.
    rows
        Number of rows.
    metrics
        Values by metric name; those that these rows can tell.
    interval
        Interval of the metric that slices are ranked by.
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
        Metric that slices are ranked by.
    worst
        Worst slice by `metric` among those with enough rows to tell.
    """

    metric: str
    slices: tuple[Slice, ...]
    worst: Slice | None = None


class Importance(Document):
    """What the model loses where a feature is shuffled.

    Parameters
    ----------
    mean, std
        Mean and deviation of the loss in `select_by` over the repeats, positive if the feature helps.
    repeats
        Loss of each repeat.
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
        Name of one of the most important features.
    grid
        Values that the feature is set to: numbers, categories, or false and true.
    answers
        Series over the grid: for each class by its key, or for the value of a regression by `value`.
    """

    feature: str
    grid: tuple[Scalar, ...]
    answers: dict[str, tuple[float, ...]]


class DummyBaseline(Document):
    """The dummy baseline that a model must beat.

    Parameters
    ----------
    strategy
        Constant prediction: the classes' shares, the mean, or the median.
    metric
        Metric in which it must be beaten.
    value, challenger
        Values of the dummy baseline and of the model, on the same rows.
    on
        `holdout`, or `cross_validation` if the holdout's rows cannot tell.
    beaten
        Whether the model is better, on the holdout or on the folds by more than noise.
    by_ranking
        Whether that is told by the order of its probabilities alone, because a class is rare.
    difference
        Difference from the dummy baseline to the model on the holdout; None in versions of older releases, and if the
        holdout's rows cannot tell.
    """

    strategy: Literal["prior", "mean", "median"]
    metric: str
    value: float
    challenger: float
    on: Literal["holdout", "cross_validation"] = "holdout"
    beaten: bool
    by_ranking: bool = False
    difference: Difference | None = None


class Champion(Document):
    """The active version, on the same holdout.

    Parameters
    ----------
    version, reference
        Name and reference of the active version.
    reason
        Reason why it was not compared; None if it was.
    metrics
        Values by metric name.
    difference
        Difference from the champion to this model, in `select_by`.
    regression
        Amount by which this model is worse, 0 if it is not: absolute for shares and R2, relative to the champion's
        value for losses and errors.
    max_regression
        Limit of the regression, as `gates.max_regression` has it.
    changed_labels
        Number of rows of the holdout with another label; None for regression.
    unseen
        Whether the champion was trained on none of these rows: same table, same split.
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
        Finding, in words for people.
    doubtful
        Whether it passed though it is worth a look.
    """

    name: str
    passed: bool
    detail: str
    doubtful: bool = False


class Evaluation(Document):
    """How good a version is, and how that was found out.

    Parameters
    ----------
    selected, select_by
        Name of the candidate, and the metric it was selected by.
    rows, train_rows, folds
        Numbers of holdout rows, of training rows, and of cross-validation folds: 0 of a model trained elsewhere.
    level, resamples
        Confidence of all intervals, and number of bootstrap resamples.
    clusters
        Number of groups or blocks of time in the holdout, which resamples take as a whole; None for single rows.
    metrics
        Values by metric name; see `training.metrics.registry`.
    classes, confusion, calibration
        Parts for classification; the confusion matrix has a row for each true class and a column for each predicted
        one, in the contract's order.
    recalibration
        Calibration of probabilities; None if they are answered as the candidate gives them.
    decision
        Choice of the threshold between two classes; None if the label is the most probable class.
    residuals
        Errors on the holdout; None for classification.
    coverage
        Coverage of intervals or prediction sets; None if the version gives none.
    slices
        Metrics by slice; None if `evaluation.slices` names no column.
    importance, effects
        Permutation importance, most important first, and partial dependence of the first few.
    champion
        Comparison with the active version; None if no version is active.
    searches
        Trials of the candidates that were searched for.
    notes
        Limits of the above, in words for people.
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
    clusters: int | None = None
    metrics: dict[str, MetricReport]
    classes: tuple[ClassReport, ...] = ()
    confusion: tuple[tuple[int, ...], ...] = ()
    calibration: Calibration | None = None
    recalibration: Recalibration | None = None
    decision: Decision | None = None
    residuals: Residuals | None = None
    coverage: Coverage | None = None
    slices: Slices | None = None
    importance: tuple[Importance, ...] = ()
    effects: tuple[Effect, ...] = ()
    baseline: DummyBaseline
    champion: Champion | None = None
    behaviour: tuple[Check, ...] = ()
    searches: tuple[SearchReport, ...] = ()
    notes: tuple[str, ...] = ()

    indent: ClassVar[int] = 1  # most of it is long lists of numbers
