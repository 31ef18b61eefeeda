"""A model's answers to training rows that it was not fitted on, as its cross-validation gave them."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from skylift.scoring import Matrix, best_classes


@dataclass(frozen=True, slots=True, eq=False)
class Answers:
    """Answers to some rows.

    Parameters
    ----------
    values
        Codes of the predicted classes, or predicted values, `[n]`.
    confidence
        Probabilities of these classes, `[n]`; None for regression.
    """

    values: NDArray[Any]
    confidence: Matrix | None = None

    @classmethod
    def of(cls, scores: Matrix) -> Self:
        """The answers that scores give.

        Parameters
        ----------
        scores
            Scores as a predictor gives them, `[n, classes]` or `[n]`.
        """
        return cls(scores) if scores.ndim == 1 else cls(best_classes(scores), scores.max(axis=1))


@dataclass(frozen=True, slots=True, eq=False)
class OutOfFold:
    """Answers of a candidate in all folds it was measured in.

    Parameters
    ----------
    rows
        Places of the rows among the training rows, none twice, `[n]`; of folds by time not all of them.
    folds
        Number of the fold that measured each row, `[n]`.
    answers
        Answers to these rows.
    """

    rows: NDArray[np.int64]
    folds: NDArray[np.int64]
    answers: Answers

    @classmethod
    def joined(cls, parts: Sequence[tuple[NDArray[Any], Answers]]) -> Self:
        """Answers of folds, in their order, each with the places of its rows."""
        confidences = [answers.confidence for _, answers in parts if answers.confidence is not None]
        return cls(
            np.concatenate([rows for rows, _ in parts]).astype(np.int64),
            np.repeat(np.arange(len(parts)), [len(rows) for rows, _ in parts]),
            Answers(
                np.concatenate([answers.values for _, answers in parts]),
                np.concatenate(confidences) if confidences else None,
            ),
        )
