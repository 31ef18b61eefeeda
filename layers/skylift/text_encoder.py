"""What reads free text, and the file of a version that holds those that read its terms."""

from abc import ABC, abstractmethod
from collections.abc import Iterable, Sequence
from itertools import batched
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import NDArray

from skylift.array_file import BROKEN, names_of, read_arrays, write_arrays
from skylift.errors import UnservableModel
from skylift.feature import Scalar

ENCODING_FILE = "encoding.npz"

ANALYSIS = "analysis"
"""First array of each encoder whose terms are those of another vectorizer; see `skylift.weighted_terms`."""

MAX_DIRECTIONS = 100
"""Columns beside the length that a text may fill."""


class TextEncoder(ABC):
    """Encodes the texts of a feature, each the same whatever others are beside it."""

    @abstractmethod
    def rows(self, values: Sequence[Scalar]) -> NDArray[np.float64]:
        """Encode texts.

        Parameters
        ----------
        values
            Texts, which are read as cells of the table; None for a missing one.

        Returns
        -------
        float64 `[n, width]`: the length in characters, NaN for a missing text, then numbers of its own.
        """

    def row(self, value: Scalar) -> Sequence[float]:
        """Encode one text; see `rows`."""
        encoded: list[float] = self.rows([value])[0].tolist()
        return encoded


class TermEncoder(TextEncoder):
    """Encodes texts by the terms that they have, of those that it knows."""

    ARRAYS: ClassVar[tuple[str, str, str]]
    """Names of its arrays in a file: of its terms, their weights and their coordinates."""

    @property
    @abstractmethod
    def width(self) -> int:
        """Number of columns that a text fills."""

    @abstractmethod
    def unknown(self, value: Scalar) -> float:
        """Share of the words or terms of a text that it does not know; NaN for a missing text."""

    @property
    @abstractmethod
    def arrays(self) -> tuple[NDArray[Any], NDArray[Any], NDArray[Any]]:
        """What a file holds of it, as `ARRAYS` names it."""

    @classmethod
    @abstractmethod
    def of_arrays(cls, terms: NDArray[Any], weights: NDArray[Any], coordinates: NDArray[Any]) -> Self:
        """The encoder of such arrays.

        Raises
        ------
        ValueError
            They are not those of an encoder.
        """


def to_bytes(encoders: Sequence[TermEncoder]) -> bytes:
    """The file of some encoders of one class; the same bytes for the same ones."""
    arrays: dict[str, NDArray[Any]] = {}
    for place, each in enumerate(encoders):
        arrays |= zip(_names(each.ARRAYS, [place]), each.arrays, strict=True)
    return write_arrays(arrays)


def from_bytes[E: TermEncoder](kind: type[E], data: bytes, widths: Sequence[int]) -> list[E]:
    """Read the file of some encoders.

    Parameters
    ----------
    kind
        Class of the encoders.
    widths
        Width of each encoder.

    Raises
    ------
    UnservableModel
        It is not such a file.
    """
    try:
        arrays = read_arrays(data, _names(kind.ARRAYS, range(len(widths))))
        encoders = [kind.of_arrays(*three) for three in batched(arrays, 3)]
        if [each.width for each in encoders] != [*widths]:
            raise ValueError("a text has another width than the contract says")
    except BROKEN as error:
        raise UnservableModel(
            f"{ENCODING_FILE} cannot be read ({str(error) or type(error).__name__})", "publish the version again"
        ) from error
    return encoders


def holds_analyses(data: bytes) -> bool:
    """Whether a file is of `skylift.weighted_terms`, and not of vocabularies, or nothing that can be read."""
    try:
        return f"0.{ANALYSIS}" in names_of(data)
    except BROKEN:
        return False


def _names(arrays: Sequence[str], places: Iterable[int]) -> list[str]:
    return [f"{place}.{name}" for place in places for name in arrays]
