"""Typical rows of training, which a feature is compared with to say what it contributed; see `skylift.explanation`.

None is the row of a person: training makes them of groups of rows. They are few, because the model scores each of them
with many mixtures of the explained row.
"""

from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

from skylift.array_file import BROKEN, read_arrays, write_arrays
from skylift.errors import UnservableModel

BACKGROUND_FILE = "background.npz"

MOST_EXACT = 10
"""Features up to which all their coalitions are scored; beyond, a sample of them."""

SCORED_ROWS = 5120
"""About as many rows are scored for a reason: a boosted or a small forest of ten features takes 5 to 15 ms for them."""

_MOST, _FEWEST = 40, 4
_NAMES = ("rows", "weights")


def background_size(features: int) -> int:
    """Largest number of background rows for so many features, so that about `SCORED_ROWS` rows are scored.

    Examples
    --------
    >>> [background_size(features) for features in (4, 8, 10, 30, 400)]
    [40, 20, 5, 40, 6]
    """
    coalitions = 2**features if features <= MOST_EXACT else 2 * features
    return min(max(SCORED_ROWS // coalitions, _FEWEST), _MOST)


@dataclass(frozen=True, slots=True)
class Background:
    """Background rows.

    Parameters
    ----------
    rows
        Encoded rows, float64 `[b, width]`.
    weights
        Share of the training rows that each stands for, float64 `[b]`; they sum to 1.

    Raises
    ------
    ValueError
        The arrays do not belong together, or the weights are none.
    """

    rows: NDArray[np.float64]
    weights: NDArray[np.float64]

    def __post_init__(self) -> None:
        if self.rows.dtype != np.float64 or self.rows.ndim != 2 or not 0 < len(self.rows) <= _MOST:
            raise ValueError(f"rows must be a matrix of float64 with at most {_MOST} rows")
        if self.weights.dtype != np.float64 or self.weights.shape != self.rows.shape[:1]:
            raise ValueError("each row has one weight, a float64")
        if not (self.weights > 0).all() or abs(self.weights.sum() - 1) > 1e-9:
            raise ValueError("weights must be positive and sum to 1")
        if np.isinf(self.rows).any():
            raise ValueError("numbers must be finite, or missing")

    def to_bytes(self) -> bytes:
        """The file of these rows."""
        return write_arrays(dict(zip(_NAMES, (self.rows, self.weights), strict=True)))

    @classmethod
    def from_bytes(cls, data: bytes, *, width: int) -> Self:
        """Read the file.

        Parameters
        ----------
        width
            Number of columns of an encoded row.

        Raises
        ------
        UnservableModel
            It is not such a file.
        """
        try:
            background = cls(*read_arrays(data, _NAMES))
            if background.rows.shape[1] != width:
                raise ValueError("its rows have another width than the contract says")
        except BROKEN as error:
            raise UnservableModel(
                f"{BACKGROUND_FILE} cannot be read ({str(error) or type(error).__name__})", "publish the version again"
            ) from error
        return background
