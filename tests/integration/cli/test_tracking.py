"""Tracking by the command line, in real MLflow stores: what its UI shows is what Skylift knows."""

import json
import os
import warnings
from collections.abc import Callable, Iterator
from contextlib import chdir
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pytest
import yaml

from skylift.registry import Registry
from skylift.settings import RegistrySettings
from skylift.verification import Version
from tests.conftest import MODEL, STAGE
from tests.support.broken_servers import silent_server
from tests.support.commands import done, refused, skylift
from tests.support.models import IRIS_CONFIG, iris_package
from tests.support.ports import free_port
from tests.support.stored import placed
from tests.support.tables import LOGISTIC, TREE, mixed
from tests.support.tracking import client_of, empty_store, put_store
from training.cli.embedded_aws import embedded_aws
from training.files import is_locked
from training.tracking import tracker as tracking
from training.tracking.tracker import LOCAL_STORE

NAME = f"{STAGE}.{MODEL}"
DUMMY = {"name": "dummy", "estimator": "sklearn.dummy.DummyClassifier"}
BROKEN = {"name": "broken", "estimator": "sklearn.tree.DecisionTreeClassifier", "params": {"max_depth": -1}}


@pytest.fixture(scope="module")
def empty(tmp_path_factory: pytest.TempPathFactory) -> Path:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return empty_store(tmp_path_factory.mktemp("mlflow"))


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, empty: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Where the commands run: an empty store, a table of every kind of column, its `model.yaml` of one candidate."""
    put_store(empty, tmp_path)
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("SKYLIFT_TRACK")
    write_config(tmp_path, candidates=[TREE])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of MLflow about itself
        yield tmp_path


def write_config(folder: Path, **sections: Any) -> Path:
    (folder / "churn.csv").write_text(mixed(), encoding="utf-8")
    path = folder / "model.yaml"
    document = {
        "model": MODEL,
        "data": {"path": "churn.csv"},
        "target": {"column": "churned"},
        "candidates": [LOGISTIC, TREE, BROKEN],
    }
    path.write_text(yaml.safe_dump(document | sections), encoding="utf-8")
    return path


def train(*options: str) -> str:
    result = skylift("train", "--config", "model.yaml", *options)
    assert result.exit_code == 0, result.stderr
    assert "warning" not in result.stderr
    return result.stdout


def parents(client: Any) -> list[Any]:
    """Runs of trainings, without those of candidates, newest first."""
    experiment = client.get_experiment_by_name(MODEL)
    runs = client.search_runs([experiment.experiment_id]) if experiment else []
    return [run for run in runs if "mlflow.parentRunId" not in run.data.tags]


def champion(client: Any) -> str | None:
    """The reference that the alias leads to."""
    from mlflow.exceptions import MlflowException

    try:
        return str(client.get_model_version_by_alias(NAME, "champion").tags["skylift.reference"])
    except MlflowException:
        return None


@pytest.fixture(scope="module")
def tracked(empty: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Version]:
    """Where one training was tracked, and what it published."""
    place = tmp_path_factory.mktemp("tracked")
    put_store(empty, place)
    write_config(place)
    with chdir(place), patch.dict(os.environ), warnings.catch_warnings(), embedded_aws(MODEL):
        warnings.simplefilter("ignore")
        train("--track")
        version = Registry.open(RegistrySettings()).version("v1")
    return place, version


class TestTheRuns:
    @pytest.fixture
    def client(self, tracked: tuple[Path, Version]) -> Any:
        return client_of(tracked[0])

    @pytest.fixture
    def version(self, tracked: tuple[Path, Version]) -> Version:
        return tracked[1]

    def test_a_training_is_one_run_with_one_below_it_for_each_candidate(self, client: Any) -> None:
        (parent,) = parents(client)
        nested = client.search_runs([parent.info.experiment_id], f"tags.`mlflow.parentRunId` = '{parent.info.run_id}'")

        assert parent.info.run_name == "v1"
        assert {(run.info.run_name, run.info.status) for run in nested} == {
            ("logistic", "FINISHED"),
            ("tree", "FINISHED"),
            ("broken", "FAILED"),
        }

    def test_the_run_says_what_the_manifest_says(self, client: Any, version: Version) -> None:
        (parent,) = parents(client)
        manifest = version.manifest

        assert parent.data.params["data.sha256"] == manifest.lineage.data_sha256
        assert parent.data.params["selected"] == manifest.selected
        assert parent.data.tags["skylift.reference"] == str(version.reference)
        for name, value in manifest.metrics.holdout.items():
            assert parent.data.metrics[f"holdout_{name}"] == pytest.approx(value)
        for name, spread in manifest.metrics.cross_validated.items():
            assert parent.data.metrics[f"cv_{name}"] == pytest.approx(spread.mean)

    def test_a_candidate_has_its_parameters_and_each_fold(self, client: Any, version: Version) -> None:
        (run,) = client.search_runs([parents(client)[0].info.experiment_id], "attributes.run_name = 'logistic'")
        entry = next(entry for entry in version.manifest.leaderboard if entry.candidate == "logistic")

        history = client.get_metric_history(run.info.run_id, "fold_accuracy")

        assert run.data.params == {"estimator": LOGISTIC["estimator"], "max_iter": "1000"}
        assert [one.value for one in sorted(history, key=lambda one: one.step)] == list(entry.scores["accuracy"].folds)

    def test_only_the_selected_candidate_was_measured_on_the_holdout(self, client: Any, version: Version) -> None:
        experiment = parents(client)[0].info.experiment_id
        nested = [run for run in client.search_runs([experiment]) if "mlflow.parentRunId" in run.data.tags]

        measured = {run.info.run_name for run in nested if "holdout_accuracy" in run.data.metrics}

        assert measured == {version.manifest.selected}

    def test_the_table_is_a_data_set_with_its_digest_and_columns(self, client: Any, version: Version) -> None:
        (parent,) = parents(client)

        (used,) = parent.inputs.dataset_inputs

        assert used.dataset.name == "churn.csv"
        assert version.manifest.lineage.data_sha256.startswith(used.dataset.digest)
        assert len(json.loads(used.dataset.schema)["mlflow_colspec"]) == 7

    def test_what_people_look_at_is_with_the_run(self, client: Any) -> None:
        (parent,) = parents(client)

        names = {file.path for file in client.list_artifacts(parent.info.run_id)}
        plots = {file.path for file in client.list_artifacts(parent.info.run_id, "plots")}

        assert names == {"baseline.json", "card.html", "evaluation.json", "plots"}
        assert {"plots/confusion.svg", "plots/roc.svg", "plots/calibration.svg", "plots/importance.svg"} <= plots

    def test_the_card_names_its_version(self, client: Any, version: Version, tmp_path: Path) -> None:
        (parent,) = parents(client)

        path = Path(client.download_artifacts(parent.info.run_id, "card.html", str(tmp_path)))

        assert str(version.reference) in path.read_text(encoding="utf-8")


class TestTheRegistry:
    def test_a_published_version_is_registered_and_not_champion_before_it_serves(
        self, folder: Path, registry: Registry
    ) -> None:
        assert f"{NAME} version 1 in sqlite:///{folder}/mlflow.db" in train("--track")

        (version,) = client_of(folder).search_model_versions(f"name = '{NAME}'")
        assert version.tags["skylift.reference"] == str(registry.version("v1").reference)
        assert champion(client_of(folder)) is None

    def test_the_champion_is_where_the_pointer_is(self, folder: Path, registry: Registry) -> None:
        train("--track")
        train("--track")
        client = client_of(folder)

        for command in (("promote", "v1"), ("promote", "v2"), ("rollback",)):
            done(*command)

            assert champion(client) == str(registry.active())

    def test_a_training_puts_right_what_was_promoted_while_nobody_tracked(
        self, folder: Path, registry: Registry
    ) -> None:
        train("--track")
        done("promote", "v1", "--no-track")
        assert champion(client_of(folder)) is None

        train("--track")

        assert champion(client_of(folder)) == str(registry.active())

    def test_a_champion_that_was_not_tracked_leaves_nobody_champion_and_is_told(
        self, folder: Path, registry: Registry
    ) -> None:
        train("--track")
        done("promote", "v1")
        train()

        result = skylift("promote", "v2")

        assert result.exit_code == 0
        assert "warning: v2 is not in MLflow" in result.stderr
        assert champion(client_of(folder)) is None

    def test_the_registered_model_is_the_published_one(self, folder: Path, registry: Registry) -> None:
        import mlflow
        import pandas as pd

        train("--track")
        done("promote", "v1")
        golden = registry.version("v1").manifest.golden
        uri = client_of(folder).get_model_version_by_alias(NAME, "champion").source
        path = client_of(folder).get_logged_model(uri.removeprefix("models:/")).artifact_location

        model = mlflow.pyfunc.load_model(path)
        numbers = {"visits": float, "score": float}  # as pandas reads what may be missing, and MLflow insists on
        answers = model.predict(pd.DataFrame(golden.instances).astype(numbers))

        assert answers["label"].tolist() == [prediction.label for prediction in golden.predictions]
        assert model.metadata.get_input_schema().input_names() == [
            feature.name for feature in registry.version("v1").manifest.contract.features
        ]
        example = json.loads(model.input_example.to_json(orient="records"))[0]
        assert example == registry.version("v1").manifest.contract.example

    def test_a_model_that_fails_its_gate_is_a_failed_run_and_not_registered(
        self, folder: Path, registry: Registry
    ) -> None:
        write_config(folder, gates={"accuracy": {"min": 0.9}}, candidates=[DUMMY])

        refused("train", "--config", "model.yaml", "--track")

        (parent,) = parents(client_of(folder))
        assert parent.info.status == "FAILED"
        assert "FAILED" in parent.data.tags["gate.accuracy"]
        assert client_of(folder).search_registered_models() == []


class TestTrackingAPublishedVersion:
    def contents(self, client: Any) -> list[tuple[Any, ...]]:
        """What the runs say, without what tells them apart."""
        experiment = client.get_experiment_by_name(MODEL)
        return sorted(
            (
                run.info.run_name,
                run.info.status,
                run.data.params,
                run.data.metrics,
                {name: text for name, text in run.data.tags.items() if not name.startswith("mlflow.p")},
                sorted(file.path for file in client.list_artifacts(run.info.run_id)),
                [(used.dataset.name, used.dataset.source) for used in run.inputs.dataset_inputs],
            )
            for run in client.search_runs([experiment.experiment_id])
        )

    def test_it_is_in_mlflow_as_a_tracked_training_would_be(
        self, folder: Path, empty: Path, registry: Registry
    ) -> None:
        write_config(folder)
        train("--track")
        done("promote", "v1")
        expected = self.contents(client_of(folder))
        other = folder / "other"
        other.mkdir()
        put_store(empty, other)

        with chdir(other):
            said = done("track", "v1", "--config", "../model.yaml")

        assert f"{NAME} version 1 in sqlite:///{other}/mlflow.db" in said
        assert self.contents(client_of(other)) == expected
        assert champion(client_of(other)) == str(registry.active())

    def test_a_version_is_tracked_once(self, folder: Path, registry: Registry) -> None:
        train("--track")

        for _ in range(2):
            assert f"Tracked already: run {parents(client_of(folder))[0].info.run_id}, {NAME} version 1" in done(
                "track", "v1", "--config", "model.yaml"
            )

        assert len(parents(client_of(folder))) == 1

    def test_what_an_attempt_left_that_failed_is_replaced(
        self, folder: Path, registry: Registry, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        from training.tracking import mlflow_store

        def fails(*_: Any) -> None:
            raise OSError("the disk is full")

        with monkeypatch.context() as full:
            full.setattr(mlflow_store, "save_model", fails)
            result = skylift("train", "--config", "model.yaml", "--track")
        assert "; then: skylift track v1" in result.stderr
        (left,) = parents(client_of(folder))

        done("track", "v1", "--config", "model.yaml")

        (run,) = parents(client_of(folder))
        assert (run.info.run_id == left.info.run_id, run.info.status) == (False, "FINISHED")
        assert len(self.contents(client_of(folder))) == 2

    def test_another_model_yaml_does_not_say_where_its_table_was(self, folder: Path, registry: Registry) -> None:
        train()
        write_config(folder, select_by="accuracy")

        done("track", "v1", "--config", "model.yaml")

        (used,) = parents(client_of(folder))[0].inputs.dataset_inputs
        assert (used.dataset.name, json.loads(used.dataset.source).keys()) == (MODEL, {"sha256"})

    def test_a_store_that_fails_fails_the_command(self, registry: Registry, monkeypatch: pytest.MonkeyPatch) -> None:
        train()
        monkeypatch.setenv("no_proxy", "127.0.0.1")
        monkeypatch.setenv("MLFLOW_TRACKING_URI", f"http://127.0.0.1:{free_port()}")
        monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")

        assert "looking for v1 in MLflow at " in refused("track", "v1", "--config", "model.yaml")


class TestTheStore:
    def test_a_deleted_experiment_is_told_with_the_way_to_restore_it(self, folder: Path, registry: Registry) -> None:
        client = client_of(folder)
        deleted = client.create_experiment(MODEL)
        client.delete_experiment(deleted)

        result = skylift("train", "--config", "model.yaml", "--track")

        assert result.exit_code == 0
        assert f"mlflow experiments restore --experiment-id {deleted}" in result.stderr
        assert registry.versions()

    def test_its_tables_are_made_by_one_process_at_a_time(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        """MLflow makes them when it is first asked, and two that do so at once spoil them."""
        from mlflow import MlflowClient

        from training.tracking import mlflow_store

        real: Any = MlflowClient
        alone: list[bool] = []

        class Client(real):  # type: ignore[misc]
            def search_experiments(self, *arguments: Any, **options: Any) -> Any:
                alone.append(is_locked(folder / f"{LOCAL_STORE}.lock"))
                return super().search_experiments(*arguments, **options)

        monkeypatch.setattr(mlflow_store, "MlflowClient", Client)

        mlflow_store.MlflowStore(f"sqlite:///{folder / LOCAL_STORE}", stage=STAGE, model=MODEL).follow(None)

        assert alone[0]


class TestWithout:
    def test_without_being_asked_nothing_is_tracked(self, folder: Path, registry: Registry) -> None:
        train()

        assert parents(client_of(folder)) == []

    def test_the_published_version_is_the_same_with_and_without(self, registry: Registry) -> None:
        train("--track")
        train()

        first, second = (registry.version(name).manifest for name in ("v1", "v2"))
        dated = {"card.html"}  # says when it was made
        assert {name: file for name, file in first.artifacts.items() if name not in dated} == {
            name: file for name, file in second.artifacts.items() if name not in dated
        }
        assert first.metrics == second.metrics

    def test_asking_without_mlflow_is_refused_before_training(
        self, registry: Registry, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(tracking, "find_spec", lambda _: None)

        assert "tracking needs MLflow, which is not installed" in refused("train", "-c", "model.yaml", "--track")
        assert registry.versions() == []

    def test_a_named_server_without_mlflow_is_a_warning(
        self, registry: Registry, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(tracking, "find_spec", lambda _: None)
        monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://127.0.0.1:9")

        result = skylift("train", "-c", "model.yaml")

        assert result.exit_code == 0
        assert "warning: tracking needs MLflow, which is not installed\nhint: install it" in result.stderr
        assert len(registry.versions()) == 1


class TestADeadServer:
    @pytest.fixture(autouse=True)
    def _impatient(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("no_proxy", "127.0.0.1")
        monkeypatch.setenv("MLFLOW_HTTP_REQUEST_TIMEOUT", "1")  # the default is checked elsewhere
        monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "1")

    @pytest.fixture(params=["train", "promote"])
    def command(self, request: pytest.FixtureRequest, registry: Registry) -> Callable[[], Any]:
        if request.param == "train":
            return lambda: skylift("train", "--config", "model.yaml")
        placed(iris_package())
        return lambda: skylift("promote", "v1", "--config", IRIS_CONFIG)

    def assert_it_is_a_warning(self, result: Any, registry: Registry, address: str) -> None:
        assert result.exit_code == 0, result.stderr
        assert f"in MLflow at {address} failed" in result.stderr
        assert "check MLFLOW_TRACKING_URI" in result.stderr
        assert "secret" not in result.output
        assert len(registry.versions()) == 1

    def test_one_that_refuses_is_a_warning_without_its_password(
        self, command: Callable[[], Any], registry: Registry, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        address = f"http://127.0.0.1:{free_port()}"
        monkeypatch.setenv("MLFLOW_TRACKING_URI", address.replace("://", "://ada:secret@"))

        self.assert_it_is_a_warning(command(), registry, address)

    def test_one_that_never_answers_is_a_warning_after_one_retry(
        self, command: Callable[[], Any], registry: Registry, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        with silent_server() as server:
            monkeypatch.setenv("MLFLOW_TRACKING_URI", server.address.replace("://", "://ada:secret@"))

            result = command()

            assert server.connections() == 2
        self.assert_it_is_a_warning(result, registry, server.address)
