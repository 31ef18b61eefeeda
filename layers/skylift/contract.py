"""The contract between a model and its callers: which fields go in, what comes out.

It is made from the data and `model.yaml` by training, travels in the manifest, and is the only source of the
request schema, the OpenAPI page, the form and the docs.
"""

import math
from collections.abc import Callable, Sequence
from functools import cached_property
from typing import ClassVar, Literal, Self, assert_never

from pydantic import BaseModel, ConfigDict, model_validator

from skylift.cells import clean_text
from skylift.figures import exact_text
from skylift.numerals import Numerals

type Scalar = bool | int | float | str | None
"""A value of one field, as JSON has it."""

type Instance = dict[str, Scalar]
"""One row by field name."""

type ClassName = bool | int | str
"""A class of the target, as the table has it."""

LARGEST_NUMBER = 3.4028234663852886e38
"""The largest float32: forests compute in it, so a larger number is infinite to them."""

LARGEST_EXACT_INTEGER = 2**53
"""The largest integer up to which a double, and so a number in JavaScript, holds every integer."""

MAX_LISTED = 50
"""How many names a message lists."""

NOT_BLANK = r"\S"
"""Pattern of a text that is not a missing value."""

Kind = Literal["number", "integer", "category", "boolean"]
JsonType = Literal["number", "integer", "string", "boolean"]
Task = Literal["classification", "regression"]
Unknown = Literal["missing", "refuse"]


class Document(BaseModel):
    """Base of everything stored with a version: immutable, and tolerant of keys that later releases add."""

    # Deferred: the parts are built once, with the manifest that holds them, and not each on its own at import.
    model_config = ConfigDict(defer_build=True, frozen=True, extra="ignore", ser_json_inf_nan="strings")

    indent: ClassVar[int] = 2
    """Spaces per level in the stored JSON."""

    def to_bytes(self) -> bytes:
        """Canonical JSON: the bytes that are stored and that digests name."""
        return self.model_dump_json(indent=self.indent, exclude_none=True).encode() + b"\n"


class _Codes(dict[Scalar, float]):
    """Codes of known values; any other text has the code of its cleaned form, or is missing."""

    def __missing__(self, value: Scalar) -> float:
        return self.get(clean_text(value), math.nan) if isinstance(value, str) else math.nan


class Feature(Document):
    """One input field, and everything that follows from its kind.

    Parameters
    ----------
    name
        Name in a request.
    column
        Name of its column in the table, which a request may use as well; None if it is `name`.
    kind
        How a value is written: a number, an integer, one of `categories`, or true and false.
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
        What another text in a category is: `missing`, a missing value, or `refuse`, an error; None for other kinds, and
        for a category of an older release, which refuses it.
    unlearned
        Categories that no training row has; None for none.
    min, max, mean
        Range and mean over the training rows, for features without levels.
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
    unknown: Unknown | None = None
    unlearned: tuple[str, ...] | None = None
    min: float | None = None
    max: float | None = None
    mean: float | None = None
    unit: str | None = None
    description: str | None = None
    example: Scalar = None

    @property
    def json_type(self) -> JsonType:
        """Type of a value in JSON."""
        match self.kind:
            case "number" | "integer" | "boolean":
                return self.kind
            case "category":
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
            case "number" | "integer" | "boolean":
                return False
            case _:
                assert_never(self.kind)

    @property
    def levels(self) -> tuple[str, ...]:
        """The possible values as text, in the order of their codes; empty for a feature that is measured."""
        match self.kind:
            case "category":
                return self.categories
            case "boolean":
                return ("false", "true")
            case "number" | "integer":
                return ()
            case _:
                assert_never(self.kind)

    @property
    def takes_unknown(self) -> bool:
        """Whether a text that training never saw is answered, as a missing value."""
        return self.unknown == "missing"

    @property
    def may_be_missing(self) -> bool:
        """Whether its number may be NaN in an encoded row."""
        return not self.required or self.takes_unknown

    @cached_property
    def codes(self) -> dict[Scalar, float]:
        """Code of each category; NaN for a missing value."""
        codes: dict[Scalar, float] = {name: float(code) for code, name in enumerate(self.categories)}
        return codes | {None: math.nan}

    @cached_property
    def encoder(self) -> Callable[[Scalar], float] | None:
        """Function from a valid value to its number; None where numpy reads the value as that number."""
        match self.kind:
            case "number" | "integer" | "boolean":
                return None
            case "category":
                return (_Codes(self.codes) if self.takes_unknown else self.codes).__getitem__
            case _:
                assert_never(self.kind)

    def decode(self, code: float) -> Scalar:
        """Undo the encoding of one value that is not missing."""
        match self.kind:
            case "number":
                return code
            case "integer":
                return int(code)
            case "boolean":
                return bool(code)
            case "category":
                return self.categories[int(code)]
            case _:
                assert_never(self.kind)

    def describe(self, code: float, *, digits: int | None = None) -> str:
        """Write the number of a value for people, numbers exactly or with that many significant digits."""
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
        schema: dict[str, object] = {"type": names[0] if self.required else names}
        if self.takes_unknown:
            schema["examples"] = [*self.levels]
            if self.required:
                schema["pattern"] = NOT_BLANK
        elif self.json_type == "string" and self.levels:
            schema["enum"] = [*self.levels] if self.required else [*self.levels, None]
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
            case "number":
                words = "a finite number"
            case "integer":
                words = "an integer"
            case "boolean":
                words = "true or false"
            case "category":
                words = "a string such as " if self.takes_unknown else "one of "
                words += listed(self.categories, write=repr)
            case _:
                assert_never(self.kind)
        return words + (f" ({self.unit})" if self.unit else "") + ("" if self.required else " or null")


class Target(Document):
    """What is predicted.

    Parameters
    ----------
    name
        The column it was learned from.
    classes
        Classes in the order of their codes; empty for regression.
    unit
        Unit of the values; None for classification.
    """

    name: str
    classes: tuple[ClassName, ...] = ()
    unit: str | None = None

    @cached_property
    def keys(self) -> tuple[str, ...]:
        """The classes as keys of a JSON object."""
        return tuple(class_key(name) for name in self.classes)


class Contract(Document):
    """Ordered features and the target of a model.

    Parameters
    ----------
    ignored
        Other columns of the table, the target's among them: a request may hold them, and they change nothing. Empty in
        versions of older releases.

    Raises
    ------
    ValueError
        Names repeat, a category has no values, a range has one end, or a classification has fewer than two classes.
    """

    task: Task
    features: tuple[Feature, ...]
    target: Target
    ignored: tuple[str, ...] = ()

    @model_validator(mode="after")
    def _is_coherent(self) -> Self:
        names = [feature.name for feature in self.features]
        if not names or len(names) != len(set(names)):
            raise ValueError("features must be at least one, each with a name of its own")
        columns = [feature.column for feature in self.features if feature.column is not None]
        if len({*names, *self.ignored, *columns}) < len({*names, *self.ignored}) + len(columns):
            raise ValueError("each column belongs to one feature, and no other has its name")
        if ignored := set(names).intersection(self.ignored):
            raise ValueError(f"feature {min(ignored)!r} is ignored as well")
        for feature in self.features:
            if (feature.kind == "category") != bool(feature.categories):
                raise ValueError(f"feature {feature.name!r}: a category, and nothing else, lists its categories")
            if feature.unknown is not None and feature.kind != "category":
                raise ValueError(f"feature {feature.name!r}: only a category has unknown values")
            if (feature.min is None) != (feature.max is None):
                raise ValueError(f"feature {feature.name!r}: min and max come together")
        if self.task == "classification" and len(self.target.classes) < 2:
            raise ValueError("a classification needs at least two classes")
        return self

    @cached_property
    def spellings(self) -> dict[str, str]:
        """Every name that a request may use, with the name of the feature or of the ignored column."""
        columns = {feature.column: feature.name for feature in self.features if feature.column is not None}
        names = (*self.ignored, *(feature.name for feature in self.features))
        return columns | {name: name for name in names}

    def known_name(self, name: str) -> str | None:
        """The feature or ignored column that a name stands for, read as training reads a header; None for neither.

        Examples
        --------
        >>> size = Feature(name="size", column="Size in m2", kind="number")
        >>> contract = Contract(task="regression", features=(size,), target=Target(name="rent"), ignored=("rent",))
        >>> contract.known_name("Size in m2 "), contract.known_name("rent"), contract.known_name("sise")
        ('size', 'rent', None)
        """
        return self.spellings.get(name) or self.spellings.get(clean_text(name) or "")

    @property
    def example(self) -> Instance:
        """A typical instance."""
        return {feature.name: feature.example for feature in self.features}


def class_key(name: ClassName) -> str:
    """Write a class as the key of a JSON object.

    Examples
    --------
    >>> class_key(True), class_key(3), class_key("setosa")
    ('true', '3', 'setosa')
    """
    return str(name).lower() if isinstance(name, bool) else str(name)


def listed(names: Sequence[str], write: Callable[[str], str] = str) -> str:
    """List names for people, long lists shortened.

    Parameters
    ----------
    write
        Function from a name to its text in the list.

    Examples
    --------
    >>> listed(["a", "b"])
    'a, b'
    """
    rest = len(names) - MAX_LISTED
    return ", ".join(map(write, names[:MAX_LISTED])) + (f" and {rest} more" if rest > 0 else "")
