"""What the columns of a table are, decided by all of their cells, however many parts they are read in."""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from skylift.cells import clean_text, may_be_missing
from skylift.numerals import Numerals
from training.data.number_signs import Dots, Signs
from training.data.numerals import Family, read_texts
from training.data.options import ReadOptions

TEXT = "string[python]"  # the same with and without pyarrow, which pandas would else use where it is installed
_MAX_SHARED = 100_000
_MAX_LABELS = 20
_DTYPES: dict[Family, Any] = {"boolean": "boolean", "integer": "Int64", "number": "Float64", "text": TEXT}
_LARGEST_EXACT = 2**53
_LARGEST_PLAIN = 999_999_999_999_999  # 15 digits: what `read_texts` takes for a number without a further look


@dataclass(slots=True)
class Column:
    """A column, of which parts were read.

    Parameters
    ----------
    name
        Name in the file.
    as_text
        Whether the cells stay texts, as written.
    """

    name: str
    as_text: bool = False
    arrays: list[Any] = field(default_factory=list)
    families: set[Family] = field(default_factory=set)
    words: Counter[str] = field(default_factory=Counter)
    listed: Counter[str] = field(default_factory=Counter)
    reasons: set[str | None] = field(default_factory=set)
    labels: set[float] = field(default_factory=set)
    dots: Dots = field(default_factory=Dots)
    signs: Signs = field(default_factory=Signs)
    spelling_lost: bool = False
    numerals: Numerals | None = None
    pool: dict[str, str] = field(default_factory=dict)

    @property
    def family(self) -> Family | None:
        """Family of all cells so far; None if each is missing."""
        families = self.families - {"integer"} if "number" in self.families else self.families
        if len(families) > 1 or (not families and self.words):
            return "text"
        return next(iter(families), None)

    @property
    def has_texts(self) -> bool:
        """Whether it is a column of numbers or booleans that has texts among them."""
        return self.family != "text" and bool(self.numerals or self.words or self.listed)

    @property
    def reason(self) -> str | None:
        """Why the column is one of texts though all of its cells look like numbers; None if they do not."""
        reasons = self.reasons if self.family == "text" else set()
        return None if None in reasons else next(iter(sorted(filter(None, reasons))), None)

    def needs_texts(self, options: ReadOptions) -> bool:
        """Whether the column is one of texts, but a part was read as something else.

        Words for missing among few numbers of a target may be classes; a target of many numbers has none.
        """
        if self.as_text or not self.spelling_lost:
            return False
        is_target = self.name == options.target and options.task != "regression"
        return self.family == "text" or bool(self.words and is_target and len(self.labels) <= _MAX_LABELS)

    def takes(self, values: Any, options: ReadOptions, *, dotted: bool) -> bool:
        """Whether the numbers of a part of a CSV file, without leading zeros, may stand for its cells.

        Parameters
        ----------
        dotted
            Whether dots may group thousands.
        """
        if self.as_text or _largest(values) > _LARGEST_PLAIN:
            return False
        if family_of(values.dtype) == "integer":
            return True
        if options.missing_numbers and pd.Series(values).isin(list(options.missing_numbers)).any():
            return False  # -999.0 beside whole numbers makes no fractions of them
        if options.numerals:
            return options.numerals.decimal == "." != options.numerals.thousands
        return not dotted or self.dots.certain or self._is_declared(options)

    def _is_declared(self, options: ReadOptions) -> bool:
        """Whether `model.yaml` says that the column holds numbers."""
        return options.kinds.get(self.name) in {"number", "integer"}

    def add_cells(self, cells: Any, options: ReadOptions, *, dotted: bool) -> None:
        """Take cells as a CSV file has them: texts, NaN for an empty one, or numbers that the column takes."""
        if not isinstance(cells, tuple | np.ndarray):
            if dotted and family_of(cells.dtype) == "integer" and not cells.isna().all():
                self.dots.add([str(cells.min()), str(cells.max())])  # the longest
            self.add_array(cells, options)
            return
        codes, distinct = pd.factorize(np.asarray(cells, dtype=object))
        texts = self._without_listed([clean_text(text) for text in distinct], codes, options)
        plain = texts
        if options.numerals:
            plain = [text and options.numerals.plain(text) for text in texts]
        declared = self._is_declared(options)
        reading = read_texts([text for text in plain if text is not None], lenient=declared)
        self._count(reading.words, texts, codes)
        if self.as_text or reading.family == "text":
            self.families.add("text")
            if reading.family in {"boolean", "text"}:  # plain numbers leave the reason to other parts
                self.reasons.add(reading.reason)
            self.signs.add(text for text in texts if text is not None and text not in reading.words)
            self._add_texts(texts, codes)
            return
        values = [None if text in reading.words else text for text in [*plain, None]]  # an empty cell has the code -1
        family: Family | None = reading.family
        if family in {"integer", "number"} and self._drop_listed_numbers(values, codes, options):
            family = read_texts([text for text in values if text is not None], lenient=declared).family
        if dotted and not declared and family in {"integer", "number"}:
            self.dots.add([text for text in values if text is not None])
        self.spelling_lost |= bool(reading.family or reading.words)
        self._add_typed(_typed(values, codes, family), options)

    def add_array(self, values: Any, options: ReadOptions) -> None:
        """Take nullable cells that have a type of their own."""
        self.spelling_lost |= family_of(values.dtype) != "text" and not values.isna().all()
        values = self._without_listed_values(values, options)
        if pd.api.types.is_integer_dtype(values.dtype) and not _is_exact(values):
            self.reasons.add("its integers have more digits than a number holds exactly")
            values = written(values)
        elif self.as_text and family_of(values.dtype) != "text":
            values = written(values)
        elif values.dtype == "UInt64":
            values = values.astype("Float64")
        if family_of(values.dtype) != "text":
            self._add_typed(values, options)
            return
        if not values.isna().all():  # cells that are all missing say nothing of the others
            self.families.add("text")
        codes, distinct = pd.factorize(np.asarray(values, dtype=object))
        texts = self._without_listed([None if text is pd.NA else clean_text(text) for text in distinct], codes, options)
        self._count(filter(None, texts), texts, codes)
        self.signs.add(text for text in texts if text is not None and not may_be_missing(text))
        self._add_texts(texts, codes)

    def _add_typed(self, values: Any, options: ReadOptions) -> None:
        """Take numbers or booleans."""
        self.arrays.append(values)
        if values.isna().all():
            return
        self.families.add(family_of(values.dtype))
        if self.name == options.target and len(self.labels) <= _MAX_LABELS:
            self.labels.update(float(value) for value in pd.unique(values) if value is not pd.NA)

    def read_as(self, numerals: Numerals) -> None:
        """Make numbers of a column of texts; words for missing become missing."""
        family = self.signs.family(numerals)
        arrays, self.arrays = self.arrays, []
        for array in arrays:
            codes, distinct = pd.factorize(np.asarray(array, dtype=object))
            texts = [None if may_be_missing(text) else numerals.plain(text) for text in distinct]
            self.arrays.append(_typed([*texts, None], codes, family))
        self.families = {family}
        self.numerals = numerals

    def select(self, chosen: NDArray[np.bool_]) -> None:
        """Keep some of the rows that were added last."""
        self.arrays[-1] = self.arrays[-1][chosen]

    def together(self, masks: Sequence[NDArray[np.bool_]] | None) -> Any:
        """The whole column; its parts are used up."""
        pieces = self.arrays if masks is None else [array[mask] for array, mask in zip(self.arrays, masks, strict=True)]
        self.arrays = []
        dtype: Any = _DTYPES[self.family] if self.family else pieces[0].dtype if pieces else TEXT
        if len(pieces) == 1 and pieces[0].dtype == dtype:
            return pieces[0]
        series = [pd.Series(piece).astype(dtype) for piece in pieces]
        return pd.concat(series, ignore_index=True).array if series else pd.array([], dtype=dtype)

    def _without_listed(
        self, texts: list[str | None], codes: NDArray[np.intp], options: ReadOptions
    ) -> list[str | None]:
        if not set(options.missing).intersection(filter(None, texts)):
            return texts
        self.listed.update({text: count for text, count in _counts(texts, codes) if text in options.missing})
        return [None if text in options.missing else text for text in texts]

    def _drop_listed_numbers(self, texts: list[str | None], codes: NDArray[np.intp], options: ReadOptions) -> bool:
        """Make missing what equals a listed number, as `-999.0` equals `-999`; whether anything does."""
        numbers = options.missing_numbers
        listed = {text: numbers[float(text)] for text in texts if numbers and text and float(text) in numbers}
        for text, count in _counts(texts[:-1], codes):
            if text in listed:
                self.listed[listed[text]] += count
        texts[:] = [None if text in listed else text for text in texts]
        return bool(listed)

    def _without_listed_values(self, values: Any, options: ReadOptions) -> Any:
        """The same for numbers that are typed."""
        if not options.missing_numbers or family_of(values.dtype) not in {"integer", "number"}:
            return values
        written = pd.Series(values)
        for number, text in options.missing_numbers.items():
            equal = (written == number).fillna(value=False).to_numpy(dtype=bool)
            if equal.any():
                self.listed[text] += int(equal.sum())
                written = written.mask(equal)
        return written.array

    def _count(self, texts: Iterable[str], distinct: Sequence[str | None], codes: NDArray[np.intp]) -> None:
        """Count the words for missing among the cells."""
        words = set(filter(may_be_missing, texts))
        if words:
            self.words.update({text: count for text, count in _counts(distinct, codes) if text in words})

    def _add_texts(self, texts: list[str | None], codes: NDArray[np.intp]) -> None:
        """Texts, equal ones one object, also those of the parts before."""
        if len(self.pool) < _MAX_SHARED:  # names and numbers of things repeat too seldom to remember them all
            texts = [text and self.pool.setdefault(text, text) for text in texts]
        self.arrays.append(text_array(np.array([*texts, None], dtype=object)[codes]))


def text_array(texts: Any) -> Any:
    """An array of texts for a column; `pd.NA` where one is missing."""
    return pd.array(texts, dtype=TEXT)


def family_of(dtype: Any) -> Family:
    """The family of a type of pandas."""
    if pd.api.types.is_bool_dtype(dtype):
        return "boolean"
    if pd.api.types.is_integer_dtype(dtype):
        return "integer" if dtype != "UInt64" else "number"
    return "number" if pd.api.types.is_numeric_dtype(dtype) else "text"


def retyped(column: "pd.Series[Any]") -> "pd.Series[Any]":
    """A column of texts as numbers or booleans, if it now holds nothing else."""
    if family_of(column.dtype) != "text":
        return column
    codes, distinct = pd.factorize(column.astype(object))
    reading = read_texts(list(distinct))
    if reading.family in {"text", None}:
        return column
    texts = [None if text in reading.words else text for text in [*distinct, None]]
    return pd.Series(_typed(texts, codes, reading.family), index=column.index, name=column.name)


def _counts(texts: Sequence[str | None], codes: NDArray[np.intp]) -> Iterator[tuple[str, int]]:
    """How many cells hold each text."""
    counts = np.bincount(codes[codes >= 0], minlength=len(texts)).tolist()
    return ((text, count) for text, count in zip(texts, counts, strict=True) if text is not None)


def _typed(texts: Sequence[str | None], codes: NDArray[np.intp], family: Family | None) -> Any:
    """Cells as an array of their family."""
    missing = np.array([text is None for text in texts], dtype=bool)[codes]
    match family:
        case "integer":
            integers = np.array([int(text or 0) for text in texts], dtype=np.int64)
            return pd.arrays.IntegerArray(integers[codes], missing)
        case "number":
            numbers = np.array([float(text or 0) for text in texts], dtype=np.float64)
            return pd.arrays.FloatingArray(numbers[codes], missing)
        case "boolean":
            truths = np.array([text is not None and text.lower() == "true" for text in texts], dtype=bool)
            return pd.arrays.BooleanArray(truths[codes], missing)
        case _:  # nothing but missing values
            return pd.array([None] * len(codes), dtype="Int64")


def _largest(values: Any) -> float:
    """The largest absolute value of numbers; 0 if all are missing."""
    known = values[~values.isna()].to_numpy(dtype=values.dtype.numpy_dtype)
    return float(max(abs(known.min()), abs(known.max()))) if len(known) else 0.0


def _is_exact(values: Any) -> bool:
    """Whether doubles hold all integers."""
    known = values[~values.isna()].to_numpy(dtype=values.dtype.numpy_dtype)
    if not len(known) or max(abs(int(known.min())), abs(int(known.max()))) <= _LARGEST_EXACT:
        return True
    return all(int(float(value)) == value for value in np.unique(known).tolist())


def written(values: Any) -> Any:
    """Cells as CSV files have them."""
    texts = [None if value is pd.NA else str(value) for value in values]
    return text_array([text and text.lower() if values.dtype == "boolean" else text for text in texts])
