"""A table as estimators see it: one float64 matrix, encoded by its contract exactly as the service encodes requests."""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from skylift.contract import Contract, Instance
from skylift.encoding import RowEncoder, leads
from skylift.scoring import Matrix
from skylift.vocabulary import Vocabulary
from skylift.weighted_terms import WeightedTerms
from training.data.split_keys import SplitKeys
from training.metrics.resamples import Clusters

_EVERY = slice(None)

type Targets = NDArray[np.float64] | NDArray[np.int64]
"""Class codes, int64 `[n]`, or values, float64 `[n]`."""


@dataclass(frozen=True, slots=True)
class Table:
    """A cleaned table, encoded.

    Parameters
    ----------
    contract
        Contract made from the table.
    rows
        float64 `[n, width]`.
    targets
        Class codes, int64 `[n]`, or values, float64 `[n]`.
    digest
        SHA-256 of the file.
    notes
        Notes about cleaning, for people.
    keys
        Keys that `split.time` or `split.group` cut by; None for a random split.
    texts, vocabularies
        Texts of the rows, None for a missing one, `[n]`, and their vocabulary, of each feature of free text.
    encodings
        What encodes texts in place of vocabularies, which are what is shown then: the terms of an adopted model may be
        words that a single person wrote.
    """

    contract: Contract
    rows: Matrix
    targets: Targets
    digest: str
    notes: tuple[str, ...]
    keys: SplitKeys | None = None
    texts: Mapping[str, NDArray[np.object_]] = field(default_factory=dict)
    vocabularies: Mapping[str, Vocabulary] = field(default_factory=dict)
    encodings: Mapping[str, WeightedTerms] = field(default_factory=dict)

    @property
    def encoder(self) -> RowEncoder:
        """What encodes instances of the contract as the rows are."""
        return RowEncoder(self.contract, {**self.vocabularies, **self.encodings})

    def leads(self, rows: NDArray[Any] | slice = _EVERY) -> Matrix:
        """The numbers that stand for the features of the rows at some places, `[n, features]`."""
        return leads(self.contract, self.rows[rows])

    def clusters(self, rows: NDArray[Any]) -> Clusters | None:
        """Clusters of the rows at some places, which intervals draw as a whole; None for a random split."""
        return self.keys.take(rows).clusters() if self.keys else None

    def instance(self, index: int) -> Instance:
        """A row as a caller would send it, missing values left out."""
        return self._instance(index, lambda name: str(self.texts[name][index]))

    def presentable(self, index: int) -> Instance:
        """A row like one of the table that may be shown: of free text, it has the words that are nearest."""

        def like_it(name: str) -> str:
            vocabulary = self.vocabularies[name]
            return vocabulary.typical(vocabulary.rows([self.texts[name][index]])[0, 1:])

        return self._instance(index, like_it)

    def _instance(self, index: int, text_of: Callable[[str], str]) -> Instance:
        values = zip(self.contract.features, self.leads(slice(index, index + 1))[0].tolist(), strict=True)
        return {
            feature.name: text_of(feature.name) if feature.kind == "text" else feature.decode(value)
            for feature, value in values
            if not math.isnan(value)
        }


@dataclass(frozen=True, slots=True)
class Split:
    """Indices of the training rows and of the holdout rows, `[n]` each."""

    train: NDArray[np.int64]
    holdout: NDArray[np.int64]
