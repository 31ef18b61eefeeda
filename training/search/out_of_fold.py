"""A model's scores of training rows that it was not fitted on, as its cross-validation gave them."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from skylift.scoring import Matrix


@dataclass(frozen=True, slots=True, eq=False)
class OutOfFold:
    """Scores of a candidate in all folds it was measured in.

    Parameters
    ----------
    rows
        Places of the rows among the training rows, none twice, `[n]`; of folds by time not all of them.
    folds
        Number of the fold that measured each row, `[n]`.
    scores
        Scores of these rows as a predictor gives them, `[n, classes]` or `[n]`.
    """

    rows: NDArray[np.int64]
    folds: NDArray[np.int64]
    scores: Matrix

    @classmethod
    def joined(cls, parts: Sequence[tuple[NDArray[Any], Matrix]]) -> Self:
        """Scores of folds, in their order, each with the places of its rows."""
        return cls(
            np.concatenate([rows for rows, _ in parts]).astype(np.int64),
            np.repeat(np.arange(len(parts)), [len(rows) for rows, _ in parts]),
            np.concatenate([scores for _, scores in parts]),
        )
