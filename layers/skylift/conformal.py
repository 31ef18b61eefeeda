"""What an answer may miss, at a level that training measured on answers to rows that the model had not seen.

Both forms are conformal prediction: the quantiles are those of as many rows and one more, so that they hold for the
next row whatever the model is, as long as it is like the rows of training.
"""

from bisect import bisect_right
from collections.abc import Iterable
from typing import Annotated

from pydantic import Field

from skylift.documents import Document

type Level = Annotated[float, Field(gt=0, lt=1)]


class Margins(Document):
    """How far below and above a predicted value the true one is, at a level.

    Parameters
    ----------
    level
        Share of the true values that are within.
    edges
        Edges between bins of predicted values, rising; empty if all have the same margins.
    low, high
        Margins below, at most 0, and above, at least 0, by bin.
    """

    level: Level
    edges: tuple[float, ...] = ()
    low: tuple[float, ...]
    high: tuple[float, ...]

    def around(self, value: float) -> tuple[float, float]:
        """Ends of the interval around a predicted value.

        Examples
        --------
        >>> margins = Margins(level=0.9, edges=(10.0,), low=(-1.0, -2.0), high=(1.0, 4.0))
        >>> margins.around(5.0), margins.around(10.0)
        ((4.0, 6.0), (8.0, 14.0))
        """
        place = bisect_right(self.edges, value)
        return value + self.low[place], value + self.high[place]


class Sets(Document):
    """Which classes a prediction set holds, at a level.

    Parameters
    ----------
    level
        Share of the true classes that are in their set.
    least
        Least probability of a class in the set.
    """

    level: Level
    least: float

    def of(self, probabilities: Iterable[float]) -> list[int]:
        """Codes of the classes in the set; the most probable one where none is probable enough.

        Examples
        --------
        >>> sets = Sets(level=0.9, least=0.2)
        >>> sets.of([0.5, 0.3, 0.2]), sets.of([0.1, 0.15, 0.1])
        ([0, 1, 2], [1])
        """
        row = list(probabilities)
        inside = [code for code, probability in enumerate(row) if probability >= self.least]
        return inside or [row.index(max(row))]
