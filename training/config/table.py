"""The sections of `model.yaml` that say what the table is: where it lies, what its columns are, how it is split."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Literal, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, WithJsonSchema, model_validator

from skylift.contract import ClassName, Task
from skylift.dates import date_form
from skylift.feature import Kind
from training.config.locations import Location

RARE = 0.05
"""Share of the rows below which a class is rare."""


class Section(BaseModel):
    """A section: its keys are all known, and never change."""

    model_config = ConfigDict(extra="forbid", frozen=True)


def _written(value: object) -> object:
    """A value of YAML as a table has it."""
    if isinstance(value, bool):
        return str(value).lower()
    return str(value) if isinstance(value, int | float) else value


_SCALARS = [{"type": name} for name in ("string", "number", "boolean")]

type Word = Annotated[str, BeforeValidator(_written), WithJsonSchema({"anyOf": _SCALARS, "words": "a text"})]
"""A cell of the table; a number or boolean of YAML is the text that stands for it."""


class DataSection(Section):
    """Where the table is and how its columns are cleaned.

    Parameters
    ----------
    path
        Path of the CSV or Parquet file, or of a folder of such files with the same columns, relative to `model.yaml`;
        or `s3://bucket/key` of a file.
    drop
        Columns to leave out, by their names in the file.
    rename
        New names by old ones.
    sample
        Number of rows to use, sampled uniformly by the seed; all rows if absent.
    missing
        Texts that are missing values in every column.
    columns
        Names of the columns of a CSV file without a header.
    encoding, delimiter
        Encoding and delimiter of a CSV file, `whitespace` for any blanks; found out by default.
    decimal, thousands
        Sign before the fraction of a number, and between its thousands; found out by default.
    exclude
        Values by column, after renaming, whose rows are left out.
    """

    path: Annotated[Location, Field(json_schema_extra={"words": "a path, or s3://bucket/key"})]
    drop: tuple[str, ...] = ()
    rename: dict[str, str] = {}
    sample: Annotated[int, Field(ge=10)] | None = None
    missing: tuple[Word, ...] = ()
    columns: tuple[str, ...] = ()
    encoding: str | None = None
    delimiter: (
        Annotated[str, Field(pattern=r"^(.|\t|whitespace)$", json_schema_extra={"words": "one sign, or whitespace"})]
        | None
    ) = None
    decimal: Literal[".", ","] | None = None
    thousands: Literal[".", ",", " ", "'", "\u00a0", "\u202f", "\u2019"] | None = None
    exclude: dict[str, tuple[Word, ...]] = {}

    @model_validator(mode="after")
    def _signs_differ(self) -> Self:
        if self.decimal is not None and self.decimal == self.thousands:
            raise ValueError("decimal and thousands are the same sign")
        return self


class RareSection(Section):
    """What becomes of classes that have too few rows to be learned.

    Parameters
    ----------
    below
        Number of rows from which a class is learned by itself.
    into
        Name of the one class that the rarer ones become; their rows are left out if absent.
    """

    below: Annotated[int, Field(ge=2)] = 10
    into: Word | None = None


class TargetSection(Section):
    """What to predict.

    Parameters
    ----------
    column
        Name of the target column, after renaming.
    task
        Task; guessed from the column by default.
    labels
        Names of classes as callers see them, by their names in the table.
    unit
        Unit of a regression's values.
    rare
        What becomes of rare classes.
    positive
        Positive one of two classes, as the table has it; by default the second in their order.

    Raises
    ------
    ValueError
        A regression has rare classes, or a positive one.
    """

    column: str
    task: Task | None = None
    labels: dict[ClassName, ClassName] = {}
    unit: str | None = None
    rare: RareSection | None = None
    positive: ClassName | None = None

    @property
    def declared_task(self) -> Task | None:
        """The task that the keys say; None if they leave it to the data."""
        return "classification" if self.rare or self.positive is not None else self.task

    @model_validator(mode="after")
    def _fits_its_task(self) -> Self:
        if self.rare is not None and self.task == "regression":
            raise ValueError("rare is of classes, but the task is regression")
        if self.positive is not None and self.task == "regression":
            raise ValueError("positive is a class, but the task is regression")
        return self


class SplitSection(Section):
    """Which rows are kept for the one final measurement.

    Parameters
    ----------
    holdout
        Fraction of the rows that is held out.
    seed
        Random seed of all of training.
    time
        Column of dates or numbers: the last rows are held out, and folds are measured on later rows than they learn.
    group
        Column whose equal values stay on one side, in folds and holdout.

    Raises
    ------
    ValueError
        Both `time` and `group` are named.
    """

    holdout: Annotated[float, Field(gt=0, lt=0.9)] = 0.2
    seed: Annotated[int, Field(ge=0, lt=2**32)] = 42
    time: str | None = None
    group: str | None = None

    @property
    def kind(self) -> Literal["random", "time", "group"]:
        """How rows are chosen."""
        return "time" if self.time else "group" if self.group else "random"

    @property
    def column(self) -> str | None:
        """The column that the rows are split by; None for a random split."""
        return self.time or self.group

    @model_validator(mode="after")
    def _one_column(self) -> Self:
        if self.time and self.group:
            raise ValueError("name time or group, not both")
        return self


class FeatureSection(Section):
    """What a field is: it shapes the table that training reads, the contract, and `skylift data validate`.

    Parameters
    ----------
    unit, description
        Unit and description for people who read the contract.
    monotone
        How the answer must move where only this field grows: the value, or the probability of the second of two
        classes. A model that moves otherwise is not published.
    kind
        Kind of value, instead of the one that the data suggests; a row that does not have it is an error.
    form
        How the column writes dates, such as `%d-%m-%Y`; `%s` for seconds since 1970, `%Q` for
        milliseconds. Found out by default.
    min, max
        Range of the contract; a row outside is an error.
    categories
        All categories of the contract, in their order; a row with another is an error.
    missing
        False if every row must have a value, True if requests may leave it out; by default as the table has it.
    unknown
        What a request's text is that no row of the table has: a missing value, with a warning, or an error. Only for a
        category.

    Raises
    ------
    ValueError
        Bounds or categories do not belong to the kind.
    """

    unit: str | None = None
    description: str | None = None
    monotone: Literal["increasing", "decreasing"] | None = None
    kind: Kind | None = None
    form: str | None = None
    min: float | None = None
    max: float | None = None
    categories: tuple[Word, ...] = ()
    missing: bool | None = None
    unknown: Literal["missing", "refuse"] | None = None

    @property
    def declared_kind(self) -> Kind | None:
        """The kind that the keys say; None if they leave it to the data."""
        return "category" if self.categories else "datetime" if self.form else self.kind

    @model_validator(mode="after")
    def _fits_its_kind(self) -> Self:
        bounded = self.min is not None or self.max is not None
        if self.categories and self.kind not in {None, "category"}:
            raise ValueError(f"categories are not of the kind {self.kind}")
        if bounded and (self.categories or self.declared_kind in {"category", "boolean", "datetime", "text"}):
            raise ValueError("min and max are for numbers")
        if self.form is not None:
            if self.kind not in {None, "datetime"} or self.categories:
                raise ValueError("a form is of the kind datetime")
            date_form(self.form)
        if self.min is not None and self.max is not None and self.min > self.max:
            raise ValueError("min is above max")
        return self


class ValidateSection(Section):
    """Bounds of `skylift data validate`: one that is written here fails the table, where a default would warn.

    Parameters
    ----------
    min_rows_per_class
        Minimum number of rows per class: each of five folds needs one.
    min_class_share
        Minimum share of the rows in each class.
    max_missing
        Share of a column's cells.
    max_duplicates
        Share of the rows that repeat another.
    max_overlap
        Share of the test rows that are training rows as well.
    trusted
        Columns to use although they look like an identifier or a leak.
    """

    min_rows_per_class: Annotated[int, Field(ge=2)] = 5
    min_class_share: Annotated[float, Field(ge=0, le=0.5)] = RARE
    max_missing: Annotated[float, Field(ge=0, le=1)] = 0.5
    max_duplicates: Annotated[float, Field(ge=0, le=1)] = 0
    max_overlap: Annotated[float, Field(ge=0, le=1)] = 0
    trusted: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class TableSpec:
    """All that `model.yaml` says of the table: what reads, validates or splits it needs nothing else.

    Parameters
    ----------
    data, target, split, features
        Sections of these names.
    bounds
        Section `validate`.
    """

    data: DataSection
    target: TargetSection
    split: SplitSection
    features: Mapping[str, FeatureSection]
    bounds: ValidateSection

    def asks_for(self, column: str) -> bool:
        """Whether a column that would be left out by default is wanted."""
        section = self.features.get(column)
        return column in self.bounds.trusted or (section is not None and section.declared_kind is not None)
