"""What a search tried, as the evaluation of a version publishes it."""

from typing import Literal

from skylift.documents import Document
from skylift.feature import Scalar

type CalibrationMethod = Literal["temperature", "sigmoid", "isotonic"]
"""Way in which probabilities are calibrated."""


class Trial(Document):
    """Parameters that a search tried on the training rows.

    Parameters
    ----------
    params
        Parameters by their names in `model.yaml`.
    mean, std
        Mean and deviation of `select_by` over the inner folds.
    rows
        Number of rows of the trial: all training rows, fewer in the early rounds of a halving search.
    """

    params: dict[str, Scalar | list[Scalar]]
    mean: float
    std: float
    rows: int


class Reliability(Document):
    """How true probabilities are.

    Parameters
    ----------
    log_loss, ece
        Log loss, and the expected calibration error.
    """

    log_loss: float
    ece: float


class SearchReport(Document):
    """A candidate's search.

    Parameters
    ----------
    strategy
        Way in which trials were drawn.
    planned, tried
        Numbers of trials; fewer were tried if the search was stopped.
    trials
        Trials, the best first, at most 200.
    """

    candidate: str
    strategy: Literal["grid", "random", "halving"]
    planned: int
    tried: int
    trials: tuple[Trial, ...]
