"""Predictors: what is loaded was checked first, and answers as in training."""

import io
import pickle
import sys
from functools import partial
from pathlib import Path
from types import ModuleType
from typing import Any, Never

import joblib
import numpy as np
import pytest
import sklearn.base
from sklearn.linear_model import LinearRegression, RidgeClassifier

from skylift.encoding import RowEncoder
from skylift.errors import GoldenMismatch, IncompatibleEnvironment, IntegrityError, UnservableModel
from skylift.manifest import MODEL_FILE, Golden, Manifest
from skylift.predictors import SklearnPredictor, check_environment, load_predictor
from skylift.scoring import predictions
from skylift.store import VersionStore
from tests.conftest import BUCKET
from tests.support.models import IRIS_SETOSA, iris_package, trained_iris, uncompiled
from tests.support.pickles import trap
from tests.support.tables import RIDGE, learned
from training.release.packaging import pack


def _manifest(**fields: object) -> Manifest:
    return iris_package().describe(1).model_copy(update=fields)


def _load(data: bytes, manifest: Manifest | None = None) -> object:
    return load_predictor(manifest or _manifest(), {MODEL_FILE: data}.__getitem__)


def _dump(value: object) -> bytes:
    buffer = io.BytesIO()
    joblib.dump(value, buffer)
    return buffer.getvalue()


def _never_read(name: str) -> Never:
    raise AssertionError(f"{name} was read")


@pytest.fixture
def of_a_lost_module(monkeypatch: pytest.MonkeyPatch) -> bytes:
    """A model whose class comes from a module that is no longer there."""
    custom = type("Custom", (), {"__module__": "lost_module"})
    module = ModuleType("lost_module")
    module.Custom = custom  # type: ignore[attr-defined]
    with monkeypatch.context() as patch:
        patch.setitem(sys.modules, "lost_module", module)
        return _dump(custom())


class TestLoading:
    @pytest.mark.parametrize("candidate", ["logistic", "tree"])
    def test_a_packed_model_scores_as_the_trained_one(self, candidate: str) -> None:
        package = iris_package(candidate)
        manifest = package.describe(1)
        rows = RowEncoder(manifest.contract).encode([IRIS_SETOSA])

        predictor = load_predictor(manifest, package.artifacts.__getitem__)

        expected = trained_iris(candidate).estimator.predict_proba(rows)
        np.testing.assert_allclose(predictor.scores(rows), expected, rtol=1e-12)

    def test_setosa_is_told_from_the_others(self) -> None:
        manifest = _manifest()
        predictor = load_predictor(manifest, iris_package().artifacts.__getitem__)

        rows = RowEncoder(manifest.contract).encode([IRIS_SETOSA])
        (answer,) = predictions(manifest.contract, predictor.scores(rows))

        assert answer["label"] == "setosa"

    def test_a_regression_answers_with_one_value_per_row(self, tmp_path: Path) -> None:
        lines = [f"{x},{3 * x + 1}" for x in range(40)]
        trained = learned(tmp_path, "\n".join(["x,y", *lines]), RIDGE)
        package = pack(uncompiled(trained))
        manifest = package.describe(1)

        predictor = load_predictor(manifest, package.artifacts.__getitem__)

        assert predictor.scores(RowEncoder(manifest.contract).encode([{"x": 2}, {"x": 3}])).shape == (2,)


class TestEnvironment:
    def test_a_model_of_the_installed_scikit_learn_may_be_loaded(self) -> None:
        check_environment(_manifest(environment={"scikit-learn": sklearn.__version__}))

    @pytest.mark.parametrize("environment", [{"scikit-learn": "0.24.2"}, {"scikit-learn": ""}, {}])
    def test_a_model_of_another_scikit_learn_is_refused_with_both_versions(self, environment: dict[str, str]) -> None:
        with pytest.raises(IncompatibleEnvironment, match=f"and {sklearn.__version__} is installed") as caught:
            check_environment(_manifest(environment=environment))

        assert caught.value.hint

    @pytest.mark.parametrize(("installed", "words"), [("3.4.0", "3.4.0 is"), (None, "it is not")])
    def test_a_model_of_a_library_that_is_not_installed_so_is_refused(
        self, monkeypatch: pytest.MonkeyPatch, installed: str | None, words: str
    ) -> None:
        monkeypatch.setattr("skylift.predictors.installed_release", {"xgboost": installed}.get)
        needed = _manifest().environment | {"xgboost": "3.4.1"}

        with pytest.raises(IncompatibleEnvironment, match=f"xgboost 3.4.1 .* {words} installed here") as caught:
            load_predictor(_manifest(environment=needed), _never_read)

        assert "in its requirements" in caught.value.hint

    def test_a_model_of_a_library_that_is_installed_may_be_loaded(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("skylift.predictors.installed_release", {"xgboost": "3.4.1"}.get)

        check_environment(_manifest(environment=_manifest().environment | {"xgboost": "3.4.1"}))

    def test_a_model_of_another_scikit_learn_is_not_even_read(self) -> None:
        with pytest.raises(IncompatibleEnvironment):
            load_predictor(_manifest(environment={"scikit-learn": "0.24.2"}), _never_read)

    def test_another_python_or_numpy_is_not_an_obstacle(self) -> None:
        check_environment(_manifest(environment=_manifest().environment | {"python": "3.12.1", "numpy": "2.0.0"}))

    def test_an_estimator_of_another_scikit_learn_is_found_out_though_the_manifest_lies(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        with monkeypatch.context() as patch:
            patch.setattr(sklearn.base, "__version__", "0.24.2")
            data = _dump(trained_iris().estimator)

        with pytest.raises(IncompatibleEnvironment, match=r"0\.24\.2"):
            _load(data)


class TestRefusing:
    @pytest.mark.parametrize(
        "data",
        [b"", b"no pickle", b'{"json": true}', pickle.dumps([1, 2])[:-3]],
        ids=["empty", "text", "JSON", "truncated"],
    )
    def test_bytes_that_are_not_a_model_are_refused(self, data: bytes) -> None:
        with pytest.raises(UnservableModel, match=r"model\.joblib of v1 cannot be loaded"):
            _load(data)

    def test_a_model_that_needs_code_which_is_not_installed_is_refused_with_the_place_to_add_it(
        self, of_a_lost_module: bytes
    ) -> None:
        with pytest.raises(UnservableModel, match="lost_module") as caught:
            _load(of_a_lost_module)

        assert "functions/inference/requirements.txt" in caught.value.hint

    @pytest.mark.parametrize("value", [RidgeClassifier(), LinearRegression(), {"a": "dict"}, None])
    def test_a_classifier_without_probabilities_is_refused(self, value: object) -> None:
        with pytest.raises(UnservableModel, match="has no predict_proba"):
            _load(_dump(value))

    def test_something_that_does_not_predict_is_not_a_regression(self) -> None:
        with pytest.raises(UnservableModel, match="has no predict"):
            SklearnPredictor(object(), "regression")

    def test_a_model_of_other_features_is_refused(self) -> None:
        manifest = _manifest()
        fewer = manifest.contract.model_copy(update={"features": manifest.contract.features[:3]})

        with pytest.raises(GoldenMismatch, match="cannot score"):
            _load(iris_package().artifacts[MODEL_FILE], _manifest(contract=fewer))

    def test_another_model_than_the_one_that_was_trained_is_refused(self) -> None:
        with pytest.raises(GoldenMismatch, match="as in training"):
            _load(iris_package("tree").artifacts[MODEL_FILE])

    def test_features_in_another_order_are_refused(self) -> None:
        manifest = _manifest()
        turned = manifest.contract.model_copy(update={"features": manifest.contract.features[::-1]})

        with pytest.raises(GoldenMismatch, match="as in training"):
            _load(iris_package().artifacts[MODEL_FILE], _manifest(contract=turned))

    def test_classes_in_another_order_are_refused(self) -> None:
        manifest = _manifest()
        target = manifest.contract.target.model_copy(update={"classes": manifest.contract.target.classes[::-1]})

        with pytest.raises(GoldenMismatch, match="as in training"):
            _load(
                iris_package().artifacts[MODEL_FILE],
                _manifest(contract=manifest.contract.model_copy(update={"target": target})),
            )

    def test_an_altered_golden_answer_is_refused(self) -> None:
        golden = _manifest().golden
        altered = Golden(instances=golden.instances, predictions=golden.predictions[::-1])

        with pytest.raises(GoldenMismatch):
            _load(iris_package().artifacts[MODEL_FILE], _manifest(golden=altered))


class TestTampering:
    def test_the_trap_springs_when_it_is_opened(self, tmp_path: Path) -> None:
        sprung = tmp_path / "sprung"

        joblib.load(io.BytesIO(trap(sprung)))

        assert sprung.exists()

    def test_a_model_that_was_replaced_in_s3_is_refused_before_a_byte_of_it_is_opened(
        self, store: VersionStore, s3: Any, tmp_path: Path
    ) -> None:
        sprung = tmp_path / "sprung"
        package = iris_package()
        manifest = store.publish(package.describe, package.artifacts).manifest
        s3.put_object(Bucket=BUCKET, Key=f"models/iris/v1/{MODEL_FILE}", Body=trap(sprung))

        with pytest.raises(IntegrityError):
            load_predictor(manifest, partial(store.artifact, manifest))

        assert not sprung.exists()

    def test_a_model_of_another_scikit_learn_is_refused_before_a_byte_of_it_is_opened(self, tmp_path: Path) -> None:
        sprung = tmp_path / "sprung"

        with pytest.raises(IncompatibleEnvironment):
            _load(trap(sprung), _manifest(environment={"scikit-learn": "0.24.2"}))

        assert not sprung.exists()
