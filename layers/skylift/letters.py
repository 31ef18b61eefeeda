"""Free text as it is: what a model that reads words itself is given, within a row of numbers like any other.

So texts are shuffled, mixed and scored like every feature, and nothing but the model needs to know of them.
"""

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from skylift.cells import clean_text
from skylift.feature import Scalar
from skylift.text_encoder import TextEncoder

_SECOND = 2.0**21
"""Unicode has fewer characters: a double holds two of them exactly."""
_ENCODING = "utf-32-le"


def columns_for(letters: int) -> int:
    """Number of columns that hold so many characters."""
    return (letters + 1) // 2


class Letters(TextEncoder):
    """Encodes texts as their characters, two to a column.

    Parameters
    ----------
    columns
        Number of columns, which hold twice as many characters.
    """

    def __init__(self, columns: int) -> None:
        self._columns = columns

    def rows(self, values: Sequence[Scalar]) -> NDArray[np.float64]:
        """Encode texts: length and characters."""
        encoded = np.zeros((len(values), 1 + self._columns))
        for row, value in zip(encoded, values, strict=True):
            text = clean_text(value) if isinstance(value, str) else None
            row[0] = math.nan if text is None else len(text)
            if text:
                codes = np.frombuffer(text.encode(_ENCODING, "surrogatepass"), "<u4")
                row[1 : 1 + (len(codes) + 1) // 2] = codes[::2]
                row[1 : 1 + len(codes) // 2] += codes[1::2] * _SECOND
        return encoded

    def texts(self, encoded: NDArray[np.float64]) -> list[str | None]:
        """The texts of encoded ones, float64 `[n, width]`; None for a missing one."""
        second, first = np.divmod(encoded[:, 1:], _SECOND)
        codes = np.stack([first, second], axis=2).reshape(len(encoded), -1).astype("<u4")
        return [
            None if math.isnan(length) else row[: int(length)].tobytes().decode(_ENCODING, "surrogatepass")
            for row, length in zip(codes, encoded[:, 0].tolist(), strict=True)
        ]
