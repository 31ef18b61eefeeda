"""An ONNX file as other tools export it, with the one input and output that a predictor has."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn.linear_model import LinearRegression, LogisticRegression

from skylift.adopted import OnnxModel
from skylift.contract import Contract, Target
from skylift.errors import DataError
from skylift.feature import Feature
from training.job.model_file import read_model_file
from training.job.onnx_file import on_matrix

ROWS = np.array([[0.0, 1.0], [1.0, 0.0], [2.0, 1.0], [3.0, 0.0]])
CLASSES = np.array(["a", "a", "b", "b"])
FEATURES = tuple(Feature(name=name, kind="integer") for name in "xy")
NUMBERS = Contract(task="regression", features=FEATURES, target=Target(name="z"))


def onnx_of(model: Any, folder: Path, **options: Any) -> Path:
    from skl2onnx import to_onnx

    path = folder / "model.onnx"
    path.write_bytes(to_onnx(model, ROWS[:1].astype(np.float32), **options).SerializeToString())
    return path


@pytest.mark.parametrize("options", [{}, {"options": {"zipmap": False}}], ids=["maps", "an array"])
def test_an_onnx_classifier_loses_its_label_and_names_its_classes(tmp_path: Path, options: dict[str, Any]) -> None:
    model = LogisticRegression().fit(ROWS, CLASSES)

    file = read_model_file(onnx_of(model, tmp_path, **options), trusted=False)

    assert (file.task, file.width, file.classes) == ("classification", 2, ("a", "b"))
    served = OnnxModel(on_matrix("model.onnx", file.estimator, NUMBERS))
    np.testing.assert_allclose(served.predict_proba(ROWS), model.predict_proba(ROWS), atol=1e-6)


def test_an_onnx_regression_stays_as_it_is(tmp_path: Path) -> None:
    model = LinearRegression().fit(ROWS, np.arange(4.0))

    file = read_model_file(onnx_of(model, tmp_path), trusted=False)

    assert (file.task, file.width, file.classes) == ("regression", 2, None)
    served = OnnxModel(on_matrix("model.onnx", file.estimator, NUMBERS))
    np.testing.assert_allclose(served.predict(ROWS), model.predict(ROWS), atol=1e-5)


def onnx_of_whole_numbers(folder: Path) -> Any:
    from skl2onnx import to_onnx

    path = folder / "model.onnx"
    path.write_bytes(to_onnx(LinearRegression().fit(ROWS, np.arange(4.0)), ROWS[:1].astype(int)).SerializeToString())
    return read_model_file(path, trusted=False).estimator


def test_whole_numbers_are_made_of_the_columns(tmp_path: Path) -> None:
    served = OnnxModel(on_matrix("model.onnx", onnx_of_whole_numbers(tmp_path), NUMBERS))

    np.testing.assert_allclose(served.predict(ROWS), np.arange(4.0), atol=1e-5)


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"required": False}, "takes whole numbers, which cannot be missing, and x may be: export it with inputs"),
        (
            {"kind": "category", "categories": ("a",)},
            "takes numbers for x, which holds texts: export the whole pipeline",
        ),
        ({"kind": "text", "max_length": 9, "letters": 5}, "takes x, which is a text: .* adopt the pipeline as .joblib"),
    ],
)
def test_what_cannot_become_a_whole_number_is_refused(tmp_path: Path, fields: dict[str, Any], said: str) -> None:
    feature = Feature.model_validate({"name": "x", "kind": "integer"} | fields)
    contract = Contract(task="regression", features=(feature, FEATURES[1]), target=Target(name="z"))

    with pytest.raises(DataError, match=said):
        on_matrix("model.onnx", onnx_of_whole_numbers(tmp_path), contract)
