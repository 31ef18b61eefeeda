"""Packs a trained model: its files and its manifest, ready to publish."""

import io
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import joblib
import numpy as np
from pydantic_core import from_json

from skylift.background import BACKGROUND_FILE
from skylift.contract import Contract
from skylift.manifest import (
    BASELINE_FILE,
    CODE_FILE,
    COMPILED_FILE,
    MODEL_FILE,
    Artifact,
    Golden,
    Lineage,
    Manifest,
    Prediction,
)
from skylift.model_card import CARD_FILE
from skylift.own_code import NO_CODE
from skylift.references import sha256
from skylift.registry import Registry
from skylift.scoring import Matrix, predicted_classes, predictions
from skylift.text_encoder import ENCODING_FILE, to_bytes
from skylift.verification import Version
from training.card.document import render_card
from training.data.background import background_of
from training.data.profile import profile
from training.evaluation.report import EVALUATION_FILE
from training.job import Trained
from training.release.distribution import training_distribution
from training.release.environment import environment, libraries_of, packages_of
from training.release.git import GitState, git_state

_GOLDEN_ROWS = 10
_UNNUMBERED, _NO_COMMIT = 1, GitState()  # the card says neither: `skylift.model_card` tells why


@dataclass(frozen=True, slots=True)
class Package:
    """What `Registry.publish` takes.

    Parameters
    ----------
    describe
        Makes the manifest for a version number.
    artifacts
        Contents of the files by name.
    """

    describe: Callable[[int], Manifest]
    artifacts: dict[str, bytes]


def pack(trained: Trained, state: GitState = _NO_COMMIT, retraining: str | None = None) -> Package:
    """Pack a trained model, in both of its forms.

    Parameters
    ----------
    state
        Commit that the manifest names; none in a folder, which is the same for the same inputs.
    retraining
        Id of the retraining that the manifest names; None for none.
    """
    compiled = trained.compiled
    code = trained.code if packages_of(trained.estimator) & trained.code.names else NO_CODE
    with code.importable():
        model = _dump(trained.estimator)
    artifacts = {
        MODEL_FILE: model,
        BASELINE_FILE: training_distribution(trained),
        EVALUATION_FILE: trained.evaluation.to_bytes(),
    }
    if compiled.data is not None:
        artifacts[COMPILED_FILE] = compiled.data
    if code:
        artifacts[CODE_FILE] = code.to_bytes()
    table, split = trained.table, trained.split
    if (background := background_of(table, split.train, seed=trained.config.split.seed)) is not None:
        artifacts[BACKGROUND_FILE] = background.to_bytes()
    texts = [feature.name for feature in table.contract.features if feature.directions is not None]
    if texts:
        encoders = table.encodings or table.vocabularies
        artifacts[ENCODING_FILE] = to_bytes([encoders[name] for name in texts])
    examples = golden(trained)  # scores the whole holdout: once, not for each manifest

    def describe(version: int, state: GitState = state) -> Manifest:
        return Manifest(
            model=trained.config.model,
            version=version,
            created_at=datetime.now(UTC),
            contract=table.contract,
            metrics=trained.metrics,
            leaderboard=trained.leaderboard,
            selected=trained.selected,
            select_by=trained.select_by,
            gates=trained.gates,
            golden=examples,
            lineage=Lineage(
                data_sha256=table.digest,
                data_rows=len(table.rows),
                train_rows=len(split.train),
                holdout_rows=len(split.holdout),
                holdout=trained.config.split.holdout,
                seed=trained.config.split.seed,
                split=trained.config.split.kind,
                split_column=trained.config.split.column,
                config_sha256=trained.config.digest,
                git_commit=state.commit,
                git_dirty=state.dirty,
                retraining=retraining,
                adopted=trained.adopted,
                modules={path: sha256(source.encode()) for path, source in code.files.items()},
                notes=(*trained.notes, *([state.problem] if state.problem else [])),
            ),
            environment=environment(libraries_of(trained.estimator)),
            artifacts={name: Artifact(sha256=sha256(data), bytes=len(data)) for name, data in artifacts.items()},
            compiled=compiled.outcome,
        )

    artifacts[CARD_FILE] = render_card(
        describe(_UNNUMBERED, _NO_COMMIT),
        trained.evaluation,
        distribution=from_json(artifacts[BASELINE_FILE]),
        profile=profile(table),
        about=trained.config.card,
    )
    return Package(describe, artifacts)


def publish(trained: Trained, registry: Registry) -> Version:
    """Publish a trained model as a new version; it serves once it is promoted.

    Raises
    ------
    GateFailed
        The model is not good enough.
    AwsUnavailable
        S3 failed.
    """
    trained.check_gates()
    package = pack(trained, git_state(trained.config.folder))
    return registry.publish(package.describe, package.artifacts)


def golden(trained: Trained) -> Golden:
    """Holdout rows that a server must score as training did.

    They are of every predicted class or level, and some with a missing value where the table has one.
    """
    table, rows = trained.table, trained.split.holdout
    predictor = trained.compiled.predictor
    chosen = _representatives(table.contract, predictor.scores(table.rows[rows]), table.rows[rows])
    instances = tuple(table.presentable(int(rows[index])) for index in chosen)
    scores = predictor.scores(table.encoder.encode(instances))
    answers = tuple(Prediction.model_validate(answer) for answer in predictions(table.contract, scores))
    return Golden(instances=instances, predictions=answers, tolerance=trained.compiled.tolerance)


def _representatives(contract: Contract, scores: Matrix, rows: Matrix) -> list[int]:
    if contract.task == "classification":
        firsts = np.unique(predicted_classes(contract.target, scores), return_index=True)[1]
    else:
        order = np.argsort(scores, kind="stable")
        firsts = order[np.linspace(0, len(order) - 1, num=min(5, len(order))).round().astype(int)]
    with_missing = np.flatnonzero(np.isnan(rows).any(axis=1))[:2]
    chosen = [*firsts.tolist()[: _GOLDEN_ROWS - 2], *with_missing.tolist()]
    return list(dict.fromkeys(chosen))


def _dump(estimator: Any) -> bytes:
    buffer = io.BytesIO()
    joblib.dump(estimator, buffer)
    return buffer.getvalue()
