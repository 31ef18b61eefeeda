"""Estimators of the user's own: from a module beside `model.yaml` to an answer of the service, never by its path."""

import sys
from pathlib import Path
from typing import Any

import joblib
import numpy as np
import pytest

from skylift.errors import ConfigError, JoblibNotAllowed, TrainingError, UnservableModel
from skylift.manifest import CODE_FILE, Manifest
from skylift.model_card import CARD_FILE
from skylift.own_code import OwnCode
from skylift.predictors import load_predictor
from skylift.references import sha256
from skylift.sandbox import SandboxedPredictor
from skylift.verification import check_form
from tests.support.tables import LOGISTIC, config_of, learned, mixed
from tests.support.whole_service import standing
from training.job import Trained, train
from training.job.adoption import adopt
from training.release.packaging import Package, pack
from training.search.fitting import run_parallel

RATIOS = """
import numpy as np
from sklearn.base import BaseEstimator, TransformerMixin
from formulas import ratio

class Ratio(TransformerMixin, BaseEstimator):
    def __init__(self, first=0, second=1):
        self.first = first
        self.second = second

    def fit(self, rows, targets=None):
        self.mean_ = ratio(rows, self.first, self.second).mean()
        return self

    def transform(self, rows):
        return np.column_stack([rows, ratio(rows, self.first, self.second) - self.mean_])
"""
FORMULAS = "def ratio(rows, first, second):\n    return {} * rows[:, first] / (1 + rows[:, second] ** 2)\n"
STEPS = {"steps": [{"estimator": "ratios.Ratio"}, LOGISTIC]}
OWN: dict[str, Any] = {"name": "own", "estimator": "sklearn.pipeline.Pipeline", "params": STEPS}

MODELS = """
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.linear_model import LogisticRegression

class Squares(TransformerMixin, BaseEstimator):
    def fit(self, rows, targets=None):
        return self

    def transform(self, rows):
        return rows * rows

class Patient(LogisticRegression):
    def __init__(self, C=1.0, max_iter=1000):
        super().__init__(C=C, max_iter=max_iter)

    def fit(self, rows, targets):
        return super().fit(rows, targets)

class Blunt(Patient):
    def predict_proba(self, rows):
        return super().predict_proba(rows).clip(0, 1)

class Broken(Patient):
    def fit(self, rows, targets):
        return undefined
"""


def written(folder: Path, factor: int = 1) -> Path:
    folder.mkdir(exist_ok=True)
    (folder / "ratios.py").write_text(RATIOS)
    (folder / "formulas.py").write_text(FORMULAS.format(factor))
    (folder / "models.py").write_text(MODELS)
    return folder


def trained_with(folder: Path, candidate: dict[str, Any], factor: int = 1) -> Trained:
    return learned(written(folder, factor), mixed(), candidate, target="churned")


def model(name: str) -> dict[str, Any]:
    return {"name": "own", "estimator": f"models.{name}"}


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Trained:
    """Of sources that are gone once it is trained."""
    folder = tmp_path_factory.mktemp("own")
    made = trained_with(folder, OWN)
    for path in folder.glob("*.py"):
        path.write_text("raise SystemExit")
    return made


@pytest.fixture(scope="module")
def package(trained: Trained) -> Package:
    return pack(trained)


@pytest.fixture(scope="module")
def manifest(package: Package) -> Manifest:
    return package.describe(1)


class TestAStepOfAPipeline:
    def test_it_is_served_by_joblib_with_the_reason(self, manifest: Manifest) -> None:
        assert manifest.compiled.format is None
        assert "no converter for Ratio" in str(manifest.compiled.reason)
        with pytest.raises(JoblibNotAllowed):
            check_form(manifest, allow_joblib=False)

    def test_its_sources_are_a_pinned_file_of_the_version(self, package: Package, manifest: Manifest) -> None:
        code = OwnCode.from_bytes(package.artifacts[CODE_FILE], source=CODE_FILE)

        assert code.files == {"formulas.py": FORMULAS.format(1), "ratios.py": RATIOS}
        assert manifest.artifacts[CODE_FILE].sha256 == sha256(package.artifacts[CODE_FILE])
        assert manifest.lineage.modules == {path: sha256(text.encode()) for path, text in code.files.items()}

    def test_the_card_names_them(self, package: Package, manifest: Manifest) -> None:
        card = package.artifacts[CARD_FILE].decode()

        assert "Own modules" in card
        assert f"sha256:{manifest.lineage.modules['ratios.py']}" in card

    def test_it_scores_from_these_bytes_alone(self, trained: Trained, package: Package, manifest: Manifest) -> None:
        predictor = load_predictor(manifest, package.artifacts.__getitem__)

        rows = trained.table.rows
        np.testing.assert_array_equal(predictor.scores(rows), trained.estimator.predict_proba(rows))
        assert not {"ratios", "formulas"} & sys.modules.keys()

    def test_the_service_answers(self, trained: Trained, package: Package) -> None:
        instance = trained.table.presentable(0)

        answer = standing(package, "table").predict({"instances": [instance]})

        expected = trained.estimator.predict_proba(trained.table.rows[:1])[0]
        assert list(answer.json()["predictions"][0]["probabilities"].values()) == pytest.approx(expected)

    def test_another_version_of_its_modules_does_not_mix_with_it(
        self, trained: Trained, package: Package, manifest: Manifest, tmp_path: Path
    ) -> None:
        other = trained_with(tmp_path, OWN, factor=50)
        challenger = pack(other)
        rows = trained.table.rows

        champion = load_predictor(manifest, package.artifacts.__getitem__)
        second = load_predictor(challenger.describe(2), challenger.artifacts.__getitem__)

        np.testing.assert_array_equal(second.scores(rows), other.estimator.predict_proba(rows))
        np.testing.assert_array_equal(champion.scores(rows), trained.estimator.predict_proba(rows))

    def test_without_its_modules_it_is_refused(self, package: Package, manifest: Manifest) -> None:
        artifacts = {name: entry for name, entry in manifest.artifacts.items() if name != CODE_FILE}

        with pytest.raises(UnservableModel, match="No module named 'ratios'"):
            load_predictor(manifest.model_copy(update={"artifacts": artifacts}), package.artifacts.__getitem__)

    def test_fits_of_other_processes_find_them_in_what_is_sent(self, tmp_path: Path) -> None:
        sent: list[Any] = []

        class Recorder:
            def run(self, folds: Any, fits: Any) -> Any:
                sent.append(folds.code)
                return run_parallel(folds, fits, backend="sequential", n_jobs=1)

        (tmp_path / "table.csv").write_text(mixed(), encoding="utf-8")
        config = config_of(written(tmp_path) / "table.csv", target="churned", candidates=[OWN, LOGISTIC])

        train(config, runner=Recorder())

        assert set(sent[0].names) == {"ratios", "formulas"}


def test_it_is_examined_without_running_here(
    trained: Trained, package: Package, manifest: Manifest, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(OwnCode, "importable", lambda _: pytest.fail("its code would run in this process"))

    scores = SandboxedPredictor(manifest, package.artifacts.__getitem__).scores(trained.table.rows)

    np.testing.assert_array_equal(scores, trained.estimator.predict_proba(trained.table.rows))


class TestASubclass:
    def test_it_compiles_where_it_only_fits_otherwise(self, tmp_path: Path) -> None:
        made = trained_with(tmp_path, model("Patient"))

        assert made.compiled.outcome.converter == "skylift"
        assert CODE_FILE in pack(made).artifacts
        assert pack(made).describe(1).form_files == ("model.onnx",)

    def test_it_does_not_where_it_answers_by_itself(self, tmp_path: Path) -> None:
        made = trained_with(tmp_path, model("Blunt"))

        assert made.compiled.outcome.reason == "no converter for predict_proba of Blunt"

    def test_a_step_that_learns_nothing_needs_nothing_of_its_own(self, tmp_path: Path) -> None:
        """As the example of the documentation."""
        steps = {"steps": [{"estimator": "models.Squares"}, LOGISTIC]}

        made = trained_with(tmp_path, {"name": "own", "estimator": "sklearn.pipeline.Pipeline", "params": steps})

        assert "no converter for Squares" in str(made.compiled.outcome.reason)

    def test_its_failure_names_the_line(self, tmp_path: Path) -> None:
        with pytest.raises(
            TrainingError, match=r"own: models\.py, line 25: NameError: name 'undefined' is not defined"
        ):
            trained_with(tmp_path, model("Broken"))


def test_a_version_of_installed_code_has_no_modules(tmp_path: Path) -> None:
    made = learned(written(tmp_path), mixed(), LOGISTIC, {**OWN, "params": {"steps": [LOGISTIC]}}, target="churned")

    assert CODE_FILE not in pack(made).artifacts


def test_what_the_image_of_the_service_lacks_is_refused_before_anything_is_fitted(tmp_path: Path) -> None:
    written(tmp_path)
    (tmp_path / "models.py").write_text("import pandas\n" + MODELS)
    (tmp_path / "table.csv").write_text(mixed(), encoding="utf-8")
    config = config_of(tmp_path / "table.csv", target="churned", candidates=[model("Patient")])

    with pytest.raises(ConfigError) as caught:
        train(config)

    assert "models.py, line 1: NotInTheImage: pandas is not in the image of the service" in caught.value.message
    assert caught.value.hint.startswith("add pandas to functions/inference/requirements.txt")


class TestAdopted:
    @pytest.fixture
    def elsewhere(self, tmp_path: Path) -> Path:
        """A model that was fitted and stored where its modules can be imported by a path."""
        code = OwnCode({"ratios.py": RATIOS, "formulas.py": FORMULAS.format(1)})
        with code.importable():
            from ratios import Ratio  # type: ignore[import-not-found]
            from sklearn.linear_model import LogisticRegression
            from sklearn.pipeline import make_pipeline

            rows = np.random.default_rng(0).normal(size=(60, 2))
            fitted = make_pipeline(Ratio(), LogisticRegression()).fit(rows, np.where(rows[:, 0] > 0, "b", "a"))
            joblib.dump(fitted, tmp_path / "model.joblib", compress=3)
        lines = [f"{first},{second},{'ab'[int(first > 0)]}" for first, second in rows]
        (tmp_path / "table.csv").write_text("\n".join(["p,q,y", *lines]), encoding="utf-8")
        return tmp_path

    def adopt(self, folder: Path) -> Trained:
        return adopt(config_of(folder / "table.csv"), folder / "model.joblib", trusted=True)

    def test_its_modules_are_found_beside_the_configuration(self, elsewhere: Path) -> None:
        made = self.adopt(written(elsewhere))
        package = pack(made)

        assert list(package.describe(1).lineage.modules) == ["formulas.py", "ratios.py"]
        predictor = load_predictor(package.describe(1), package.artifacts.__getitem__)
        np.testing.assert_array_equal(predictor.scores(made.table.rows), made.estimator.predict_proba(made.table.rows))

    def test_also_where_the_path_leads_there(self, elsewhere: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.syspath_prepend(written(elsewhere))

        try:
            made = self.adopt(elsewhere)
        finally:
            for name in ("ratios", "formulas"):
                sys.modules.pop(name, None)

        assert list(made.code.files) == ["formulas.py", "ratios.py"]

    def test_where_they_are_not_it_says_where_to_put_them(self, elsewhere: Path) -> None:
        with pytest.raises(UnservableModel, match="No module named 'ratios'") as caught:
            self.adopt(elsewhere)

        assert str(elsewhere) in caught.value.hint
