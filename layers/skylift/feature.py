"""One input field of a model, and everything that follows from its kind."""

import math
from collections.abc import Callable
from datetime import date
from functools import cached_property
from itertools import chain, count
from typing import Literal, assert_never

from skylift.cells import clean_text
from skylift.date_layouts import MILLISECONDS_PER_DAY
from skylift.dates import DateForm, DatePart, date_form
from skylift.documents import Document
from skylift.figures import exact_text
from skylift.names import MAX_LISTED, NearestNames, listed
from skylift.numerals import Numerals

type Scalar = bool | int | float | str | None
"""A value of one field, as JSON has it."""

LARGEST_NUMBER = 3.4028234663852886e38
"""The largest float32: forests compute in it, so a larger number is infinite to them."""

LARGEST_EXACT_INTEGER = 2**53
"""The largest integer up to which a double, and so a number in JavaScript, holds every integer."""

MAX_COUNTED = 100
"""How many levels of a category are counted each by itself, drawn, and listed in the request schema."""

_OTHER = "other"
_SHOWN = 5

NOT_BLANK = r"\S"
"""Pattern of a text that is not a missing value."""

Kind = Literal["number", "integer", "category", "boolean", "datetime", "text"]
_EPOCH_DAY = date(1970, 1, 1).toordinal()
JsonType = Literal["number", "integer", "string", "boolean"]
Unknown = Literal["missing", "refuse", "other"]


class _Codes(dict[Scalar, float]):
    """Codes of known values; any other text has the code of its cleaned form, or that of unknown ones."""

    def __init__(self, codes: dict[Scalar, float], unknown: float) -> None:
        super().__init__(codes)
        self._unknown = unknown

    def __missing__(self, value: Scalar) -> float:
        return self.get(clean_text(value), self._unknown) if isinstance(value, str) else math.nan


class Feature(Document):
    """One input field, and everything that follows from its kind.

    Parameters
    ----------
    name
        Name in a request.
    column
        Name of its column in the table, which a request may use as well; None if it is `name`.
    kind
        How a value is written: a number, an integer, one of `categories`, true and false, a date, or free text.
    numerals
        How the table writes numbers and booleans, where it has texts among them, which a request may then have as well;
        None where all are plain.
    missing
        Texts that stand for a missing value in the table, whatever the kind; None for none.
    required
        False where training saw rows without a value: callers may then leave it out or send null.
    categories
        Known values of a category, in the order of their codes.
    unknown
        What another text in a category is: `missing`, a missing value, `refuse`, an error, or `other`, a level of its
        own after the last one, for an adopted model that tells it from a missing value; None for other kinds, and for a
        category of an older release, which refuses it.
    rare
        Known values of a category that share one code, the one after those of `categories`: `other` stands for them
        where it is shown, and may be sent as well. None for none.
    unlearned
        Categories that no training row has; None for none.
    form
        How the table writes dates, and so whether they have a time and an offset; see `skylift.dates`. Only for
        `datetime`, as the next two.
    origin
        Day that dates are counted from.
    parts
        Parts of the calendar that the model sees beside the days.
    max_length
        Most characters of a free text, which is for `text` alone, as the next two.
    directions, letters
        Number of columns that the model sees beside the length: of directions in the space of its terms (see
        `skylift.vocabulary`), or of its characters, for a model that reads words itself (see `skylift.letters`).
    min, max, mean
        Range and mean over the training rows, for features without levels; of dates in days since `origin`, of free
        text in characters.
    unit, description
        Words for people.
    example
        A typical value.
    """

    name: str
    column: str | None = None
    kind: Kind
    numerals: Numerals | None = None
    missing: tuple[str, ...] | None = None
    required: bool = True
    categories: tuple[str, ...] = ()
    rare: tuple[str, ...] | None = None
    unknown: Unknown | None = None
    unlearned: tuple[str, ...] | None = None
    form: str | None = None
    origin: date | None = None
    parts: tuple[DatePart, ...] | None = None
    max_length: int | None = None
    directions: int | None = None
    letters: int | None = None
    min: float | None = None
    max: float | None = None
    mean: float | None = None
    unit: str | None = None
    description: str | None = None
    example: Scalar = None

    def check(self) -> None:
        """Refuse what does not belong to its kind.

        Raises
        ------
        ValueError
        """
        if (self.kind == "category") != bool(self.categories):
            raise ValueError(f"feature {self.name!r}: a category, and nothing else, lists its categories")
        if (self.unknown, self.rare) != (None, None) and self.kind != "category":
            raise ValueError(f"feature {self.name!r}: only a category has unknown and rare values")
        if self.rare and not set(self.rare).isdisjoint(self.categories):
            raise ValueError(f"feature {self.name!r}: a rare value has no code of its own")
        if (self.min is None) != (self.max is None):
            raise ValueError(f"feature {self.name!r}: min and max come together")
        if self.kind == "datetime":
            if len({*(self.parts or ())}) < len(self.parts or ()):
                raise ValueError(f"feature {self.name!r}: each part comes once")
            _ = self.dates
        elif (self.form, self.origin, self.parts) != (None, None, None):
            raise ValueError(f"feature {self.name!r}: only a date has a form, an origin and parts")
        measures = [size for size in (self.max_length, self.directions, self.letters) if size is not None]
        sized = self.max_length is not None and len(measures) == 2 and min(measures) > 0
        if sized != (self.kind == "text") or (measures and not sized):
            raise ValueError(
                f"feature {self.name!r}: free text, and nothing else, has a max_length, and directions or letters"
            )

    @property
    def json_type(self) -> JsonType:
        """Type of a value in JSON."""
        match self.kind:
            case "number" | "integer" | "boolean":
                return self.kind
            case "category" | "datetime" | "text":
                return "string"
            case _:
                assert_never(self.kind)

    @property
    def is_numeric(self) -> bool:
        """Whether a value is a number in JSON."""
        return self.json_type in {"number", "integer"}

    @property
    def is_nominal(self) -> bool:
        """Whether codes are only names, so that a larger one does not mean more."""
        match self.kind:
            case "category":
                return True
            case "number" | "integer" | "boolean" | "datetime" | "text":
                return False
            case _:
                assert_never(self.kind)

    @cached_property
    def levels(self) -> tuple[str, ...]:
        """The possible values as text, in the order of their codes; empty for a feature that is measured."""
        match self.kind:
            case "category":
                return self.categories if self.other is None else (*self.categories, self.other)
            case "boolean":
                return ("false", "true")
            case "number" | "integer" | "datetime" | "text":
                return ()
            case _:
                assert_never(self.kind)

    @cached_property
    def other(self) -> str | None:
        """The name of all rare values, or of all unknown ones, one that no value has; None without any."""
        if not self.rare and self.unknown != "other":
            return None
        taken = {*self.categories, *(self.rare or ())}
        names = chain([_OTHER], (f"{_OTHER} {number}" for number in count(2)))
        return next(name for name in names if name not in taken)

    @property
    def counted(self) -> tuple[str, ...]:
        """The levels that are counted and listed: those of many categories that come first, and one for all others."""
        levels = self.levels
        return levels if len(levels) <= MAX_COUNTED else (*levels[: MAX_COUNTED - 1], self.other or _OTHER)

    @property
    def width(self) -> int:
        """Number of columns that it fills in an encoded row."""
        return 1 + len(self.parts or ()) + (self.directions or self.letters or 0)

    @cached_property
    def dates(self) -> tuple[DateForm, date]:
        """How its dates are written, and the day that they are counted from.

        Raises
        ------
        ValueError
            It has no dates, or no such form.
        """
        if self.form is None or self.origin is None:
            raise ValueError(f"feature {self.name!r} has no form and origin of dates")
        return date_form(self.form), self.origin

    @property
    def takes_unknown(self) -> bool:
        """Whether a text that training never saw is answered."""
        return self.unknown in {"missing", "other"}

    @property
    def unknown_code(self) -> float:
        """Code of a text that training never saw, where it is answered: NaN for a missing value."""
        return float(len(self.categories)) if self.unknown == "other" else math.nan

    @property
    def may_be_missing(self) -> bool:
        """Whether its number may be NaN in an encoded row."""
        return not self.required or self.unknown == "missing"

    @cached_property
    def codes(self) -> dict[Scalar, float]:
        """Code of each category; NaN for a missing value."""
        rare = float(len(self.categories))
        codes: dict[Scalar, float] = {text: min(float(code), rare) for code, text in enumerate(self.texts)}
        return codes | {None: math.nan}

    @property
    def texts(self) -> tuple[str, ...]:
        """The known values of a category, the rare ones last."""
        return () if self.kind != "category" else (*self.named, *(self.rare or ()))

    @property
    def named(self) -> tuple[str, ...]:
        """The levels that a request may name: not the one of unknown values."""
        return self.categories if self.unknown == "other" and not self.rare else self.levels

    @cached_property
    def names(self) -> NearestNames:
        """The known values of a category, to find the one that is meant by another text."""
        return NearestNames(self.texts)

    @cached_property
    def encoder(self) -> Callable[[Scalar], float] | None:
        """Function from a valid value to its number; None where numpy reads the value as that number."""
        match self.kind:
            case "number" | "integer" | "boolean":
                return None
            case "datetime":
                return self._days
            case "text":
                return _length
            case "category":
                return (_Codes(self.codes, self.unknown_code) if self.takes_unknown else self.codes).__getitem__
            case _:
                assert_never(self.kind)

    def _days(self, value: Scalar) -> float:
        """The days since the origin; NaN for anything else."""
        form, origin = self.dates
        time = form.read(value)
        return math.nan if time is None else (time - _milliseconds(origin)) / MILLISECONDS_PER_DAY

    def decode(self, code: float) -> Scalar:
        """Undo the encoding of one value that is not missing: of its number alone, which free text is more than.

        Raises
        ------
        ValueError
            It is free text.
        """
        match self.kind:
            case "number":
                return code
            case "integer":
                return int(code)
            case "boolean":
                return bool(code)
            case "category":
                return self.levels[int(code)]
            case "datetime":
                form, origin = self.dates
                return form.write(round(code * MILLISECONDS_PER_DAY) + _milliseconds(origin))
            case "text":
                raise ValueError(f"a text of {self.name} cannot be told from its length")
            case _:
                assert_never(self.kind)

    def describe(self, code: float, *, digits: int | None = None) -> str:
        """Write the number of a value for people, numbers exactly or with that many significant digits."""
        if self.kind == "text":
            return f"{exact_text(code) if digits is None else f'{code:.{digits}g}'} characters"
        value = self.decode(code)
        if isinstance(value, str):
            return value
        return exact_text(code) if digits is None else f"{code:.{digits}g}"

    @property
    def training_range(self) -> str | None:
        """Range of the training rows in words; None for a feature with levels.

        Examples
        --------
        >>> Feature(name="age", kind="integer", min=18, max=99).training_range
        '18 to 99'
        """
        if self.min is None or self.max is None:
            return None
        return f"{self.describe(self.min)} to {self.describe(self.max)}"

    @property
    def json_schema(self) -> dict[str, object]:
        """JSON Schema of a value."""
        names: list[str | None] = [self.json_type] if self.required else [self.json_type, "null"]
        if self.kind == "datetime" and self.dates[0].is_digits:
            names.insert(1, "number")
        schema: dict[str, object] = {"type": names[0] if len(names) == 1 else names}
        if self.kind == "datetime":
            form = self.dates[0]  # a time without an offset has its format from OpenAPI's registry
            written = ("date-time" if form.has_offset else "date-time-local") if form.has_clock else "date"
            return schema | {"format": written}
        if self.kind == "text":
            schema["maxLength"] = self.max_length
            if self.required:
                schema["pattern"] = NOT_BLANK
            return schema
        if self.is_numeric:
            return schema | {"minimum": -LARGEST_NUMBER, "maximum": LARGEST_NUMBER}
        values = list(self.texts)
        if self.takes_unknown or len(values) > MAX_COUNTED:
            schema["examples"] = values[:MAX_COUNTED]
            if self.required:
                schema["pattern"] = NOT_BLANK
        elif values:
            schema["enum"] = values if self.required else [*values, None]
        return schema

    @property
    def expectation(self) -> str:
        """What a request must hold, in words.

        Examples
        --------
        >>> Feature(name="age", kind="integer", unit="years").expectation
        'an integer (years)'
        """
        match self.kind:
            case "number" if self.numerals and self.numerals.clock:
                words = "a finite number, or a time such as '14:30'"
            case "number":
                words = "a finite number"
            case "integer":
                words = "an integer"
            case "boolean":
                words = "true or false"
            case "category":
                words = "a string such as " if self.takes_unknown else "one of "
                if (known := len(self.codes) - 1) <= MAX_LISTED:
                    words += listed(self.named, write=repr)
                else:
                    words += f"{', '.join(map(repr, self.named[:_SHOWN]))} and {known - _SHOWN:,} more"
            case "datetime":
                words = self.dates[0].words
            case "text":
                words = f"a text of at most {self.max_length:,} characters"
            case _:
                assert_never(self.kind)
        return words + (f" ({self.unit})" if self.unit else "") + ("" if self.required else " or null")


def _length(value: Scalar) -> float:
    """The number of characters of a text as training reads it; NaN for a missing one."""
    text = clean_text(value) if isinstance(value, str) else None
    return math.nan if text is None else float(len(text))


def _milliseconds(day: date) -> int:
    return (day.toordinal() - _EPOCH_DAY) * MILLISECONDS_PER_DAY
