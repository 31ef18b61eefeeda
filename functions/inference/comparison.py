"""How the answers of a challenger differ from the champion's to the same rows."""

import math

import numpy as np
from numpy.typing import NDArray

from inference.model import ScoredRequest
from skylift.contract import Contract, Target
from skylift.scoring import Matrix, predicted_classes, predictions

_NO_LABEL = -1


class Comparison:
    """Compares by the names of the classes, whose order may differ.

    Parameters
    ----------
    champion, challenger
        Contracts of the two versions.
    """

    def __init__(self, champion: Contract, challenger: Contract) -> None:
        self._champion = champion.target
        self._challenger = challenger
        labels, keys = (
            {name: place for place, name in enumerate(names)}
            for names in (challenger.target.classes, challenger.target.keys)
        )
        absent = len(labels)
        self._labels = np.array([labels.get(name, absent) for name in champion.target.classes], dtype=np.intp)
        self._keys = [keys.get(name, absent) for name in champion.target.keys]

    def of(self, answer: ScoredRequest, scores: Matrix) -> tuple[int, float]:
        """Number of rows with another label, and the largest finite difference of a probability or value.

        Parameters
        ----------
        answer
            The champion's.
        scores
            The challenger's.
        """
        if len(scores) == 1:  # without arrays, which cost more than they save
            return _of_one(answer.predictions[0], predictions(self._challenger, scores)[0])
        if not self._keys:
            return 0, _largest(answer.scores, scores)
        ours = _label_codes(self._champion, answer.scores)
        labelled = ours != _NO_LABEL
        ours[labelled] = self._labels[ours[labelled]]
        other = int(np.count_nonzero(ours != _label_codes(self._challenger.target, scores)))
        return other, _largest(answer.scores, np.column_stack([scores, np.zeros(len(scores))])[:, self._keys])


def _of_one(ours: dict[str, object], theirs: dict[str, object]) -> tuple[int, float]:
    """The same of the predictions for one row."""
    other = ours.get("label") != theirs.get("label")
    # Of a regression the value alone: an interval is not an answer, and one of the two may give none.
    numbers, others = (answer.get("probabilities") or {"value": answer["value"]} for answer in (ours, theirs))
    largest = 0.0
    for name, number in numbers.items():  # type: ignore[attr-defined]
        difference = abs(number - others.get(name, 0.0))  # type: ignore[attr-defined]
        if largest < difference < math.inf:
            largest = difference
    return int(other), largest


def _label_codes(target: Target, scores: Matrix) -> NDArray[np.intp]:
    """Class codes, `[n]`; `_NO_LABEL` for a row without a label."""
    codes = predicted_classes(target, scores)
    return np.where(np.isnan(scores[np.arange(len(scores)), codes]), _NO_LABEL, codes)


def _largest(ours: Matrix, theirs: Matrix) -> float:
    with np.errstate(invalid="ignore"):  # infinite less infinite
        differences = np.abs(ours - theirs)
    return float(differences.max(initial=0.0, where=np.isfinite(differences)))
