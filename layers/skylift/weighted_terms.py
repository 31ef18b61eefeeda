"""Free text as sums over terms of a vectorizer that was fitted elsewhere: what a model makes of its counts.

`encoding.npz` of a version holds these in place of vocabularies: an analysis with its terms, and two arrays of doubles.
"""

import math
from collections.abc import Sequence
from dataclasses import asdict
from functools import lru_cache
from typing import Any, Self, TypedDict

import numpy as np
from numpy.typing import NDArray
from pydantic_core import to_json

from skylift.analysis import Analysis
from skylift.cells import clean_text
from skylift.documents import first_fault
from skylift.feature import Scalar
from skylift.text_encoder import ANALYSIS, MAX_DIRECTIONS, TermEncoder

_MAX_TERMS = 1_000_000
_LONGEST_TERM = 100
_MISSING: tuple[int | None, Sequence[str]] = (None, ())


class _Stored(TypedDict):
    """An analysis with its terms, as a file has them."""

    analysis: Analysis
    terms: list[str]


class WeightedTerms(TermEncoder):
    """Encodes texts as sums over their terms.

    Parameters
    ----------
    analysis
        How texts are cut, and how often a term counts.
    known
        Terms, all different.
    weights
        Weight of each term, float64 `[terms]`.
    sums
        What each term adds to each sum, float64 `[terms, sums]`.

    Raises
    ------
    ValueError
        The arrays do not belong together, or not all numbers are finite.
    """

    ARRAYS = (ANALYSIS, "weights", "sums")

    def __init__(
        self, analysis: Analysis, known: Sequence[str], weights: NDArray[np.float64], sums: NDArray[np.float64]
    ) -> None:
        self.analysis, self.terms, self.weights, self.sums = analysis, tuple(known), weights, sums
        self._places = {term: place for place, term in enumerate(self.terms)}
        size = len(self.terms)
        if not 0 < size <= _MAX_TERMS or len(self._places) < size:
            raise ValueError(f"terms must be different, at least one and at most {_MAX_TERMS}")
        if not 1 <= analysis.shortest <= analysis.longest <= _LONGEST_TERM:
            raise ValueError(f"terms must have one to {_LONGEST_TERM} units")
        if weights.dtype != np.float64 or weights.shape != (size,):
            raise ValueError("each term has one weight, a double")
        if sums.dtype != np.float64 or sums.ndim != 2 or len(sums) != size:
            raise ValueError("each term has a row of sums, of doubles")
        if not 0 < sums.shape[1] <= MAX_DIRECTIONS:
            raise ValueError(f"sums must be at least one and at most {MAX_DIRECTIONS}")
        if not (np.isfinite(sums).all() and np.isfinite(weights).all()):
            raise ValueError("all numbers must be finite")

    @classmethod
    def of_arrays(cls, terms: NDArray[Any], weights: NDArray[Any], coordinates: NDArray[Any]) -> Self:
        """Read what a file holds of it: its analysis and its terms are one JSON document."""
        from pydantic import TypeAdapter, ValidationError  # made for the versions that need it alone

        document = terms.astype(np.uint8, casting="no").tobytes()
        try:
            stored = TypeAdapter(_Stored).validate_json(document)
        except ValidationError as error:
            raise ValueError(first_fault(error)) from error
        return cls(stored["analysis"], stored["terms"], weights, coordinates)

    @property
    def arrays(self) -> tuple[NDArray[Any], NDArray[Any], NDArray[Any]]:
        """What a file holds of it."""
        fields = asdict(self.analysis) | {"stop_words": sorted(self.analysis.stop_words)}
        document = to_json({"analysis": fields, "terms": self.terms})
        return np.frombuffer(document, np.uint8), self.weights, self.sums

    @property
    def width(self) -> int:
        """Number of columns that a text fills."""
        return 1 + len(self.sums[0])

    def rows(self, values: Sequence[Scalar]) -> NDArray[np.float64]:
        """Encode texts: length and sums, which are 0 for a text without a known term."""
        encoded = np.zeros((len(values), self.width))
        for row, value in zip(encoded, values, strict=True):
            length, terms = _terms_of(self.analysis, value) if isinstance(value, str) else _MISSING
            row[0] = math.nan if length is None else length
            found = map(self._places.get, terms)
            places, times = np.unique([place for place in found if place is not None], return_counts=True)
            if len(places):
                counted = self.analysis.counted(times) * self.weights[places]
                # Not by BLAS, whose last digits depend on the processor.
                total = np.add.reduce(counted[:, None] * self.sums.take(places, axis=0), axis=0)
                row[1:] = total / self.analysis.length(counted)
        return encoded

    def unknown(self, value: Scalar) -> float:
        """Share of the terms of a text that are not known; NaN for a missing text."""
        length, terms = _terms_of(self.analysis, value) if isinstance(value, str) else _MISSING
        if length is None:
            return math.nan
        return sum(term not in self._places for term in terms) / max(len(terms), 1)


@lru_cache(maxsize=2)
def _terms_of(analysis: Analysis, value: str) -> tuple[int | None, Sequence[str]]:
    """The length of a text, None if it is a missing one, and its terms.

    The text of a request is read once, for what encodes it and for what counts unknown terms; of long texts terms are
    many times as large.
    """
    text = clean_text(value)
    return _MISSING if text is None else (len(text), [*analysis.terms(text)])
