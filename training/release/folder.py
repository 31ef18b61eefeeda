"""What a pipeline owns of a model: its files in a folder, and how good they are, without a registry.

`skylift train --output FOLDER` writes the files of a version with `version.json`, which is its manifest but for what
only publishing knows: the number, the moment and the commit. So the same inputs give the same bytes. Scoring tables
reads them too, and does without what evaluation imports.
"""

import csv
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from pydantic_core import from_json, to_json

from skylift.encoding import RowEncoder, load_encoder
from skylift.errors import DataError, IntegrityError
from skylift.feature import Scalar
from skylift.manifest import Manifest
from skylift.metrics import Gate
from skylift.sandbox import SandboxedPredictor
from skylift.scoring import Matrix, predicted_classes
from skylift.verification import check_artifact

if TYPE_CHECKING:
    from training.config import GatesSection
    from training.config.table import TableSpec
    from training.data.reader import Progress
    from training.data.table import Table
    from training.release.packaging import Package

VERSION_FILE = "version.json"
METRICS_FILE = "metrics.json"
PREDICTIONS_FILE = "predictions.csv"
LEADERBOARD_FILE = "leaderboard.csv"

_MAX_POINTS = 10_000
_LATER: dict[str, Any] = {"version": 1, "created_at": datetime(1970, 1, 1, tzinfo=UTC), "gates": ()}


@dataclass(frozen=True, slots=True, kw_only=True)
class FolderEvaluation:
    """How good the model in a folder is.

    Parameters
    ----------
    holdout
        Measured on the test file, with the form that is served.
    cross_validated
        Means over the folds, from its training.
    gates
        Judged gates.
    predictions
        What was true and what was predicted, by row of the test file.
    select_by, leaderboard
        Metric that selected the model, and its mean over the folds by candidate.
    """

    holdout: dict[str, float]
    cross_validated: dict[str, float]
    gates: tuple[Gate, ...]
    predictions: tuple[tuple[Scalar, Scalar], ...]
    select_by: str
    leaderboard: tuple[tuple[str, float], ...]

    def write(self, folder: Path) -> None:
        """Write what DVC compares and plots; not the gates, as `dvc metrics` compares numbers."""
        folder.mkdir(parents=True, exist_ok=True)
        metrics = {"holdout": self.holdout, "cross_validated": self.cross_validated}
        (folder / METRICS_FILE).write_bytes(to_json(metrics, indent=2) + b"\n")
        points = self.predictions[:_MAX_POINTS]  # the test rows are shuffled already
        _write_csv(folder / PREDICTIONS_FILE, ("actual", "predicted"), points)
        _write_csv(folder / LEADERBOARD_FILE, ("candidate", self.select_by), self.leaderboard)

    def check_gates(self) -> None:
        """Refuse a model that is not good enough.

        Raises
        ------
        GateFailed
            With the metrics and their bounds.
        """
        from training.evaluation.gates import check_gates

        check_gates(self.gates, rows="test rows", hint="improve the model or the data")


def write_version(folder: Path, package: "Package") -> Manifest:
    """Write a trained model into a folder; files of the one before it go."""
    manifest = package.describe(1)
    folder.mkdir(parents=True, exist_ok=True)
    if (folder / VERSION_FILE).exists():
        for name in read_version_file(folder).artifacts:
            (folder / name).unlink(missing_ok=True)
        (folder / VERSION_FILE).unlink()
    for name, data in package.artifacts.items():
        (folder / name).write_bytes(data)
    document = manifest.model_dump(mode="json", exclude={*_LATER}, exclude_none=True)
    (folder / VERSION_FILE).write_bytes(to_json(document, indent=2) + b"\n")
    return manifest


def read_version_file(folder: Path) -> Manifest:
    """What `write_version` wrote of a model; its number and moment are made up, and it has no gates.

    Raises
    ------
    DataError
        The file does not exist, or cannot be read.
    """
    path = folder / VERSION_FILE
    try:
        document = from_json(path.read_bytes()) | _LATER
        return Manifest.from_bytes(to_json(document), source=str(path))
    except OSError as error:
        hint = f"run `skylift train --output {folder}` first"
        raise DataError(f"{path} cannot be read ({error.strerror})", hint) from error
    except (ValueError, TypeError, IntegrityError) as error:
        hint = f"run `skylift train --output {folder}` again"
        raise DataError(f"{path} is not what `skylift train` writes", hint) from error


def evaluate(
    folder: Path, prepared: Path, spec: "TableSpec", gates: "GatesSection", *, progress: "Progress" = lambda _: None
) -> FolderEvaluation:
    """Measure the model in a folder on the prepared test file.

    It is scored in the form that is served, after the checks of a promotion: digests, environment, golden requests.
    Whether it beats a dummy and behaves is what its training found.

    Raises
    ------
    DataError
        The model or the prepared files are missing, or are not of each other.
    IntegrityError, UnservableModel
        The model's files were changed, or cannot be served here.
    """
    from training.data.prepare import read_prepared
    from training.evaluation.gates import judge, standing_gates
    from training.evaluation.report import EVALUATION_FILE, Evaluation
    from training.metrics.scores import score_metrics

    manifest = read_version_file(folder)
    progress(f"reading {prepared}")
    table, split = read_prepared(prepared, spec)
    contract = manifest.contract
    read = folder_reader(folder, manifest)
    rows, targets = table.rows[split.holdout], table.targets[split.holdout]
    if manifest.lineage.adopted is not None:
        rows, targets = _as_the_model_has_them(load_encoder(manifest, read), table, split.holdout, folder)
    elif table.contract != contract.undecided or table.digest != manifest.lineage.data_sha256:
        raise DataError(f"{folder} was not trained on {prepared}", f"train it: skylift train --output {folder}")
    progress("scoring the test rows")
    predictor = SandboxedPredictor(manifest, read)
    document = Evaluation.from_bytes(read(EVALUATION_FILE), source=EVALUATION_FILE)
    scores = predictor.scores(rows)
    holdout = score_metrics(contract, targets, scores)
    if classes := contract.target.keys:
        labels = predicted_classes(contract.target, scores)
        actual, predicted = ([classes[int(code)] for code in codes] for codes in (targets, labels))
    else:
        actual, predicted = targets.tolist(), scores.tolist()
    select_by = manifest.select_by
    return FolderEvaluation(
        holdout=holdout,
        cross_validated={name: spread.mean for name, spread in manifest.metrics.cross_validated.items()},
        gates=(
            *judge(gates.bounds, holdout),
            *standing_gates(document),
        ),
        predictions=tuple(zip(actual, predicted, strict=True)),
        select_by=select_by,
        leaderboard=tuple(
            (entry.candidate, entry.scores[select_by].mean) for entry in manifest.leaderboard if entry.scores
        ),
    )


def folder_reader(folder: Path, manifest: Manifest) -> Callable[[str], bytes]:
    """Gives the files of a folder, checked against its manifest."""

    def read(name: str) -> bytes:
        try:
            return check_artifact(manifest, name, (folder / name).read_bytes())
        except OSError as error:
            hint = f"run `skylift train --output {folder}` again"
            raise DataError(f"{folder / name} cannot be read ({error.strerror})", hint) from error

    return read


def _as_the_model_has_them(
    encoder: RowEncoder, table: "Table", places: NDArray[np.int64], folder: Path
) -> tuple[Matrix, NDArray[Any]]:
    """Rows and targets in the order of columns and classes that an adopted model has."""
    from training.evaluation.champion import rows_for

    rows, problem = rows_for(encoder, table, places)
    if rows is None:
        raise DataError(f"the model in {folder} does not fit the prepared table: {problem}", "adopt it on this table")
    targets = table.targets[places]
    if keys := encoder.contract.target.keys:
        targets = np.array([keys.index(key) for key in table.contract.target.keys])[targets]
    return rows, targets


def _write_csv(path: Path, header: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file, lineterminator="\n").writerows([header, *rows])
