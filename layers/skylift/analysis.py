"""How the vectorizers of scikit-learn cut a text into terms and weigh them, for vocabularies that they learned."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

WORD = r"(?u)\b\w\w+\b"
"""Their default for words."""

_TOKEN = re.compile(WORD)
_BLANKS = re.compile(r"\s\s+")

Unit = Literal["word", "char", "char_wb"]


@dataclass(frozen=True, slots=True)
class Analysis:
    """What a vectorizer does to a text.

    Parameters
    ----------
    unit
        What terms are runs of: words, characters, or characters within words.
    shortest, longest
        Fewest and most units of a term.
    lowercase
        Whether letters are made small before.
    stop_words
        Words that are left out.
    binary, sublinear
        Whether a term counts once however often it comes, or by the logarithm of how often.
    norm
        What the weights of a text are divided by: the root of their squares' sum, their sum, or nothing.
    """

    unit: Unit
    shortest: int
    longest: int
    lowercase: bool = True
    stop_words: frozenset[str] = frozenset()
    binary: bool = False
    sublinear: bool = False
    norm: Literal["l1", "l2"] | None = None

    def terms(self, text: str) -> Iterable[str]:
        """Terms of a text, as often as it has them.

        Examples
        --------
        >>> list(Analysis("word", 1, 2).terms("Not so good"))
        ['not', 'so', 'good', 'not so', 'so good']
        >>> list(Analysis("char_wb", 3, 3).terms("ab c"))
        [' ab', 'ab ', ' c ']
        """
        text = text.lower() if self.lowercase else text
        if self.unit == "word":
            words = [word for word in _TOKEN.findall(text) if word not in self.stop_words]
            return (
                " ".join(words[start : start + size])
                for size in range(self.shortest, self.longest + 1)
                for start in range(len(words) - size + 1)
            )
        text = _BLANKS.sub(" ", text)
        if self.unit == "char":
            return (
                text[start : start + size]
                for size in range(self.shortest, self.longest + 1)
                for start in range(len(text) - size + 1)
            )
        return (term for word in text.split() for term in self._within(f" {word} "))

    def _within(self, word: str) -> Iterator[str]:
        """Runs of characters of a word with its blanks; a shorter word than a run is one once."""
        for size in range(self.shortest, self.longest + 1):
            yield word[:size]
            for start in range(1, len(word) - size + 1):
                yield word[start : start + size]
            if len(word) <= size:
                break

    def counted(self, times: NDArray[np.int64]) -> NDArray[np.float64]:
        """How much terms count by how often a text has them."""
        if self.binary:
            return np.ones(len(times))
        counted: NDArray[np.float64] = 1 + np.log(times) if self.sublinear else times.astype(np.float64)
        return counted

    def length(self, counted: NDArray[np.float64]) -> float:
        """What the sums of a text are divided by.

        Parameters
        ----------
        counted
            How much its terms count, weighted.
        """
        if self.norm is None:
            return 1.0
        return float(np.abs(counted).sum() if self.norm == "l1" else np.sqrt((counted * counted).sum()))
