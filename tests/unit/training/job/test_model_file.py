"""A file with a model: what it holds, or why it is none, and what to do."""

from pathlib import Path
from typing import Any

import cloudpickle  # type: ignore[import-untyped]
import numpy as np
import pytest
from sklearn.cluster import KMeans
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer
from sklearn.svm import LinearSVC
from sklearn.tree import DecisionTreeClassifier

from skylift.contract import Contract, Target
from skylift.errors import ConfigError, SkyliftError, UnservableModel
from skylift.feature import Feature
from skylift.references import sha256
from tests.support.elsewhere import stored
from tests.support.pickles import trap
from training.job.boosters import BOOSTER_FILES
from training.job.inputs_taken import Inputs
from training.job.model_file import read_model_file

ROWS = np.array([[0.0, 1.0], [1.0, 0.0], [2.0, 1.0], [3.0, 0.0]])
CLASSES = np.array(["a", "a", "b", "b"])
FEATURES = tuple(Feature(name=name, kind="integer") for name in "xy")
NUMBERS = Contract(task="regression", features=FEATURES, target=Target(name="z"))


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

    assert (file.task, file.width, file.inputs, file.classes) == ("classification", 2, Inputs(None), ("a", "b"))
    assert file.digest == sha256(path.read_bytes())


def test_the_best_model_of_a_search_is_taken(tmp_path: Path) -> None:
    search = GridSearchCV(LogisticRegression(), {"C": [1.0]}, cv=2).fit(ROWS, CLASSES)

    assert isinstance(read_model_file(stored(search, tmp_path), trusted=True).estimator, LogisticRegression)


@pytest.mark.parametrize(
    ("model", "said"),
    [
        ({"model": 1}, "holds a dict, which is not a fitted estimator: store the fitted estimator or pipeline alone"),
        (KMeans(2).fit(ROWS), "KMeans in .* is neither a classifier nor a regressor.*RegressorMixin"),
        (
            DecisionTreeClassifier().fit(ROWS, np.column_stack([CLASSES, CLASSES])),
            "DecisionTreeClassifier in .* predicts several targets",
        ),
        (LinearSVC().fit(ROWS, CLASSES), "LinearSVC in model.joblib has no predict_proba: wrap it in"),
    ],
    ids=["a dictionary", "clusters", "several targets", "no probabilities"],
)
def test_what_cannot_be_served_is_refused(tmp_path: Path, model: Any, said: str) -> None:
    with pytest.raises(UnservableModel, match=said):
        read_model_file(stored(model, tmp_path), trusted=True)


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("model.rds", b"", "model.rds is not a kind of model file: adopt a .joblib or .onnx"),
        ("model.h5", b"", r"model.h5 is not a kind of model file: .*model.export\('model.onnx', format='onnx'\)"),
        ("model.pt", b"", "model.pt is not a kind of model file: .*torch.onnx.export"),
        ("model.skops", b"", "model.skops is not a kind of model file: load it with skops.io.load"),
        ("model.txt", b"no trees", "model.txt holds no model of LightGBM"),
        ("model.cbm", b"no trees", "model.cbm holds no model of CatBoost"),
        ("gone.onnx", None, "cannot be read"),
        ("model.onnx", b"not a graph", "model.onnx is not an ONNX file"),
        ("model.json", b"{}", "model.json holds no model of XGBoost"),
        ("model.pkl", b"no pickle", "model.pkl cannot be loaded"),
    ],
)
def test_another_file_is_told_as_such(tmp_path: Path, name: str, content: bytes | None, said: str) -> None:
    if (library := BOOSTER_FILES.get(Path(name).suffix)) is not None:
        pytest.importorskip(library)
    if content is not None:
        (tmp_path / name).write_bytes(content)

    with pytest.raises(SkyliftError, match=said):
        read_model_file(tmp_path / name, trusted=True)


def test_code_that_a_notebook_defined_is_refused_before_it_is_served(tmp_path: Path) -> None:
    scope: dict[str, Any] = {"__name__": "__main__"}
    exec("def half(rows): return rows / 2", scope)
    model = make_pipeline(FunctionTransformer(scope["half"]), LinearRegression()).fit(ROWS, np.arange(4.0))
    (tmp_path / "model.pkl").write_bytes(cloudpickle.dumps(model))

    with pytest.raises(UnservableModel, match=r"holds code that no module has .*: move its functions and classes into"):
        read_model_file(tmp_path / "model.pkl", trusted=True)
