"""The manifest of a version: what it is, how good it is, how it was made, and the digest of each of its files."""

from datetime import datetime
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from skylift.contract import ClassName, Contract, Instance
from skylift.documents import Document
from skylift.metrics import Gate, LeaderboardEntry, Metrics
from skylift.references import Reference, sha256, version_name

MODEL_FILE = "model.joblib"
COMPILED_FILE = "model.onnx"
CODE_FILE = "code.json"
BASELINE_FILE = "baseline.json"
MANIFEST_FILE = "manifest.json"
Digest = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]


class Prediction(Document):
    """One answer: a label with its probabilities, or a value.

    Parameters
    ----------
    label
        Most probable class; None for regression.
    probabilities
        Probabilities by class, in the order of the contract's classes; None for regression.
    value
        Predicted value; None for classification.
    low, high, level
        Ends of the interval around the value, and the share of the true values that such intervals hold; None without.
    """

    label: ClassName | None = None
    probabilities: dict[str, float] | None = None
    value: float | None = None
    low: float | None = None
    high: float | None = None
    level: float | None = None


class Golden(Document):
    """Requests whose answers were recorded in training; a process that scores them otherwise must not serve.

    Parameters
    ----------
    instances, predictions
        Requests, and the answers of the form that is served.
    tolerance
        Largest difference of a value, or of a probability in log-odds: see `skylift.golden.allowed_difference`. None
        in versions that older releases made.

    Raises
    ------
    ValueError
        It is empty, or a request has no answer.
    """

    instances: tuple[Instance, ...]
    predictions: tuple[Prediction, ...]
    tolerance: float | None = None

    @model_validator(mode="after")
    def _is_complete(self) -> Self:
        if not self.instances or len(self.instances) != len(self.predictions):
            raise ValueError("golden requests must be at least one, each with its answer")
        return self


class Adopted(Document):
    """A model file that was trained elsewhere.

    Parameters
    ----------
    file, sha256
        Name and digest of the file.
    """

    file: str
    sha256: Digest


class Lineage(Document):
    """Where the model comes from.

    Parameters
    ----------
    data_sha256
        Digest of the raw table.
    data_rows, train_rows, holdout_rows
        Numbers of rows after cleaning.
    holdout, seed
        Holdout fraction and random seed of the split.
    split, split_column
        How rows were chosen, and by which column; None for a random split.
    config_sha256
        Digest of `model.yaml`.
    git_commit, git_dirty
        Commit of the working tree, and whether it has changes; None outside a repository.
    retraining
        Id of the retraining that made it; None if a person or a workflow did, and in versions of older releases.
    adopted
        File that the model was taken from; None if it was trained here.
    modules
        Digests of the user's own modules that the model is made of, by path; empty if it is of installed code alone.
    notes
        Remarks on cleaning and fitting, for the reader.
    """

    data_sha256: Digest
    data_rows: int
    train_rows: int
    holdout_rows: int
    holdout: float
    seed: int
    split: Literal["random", "time", "group"] = "random"
    split_column: str | None = None
    config_sha256: Digest
    git_commit: str | None = None
    git_dirty: bool | None = None
    retraining: str | None = None
    adopted: Adopted | None = None
    modules: dict[str, Digest] = Field(default_factory=dict)
    notes: tuple[str, ...] = ()


class Artifact(Document):
    """A file of the version."""

    sha256: Digest
    bytes: int


class Compiled(Document):
    """The compiled form that was chosen, or the reason why it is missing.

    Parameters
    ----------
    format
        Format, `onnx`; None without a compiled form.
    converter
        Converter, `skylift` (exact, in double precision) or `skl2onnx`; None also in versions of older releases.
    dtype, opset
        Type of the input, and version of the main operator set; None of a file that was adopted as it is.
    rows
        Number of rows on which it was compared with the joblib model.
    max_abs_diff, agreement
        Largest difference of a probability or value, and share of rows with the same label, 0 to 1.
    reason
        Reason why it is not the exact form, or why it is missing; None otherwise.
    """

    format: Literal["onnx"] | None = None
    converter: Literal["skylift", "skl2onnx"] | None = None
    dtype: str | None = None
    opset: int | None = None
    rows: int | None = None
    max_abs_diff: float | None = None
    agreement: float | None = None
    reason: str | None = None


class Manifest(Document):
    """Everything known of a version. It never changes once stored.

    Parameters
    ----------
    version
        Number of the version, from 1.
    environment
        Versions of the software that trained it, by name: python, skylift, scikit-learn, numpy and so on.
    artifacts
        Digests and sizes of the other files, by name.
    """

    schema_version: Literal[1] = 1
    model: str
    version: int
    created_at: datetime
    contract: Contract
    metrics: Metrics
    leaderboard: tuple[LeaderboardEntry, ...]
    selected: str
    select_by: str
    gates: tuple[Gate, ...]
    golden: Golden
    lineage: Lineage
    environment: dict[str, str]
    artifacts: dict[str, Artifact]
    compiled: Compiled

    @property
    def name(self) -> str:
        """The version's name, for example `v7`."""
        return version_name(self.version)

    @property
    def form_files(self) -> tuple[str, ...]:
        """Names of the files that serve it, the model first: one that is compiled needs no code."""
        if self.compiled.format:
            return (COMPILED_FILE,)
        return (MODEL_FILE, CODE_FILE) if CODE_FILE in self.artifacts else (MODEL_FILE,)


def reference_to(version: int, manifest_bytes: bytes) -> Reference:
    """Reference to the version whose stored manifest these bytes are."""
    return Reference(version, sha256(manifest_bytes))
