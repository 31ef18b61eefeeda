"""A model in a folder: the files of a version without its number, measured on the prepared test rows."""

import hashlib
import json
import shutil
from copy import copy
from pathlib import Path
from typing import Any

import pytest
from sklearn.linear_model import LogisticRegression

from skylift.errors import DataError, GateFailed, IntegrityError
from tests.support.elsewhere import frame, stored
from tests.support.models import uncompiled
from tests.support.tables import LOGISTIC, RIDGE, TREE, config_of, mixed, public_table
from training.config import ModelConfig
from training.data.prepare import prepare
from training.job import Trained, train
from training.job.adoption import adopt
from training.release.folder import evaluate, read_version_file, write_version
from training.release.packaging import pack

pytestmark = pytest.mark.usefixtures("loaded_in_this_process")


class Project:
    """A prepared table and the model that was trained on it."""

    def __init__(self, folder: Path, text: str, *, target: str, **sections: Any) -> None:
        self.folder = folder
        (folder / "table.csv").write_text(text, encoding="utf-8")
        self.config = config_of(folder / "table.csv", target=target, **sections)
        self.prepared, self.version, self.reports = folder / "processed", folder / "version", folder / "reports"
        prepare(self.config.table, self.prepared)
        self.trained: Trained = train(self.config, prepared=self.prepared)

    def evaluate(self, config: ModelConfig | None = None) -> Any:
        config = config or self.config
        evaluation = evaluate(self.version, self.prepared, config.table, config.gates)
        evaluation.write(self.reports)
        return evaluation

    def write(self) -> None:
        write_version(self.version, pack(uncompiled(self.trained)))

    def copied_to(self, folder: Path) -> "Project":
        """The same in another folder."""
        shutil.copytree(self.folder, folder, dirs_exist_ok=True)
        copied = copy(self)
        copied.folder, copied.config = folder, self.config.with_data(path=folder / "table.csv")
        copied.prepared, copied.version, copied.reports = folder / "processed", folder / "version", folder / "reports"
        return copied

    def report(self, name: str) -> str:
        return (self.reports / name).read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def original(tmp_path_factory: pytest.TempPathFactory) -> Project:
    original = Project(tmp_path_factory.mktemp("project"), mixed(), target="churned", candidates=[LOGISTIC, TREE])
    original.write()
    return original


@pytest.fixture
def made(original: Project, tmp_path: Path) -> Project:
    return original.copied_to(tmp_path)


class TestVersion:
    def test_it_holds_the_files_of_a_version(self, made: Project) -> None:
        package = pack(uncompiled(made.trained))

        found = {path.name: path.read_bytes() for path in made.version.iterdir() if path.name != "version.json"}

        assert found == package.artifacts

    def test_it_says_what_a_manifest_says(self, made: Project) -> None:
        manifest = read_version_file(made.version)

        assert (manifest.contract, manifest.metrics) == (made.trained.table.contract, made.trained.metrics)
        assert manifest.lineage.data_sha256 == made.trained.table.digest

    def test_the_same_inputs_give_the_same_bytes(self, tmp_path: Path) -> None:
        made = Project(tmp_path, mixed(), target="churned", candidates=[TREE])
        made.write()

        def digests() -> dict[str, str]:
            return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in made.version.iterdir()}

        first = digests()
        made.trained = train(made.config)
        made.write()

        assert digests() == first

    def test_nothing_is_said_of_a_commit(self, made: Project) -> None:
        assert "no commit" not in " ".join(read_version_file(made.version).lineage.notes)

    def test_files_of_the_model_before_it_go(self, made: Project) -> None:
        write_version(made.version, pack(made.trained))
        assert (made.version / "model.onnx").exists()

        made.write()

        assert not (made.version / "model.onnx").exists()

    def test_without_one_the_way_to_it_is_told(self, tmp_path: Path) -> None:
        with pytest.raises(DataError, match=r"run `skylift train --output .*` first"):
            read_version_file(tmp_path)

    @pytest.mark.parametrize("text", ["", "[]", "{}", "3"])
    def test_what_is_not_a_description_of_one_is_refused(self, tmp_path: Path, text: str) -> None:
        (tmp_path / "version.json").write_text(text, encoding="utf-8")

        with pytest.raises(DataError, match="is not what `skylift train` writes"):
            read_version_file(tmp_path)


class TestEvaluation:
    def test_it_measures_what_training_measured(self, made: Project) -> None:
        assert made.evaluate().holdout == made.trained.metrics.holdout

    def test_the_compiled_form_is_measured_if_there_is_one(self, made: Project) -> None:
        write_version(made.version, pack(made.trained))
        (made.version / "model.joblib").unlink()

        assert made.evaluate().holdout == pytest.approx(made.trained.metrics.holdout, abs=1e-5)

    def test_metrics_are_numbers_that_can_be_compared(self, made: Project) -> None:
        made.evaluate()

        document = json.loads(made.report("metrics.json"))

        assert document.keys() == {"holdout", "cross_validated"}
        assert all(isinstance(value, float) for part in document.values() for value in part.values())

    def test_predictions_are_kept_beside_what_was_true(self, made: Project) -> None:
        made.evaluate()

        header, *rows = made.report("predictions.csv").splitlines()

        assert header == "actual,predicted"
        assert len(rows) == 16
        assert {cell for row in rows for cell in row.split(",")} <= {"no", "yes"}

    def test_values_are_kept_too(self, tmp_path: Path) -> None:
        made = Project(tmp_path, public_table("diabetes"), target="target", candidates=[RIDGE])
        made.write()

        made.evaluate()

        actual, predicted = map(float, made.report("predictions.csv").splitlines()[1].split(","))
        assert 25 <= actual <= 346
        assert 0 < predicted < 400

    def test_candidates_are_kept_with_the_metric_they_were_chosen_by(self, made: Project) -> None:
        made.evaluate()

        header, *rows = made.report("leaderboard.csv").splitlines()

        assert header == "candidate,log_loss"
        assert {row.split(",")[0] for row in rows} == {"logistic", "tree"}

    def test_a_failed_gate_is_told_after_the_metrics_were_written(self, made: Project) -> None:
        strict = made.config.model_validate(
            made.config.model_dump(by_alias=True) | {"gates": {"log_loss": {"max": 0.0}}}
        )

        evaluation = made.evaluate(strict)

        assert (made.reports / "metrics.json").exists()
        with pytest.raises(GateFailed, match="gate failed on the test rows: log_loss"):
            evaluation.check_gates()

    def test_a_model_that_publishing_would_refuse_fails(self, tmp_path: Path) -> None:
        made = Project(
            tmp_path,
            mixed(),
            target="churned",
            candidates=[{"name": "dummy", "estimator": "sklearn.dummy.DummyClassifier"}],
        )
        made.write()

        with pytest.raises(GateFailed, match=r"gate failed on the test rows: .* \(dummy baseline\)"):
            made.evaluate().check_gates()

    def test_a_model_of_another_table_is_refused(self, made: Project, tmp_path: Path) -> None:
        (tmp_path / "table.csv").write_text(mixed(count=90), encoding="utf-8")
        prepare(made.config.table, made.prepared)

        with pytest.raises(DataError, match="was not trained on"):
            made.evaluate()

    def test_a_model_that_was_changed_is_not_loaded(self, made: Project) -> None:
        with (made.version / "model.joblib").open("ab") as file:
            file.write(b"!")

        with pytest.raises(IntegrityError):
            made.evaluate()

    def test_a_model_without_its_file_is_refused(self, made: Project) -> None:
        (made.version / "model.joblib").unlink()

        with pytest.raises(DataError, match=r"model\.joblib cannot be read"):
            made.evaluate()


def test_an_adopted_model_is_measured_in_its_own_order_of_columns_and_classes(tmp_path: Path) -> None:
    rows = frame().dropna(subset=["score", "visits"])
    model = LogisticRegression(max_iter=1000).fit(rows[["visits", "age"]], rows.churned)
    model.classes_, model.coef_, model.intercept_ = model.classes_[::-1], -model.coef_, -model.intercept_
    rows.to_csv(tmp_path / "table.csv", index=False)
    config = config_of(tmp_path / "table.csv", target="churned")
    adopted = adopt(config, stored(model, tmp_path), trusted=True)
    prepare(config.table, tmp_path / "processed")
    write_version(tmp_path / "version", pack(adopted))

    found = evaluate(tmp_path / "version", tmp_path / "processed", config.table, config.gates)

    contract = adopted.table.contract
    assert ([feature.name for feature in contract.features], contract.target.classes) == (
        ["visits", "age"],
        ("yes", "no"),
    )
    assert found.holdout == pytest.approx(adopted.metrics.holdout)
    assert found.holdout["accuracy"] > 0.7


def test_one_that_the_prepared_table_does_not_fit_is_refused(tmp_path: Path) -> None:
    frame().to_csv(tmp_path / "table.csv", index=False)
    config = config_of(tmp_path / "table.csv", target="churned")
    model = LogisticRegression().fit(frame()[["age"]], frame().churned)
    write_version(tmp_path / "version", pack(adopt(config, stored(model, tmp_path), trusted=True)))
    without = config.with_data(drop=("age",))
    prepare(without.table, tmp_path / "processed")

    with pytest.raises(DataError, match="does not fit the prepared table: the table has no age"):
        evaluate(tmp_path / "version", tmp_path / "processed", without.table, without.gates)
