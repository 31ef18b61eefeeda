"""What boosting libraries store themselves answers as an estimator of theirs."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from tests.support.elsewhere import stored
from training.job.boosters import BOOSTER_FILES
from training.job.model_file import read_model_file

ROWS = np.array([[0.0, 1.0], [1.0, 0.0], [2.0, 1.0], [3.0, 0.0]])


BOOSTERS: dict[str, Any] = {
    "xgboost": lambda library: library.XGBClassifier(n_estimators=2, min_child_weight=0),
    "lightgbm": lambda library: library.LGBMClassifier(n_estimators=2, min_child_samples=1, verbose=-1),
    "catboost": lambda library: library.CatBoostClassifier(iterations=2, verbose=False, allow_writing_files=False),
}


@pytest.mark.parametrize("name", ["model.ubj", "model.json", "model.txt", "model.cbm"])
def test_a_booster_is_read_from_its_own_file_without_trust(tmp_path: Path, name: str) -> None:
    library = BOOSTER_FILES[Path(name).suffix]
    rows = pd.DataFrame(np.tile(ROWS, (8, 1)), columns=["x", "y"])
    model = BOOSTERS[library](pytest.importorskip(library)).fit(rows, [0, 0, 1, 1] * 8)
    getattr(model, "booster_", model).save_model(str(tmp_path / name))

    file = read_model_file(tmp_path / name, trusted=False)

    assert (file.task, file.inputs.names, file.classes) == ("classification", ("x", "y"), (0, 1))
    np.testing.assert_allclose(file.estimator.predict_proba(rows), model.predict_proba(rows))


@pytest.mark.parametrize(("objective", "task"), [("regression", "regression"), ("multiclass", "classification")])
def test_a_booster_of_lightgbm_alone_becomes_an_estimator(tmp_path: Path, objective: str, task: str) -> None:
    lightgbm = pytest.importorskip("lightgbm")
    options = {"objective": objective, "verbose": -1, "min_data_in_leaf": 1, "min_data_in_bin": 1}
    options |= {"num_class": 3} if objective == "multiclass" else {}
    booster = lightgbm.train(options, lightgbm.Dataset(np.tile(ROWS, (8, 1)), [0, 1, 2, 2] * 8), 2)

    file = read_model_file(stored(booster, tmp_path), trusted=True)

    assert (file.task, file.width, file.inputs.names) == (task, 2, None)
    answer = file.estimator.predict_proba if file.classes else file.estimator.predict
    np.testing.assert_allclose(answer(ROWS), booster.predict(ROWS))
