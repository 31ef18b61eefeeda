"""A file with a model: what it holds, or why it is none, and what to do."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn.cluster import KMeans
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.model_selection import GridSearchCV
from sklearn.svm import LinearSVC

from skylift.errors import ConfigError, SkyliftError, UnservableModel
from skylift.references import sha256
from tests.support.elsewhere import stored
from tests.support.pickles import trap
from training.job.model_file import read_model_file

ROWS = np.array([[0.0, 1.0], [1.0, 0.0], [2.0, 1.0], [3.0, 0.0]])
CLASSES = np.array(["a", "a", "b", "b"])


def onnx_of(model: Any, folder: Path, **options: Any) -> Path:
    from skl2onnx import to_onnx

    path = folder / "model.onnx"
    path.write_bytes(to_onnx(model, ROWS[:1].astype(np.float32), **options).SerializeToString())
    return path


def test_a_joblib_file_is_not_loaded_without_the_users_word(tmp_path: Path) -> None:
    path = tmp_path / "model.joblib"
    path.write_bytes(trap(tmp_path / "ran"))

    with pytest.raises(ConfigError, match="is a program") as refusal:
        read_model_file(path, trusted=False)

    assert "--trust" in refusal.value.hint
    assert not (tmp_path / "ran").exists()


def test_an_estimator_says_what_it_takes_and_answers(tmp_path: Path) -> None:
    path = stored(LogisticRegression().fit(ROWS, CLASSES), tmp_path)

    file = read_model_file(path, trusted=True)

    assert (file.task, file.width, file.names, file.classes) == ("classification", 2, None, ("a", "b"))
    assert file.digest == sha256(path.read_bytes())


def test_the_best_model_of_a_search_is_taken(tmp_path: Path) -> None:
    search = GridSearchCV(LogisticRegression(), {"C": [1.0]}, cv=2).fit(ROWS, CLASSES)

    assert isinstance(read_model_file(stored(search, tmp_path), trusted=True).estimator, LogisticRegression)


@pytest.mark.parametrize(
    ("model", "said"),
    [
        ({"model": 1}, "holds a dict, which is not a fitted estimator: store the fitted estimator or pipeline alone"),
        (KMeans(2).fit(ROWS), "holds a KMeans, which predicts nothing"),
        (LinearSVC().fit(ROWS, CLASSES), "LinearSVC in model.joblib has no predict_proba: wrap it in"),
    ],
    ids=["a dictionary", "clusters", "no probabilities"],
)
def test_what_cannot_be_served_is_refused(tmp_path: Path, model: Any, said: str) -> None:
    with pytest.raises(UnservableModel, match=said):
        read_model_file(stored(model, tmp_path), trusted=True)


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("model.h5", b"", "model.h5 is not a kind of model file"),
        ("gone.onnx", None, "cannot be read"),
        ("model.onnx", b"not a graph", "model.onnx is not an ONNX file"),
        ("model.json", b"{}", "model.json holds no model of XGBoost"),
        ("model.pkl", b"no pickle", "model.pkl cannot be loaded"),
    ],
)
def test_another_file_is_told_as_such(tmp_path: Path, name: str, content: bytes | None, said: str) -> None:
    if name.endswith(".json"):
        pytest.importorskip("xgboost")
    if content is not None:
        (tmp_path / name).write_bytes(content)

    with pytest.raises(SkyliftError, match=said):
        read_model_file(tmp_path / name, trusted=True)


@pytest.mark.parametrize("options", [{}, {"options": {"zipmap": False}}], ids=["maps", "an array"])
def test_an_onnx_classifier_loses_its_label_and_names_its_classes(tmp_path: Path, options: dict[str, Any]) -> None:
    model = LogisticRegression().fit(ROWS, CLASSES)

    file = read_model_file(onnx_of(model, tmp_path, **options), trusted=False)

    assert (file.task, file.width, file.classes) == ("classification", 2, ("a", "b"))
    np.testing.assert_allclose(file.estimator.predict_proba(ROWS), model.predict_proba(ROWS), atol=1e-6)


def test_an_onnx_regression_stays_as_it_is(tmp_path: Path) -> None:
    model = LinearRegression().fit(ROWS, np.arange(4.0))

    file = read_model_file(onnx_of(model, tmp_path), trusted=False)

    assert (file.task, file.width, file.classes) == ("regression", 2, None)
    np.testing.assert_allclose(file.estimator.predict(ROWS), model.predict(ROWS), atol=1e-5)


def test_xgboost_reads_its_own_files_without_trust(tmp_path: Path) -> None:
    xgboost = pytest.importorskip("xgboost")
    path = tmp_path / "model.ubj"
    xgboost.XGBClassifier(n_estimators=2).fit(ROWS, [0, 0, 1, 1]).save_model(path)

    file = read_model_file(path, trusted=False)

    assert (file.task, file.width, file.classes) == ("classification", 2, (0, 1))
