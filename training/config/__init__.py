"""`model.yaml`: the one file a user edits.

Every package below imports it, and DVC has it as a dependency: so it is a folder, which does not hold the file itself.
"""

from pathlib import Path
from typing import Annotated, Any, Self

import yaml
from pydantic import (
    AfterValidator,
    ConfigDict,
    Field,
    PrivateAttr,
    ValidationError,
    field_validator,
    model_validator,
)
from pydantic_core import PydanticCustomError

from skylift.cells import clean_text
from skylift.errors import ConfigError
from skylift.names import did_you_mean
from skylift.references import sha256
from skylift.settings import Name
from training.config.answers import ConformalSection, DecisionSection
from training.config.candidates import ENSEMBLE
from training.config.candidates import Candidate as Candidate  # part of the public configuration
from training.config.faults import first_fault
from training.config.locations import S3Url
from training.config.table import (
    DataSection,
    FeatureSection,
    Section,
    SplitSection,
    TableSpec,
    TargetSection,
    ValidateSection,
)
from training.config.yaml_core import load_yaml
from training.metrics.registry import METRICS


class Bound(Section):
    """Bounds that a holdout metric must keep for the model to be published."""

    min: float | None = None
    max: float | None = None


class GatesSection(Section):
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


def _selecting(name: str) -> str:
    """A metric's name, if candidates can be selected by it."""
    if (metric := METRICS.get(name)) is not None and metric.selectable and not metric.selects:
        text = "a constant answer may have the best {name}: bound it under gates, and select by another metric"
        raise PydanticCustomError("unknown_metric", text, {"name": name})
    return _selectable(name)


def _selectable(name: str) -> str:
    """A metric's name, if candidates can be selected by it and gates can bound it."""
    names = [metric.name for metric in METRICS.values() if metric.selectable]
    if name not in names:
        hint = did_you_mean(name, names)
        raise PydanticCustomError("unknown_metric", "{name} is not a metric: {hint}", {"name": name, "hint": hint})
    return name


class EvaluationSection(Section):
    """What is looked at beyond the whole holdout.

    Parameters
    ----------
    slices
        Features by whose values the holdout is cut.
    """

    slices: tuple[str, ...] = ()


class CardSection(Section):
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


class ModelConfig(Section):
    """A whole `model.yaml`; only `model`, `data.path` and `target.column` are required.

    Parameters
    ----------
    budget
        Seconds after which the search ends with the best so far, and for which the default candidates are chosen.
    ensemble
        Whether an average of the best candidates may be selected; if absent, where `candidates` names none.
    calibrate
        Whether probabilities are calibrated where that makes them truer; if absent, as `ensemble`.
    decision
        Choice of the threshold between two classes; None for the most probable class.
    intervals
        Level of intervals around the values of a regression; None for none.
    sets
        Level of the prediction sets of classes; None for none.
    """

    model: Annotated[Name, Field(json_schema_extra={"words": "up to 63 of a-z, 0-9 and -, not - first"})]
    data: DataSection
    target: TargetSection
    split: SplitSection = SplitSection()
    features: dict[str, FeatureSection] = Field(default_factory=dict)
    validation: Annotated[ValidateSection, Field(alias="validate")] = ValidateSection()
    candidates: tuple[Candidate, ...] = ()
    budget: Annotated[float, Field(gt=0, allow_inf_nan=False)] | None = None
    select_by: Annotated[str, AfterValidator(_selecting)] | None = None
    ensemble: bool | None = None
    calibrate: bool | None = None
    decision: DecisionSection | None = None
    intervals: ConformalSection | None = None
    sets: ConformalSection | None = None
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

    @property
    def table(self) -> TableSpec:
        """What it says of the table."""
        return TableSpec(self.data, self.target, self.split, self.features, self.validation)

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

    @model_validator(mode="after")
    def _the_average_has_a_name_of_its_own(self) -> Self:
        if self.ensemble and any(candidate.name == ENSEMBLE for candidate in self.candidates):
            raise ValueError(f"the average of the candidates is called {ENSEMBLE}: name the candidate otherwise")
        return self


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
        hint = "name the file with --config, or let `skylift init TABLE` write one"
        raise ConfigError(f"{path} cannot be read ({error.strerror})", hint) from error
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path} is not YAML ({_one_line(error)})", "fix the file") from error
    if not isinstance(document, dict):
        raise ConfigError(f"{path} holds no configuration", "it needs model, data.path and target.column")
    try:
        config = ModelConfig.model_validate(document)
    except ValidationError as error:
        fault, hint = first_fault(error, ModelConfig, document, content)
        raise ConfigError(f"{path}, {fault}", hint) from error
    if not isinstance(config.data.path, S3Url):
        config = config.with_data(path=(path.parent / config.data.path).resolve())
    config._file_digest = sha256(content)  # noqa: SLF001 (only this function knows the file)
    config._folder = path.parent.resolve()  # noqa: SLF001
    return config


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split())
