"""Scores rows of a model of trees cell by cell: rows between the same thresholds have the same answer.

The thresholds cut each column into intervals, and all columns together into cells. A cell is scored when its first row
comes, by that row and by the model itself, so answers are the model's to the last bit. Where the cells are few enough
they are remembered from one batch to the next; where they are more, equal ones of a batch are scored once.
"""

from math import prod

import numpy as np
from numpy.typing import NDArray

from skylift.bulk.trees import Thresholds
from skylift.scoring import Matrix, Predictor

_REMEMBERED_NUMBERS = 2**22
"""Numbers that are remembered at most: 32 MB."""

_MOST_CELLS = 2**62
_WORTH = 0.5
"""Share of different cells in a batch from which on looking for equal ones costs more than it saves."""


class GridPredictor:
    """Scores by cells.

    Parameters
    ----------
    predictor
        Predictor of the model.
    thresholds
        All that the model asks of a row.
    outputs
        Number of classes; 1 for a regression.
    """

    def __init__(self, predictor: Predictor, thresholds: Thresholds, outputs: int) -> None:
        self._predictor = predictor
        # One interval is above the last cut, and one for missing values.
        self._cut = [(place, cuts, len(cuts) + 2) for place, cuts in enumerate(thresholds.columns) if len(cuts)]
        self._rounded = thresholds.rounded
        cells = prod(size for _, _, size in self._cut)
        self.helps = cells <= _MOST_CELLS
        self._scores: Matrix | None = None
        if cells * outputs <= _REMEMBERED_NUMBERS:
            self._scores = np.empty((cells, outputs) if outputs > 1 else cells)
            self._known = np.zeros(cells, dtype=bool)

    def scores(self, rows: Matrix) -> Matrix:
        """Score encoded rows; see `Predictor.scores`."""
        if not self.helps:
            return self._predictor.scores(rows)
        cells = self._cells(rows)
        if self._scores is None:
            _, first, codes = np.unique(cells, return_index=True, return_inverse=True)
            if len(first) > _WORTH * len(rows):
                self.helps = False
                return self._predictor.scores(rows)
            return self._predictor.scores(rows[first])[codes]
        unknown = np.flatnonzero(~self._known[cells])
        if len(unknown):
            new, first = np.unique(cells[unknown], return_index=True)
            self._scores[new] = self._predictor.scores(rows[unknown[first]])
            self._known[new] = True
        return self._scores[cells]

    def _cells(self, rows: Matrix) -> NDArray[np.int64]:
        """The number of each row's cell, `[n]`."""
        cells = np.zeros(len(rows), dtype=np.int64)
        for place, cuts, size in self._cut:
            values = rows[:, place]
            if self._rounded:
                with np.errstate(over="ignore"):
                    values = values.astype(np.float32).astype(np.float64)
            intervals = np.searchsorted(cuts, values, side="left")
            intervals[np.isnan(values)] = len(cuts) + 1
            cells *= size
            cells += intervals
        return cells
