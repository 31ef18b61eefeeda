"""What is published: a model that loads, requests that prove it, the training distribution, and where it came from."""

import io
import json
import subprocess
from datetime import datetime, tzinfo
from pathlib import Path
from typing import Any

import joblib
import numpy as np
import pytest

from skylift.manifest import BASELINE_FILE, MODEL_FILE, Manifest
from skylift.predictors import SklearnPredictor, load_predictor
from skylift.references import sha256
from skylift.scoring import check_golden
from tests.support.models import iris_package, trained_iris, uncompiled
from tests.support.paths import ROOT
from tests.support.tables import LOGISTIC, RIDGE, TREE, learned, lines, mixed
from training.job import Trained
from training.release.environment import environment
from training.release.git import GitState, git_state
from training.release.packaging import Package, golden, pack, training_distribution


def git(folder: Path, *arguments: str) -> str:
    identity = ("-c", "user.name=Ada", "-c", "user.email=ada@example.org", "-c", "commit.gpgsign=false")
    done = subprocess.run(["git", *identity, *arguments], cwd=folder, check=True, capture_output=True, text=True)
    return done.stdout.strip()


def packed(trained: Trained) -> Package:
    return pack(uncompiled(trained), git_state(trained.config.folder))


def described(trained: Trained) -> dict[str, Any]:
    """The training distribution, by feature."""
    found: dict[str, Any] = json.loads(training_distribution(trained))
    return found


@pytest.fixture(scope="module")
def trained_mixed(tmp_path_factory: pytest.TempPathFactory) -> Trained:
    return learned(tmp_path_factory.mktemp("mixed"), mixed(), LOGISTIC, target="churned")


class TestManifest:
    def test_it_survives_storing_byte_for_byte(self, trained_mixed: Trained) -> None:
        data = packed(trained_mixed).describe(3).to_bytes()

        assert Manifest.from_bytes(data, source="it").to_bytes() == data

    def test_it_carries_the_number_it_was_given(self) -> None:
        assert iris_package().describe(7).name == "v7"

    def test_it_names_the_digest_and_size_of_every_file(self) -> None:
        package = iris_package()

        listed = {name: (file.sha256, file.bytes) for name, file in package.describe(1).artifacts.items()}

        assert listed == {name: (sha256(data), len(data)) for name, data in package.artifacts.items()}

    def test_it_says_what_it_was_learned_from(self) -> None:
        trained = trained_iris()

        lineage = pack(uncompiled(trained)).describe(1).lineage

        assert lineage.config_sha256 == trained.config.digest
        assert lineage.data_sha256 == sha256((ROOT / "data" / "raw" / "Iris.csv").read_bytes())
        assert (lineage.data_rows, lineage.train_rows, lineage.holdout_rows) == (150, 120, 30)
        assert (lineage.holdout, lineage.seed) == (0.2, 42)

    def test_it_names_the_versions_it_was_made_by(self) -> None:
        assert iris_package().describe(1).environment == environment()

    def test_it_has_a_compiled_form_or_the_reason_for_none(self) -> None:
        compiled = iris_package().describe(1).compiled

        assert compiled.format or compiled.reason

    def test_notes_of_cleaning_and_fitting_are_kept(self, trained_mixed: Trained) -> None:
        assert "target.task was guessed: classification" in packed(trained_mixed).describe(1).lineage.notes


class TestGit:
    @pytest.fixture
    def repository(self, tmp_path: Path) -> Path:
        learned(tmp_path, lines("x,y", lambda number: f"{number},{'ab'[number // 20]}"))
        git(tmp_path, "init", "--quiet")
        git(tmp_path, "add", "table.csv")
        git(tmp_path, "commit", "--quiet", "--message", "Add a table")
        return tmp_path

    def test_a_clean_working_tree_is_named_by_its_commit(self, repository: Path) -> None:
        trained = learned(repository, (repository / "table.csv").read_text(encoding="utf-8"))

        lineage = packed(trained).describe(1).lineage

        assert (lineage.git_commit, lineage.git_dirty) == (git(repository, "rev-parse", "HEAD"), False)

    def test_a_changed_working_tree_is_said_to_be_dirty(self, repository: Path) -> None:
        trained = learned(repository, lines("x,y", lambda number: f"{number},{'ab'[number // 19 % 2]}"))

        assert packed(trained).describe(1).lineage.git_dirty is True

    def test_outside_a_repository_no_commit_is_named(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))
        trained = learned(tmp_path, lines("x,y", lambda number: f"{number},{'ab'[number // 20]}"))

        lineage = packed(trained).describe(1).lineage

        assert (lineage.git_commit, lineage.git_dirty) == (None, None)

    def test_without_git_no_commit_is_named(self, repository: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        trained = learned(repository, (repository / "table.csv").read_text(encoding="utf-8"))
        monkeypatch.setenv("PATH", str(repository))

        assert packed(trained).describe(1).lineage.git_commit is None


class TestFiles:
    def test_they_depend_on_no_moment_and_no_commit(self, monkeypatch: pytest.MonkeyPatch) -> None:
        class Later(datetime):
            @classmethod
            def now(cls, tz: tzinfo | None = None) -> "Later":
                return cls(2030, 1, 2, 3, 4, tzinfo=tz)

        trained = uncompiled(trained_iris())
        now = pack(trained, GitState("c0ffee", dirty=True))
        monkeypatch.setattr("training.release.packaging.datetime", Later)
        later = pack(trained, GitState(problem="no commit in the lineage: git does not answer"))

        assert later.artifacts == now.artifacts
        assert later.describe(1).created_at.year == 2030

    def test_the_model_file_holds_the_fitted_estimator(self) -> None:
        trained, package = trained_iris(), iris_package()
        rows = trained.table.rows

        loaded = joblib.load(io.BytesIO(package.artifacts[MODEL_FILE]))

        assert np.array_equal(loaded.predict_proba(rows), trained.estimator.predict_proba(rows))

    def test_a_server_accepts_the_package(self, trained_mixed: Trained) -> None:
        package = packed(trained_mixed)

        load_predictor(package.describe(1), package.artifacts.__getitem__)


class TestGolden:
    def test_every_predicted_class_has_a_request(self) -> None:
        answers = golden(trained_iris()).predictions

        assert {answer.label for answer in answers} == {"setosa", "versicolor", "virginica"}

    def test_they_are_at_most_ten_however_many_the_classes(self, tmp_path: Path) -> None:
        text = lines("x,y", lambda number: f"{number % 40},c{number % 40}", count=400)

        assert 2 <= len(golden(learned(tmp_path, text, TREE | {"params": {}})).instances) <= 10

    def test_some_have_a_missing_value_where_the_table_has_some(self, trained_mixed: Trained) -> None:
        whole = len(trained_mixed.table.contract.features)

        assert any(len(instance) < whole for instance in golden(trained_mixed).instances)

    def test_those_of_a_regression_span_its_values(self, tmp_path: Path) -> None:
        trained = learned(tmp_path, lines("x,y", lambda number: f"{number},{number * 1.5}"), RIDGE)
        table, rows = trained.table, trained.split.holdout
        scores = SklearnPredictor(trained.estimator, "regression").scores(table.rows[rows])

        values = [answer.value for answer in golden(trained).predictions]

        assert (min(filter(None, values)), max(filter(None, values))) == pytest.approx((scores.min(), scores.max()))

    def test_they_are_of_the_holdout(self) -> None:
        trained = trained_iris()
        held = [trained.table.instance(int(row)) for row in trained.split.holdout]

        assert all(instance in held for instance in golden(trained).instances)

    def test_the_model_they_come_from_passes_them(self, trained_mixed: Trained) -> None:
        predictor = SklearnPredictor(trained_mixed.estimator, "classification")

        check_golden(trained_mixed.table.contract, golden(trained_mixed), predictor)


class TestBaseline:
    def test_it_is_a_file_of_the_package(self) -> None:
        assert iris_package().artifacts[BASELINE_FILE] == training_distribution(trained_iris())

    def test_it_is_of_the_rows_learned_from(self, trained_mixed: Trained) -> None:
        assert described(trained_mixed)["rows"] == len(trained_mixed.split.train)

    def test_every_feature_has_shares_that_add_up_to_one(self, trained_mixed: Trained) -> None:
        features = described(trained_mixed)["features"]

        assert features.keys() == {feature.name for feature in trained_mixed.table.contract.features}
        for feature in features.values():
            shares = feature["shares"]
            assert sum(shares.values() if isinstance(shares, dict) else shares) == pytest.approx(1)

    def test_categories_and_booleans_are_counted_by_value(self, trained_mixed: Trained) -> None:
        features = described(trained_mixed)["features"]

        assert features["city"]["shares"].keys() == {"Lyon", "Oslo", "Rome"}
        assert features["member"]["shares"].keys() == {"false", "true"}

    def test_numbers_are_counted_between_deciles(self) -> None:
        petal = described(trained_iris())["features"]["petal_length"]
        column = trained_iris().table.rows[trained_iris().split.train, 2]

        assert len(petal["shares"]) == len(petal["edges"]) - 1 <= 10
        assert (petal["edges"][0], petal["edges"][-1]) == (column.min(), column.max())

    def test_the_share_of_missing_values_is_told(self, trained_mixed: Trained) -> None:
        rows = trained_mixed.table.rows[trained_mixed.split.train]

        features = described(trained_mixed)["features"]

        assert features["age"]["missing"] == 0
        assert features["visits"]["missing"] == pytest.approx(np.isnan(rows[:, 1]).mean())

    def test_the_target_is_described_too(self, tmp_path: Path) -> None:
        classes = described(trained_iris())["target"]["shares"]
        values = described(learned(tmp_path, lines("x,y", lambda number: f"{number},{number * 1.5}"), RIDGE))["target"]

        assert classes == pytest.approx([1 / 3, 1 / 3, 1 / 3])
        assert len(values["shares"]) == 10

    def test_a_number_that_the_learned_rows_never_know_is_described_as_missing(self, tmp_path: Path) -> None:
        text = lines("n,x,y", lambda number: f"{number},{'2.5' if number == 7 else ''},{'ab'[number % 2]}")
        seeds = (learned(tmp_path, text, LOGISTIC, split={"seed": seed}) for seed in range(50))
        trained = next(trained for trained in seeds if 7 in trained.split.holdout)

        assert described(trained)["features"]["x"]["missing"] == 1
