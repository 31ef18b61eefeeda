"""What is published: a model that loads, requests that prove it, and where it came from."""

import io
import subprocess
from datetime import date, datetime, timedelta, tzinfo
from pathlib import Path

import joblib
import numpy as np
import pytest

from inference.schema import RequestSchema
from skylift.encoding import RowEncoder
from skylift.explanation import load_explainer
from skylift.manifest import MODEL_FILE, Manifest
from skylift.predictors import SklearnPredictor, load_predictor
from skylift.references import sha256
from skylift.scoring import check_golden
from tests.support.models import iris_package, trained_iris, uncompiled
from tests.support.paths import ROOT
from tests.support.tables import LOGISTIC, RIDGE, TREE, learned, lines, mixed
from training.job import Trained
from training.release.environment import environment
from training.release.git import GitState, git_state
from training.release.packaging import Package, golden, pack


def git(folder: Path, *arguments: str) -> str:
    identity = ("-c", "user.name=Ada", "-c", "user.email=ada@example.org", "-c", "commit.gpgsign=false")
    done = subprocess.run(["git", *identity, *arguments], cwd=folder, check=True, capture_output=True, text=True)
    return done.stdout.strip()


def packed(trained: Trained) -> Package:
    return pack(uncompiled(trained), git_state(trained.config.folder))


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
        notes = packed(trained_mixed).describe(1).lineage.notes

        assert "target.task was guessed: classification, because churned holds texts" in notes


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

    def test_a_package_explains_its_answers(self, trained_mixed: Trained) -> None:
        package, rows = packed(trained_mixed), trained_mixed.table.rows[trained_mixed.split.holdout]
        predictor = SklearnPredictor(trained_mixed.estimator, "classification")

        explainer = load_explainer(package.describe(1), package.artifacts.__getitem__, predictor)

        assert explainer is not None
        scores = predictor.scores(rows)
        found = explainer.explain(rows, scores)
        assert np.allclose(found.base + found.contributions.sum(axis=1), scores.max(axis=1), rtol=0, atol=1e-12)
        assert np.abs(found.contributions).max() > 0.1


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

        check_golden(RowEncoder(trained_mixed.table.contract), golden(trained_mixed), predictor)


def test_a_table_of_nothing_but_dates_is_trained_packed_and_served(tmp_path: Path) -> None:
    season = np.random.default_rng(0).normal(0, 0.3, 400) - np.cos(np.arange(400) / 58)
    text = lines("day,y", lambda row: f"{date(2019, 1, 1) + timedelta(days=row):%d-%m-%Y},{season[row]:.3f}", count=400)
    package = pack(learned(tmp_path, text, RIDGE))
    manifest = package.describe(1)
    predictor, encoder = load_predictor(manifest, package.artifacts.__getitem__), RowEncoder(manifest.contract)

    body = b'{"instances": [{"day": "15-07-2019"}, {"day": "2019-07-15"}]}'
    own, iso = predictor.scores(encoder.encode(RequestSchema(manifest.contract, 9).parse(body)))

    assert manifest.metrics.holdout["r2"] > 0.6
    assert manifest.compiled.format == "onnx"
    assert own == iso == pytest.approx(1, abs=0.4)
