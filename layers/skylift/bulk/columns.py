"""From columns of a table to encoded rows, by the rules of a request.

A cell of a table is read as training reads it: a text may be a number, a number may name a category. A value of JSON is
read as in a request. What the fast way cannot take for certain is looked at row by row, by `skylift.values`.
"""

from collections import Counter
from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from skylift.bulk.arrow_cells import as_cell, plain, value_of, without_nan
from skylift.encoding import RowEncoder, Rows
from skylift.feature import LARGEST_NUMBER, Feature
from skylift.numerals import Numerals
from skylift.values import Fault, clean, fault, missing_numbers

type Column = Any
"""An array of Arrow: cells of a table; or a list: values of JSON."""

ABSENT = object()
"""Stands in a column of JSON for a required member that an object lacks, which is not told as null."""

type Mask = NDArray[np.bool_]

_PLAIN = r"^[+-]?[0-9]+(\.[0-9]*)?$"
"""A number that Arrow and Python read in the same way; `_parsed` looks at the others."""


@dataclass(frozen=True, slots=True)
class FieldFault:
    """Why a row is refused: the feature, a stable code, and words for people."""

    field: str
    reason: str
    message: str


@dataclass(frozen=True, slots=True)
class Encoded:
    """The rows of a batch.

    Parameters
    ----------
    rows
        Encoded rows, float64 `[n, width]`; those that are refused hold numbers of no meaning.
    refused
        What is wrong with a row, by its place.
    unknown
        Numbers of texts that training never saw, in rows that are not refused, by the name of their category: they
        count as missing.
    """

    rows: Rows
    refused: Mapping[int, Sequence[FieldFault]]
    unknown: Mapping[str, int]


class _Refused(Mapping[int, Sequence[FieldFault]]):
    """What is wrong with rows, told when it is asked: all rows of a table may be wrong in all of their columns.

    Parameters
    ----------
    places
        Places of the rows.
    tell
        Function from a place to what is wrong there.
    """

    def __init__(self, places: list[int], tell: Callable[[int], Iterator[FieldFault]]) -> None:
        self._places, self._tell = dict.fromkeys(places), tell

    def __getitem__(self, place: int) -> Sequence[FieldFault]:
        if place not in self._places:
            raise KeyError(place)
        return list(self._tell(place))

    def __iter__(self) -> Iterator[int]:
        return iter(self._places)

    def __len__(self) -> int:
        return len(self._places)


class ColumnEncoder:
    """Encodes columns by a contract.

    Parameters
    ----------
    encoder
        What encodes instances of the version.
    cells
        Whether columns hold cells of a table; values of JSON otherwise.
    """

    def __init__(self, encoder: RowEncoder, *, cells: bool) -> None:
        self.contract = encoder.contract
        self._encoder = encoder
        self._cells = cells
        self._features = [_of_cells(feature) if cells else feature for feature in self.contract.features]

    def encode(self, columns: Mapping[str, Column], count: int) -> Encoded:
        """Encode a batch.

        Parameters
        ----------
        columns
            Columns by the name of their feature; one that may be missing can be absent.
        count
            Number of rows.
        """
        columns = {name: column if isinstance(column, list) else plain(column) for name, column in columns.items()}
        rows = np.empty((count, self.contract.width))
        doubtful = np.zeros(count, dtype=bool)
        for feature, block in zip(self._features, self.contract.blocks, strict=True):
            column = columns.get(feature.name)
            if column is None:
                rows[:, block] = self._block(feature, [None])
                doubtful |= feature.required
            else:
                rows[:, block], unsure = self._column(feature, column)
                doubtful |= unsure
        present = [feature.name for feature in self._features if feature.name in columns]

        def values(place: int) -> dict[str, object]:
            values = {name: columns[name][place] for name in present}
            return {name: value_of(value) for name, value in values.items() if value is not ABSENT}

        refused = []
        for place in np.flatnonzero(doubtful).tolist():
            if next(self._faults(values(place)), None) is not None:
                refused.append(place)
            else:
                rows[place] = self._encoder.encode([self._cleaned(values(place))])[0]
        unknown = {}
        for feature, block in zip(self._features, self.contract.blocks, strict=True):
            if feature.takes_unknown and feature.name in columns:
                places = np.setdiff1d(np.flatnonzero(np.isnan(rows[:, block.start])), refused)
                if len(places) and (number := self._unknown(feature, columns[feature.name], places)):
                    unknown[feature.name] = number
        return Encoded(rows, _Refused(refused, lambda place: self._faults(values(place))), unknown)

    def _unknown(self, feature: Feature, column: Column, places: NDArray[np.intp]) -> int:
        """How many of some values that count as missing are texts."""
        found = [column[place] for place in places] if isinstance(column, list) else column.take(places).to_pylist()
        read = ((self._read(feature, without_nan(value)), number) for value, number in Counter(found).items())
        return sum(number for value, number in read if isinstance(clean(feature, value), str))

    def _faults(self, values: Mapping[str, object]) -> Iterator[FieldFault]:
        """What is wrong with the values of a row."""
        for feature in self._features:
            if feature.name in values:
                found = fault(feature, self._read(feature, values[feature.name]))
            elif feature.required:
                found = Fault("missing_field", f"missing: expected {feature.expectation}")
            else:
                found = None
            if found is not None:
                yield FieldFault(feature.name, found.reason, found.message)

    def _cleaned(self, values: Mapping[str, object]) -> dict[str, Any]:
        present = [feature for feature in self._features if feature.name in values]
        return {feature.name: clean(feature, self._read(feature, values[feature.name])) for feature in present}

    def _read(self, feature: Feature, value: object) -> object:
        return as_cell(feature, value) if self._cells else value

    def _column(self, feature: Feature, column: Column) -> tuple[Rows, Mask]:
        """The block of a feature, and the rows that the fast way does not take."""
        if isinstance(column, list):
            if feature.is_numeric and {type(value) for value in column} <= {int, float, type(None)}:
                try:
                    numbers = np.array(column, dtype=np.float64)
                except OverflowError:
                    return self._distinct_values(feature, column)
                return _checked(feature, numbers, np.array([value is None for value in column], dtype=bool))
            return self._distinct_values(feature, column)
        return self._array(feature, column)

    def _array(self, feature: Feature, array: Any) -> tuple[Rows, Mask]:
        from pyarrow import types

        kind = array.type
        if types.is_dictionary(kind):
            return self._distinct(feature, array.indices, array.dictionary)
        if feature.is_numeric and (types.is_integer(kind) or types.is_floating(kind)):
            numbers = array.to_numpy(zero_copy_only=False).astype(np.float64, copy=False)
            return _checked(feature, numbers, np.isnan(numbers))
        if feature.kind == "boolean" and types.is_boolean(kind):
            missing = array.is_null().to_numpy(zero_copy_only=False)
            truths = array.fill_null(False).to_numpy(zero_copy_only=False).astype(np.float64)
            return _checked(feature, truths, missing)
        if feature.is_numeric and feature.numerals == Numerals() and types.is_string(kind):
            return self._texts_of_numbers(feature, array)
        if types.is_nested(kind):
            return self._distinct_values(feature, array.to_pylist())
        encoded = array.dictionary_encode()
        return self._distinct(feature, encoded.indices, encoded.dictionary)

    def _texts_of_numbers(self, feature: Feature, array: Any) -> tuple[Rows, Mask]:
        """Cells of a column of numbers in a CSV file; what is not a plain number is read one by one, each text once."""
        import pyarrow as pa
        import pyarrow.compute as pc

        present = pc.if_else(pc.equal(array, ""), pa.scalar(None, array.type), array)
        try:
            parsed = present.cast(pa.float64())
            odd = pc.or_(pc.match_substring(present, "e"), pc.match_substring(present, "E"))
        except pa.ArrowInvalid:
            certain = pc.match_substring_regex(present, _PLAIN)
            parsed = pc.if_else(certain, present, pa.scalar(None, array.type)).cast(pa.float64())
            odd = pc.invert(certain)
        numbers = parsed.to_numpy(zero_copy_only=False)
        missing = present.is_null().to_numpy(zero_copy_only=False)
        others = odd.fill_null(False).to_numpy(zero_copy_only=False) | (~np.isfinite(numbers) & ~missing)
        rows, doubtful = _checked(feature, np.where(others, np.nan, numbers), missing)
        if others.any():
            places = np.flatnonzero(others)
            rest = array.take(pa.array(places)).dictionary_encode()
            rows[places], doubtful[places] = self._distinct(feature, rest.indices, rest.dictionary)
        return rows, doubtful

    def _distinct(self, feature: Feature, indices: Any, dictionary: Any) -> tuple[Rows, Mask]:
        """Cells of which equal ones are read once; a missing one has no index."""
        values = [as_cell(feature, without_nan(value)) for value in dictionary.to_pylist()]
        codes = indices.fill_null(len(values)).to_numpy(zero_copy_only=False)
        return self._taken(feature, [*values, None], codes)

    def _distinct_values(self, feature: Feature, values: Sequence[object]) -> tuple[Rows, Mask]:
        """The same of values of JSON; an array or an object among them is like no other."""
        places: dict[Hashable, int] = {}
        distinct: list[object] = []
        codes = []
        for value in values:
            key = (type(value), value) if isinstance(value, Hashable) else len(distinct)
            if key not in places:
                places[key] = len(distinct)
                distinct.append(value)
            codes.append(places[key])
        return self._taken(feature, distinct, np.array(codes, dtype=np.intp))

    def _taken(self, feature: Feature, distinct: Sequence[object], codes: NDArray[Any]) -> tuple[Rows, Mask]:
        bad = np.array([fault(feature, value) is not None for value in distinct], dtype=bool)
        cleaned = [None if wrong else clean(feature, value) for value, wrong in zip(distinct, bad, strict=True)]
        return self._block(feature, cleaned)[codes], bad[codes]

    def _block(self, feature: Feature, values: Sequence[Any]) -> Rows:
        """The columns of clean values, float64 `[n, width of the feature]`."""
        if (block := self._encoder.blocks.get(feature.name)) is not None:
            return block.rows(values)
        encode = feature.encoder
        numbers = values if encode is None else [encode(value) for value in values]
        return np.array(numbers, dtype=np.float64)[:, None]


def _of_cells(feature: Feature) -> Feature:
    """A feature whose numbers and booleans may be texts, as every cell of a CSV file is one."""
    if feature.numerals is None and feature.json_type != "string":
        return feature.model_copy(update={"numerals": Numerals()})
    return feature


def _checked(feature: Feature, numbers: NDArray[np.float64], missing: Mask) -> tuple[Rows, Mask]:
    """Numbers as the column of their feature, and those that `fault` must look at."""
    if listed := missing_numbers(feature):
        missing = missing | np.isin(numbers, list(listed))
    known = ~missing
    with np.errstate(invalid="ignore"):
        doubtful = known & ~(np.abs(numbers) <= LARGEST_NUMBER)
        if feature.kind == "integer":
            doubtful |= known & (numbers != np.floor(numbers))
    if feature.required:
        doubtful |= missing
    return np.where(missing, np.nan, numbers)[:, None], doubtful
