"""Free text as numbers: its length, and a few directions in the space of its terms.

A term is a word, a run of signs, or two or three letters in a row within one. Training weighs terms by their inverse
document frequency and finds the directions in which texts differ most, by latent semantic analysis (Deerwester et al.,
"Indexing by Latent Semantic Analysis", 1990). Both are arrays, which numpy applies here in training and in the service.
"""

import math
import re
from collections.abc import Iterator, Sequence
from functools import lru_cache, reduce
from itertools import count
from operator import add
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from skylift.cells import clean_text
from skylift.feature import Scalar
from skylift.text_encoder import MAX_DIRECTIONS, TermEncoder

MAX_TERMS = 10_000
"""Terms of a vocabulary: 1.3 MB with 30 directions."""

_TOKEN = re.compile(r"\w+|[^\w\s]+")
_LETTERS_TOGETHER = 8_192
"""Texts of so many letters are encoded at once: they share the cost of arrays, which fit into the cache of a core."""
_LONGEST_WORD = 30
_SHORT = 4  # with the blanks
_BITS = 21
"""Bits of a sign in Unicode: three fit into a number."""
_LARGEST = np.iinfo(np.int64).max
_WORDS_OF_A_TYPICAL_TEXT = 8

type Tokens = Sequence[str]
"""Words and runs of signs of a text, in small letters."""

_MISSING: tuple[int | None, Tokens] = (None, ())


def terms(text: str) -> Iterator[str]:
    """Terms of a text, as often as it has them; each word or run of signs is marked by blanks at its ends.

    Examples
    --------
    >>> list(terms("Hi! No"))
    [' h', 'hi', 'i ', ' hi', 'hi ', ' hi ', ' !', '! ', ' ! ', ' n', 'no', 'o ', ' no', 'no ', ' no ']
    """
    for token in _TOKEN.findall(text.lower()):
        yield from _terms_of(token)


def is_word(term: str) -> bool:
    """Whether a term is a whole word or run of signs."""
    return len(term) > 2 and term[0] == term[-1] == " "


def _terms_of(token: str) -> list[str]:
    marked = f" {token} "
    pairs = [*map(add, marked, marked[1:])]
    found = [*pairs, *map(add, pairs, marked[2:])]
    if 1 < len(token) <= _LONGEST_WORD:  # one letter is its own three signs
        found.append(marked)
    return found


class Vocabulary(TermEncoder):
    """The terms of a text feature, and what each means.

    Parameters
    ----------
    known
        Terms, all different.
    weights
        Inverse document frequency of each term, float32 `[terms]`.
    directions
        Coordinates of each term, float32 `[terms, directions]`.

    Raises
    ------
    ValueError
        The arrays do not belong together, or not all numbers are finite.
    """

    ARRAYS = ("terms", "weights", "directions")

    def __init__(self, known: Sequence[str], weights: NDArray[np.float32], directions: NDArray[np.float32]) -> None:
        self.terms = tuple(known)
        self.weights, self.directions = weights, directions
        size = len(self.terms)
        if not 0 < size <= MAX_TERMS or len(set(self.terms)) < size:
            raise ValueError(f"terms must be different, at least one and at most {MAX_TERMS}")
        if weights.dtype != np.float32 or weights.shape != (size,):
            raise ValueError("each term has one weight, a float32")
        if directions.dtype != np.float32 or directions.ndim != 2 or len(directions) != size:
            raise ValueError("each term has a row of directions, of float32")
        if not 0 < directions.shape[1] <= MAX_DIRECTIONS:
            raise ValueError(f"directions must be at least one and at most {MAX_DIRECTIONS}")
        if not (np.isfinite(directions).all() and np.isfinite(weights).all() and (weights > 0).all()):
            raise ValueError("weights must be positive, and all numbers finite")
        words = {term[1:-1]: place for place, term in enumerate(self.terms) if is_word(term)}
        self._known = frozenset(words)
        self._words = {word: place for word, place in words.items() if len(word) > 1}  # others are runs of signs
        self._runs, self._places = _runs_by_number(self.terms)

    @classmethod
    def of_arrays(cls, terms: NDArray[Any], weights: NDArray[Any], coordinates: NDArray[Any]) -> Self:
        """Read what a file holds of it: its terms are UTF-8, one a line."""
        if terms.dtype != np.uint8 or terms.ndim != 1:
            raise ValueError("terms must be bytes")
        return cls(terms.tobytes().decode().split("\n"), weights, coordinates)

    @property
    def arrays(self) -> tuple[NDArray[Any], NDArray[Any], NDArray[Any]]:
        """What a file holds of it."""
        return np.frombuffer("\n".join(self.terms).encode(), np.uint8), self.weights, self.directions

    @property
    def width(self) -> int:
        """Number of columns that a text fills."""
        return 1 + len(self.directions[0])

    def rows(self, values: Sequence[Scalar]) -> NDArray[np.float64]:
        """Encode texts: length and coordinates, which are 0 for a text without a known term."""
        read = [_read(value) if isinstance(value, str) else _MISSING for value in values]
        encoded = np.zeros((len(read), self.width))
        first, letters = 0, 0
        for place, (length, _) in enumerate(read):
            encoded[place, 0] = math.nan if length is None else length
            letters += length or 0
            if letters >= _LETTERS_TOGETHER or place == len(read) - 1:
                together = [tokens for _, tokens in read[first : place + 1]]
                self._place(together, encoded[first : place + 1, 1:])
                first, letters = place + 1, 0
        return encoded

    def unknown(self, value: Scalar) -> float:
        """Share of the words and runs of signs of a text that the terms lack; NaN for a missing text."""
        length, tokens = _read(value) if isinstance(value, str) else _MISSING
        if length is None:
            return math.nan
        known = sum(map(self._known.__contains__, tokens))
        return (len(tokens) - known) / max(len(tokens), 1)

    def typical(self, coordinates: NDArray[np.float64]) -> str:
        """A text of the words nearest to a place: what may be shown and stored in place of a person's text.

        Parameters
        ----------
        coordinates
            Coordinates of a text, float64 `[directions]`.
        """
        words = [place for place, term in enumerate(self.terms) if is_word(term)] or [*range(len(self.terms))]
        nearness = np.add.reduce(self.directions[words] * coordinates, axis=1)
        nearest = np.argsort(-nearness, kind="stable")[:_WORDS_OF_A_TYPICAL_TEXT]
        return " ".join(self.terms[words[place]].strip() for place in nearest.tolist())

    def frequent(self, count: int) -> list[tuple[str, float]]:
        """The most frequent words, with the share of the training texts that have each."""
        words = [place for place, term in enumerate(self.terms) if is_word(term) and len(term) > _SHORT]
        most = sorted(words, key=lambda place: float(self.weights[place]))[:count]
        return [(self.terms[place].strip(), math.exp(1 - float(self.weights[place]))) for place in most]

    def _place(self, texts: Sequence[Tokens], coordinates: NDArray[np.float64]) -> None:
        """Write the coordinates of some texts, which are 0 before."""
        size = len(self.terms)
        keys, times = np.unique(self._found(texts), return_counts=True)
        if not len(keys):
            return
        starts = keys.searchsorted(np.arange(0, size * len(texts) + 1, size))
        filled = starts[1:] > starts[:-1]
        starts, places = starts[:-1][filled], keys % size
        values = (1 + np.log(times)) * self.weights[places]
        lengths = np.sqrt(np.add.reduceat(values * values, starts))
        # Not by BLAS, whose last digits depend on the processor and on how many texts there are.
        sums = np.add.reduceat(values[:, None] * self.directions.take(places, axis=0), starts)
        coordinates[filled] = sums / lengths[:, None]

    def _found(self, texts: Sequence[Tokens]) -> NDArray[np.int64]:
        """The places of the known terms in some texts, as often as they have them; each text's after the last one's."""
        size = len(self.terms)
        words: list[int] = []
        marked: list[str] = []
        for first, tokens in zip(count(0, size), texts):
            words += [first + place for place in map(self._words.get, tokens) if place is not None]
            marked.append(f" {'  '.join(tokens)} " if tokens else "")  # no term has two blanks
        runs = _runs(_signs("".join(marked)))
        nearest = self._runs.searchsorted(runs)
        known = np.flatnonzero(self._runs.take(nearest) == runs)
        places = self._places.take(nearest.take(known))
        if len(texts) > 1:
            firsts = np.repeat(np.arange(0, size * len(texts), size), [*map(len, marked)])
            places += np.concatenate((firsts[:-1], firsts[:-2])).take(known)
        return np.concatenate((places, np.array(words, dtype=np.int64)))


@lru_cache(maxsize=8)
def _read(value: str) -> tuple[int | None, Tokens]:
    """The length of a text, None if it is a missing one, and its words and runs of signs.

    The texts of a request are read once, for what encodes them and for what counts unknown words.
    """
    text = clean_text(value)
    return _MISSING if text is None else (len(text), _TOKEN.findall(text.lower()))


def _signs(text: str) -> NDArray[np.int64]:
    """The signs of a text as numbers, from 1 on."""
    return np.frombuffer(text.encode("utf-32-le", "surrogatepass"), "<u4").astype(np.int64) + 1


def _runs(signs: NDArray[np.int64]) -> NDArray[np.int64]:
    """Each two signs in a row, and then each three, as one number."""
    pairs = _number(signs[:-1], signs[1:])
    return np.concatenate((pairs, _number(pairs[:-1], signs[2:])))


def _number(*signs: NDArray[np.int64]) -> NDArray[np.int64]:
    """Signs that belong together as one number."""
    return reduce(lambda first, second: (first << _BITS) | second, signs)


def _runs_by_number(known: Sequence[str]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """The terms of two and of three signs as numbers, which increase, and their places."""
    numbers, places = [np.array([_LARGEST])], [np.zeros(1, np.int64)]  # so that none is beyond the last
    for size in (2, 3):
        short = [place for place, term in enumerate(known) if len(term) == size]
        signs = _signs("".join(known[place] for place in short)).reshape(-1, size)
        numbers.append(_number(*signs.T))
        places.append(np.array(short, dtype=np.int64))
    together = np.concatenate(numbers)
    order = together.argsort()
    return together[order], np.concatenate(places)[order]
