"""What the columns of a table are, decided by all of their cells, however many parts they are read in."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from skylift.cells import clean_text, may_be_missing
from skylift.contract import Kind, Task
from skylift.numerals import Numerals
from training.data.numerals import Dots, Family, read_texts

TEXT = "string[python]"  # the same with and without pyarrow, which pandas would else use where it is installed
_MAX_SHARED = 100_000
_MAX_LABELS = 20
_DTYPES: dict[Family, Any] = {"boolean": "boolean", "integer": "Int64", "number": "Float64", "text": TEXT}
_LARGEST_EXACT = 2**53


@dataclass(frozen=True, slots=True)
class ReadOptions:
    """What `model.yaml` says of the cells of a table; what is None or empty is found out.

    Parameters
    ----------
    missing
        Texts that are missing values in every column.
    columns, encoding, delimiter
        Names of the columns of a file without a header; format of a CSV file.
    decimal, thousands
        Signs in numbers.
    kinds
        Kinds of columns, by their names in the file.
    target, task
        Name of the target in the file, and its task.
    """

    missing: tuple[str, ...] = ()
    columns: tuple[str, ...] = ()
    encoding: str | None = None
    delimiter: str | None = None
    decimal: str | None = None
    thousands: str | None = None
    kinds: Mapping[str, Kind] = field(default_factory=dict)
    target: str | None = None
    task: Task | None = None

    @property
    def csv_key(self) -> str | None:
        """A key that only CSV files have; None if no such key is given."""
        keys = ("columns", "encoding", "delimiter", "decimal", "thousands")
        return next((key for key in keys if getattr(self, key)), None)

    @property
    def numerals(self) -> Numerals | None:
        """The way that numbers are written, if it is given."""
        if self.decimal is None and self.thousands is None:
            return None
        return Numerals(self.decimal or ("," if self.thousands == "." else "."), self.thousands or "")


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
    labels: set[str] = field(default_factory=set)
    dots: Dots = field(default_factory=Dots)
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

    def add_cells(self, cells: Sequence[str], options: ReadOptions, *, dotted: bool) -> None:
        """Take cells as a CSV file has them.

        Parameters
        ----------
        dotted
            Whether dots may group thousands.
        """
        codes, distinct = pd.factorize(np.array(cells, dtype=object))
        texts = self._without_listed([clean_text(text) for text in distinct], codes, options)
        lenient = options.kinds.get(self.name) in {"number", "integer"}
        plain = texts
        if options.numerals and not self.as_text:
            plain = [text and options.numerals.plain(text) for text in texts]
        reading = read_texts([text for text in plain if text is not None], lenient=lenient)
        self._count(reading.words, texts, codes)
        if self.as_text or reading.family == "text":
            self.families.add("text")
            self.reasons.add(reading.reason)
            self._add_texts(texts, codes)
            return
        values = [None if text in reading.words else text for text in plain]
        if reading.family:
            self.families.add(reading.family)
            numbers = [text for text in values if text is not None]
            self.labels.update(numbers[: max(0, _MAX_LABELS + 1 - len(self.labels))])
            if dotted and not lenient and reading.family != "boolean":
                self.dots.add(numbers)
        self.spelling_lost |= bool(reading.family or reading.words)
        self.arrays.append(_typed(values, codes, reading.family))

    def add_array(self, values: Any, options: ReadOptions) -> None:
        """Take nullable cells that have a type of their own."""
        if options.missing and family_of(values.dtype) != "text":
            values = self._without_listed_values(values, options)
        if pd.api.types.is_integer_dtype(values.dtype) and not _is_exact(values):
            self.reasons.add("its integers have more digits than a number holds exactly")
            values = written(values)
        elif self.as_text and family_of(values.dtype) != "text":
            values = written(values)
        elif values.dtype == "UInt64":
            values = values.astype("Float64")
        family = family_of(values.dtype)
        if not values.isna().all():  # cells that are all missing say nothing of the others
            self.families.add(family)
        if family != "text":
            self.spelling_lost = True
            self.arrays.append(values)
            return
        codes, distinct = pd.factorize(np.asarray(values, dtype=object))
        texts = self._without_listed([None if text is pd.NA else clean_text(text) for text in distinct], codes, options)
        self._count(filter(None, texts), texts, codes)
        self._add_texts(texts, codes)

    def distinct_texts(self) -> set[str]:
        """Distinct cells of a column of texts, words for missing left out."""
        texts = (text for array in self.arrays for text in pd.unique(array) if text is not pd.NA)
        return {text for text in texts if not may_be_missing(text)}

    def read_as(self, numerals: Numerals) -> None:
        """Make numbers of a column of texts; words for missing become missing."""
        family = read_texts([numerals.plain(text) for text in self.distinct_texts()], lenient=True).family
        arrays, self.arrays = self.arrays, []
        for array in arrays:
            codes, distinct = pd.factorize(np.asarray(array, dtype=object), use_na_sentinel=False)
            texts = [None if text is pd.NA or may_be_missing(text) else numerals.plain(text) for text in distinct]
            self.arrays.append(_typed(texts, codes, family))
        self.families = {family} if family else set()
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

    def _without_listed_values(self, values: Any, options: ReadOptions) -> Any:
        """The same for cells that are not texts: `-999` is any number that equals it."""
        written = pd.Series(values)
        for text in options.missing:
            try:
                equal = (written == float(text)).fillna(value=False).to_numpy(dtype=bool)
            except ValueError:
                continue
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
