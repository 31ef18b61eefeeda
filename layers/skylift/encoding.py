"""From instances to one float64 matrix: the same numbers in training and serving, by the contract alone.

Each feature fills a block of columns. The first, its lead, is the number that stands for the feature: a number itself,
a boolean as 0 or 1, the position of a category, the days of a date, the length of a text; NaN is a missing value.
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import date
from functools import cache
from operator import itemgetter
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from skylift.contract import Contract
from skylift.date_encoding import DateEncoder
from skylift.dates import DateForm, DatePart
from skylift.feature import Feature, Scalar
from skylift.letters import Letters
from skylift.manifest import Manifest
from skylift.text_encoder import ENCODING_FILE, TermEncoder, from_bytes, holds_analyses
from skylift.vocabulary import Vocabulary

type Rows = NDArray[np.float64]
"""Encoded rows, float64 `[n, width]`, or columns of them."""

_NONE: Mapping[str, TermEncoder] = {}


class BlockEncoder(Protocol):
    """Encodes the values of a feature that fills several columns."""

    def row(self, value: Scalar) -> Sequence[float]:
        """The columns of one value."""
        ...

    def rows(self, values: Sequence[Scalar]) -> Rows:
        """The columns of many values, float64 `[n, width]`."""
        ...


class RowEncoder:
    """Encodes valid instances of a contract.

    Parameters
    ----------
    contract
        The contract.
    vocabularies
        Vocabularies of its free texts, by feature.

    Attributes
    ----------
    blocks
        Encoders by feature, of dates and of those that fill several columns.
    """

    def __init__(self, contract: Contract, vocabularies: Mapping[str, TermEncoder] = _NONE) -> None:
        self.contract = contract
        self.blocks: Mapping[str, BlockEncoder] = {
            feature.name: _block_encoder(feature, vocabularies)
            for feature in contract.features
            if feature.width > 1 or feature.kind == "datetime"
        }
        self._terms = [
            (feature.name, vocabularies[feature.name]) for feature in contract.features if feature.directions
        ]
        self._leads = np.array(contract.leads) if self.blocks else None
        self._lead = itemgetter(*contract.leads) if self.blocks and len(contract.leads) > 1 else None
        self._fields = [(feature.name, feature.encoder, self.blocks.get(feature.name)) for feature in contract.features]

    def encode(self, instances: Sequence[Mapping[str, Scalar]]) -> Rows:
        """Encode instances.

        Returns
        -------
        float64 `[n, width]`, in the contract's order.
        """
        if len(instances) == 1:
            return self._of_one(instances[0])
        if self.blocks:
            return self._of_blocks(instances)
        columns = []
        for name, encoder, _ in self._fields:
            values = [instance.get(name) for instance in instances]
            columns.append([encoder(value) for value in values] if encoder else values)
        return np.ascontiguousarray(np.array(columns, dtype=np.float64).T)  # None becomes NaN

    def leads(self, rows: Rows) -> Rows:
        """The numbers that stand for the features; see `leads`, which makes the array of their places each time."""
        return rows if self._leads is None else rows.take(self._leads, axis=1)

    def leads_of_one(self, rows: Rows) -> Sequence[float]:
        """The same of the only row, as numbers of Python: arrays cost more for a row."""
        row: list[float] = rows[0].tolist()
        picked: Sequence[float] = self._lead(row) if self._lead else row[: len(self._fields)]
        return picked

    def unknown_words(self, instances: Sequence[Mapping[str, Scalar]]) -> Rows:
        """Shares of words that the vocabularies lack, float64 `[n, vocabularies]`; NaN for a missing text."""
        shares = [[each.unknown(instance.get(name)) for name, each in self._terms] for instance in instances]
        return np.array(shares, dtype=np.float64).reshape(len(instances), len(self._terms))

    def _of_one(self, instance: Mapping[str, Scalar]) -> Rows:
        row: list[Any] = []
        for name, encoder, block in self._fields:
            value = instance.get(name)
            if block is not None:
                row += block.row(value)
            else:
                row.append(encoder(value) if encoder else value)
        return np.array([row], dtype=np.float64)

    def _of_blocks(self, instances: Sequence[Mapping[str, Scalar]]) -> Rows:
        rows = np.empty((len(instances), self.contract.width))
        for (name, encoder, block), place in zip(self._fields, self.contract.blocks, strict=True):
            values = [instance.get(name) for instance in instances]
            if block is not None:
                rows[:, place] = block.rows(values)
            else:
                rows[:, place.start] = [encoder(value) for value in values] if encoder else values
        return rows


def _block_encoder(feature: Feature, vocabularies: Mapping[str, TermEncoder]) -> BlockEncoder:
    if feature.letters is not None:
        return Letters(feature.letters)
    return vocabularies[feature.name] if feature.kind == "text" else date_encoder(feature)


def date_encoder(feature: Feature) -> DateEncoder:
    """What encodes a feature of dates: the same for those who check values and those who encode them."""
    form, origin = feature.dates
    return _date_encoder(form, origin, feature.parts or ())


@cache
def _date_encoder(form: DateForm, origin: date, parts: tuple[DatePart, ...]) -> DateEncoder:
    return DateEncoder(form, origin, parts)


def load_encoder(manifest: Manifest, read: Callable[[str], bytes]) -> RowEncoder:
    """What encodes the instances of a version; a file of it is read only where the contract has free text.

    Parameters
    ----------
    read
        Function that returns a file of the version by name, checked against the manifest.

    Raises
    ------
    IntegrityError
        The file is missing or altered.
    UnservableModel
        It does not hold the vocabularies of the contract.
    """
    contract = manifest.contract
    texts = [feature for feature in contract.features if feature.directions is not None]
    if not texts:
        return RowEncoder(contract)
    encoders = _term_encoders(read(ENCODING_FILE), [feature.width for feature in texts])
    return RowEncoder(contract, {feature.name: each for feature, each in zip(texts, encoders, strict=True)})


def _term_encoders(data: bytes, widths: Sequence[int]) -> Sequence[TermEncoder]:
    if not holds_analyses(data):
        return from_bytes(Vocabulary, data, widths)
    from skylift.weighted_terms import WeightedTerms  # costs other versions nothing

    return from_bytes(WeightedTerms, data, widths)


def leads(contract: Contract, rows: Rows) -> Rows:
    """The numbers that stand for the features.

    Parameters
    ----------
    rows
        Encoded rows, float64 `[n, width]`.

    Returns
    -------
    float64 `[n, features]`; the rows themselves where each feature fills one column.
    """
    return rows if contract.width == len(contract.features) else rows[:, contract.leads]


def with_blocks(
    contract: Contract,
    numbers: Rows,
    texts: Mapping[str, NDArray[np.object_]],
    vocabularies: Mapping[str, Vocabulary],
) -> Rows:
    """The encoded rows of which these are the leads, and the texts.

    Parameters
    ----------
    numbers
        Numbers that stand for the features, float64 `[n, features]`.
    texts, vocabularies
        Texts of the rows, and their vocabulary, of each feature of free text.
    """
    if contract.width == len(contract.features):
        return numbers
    rows = np.empty((len(numbers), contract.width))
    for feature, place, column in zip(contract.features, contract.blocks, numbers.T, strict=True):
        if feature.kind == "text":
            rows[:, place] = vocabularies[feature.name].rows(texts[feature.name].tolist())
        else:
            rows[:, place] = date_encoder(feature).of_days(column) if feature.parts else column[:, None]
    return rows
