"""What a search tried, as the evaluation of a version publishes it."""

from typing import Literal

from skylift.contract import Document, Scalar


class Trial(Document):
    """Parameters that a search tried on the training rows.

    Parameters
    ----------
    params
        By their names in `model.yaml`.
    mean, std
        Of `select_by` over the inner folds.
    rows
        It was tried on: all training rows, fewer in the early rounds of a halving search.
    """

    params: dict[str, Scalar | list[Scalar]]
    mean: float
    std: float
    rows: int


class SearchReport(Document):
    """A candidate's search.

    Parameters
    ----------
    strategy
        How trials were made.
    planned, tried
        How many; fewer were tried where somebody stopped it.
    trials
        The best first, at most 200.
    """

    candidate: str
    strategy: Literal["grid", "random", "halving"]
    planned: int
    tried: int
    trials: tuple[Trial, ...]
