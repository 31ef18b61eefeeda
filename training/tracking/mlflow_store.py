"""Writes trainings to MLflow and keeps its model registry true to Skylift's.

One run per training with a nested one per candidate; a published version becomes a model version of `{stage}.{model}`,
and the alias `champion` is where the SSM pointer is. MLflow numbers model versions itself, so each carries Skylift's
reference as a tag. Only MLflow's client is used, nothing of its global state.
"""

import json
import logging
import tempfile
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # of MLflow about itself
    from mlflow import MlflowClient
    from mlflow.entities import Dataset, DatasetInput, InputTag, LifecycleStage
    from mlflow.entities.model_registry import ModelVersion
    from mlflow.exceptions import MlflowException
    from mlflow.protos.databricks_pb2 import RESOURCE_ALREADY_EXISTS, RESOURCE_DOES_NOT_EXIST, ErrorCode
    from mlflow.tracking.context.registry import resolve_tags

    from training.tracking.mlflow_model import input_schema, save_model
    from training.tracking.mlflow_runs import cross_validated, holdout, log_batch, log_candidate, selected_params

from botocore.exceptions import BotoCoreError, ClientError
from sqlalchemy.exc import SQLAlchemyError

from skylift.errors import FOREIGN_FAILURES
from skylift.image_cache import bake
from skylift.model_card import CARD_FILE, as_shown
from skylift.references import Reference
from skylift.verification import Version
from training.card.plots import plots
from training.evaluation.report import EVALUATION_FILE, Evaluation
from training.files import locked
from training.tracking.described import Described
from training.tracking.records import LOCAL_SCHEME, Tracked, TrackingUnavailable, without_password

CHAMPION = "champion"
"""The alias of the model version that serves."""

_COMMIT_TAG = "mlflow.source.git.commit"
_REFERENCE_TAG = "skylift.reference"
_MAX_DATASET_DIGEST = 36  # MLflow's own limit; the whole digest is a parameter of the run
_FAILURES = (MlflowException, OSError, SQLAlchemyError, BotoCoreError, ClientError, *FOREIGN_FAILURES)


class MlflowStore:
    """Trainings of one model in one stage.

    Parameters
    ----------
    address
        Tracking URI of the store.
    stage, model
        Name the registered model: SSM keeps a pointer for each, and so must MLflow.
    """

    def __init__(self, address: str, *, stage: str, model: str) -> None:
        for name in ("mlflow", "alembic"):
            logging.getLogger(name).setLevel(logging.WARNING)
        self.address = address
        self.registered_name = f"{stage}.{model}"
        self._stage = stage
        self._model = model

    def record(
        self, training: Described, version: Version | None, files: Mapping[str, bytes], *, started: datetime
    ) -> Tracked:
        """Write a training.

        Parameters
        ----------
        training
            Description of it.
        version
            Published version; None if a gate failed.
        files
            Files of the version, or the reports without one.
        started
            Start of the training.

        Raises
        ------
        TrackingUnavailable
            MLflow did not take it; what it had taken before stays.
        """
        with self._reaching("recording the training"), tempfile.TemporaryDirectory() as folder:
            client = self._client()
            start = int(started.timestamp() * 1000)
            experiment = _experiment(client, self._model, self.address)
            run_id = client.create_run(
                experiment, start_time=start, run_name=_run_name(version), tags=self._run_tags(version)
            ).info.run_id
            self._describe(client, run_id, training)
            for entry in training.leaderboard:
                log_candidate(client, experiment, run_id, training, entry, start)
            _log_files(client, run_id, _shown(training.evaluation, version, files), Path(folder) / "files")
            registered = None
            if version is not None:
                registered = self._register(client, experiment, run_id, version, files, Path(folder))
            client.set_terminated(run_id, "FINISHED" if version else "FAILED")
            return Tracked(without_password(self.address), run_id, registered)

    def tracked(self, reference: Reference) -> Tracked | None:
        """Where a version is tracked already; None if it is not, after which nothing of an attempt that failed is left.

        Raises
        ------
        TrackingUnavailable
            MLflow did not answer.
        """
        with self._reaching(f"looking for {reference.name}"):
            client = self._client()
            if found := self._registered(client, reference):
                registered = f"{self.registered_name} version {found.version}"
                return Tracked(without_password(self.address), str(found.run_id), registered)
            if (experiment := client.get_experiment_by_name(self._model)) is not None:
                _delete_runs(client, experiment.experiment_id, f"tags.`{_REFERENCE_TAG}` = '{reference}'")
            return None

    def follow(self, active: Reference | None) -> str | None:
        """Put the alias where the pointer is.

        Parameters
        ----------
        active
            Reference that the pointer names; None if it names none.

        Returns
        -------
        The model version that has the alias; None where no model version is the active one, and none has the alias.

        Raises
        ------
        TrackingUnavailable
            MLflow did not take it.
        """
        with self._reaching(f"moving the alias {CHAMPION}"):
            client = self._client()
            if active is not None and (found := self._registered(client, active)):
                client.set_registered_model_alias(self.registered_name, CHAMPION, found.version)
                return f"{self.registered_name} version {found.version}"
            with _unless(RESOURCE_DOES_NOT_EXIST):
                client.delete_registered_model_alias(self.registered_name, CHAMPION)
            return None

    def _registered(self, client: MlflowClient, reference: Reference) -> ModelVersion | None:
        """The newest model version that was made of a version."""
        wanted = f"name = '{self.registered_name}' and tags.`{_REFERENCE_TAG}` = '{reference}'"
        found = client.search_model_versions(wanted)
        return max(found, key=lambda version: int(version.version), default=None)

    def _client(self) -> MlflowClient:
        """MLflow's client; a store on this machine has its tables, which only one process may create."""
        if not self.address.startswith(LOCAL_SCHEME):
            return MlflowClient(self.address)
        database = Path(self.address.removeprefix(LOCAL_SCHEME).partition("?")[0])
        with locked(database.with_name(f"{database.name}.lock")):
            client = MlflowClient(self.address)
            client.search_experiments(max_results=1)
            return client

    def _run_tags(self, version: Version | None) -> dict[str, str]:
        """Tags of a run: MLflow's own, without the commit that it takes from the repository of the program."""
        tags = self._tags(version)
        resolved: dict[str, str] = resolve_tags(tags)
        return {name: value for name, value in resolved.items() if name != _COMMIT_TAG or name in tags}

    def _tags(self, version: Version | None) -> dict[str, str]:
        tags = {"mlflow.source.name": "skylift train", "skylift.stage": self._stage}
        if version is None:
            return tags
        commit = version.manifest.lineage.git_commit
        return (
            tags
            | {"skylift.version": version.reference.name, _REFERENCE_TAG: str(version.reference)}
            | ({_COMMIT_TAG: commit} if commit else {})
        )

    def _describe(self, client: MlflowClient, run_id: str, training: Described) -> None:
        params: dict[str, object] = {
            "data.sha256": training.data_sha256,
            "data.rows": training.data_rows,
            "split.holdout": training.holdout,
            "split.seed": training.seed,
            "select_by": training.select_by,
            "selected": training.selected,
        }
        metrics = cross_validated(training.metrics.cross_validated) + holdout(training)
        judged: dict[str, list[str]] = {}
        for gate in training.gates:  # several may be of one metric
            judged.setdefault(f"gate.{gate.metric}", []).append(f"{gate} {'passed' if gate.passed else 'FAILED'}")
        tags = {name: "; ".join(words) for name, words in judged.items()}
        if training.notes:
            tags["mlflow.note.content"] = "\n".join(f"- {note}" for note in training.notes)
        log_batch(client, run_id, params=params | selected_params(training.entry), metrics=metrics, tags=tags)
        path = training.data_path
        dataset = Dataset(
            name=path.name if path else self._model,
            digest=training.data_sha256[:_MAX_DATASET_DIGEST],
            source_type="local",
            source=json.dumps({"sha256": training.data_sha256} | ({"uri": str(path)} if path else {})),
            schema=json.dumps({"mlflow_colspec": input_schema(training.contract).to_dict()}),
            profile=json.dumps({"num_rows": training.data_rows, "num_features": len(training.contract.features)}),
        )
        client.log_inputs(run_id, [DatasetInput(dataset, [InputTag("mlflow.data.context", "training")])])

    def _register(
        self,
        client: MlflowClient,
        experiment: str,
        run_id: str,
        version: Version,
        files: Mapping[str, bytes],
        folder: Path,
    ) -> str:
        """Make a model version of the files that were published."""
        baked, saved = folder / "baked", folder / "saved"
        bake(version, files.__getitem__, baked)
        save_model(version, baked, saved)
        tags = {key: value for key, value in self._tags(version).items() if key.startswith("skylift.")}
        logged = client.create_logged_model(experiment, name=self._model, source_run_id=run_id, tags=tags)
        client.log_model_artifacts(logged.model_id, str(saved))
        client.finalize_logged_model(logged.model_id, "READY")
        with _unless(RESOURCE_ALREADY_EXISTS):
            client.create_registered_model(
                self.registered_name,
                description=f"Versions of {self._model} that Skylift published; the alias {CHAMPION} is on the one "
                f"that serves in {self._stage}, as its SSM parameter says.",
            )
        made = client.create_model_version(
            self.registered_name,
            f"models:/{logged.model_id}",
            run_id,
            tags=tags,
            model_id=logged.model_id,
            description=f"Skylift {version.reference}",
        )
        return f"{self.registered_name} version {made.version}"

    @contextmanager
    def _reaching(self, doing: str) -> Iterator[None]:
        """Turn whatever MLflow and its storage raise inside into `TrackingUnavailable`."""
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # of MLflow about itself
                yield
        except _FAILURES as error:
            reason = without_password(" ".join(str(error).split()))[:200] or "no reason given"
            raise TrackingUnavailable(
                f"{doing} in MLflow at {without_password(self.address)} failed ({type(error).__name__}: {reason})",
                "check MLFLOW_TRACKING_URI and the server, or go without: --no-track",
            ) from error


@contextmanager
def _unless(code: int) -> Iterator[None]:
    """Let pass that MLflow refuses for one reason."""
    try:
        yield
    except MlflowException as error:
        if error.error_code != ErrorCode.Name(code):
            raise


def _experiment(client: MlflowClient, name: str, address: str) -> str:
    if (known := client.get_experiment_by_name(name)) is not None:
        if known.lifecycle_stage != LifecycleStage.ACTIVE:
            raise TrackingUnavailable(
                f"the experiment {name} was deleted in MLflow at {without_password(address)}",
                f"restore it: mlflow experiments restore --experiment-id {known.experiment_id}; "
                "or remove it for good: mlflow gc",
            )
        return str(known.experiment_id)
    with _unless(RESOURCE_ALREADY_EXISTS):  # by another training at the same moment
        return str(client.create_experiment(name))
    return str(client.get_experiment_by_name(name).experiment_id)


def _delete_runs(client: MlflowClient, experiment: str, wanted: str) -> None:
    """Delete runs, with those below them."""
    for run in client.search_runs([experiment], wanted):
        _delete_runs(client, experiment, f"tags.`mlflow.parentRunId` = '{run.info.run_id}'")
        client.delete_run(run.info.run_id)


def _run_name(version: Version | None) -> str:
    return version.reference.name if version else "gate failed"


def _shown(evaluation: Evaluation | None, version: Version | None, files: Mapping[str, bytes]) -> dict[str, bytes]:
    """What people look at; the model's own files are with the logged model."""
    shown = {EVALUATION_FILE: evaluation.to_bytes(), **plots(evaluation)} if evaluation else {}
    shown |= {name: data for name, data in files.items() if name.endswith((".json", ".html"))}
    if version is not None and CARD_FILE in shown:
        shown[CARD_FILE] = as_shown(shown[CARD_FILE], version.reference, version.manifest)
    return shown


def _log_files(client: MlflowClient, run_id: str, files: Mapping[str, bytes], folder: Path) -> None:
    for name, data in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(data)
    client.log_artifacts(run_id, str(folder))
