"""Reads what boosting libraries store themselves, and gives it the interface of their scikit-learn estimators."""

import json
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

from skylift.errors import FOREIGN_FAILURES, UnservableModel
from training.extras import require

BOOSTER_FILES = {".json": "xgboost", ".ubj": "xgboost", ".txt": "lightgbm", ".cbm": "catboost"}
"""Libraries by the ending of the files that `save_model` of each writes."""

_NAMES = {"xgboost": "XGBoost", "lightgbm": "LightGBM", "catboost": "CatBoost"}


def foreign_failures() -> tuple[type[Exception], ...]:
    """What a model that was trained elsewhere may raise: libraries have errors of their own, if they are imported."""
    own = [("catboost", "CatBoostError"), ("lightgbm.basic", "LightGBMError")]
    return (*FOREIGN_FAILURES, *(getattr(sys.modules[module], name) for module, name in own if module in sys.modules))


def read_booster(name: str, data: bytes, library: str) -> Any:
    """The estimator of a file that a library wrote.

    Raises
    ------
    ConfigError
        The library is not installed.
    UnservableModel
        It holds no model of the library.
    """
    module = require(library, purpose=f"reading {name}", extra=library)
    read = {"xgboost": _xgboost, "lightgbm": _lightgbm, "catboost": _catboost}[library]
    try:
        return read(module, data)
    except foreign_failures() as error:
        known = _NAMES[library]
        raise UnservableModel(f"{name} holds no model of {known}", f"store it with save_model of {known}") from error


def with_estimator(loaded: Any) -> Any:
    """The estimator of a booster that a pickle holds alone; anything else as it is."""
    if type(loaded).__name__ != "Booster":
        return loaded
    library = type(loaded).__module__.partition(".")[0]
    if library == "xgboost":
        return read_booster("the booster", bytes(loaded.save_raw("ubj")), library)
    return read_booster("the booster", loaded.model_to_string().encode(), library) if library == "lightgbm" else loaded


def names_of_library(estimator: Any) -> list[str] | None:
    """Names of the columns that an estimator of LightGBM or CatBoost was fitted on; None where it had none."""
    library = type(estimator).__module__.partition(".")[0]
    if library == "lightgbm":
        names, unnamed = estimator.booster_.feature_name(), "Column_{}"
    elif library == "catboost":
        names, unnamed = estimator.feature_names_ or [], "{}"
    else:
        return None
    return None if names == [unnamed.format(place) for place in range(len(names))] else list(names)


def _xgboost(library: Any, data: bytes) -> Any:
    booster = library.Booster()
    booster.load_model(bytearray(data))
    objective = json.loads(booster.save_config())["learner"]["objective"]["name"]
    classifies = objective.startswith(("binary:", "multi:"))
    estimator = library.XGBClassifier() if classifies else library.XGBRegressor()
    estimator.load_model(bytearray(data))
    return estimator


def _lightgbm(library: Any, data: bytes) -> Any:
    """As `LGBMClassifier.fit` and `LGBMRegressor.fit` leave one: the library itself cannot read a file into these."""
    booster = library.Booster(model_str=data.decode())
    objective = str(booster.dump_model(num_iteration=1).get("objective", "")).partition(" ")[0]
    classifies = objective in {"binary", "multiclass", "multiclassova"}
    estimator = library.LGBMClassifier() if classifies else library.LGBMRegressor()
    width = booster.num_feature()
    vars(estimator).update(
        _Booster=booster, fitted_=True, _n_features=width, _n_features_in=width, _objective=objective
    )
    if classifies:
        classes = max(booster.num_model_per_iteration(), 2)
        vars(estimator).update(_n_classes=classes, _classes=np.arange(classes))
    return estimator


def _catboost(library: Any, data: bytes) -> Any:
    with TemporaryDirectory() as folder:
        path = Path(folder) / "model.cbm"
        path.write_bytes(data)
        model = library.CatBoost().load_model(str(path))
        loss = str(model.get_all_params().get("loss_function", ""))
        classifies = loss in {"Logloss", "CrossEntropy", "Focal", "MultiClass", "MultiClassOneVsAll"}
        estimator = library.CatBoostClassifier() if classifies else library.CatBoostRegressor()
        return estimator.load_model(str(path))
