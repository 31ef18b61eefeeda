"""`model.yaml`: the one file a user edits.

Every package below imports it, and DVC has it as a dependency: so it is a folder, which does not hold the file itself.
"""

from difflib import get_close_matches
from pathlib import Path
from typing import Annotated, Any, Literal, Self

import yaml
from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PrivateAttr,
    ValidationError,
    field_validator,
    model_validator,
)
from pydantic_core import PydanticCustomError

from skylift.cells import clean_text
from skylift.contract import ClassName, Kind, Task, Unknown
from skylift.errors import ConfigError
from skylift.manifest import first_fault
from skylift.references import sha256
from skylift.settings import Name
from training.config.locations import Location, S3Url
from training.config.search_space import SearchSpec
from training.config.yaml_core import load_yaml
from training.metrics.registry import METRICS


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


def _written(value: object) -> object:
    """A value of YAML as a table has it."""
    if isinstance(value, bool):
        return str(value).lower()
    return str(value) if isinstance(value, int | float) else value


type Word = Annotated[str, BeforeValidator(_written)]
"""A cell of the table; a number or boolean of YAML is the text that stands for it."""


class DataSection(_Section):
    """Where the table is and how its columns are cleaned.

    Parameters
    ----------
    path
        Path of the CSV or Parquet file, relative to `model.yaml`; or `s3://bucket/key`.
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

    path: Location
    drop: tuple[str, ...] = ()
    rename: dict[str, str] = {}
    sample: Annotated[int, Field(ge=10)] | None = None
    missing: tuple[Word, ...] = ()
    columns: tuple[str, ...] = ()
    encoding: str | None = None
    delimiter: Annotated[str, Field(pattern=r"^(.|\t|whitespace)$")] | None = None
    decimal: Literal[".", ","] | None = None
    thousands: Literal[".", ",", " ", "'", "\u00a0", "\u202f", "\u2019"] | None = None
    exclude: dict[str, tuple[Word, ...]] = {}

    @model_validator(mode="after")
    def _signs_differ(self) -> Self:
        if self.decimal is not None and self.decimal == self.thousands:
            raise ValueError("decimal and thousands are the same sign")
        return self


class TargetSection(_Section):
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
    """

    column: str
    task: Task | None = None
    labels: dict[ClassName, ClassName] = {}
    unit: str | None = None


class SplitSection(_Section):
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


class FeatureSection(_Section):
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
    min: float | None = None
    max: float | None = None
    categories: tuple[Word, ...] = ()
    missing: bool | None = None
    unknown: Unknown | None = None

    @property
    def declared_kind(self) -> Kind | None:
        """The kind that the keys say; None if they leave it to the data."""
        return "category" if self.categories else self.kind

    @model_validator(mode="after")
    def _fits_its_kind(self) -> Self:
        bounded = self.min is not None or self.max is not None
        if self.categories and self.kind not in {None, "category"}:
            raise ValueError(f"categories are not of the kind {self.kind}")
        if bounded and (self.categories or self.kind in {"category", "boolean"}):
            raise ValueError("min and max are of numbers")
        if self.min is not None and self.max is not None and self.min > self.max:
            raise ValueError("min is above max")
        return self


class ValidateSection(_Section):
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
    min_class_share: Annotated[float, Field(ge=0, le=0.5)] = 0.05
    max_missing: Annotated[float, Field(ge=0, le=1)] = 0.5
    max_duplicates: Annotated[float, Field(ge=0, le=1)] = 0
    max_overlap: Annotated[float, Field(ge=0, le=1)] = 0
    trusted: tuple[str, ...] = ()


class Candidate(_Section):
    """An estimator to try.

    Parameters
    ----------
    name
        Name on the leaderboard.
    estimator
        Import path of a scikit-learn class.
    params
        Fixed parameters of the estimator.
    search
        Parameters to try, and how.
    scale
        Whether numbers are standardised first; if absent, for all estimators but trees.
    """

    name: str
    estimator: Annotated[str, Field(pattern=r"^[A-Za-z_][\w.]*\.[A-Za-z_]\w*$")]
    params: dict[str, Any] = {}
    search: SearchSpec | None = None
    scale: bool | None = None


class Bound(_Section):
    """Bounds that a holdout metric must keep for the model to be published."""

    min: float | None = None
    max: float | None = None


class GatesSection(_Section):
    """What a model must keep to be published: bounds by metric, and a limit against the active version.

    Parameters
    ----------
    max_regression
        Largest loss in `select_by` against the active version on the same holdout: absolute for shares and R2,
        relative to that version's value for losses and errors.

    Raises
    ------
    ValueError
        A key is not a metric that gates can bound.
    """

    model_config = ConfigDict(extra="allow", frozen=True)
    __pydantic_extra__: dict[str, Bound | None] = Field(init=False)

    max_regression: Annotated[float, Field(ge=0)] = 0.05

    @model_validator(mode="before")
    @classmethod
    def _names_metrics(cls, document: object) -> object:
        if isinstance(document, dict):
            for name in document.keys() - cls.model_fields.keys():
                _selectable(str(name))
        return document

    @property
    def bounds(self) -> dict[str, Bound]:
        """Bounds on holdout metrics, in the registry's order."""
        bounds = self.__pydantic_extra__ or {}
        return {metric: bound for metric in METRICS if (bound := bounds.get(metric)) is not None}


def _selectable(name: str) -> str:
    """A metric's name, if candidates can be selected by it and gates can bound it."""
    names = [metric.name for metric in METRICS.values() if metric.selectable]
    if name not in names:
        nearest = get_close_matches(name, names, n=1, cutoff=0.4)
        hint = f"did you mean {nearest[0]}?" if nearest else f"choose from {', '.join(names)}"
        raise PydanticCustomError("unknown_metric", "{name} is not a metric: {hint}", {"name": name, "hint": hint})
    return name


class EvaluationSection(_Section):
    """What is looked at beyond the whole holdout.

    Parameters
    ----------
    slices
        Features by whose values the holdout is cut.
    """

    slices: tuple[str, ...] = ()


class CardSection(_Section):
    """What people should know of the model; the model card prints it. What is absent is said to be unknown.

    Parameters
    ----------
    title
        Title of the card; the model's name if absent.
    purpose
        Intended use of the predictions.
    not_for
        Uses that somebody might think of, and must not make.
    owners
        People responsible for the model: names, teams, addresses.
    licence
        Licence of the model and, if it differs, of the data.
    data
        Origin of the table, and how it was collected.
    limits
        Known weaknesses of the model.
    """

    title: str | None = None
    purpose: str | None = None
    not_for: tuple[str, ...] = ()
    owners: tuple[str, ...] = ()
    licence: str | None = None
    data: str | None = None
    limits: tuple[str, ...] = ()


class ModelConfig(_Section):
    """A whole `model.yaml`; only `model`, `data.path` and `target.column` are required."""

    model: Name
    data: DataSection
    target: TargetSection
    split: SplitSection = SplitSection()
    features: dict[str, FeatureSection] = {}
    validation: Annotated[ValidateSection, Field(alias="validate")] = ValidateSection()
    candidates: tuple[Candidate, ...] = ()
    select_by: Annotated[str, AfterValidator(_selectable)] | None = None
    evaluation: EvaluationSection = EvaluationSection()
    gates: GatesSection = GatesSection()
    card: CardSection = CardSection()

    _file_digest: str | None = PrivateAttr(None)
    _folder: Path | None = PrivateAttr(None)

    @property
    def digest(self) -> str:
        """SHA-256 of the file it was read from; of its content as JSON where it was made in code."""
        return self._file_digest or sha256(self.model_dump_json().encode())

    @property
    def folder(self) -> Path:
        """Folder of the file it was read from; of the table where it was made in code."""
        if self._folder is not None:
            return self._folder
        return self.data.path.parent if isinstance(self.data.path, Path) else Path.cwd()

    def with_sample(self, rows: int | None) -> Self:
        """The same configuration with another number of rows to sample; itself when None."""
        return self if rows is None else self.with_data(sample=rows)

    def with_data(self, **fields: Any) -> Self:
        """The same configuration with fields of `data` replaced."""
        return self.model_copy(update={"data": self.data.model_copy(update=fields)})

    @model_validator(mode="before")
    @classmethod
    def _clean_texts(cls, document: object) -> object:
        """Names and texts as the cleaning of the table has them."""
        if not isinstance(document, dict):
            return document
        return {key: value if key == "candidates" else _cleaned(value, key) for key, value in document.items()}

    @field_validator("candidates")
    @classmethod
    def _names_differ(cls, candidates: tuple[Candidate, ...]) -> tuple[Candidate, ...]:
        if len({candidate.name for candidate in candidates}) < len(candidates):
            raise ValueError("two have the same name")
        return candidates


def _cleaned(value: object, key: object) -> object:
    if isinstance(value, dict):
        return {
            clean_text(name) if isinstance(name, str) else name: _cleaned(cell, name) for name, cell in value.items()
        }
    if isinstance(value, list | tuple):
        return [_cleaned(cell, None) for cell in value]
    if isinstance(value, str) and key not in {"path", "delimiter", "thousands"}:
        return clean_text(value) or value
    return value


def load_config(path: Path) -> ModelConfig:
    """Read `model.yaml`.

    Returns
    -------
    ModelConfig
        Configuration that knows the digest of its file, with a local data path made absolute.

    Raises
    ------
    ConfigError
        The file cannot be read, is not YAML, or has a wrong or unknown key; with the place.
    """
    try:
        content = path.read_bytes()
        document = load_yaml(content)
    except OSError as error:
        raise ConfigError(f"{path} cannot be read ({error.strerror})", "name the file with --config") from error
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path} is not YAML ({_one_line(error)})", "fix the file") from error
    if not isinstance(document, dict):
        raise ConfigError(f"{path} holds no configuration", "it needs model, data.path and target.column")
    try:
        config = ModelConfig.model_validate(document)
    except ValidationError as error:
        raise ConfigError(f"{path}: {first_fault(error)}", "docs/reference.md lists the keys of model.yaml") from error
    if not isinstance(config.data.path, S3Url):
        config = config.with_data(path=(path.parent / config.data.path).resolve())
    config._file_digest = sha256(content)  # noqa: SLF001 (only this function knows the file)
    config._folder = path.parent.resolve()  # noqa: SLF001
    return config


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split())
