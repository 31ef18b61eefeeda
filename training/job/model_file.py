"""Reads a file with a fitted model: joblib or pickle, ONNX, or what boosting libraries store themselves."""

import pickle
import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from sklearn.base import is_classifier, is_regressor

from skylift.contract import Task
from skylift.errors import ConfigError, UnservableModel
from skylift.own_code import NO_CODE, NotInTheImage, OwnCode
from skylift.predictors import unpickle
from skylift.references import sha256
from training.job.boosters import BOOSTER_FILES, read_booster, with_estimator
from training.job.inputs_taken import Inputs, inputs_of
from training.job.onnx_file import read_onnx
from training.search.own_modules import gather, place_of

PICKLES = {".joblib", ".pkl", ".pickle"}

_ALONE = "store the fitted estimator or pipeline alone: joblib.dump(pipeline, 'model.joblib')"
_TO_ONNX = {
    **dict.fromkeys((".keras", ".h5"), "export it where it was trained: model.export('model.onnx', format='onnx')"),
    **dict.fromkeys((".pt", ".pth"), "export it where it was trained: torch.onnx.export(model, rows, 'model.onnx')"),
    ".skops": "load it with skops.io.load, look at its types, and store it again: joblib.dump(model, 'model.joblib')",
    **dict.fromkeys((".model", ".bst", ".bin"), "store it again in XGBoost's own format: save_model('model.ubj')"),
    ".pmml": "adopt the estimator that it was made of, as .joblib",
}
"""The way to a file that can be adopted, by the ending of what cannot."""

_ADDRESS = re.compile(" at 0x[0-9a-f]+")
_SOURCES = {"keras": ".keras", "tensorflow": ".keras", "torch": ".pt"}


@dataclass(frozen=True, slots=True)
class ModelFile:
    """A fitted model from a file.

    Parameters
    ----------
    name, digest
        Name of the file, and SHA-256 of its bytes.
    estimator
        Fitted model with `predict_proba` or `predict`, or an ONNX file.
    task
        What it predicts.
    width
        Number of columns that it takes; None if it does not say.
    inputs
        What it reads.
    classes
        Classes in the order of its probabilities; None if it does not say, and for regression.
    code
        Modules beside `model.yaml` that it is made of.
    """

    name: str
    digest: str
    estimator: Any
    task: Task
    width: int | None
    inputs: Inputs
    classes: tuple[Any, ...] | None
    code: OwnCode = NO_CODE


def read_model_file(path: Path, *, trusted: bool, folder: Path | None = None) -> ModelFile:
    """Read a model.

    Parameters
    ----------
    trusted
        Whether the user said that a file that is a program may run here.
    folder
        Folder of modules that the model may be made of; that of the file if absent.

    Raises
    ------
    ConfigError
        It cannot be read, has an unknown ending, or is a program that nobody trusts.
    UnservableModel, IncompatibleEnvironment
        It holds no model that can be served here.
    """
    if path.suffix not in {*PICKLES, ".onnx", *BOOSTER_FILES}:
        known = "adopt a .joblib or .onnx, XGBoost's .json or .ubj, LightGBM's .txt, or CatBoost's .cbm"
        raise ConfigError(f"{path.name} is not a kind of model file", _TO_ONNX.get(path.suffix, known))
    if path.suffix in PICKLES and not trusted:
        raise ConfigError(
            f"{path.name} is a program: to load it runs whatever its author wrote, with your rights",
            "if you know where it comes from, say so: --trust; an .onnx file needs no trust",
        )
    try:
        data = path.read_bytes()
    except OSError as error:
        raise ConfigError(f"{path} cannot be read ({error.strerror})", "name a file with a fitted model") from error
    if path.suffix == ".onnx":
        return _of_onnx(path.name, data)
    if path.suffix in PICKLES:
        loaded, code = _of_pickle(path.name, data, folder or path.parent)
    else:
        loaded, code = read_booster(path.name, data, BOOSTER_FILES[path.suffix]), NO_CODE
    return _of_estimator(path.name, data, with_estimator(loaded), code)


def _of_pickle(name: str, data: bytes, folder: Path) -> tuple[Any, OwnCode]:
    """What a pickle holds, and the modules of a folder that it asks for."""
    wanted: dict[str, str] = {}
    while True:
        code, before = gather(folder, wanted), {*sys.modules}
        try:
            loaded = unpickle(
                data,
                name,
                code,
                again="fit and store it again with the pinned requirements, or export it to ONNX where it was trained",
                missing=f"install the package, or put the module with its classes into {folder}, beside model.yaml",
                broken=_ALONE,
            )
            asked = {module.partition(".")[0] for module in _found_in(folder, {*sys.modules} - before)}
        except UnservableModel as error:
            if isinstance(error.__cause__, NotInTheImage):
                hint = f"add {error.__cause__.name} to functions/inference/requirements.txt, or do without it"
                raise UnservableModel(error.message, hint) from error
            missing = error.__cause__.name if isinstance(error.__cause__, ModuleNotFoundError) else None
            asked = {str(missing).partition(".")[0]}
            if not place_of(folder, *asked) or asked <= wanted.keys():
                raise
        if asked <= wanted.keys():
            _check_stored_again(name, loaded, code)
            return loaded, code
        wanted |= dict.fromkeys(asked, name)


def _check_stored_again(name: str, loaded: Any, code: OwnCode) -> None:
    """Refuse what a pickle holds by value, as cloudpickle writes it: it cannot be stored without that.

    Raises
    ------
    UnservableModel
    """
    try:
        with code.importable():
            pickle.dumps(loaded)
    except (pickle.PicklingError, AttributeError, TypeError) as error:
        raise UnservableModel(
            f"{name} holds code that no module has ({_ADDRESS.sub('', str(error))})",
            "move its functions and classes into a module beside model.yaml, fit with these, and store the model again",
        ) from error


def _found_in(folder: Path, modules: set[str]) -> Iterator[str]:
    """Those of some modules that were imported by a path that leads into a folder."""
    for name in modules:
        place = place_of(folder, name)
        if place is not None and Path(getattr(sys.modules.get(name), "__file__", None) or "").is_relative_to(place):
            yield name


def _of_estimator(name: str, data: bytes, loaded: Any, code: OwnCode) -> ModelFile:
    estimator = getattr(loaded, "best_estimator_", loaded)  # of a search for parameters
    if not (callable(getattr(estimator, "predict", None)) and hasattr(estimator, "__sklearn_tags__")):
        source = _SOURCES.get(type(loaded).__module__.partition(".")[0], "")
        raise UnservableModel(
            f"{name} holds a {type(loaded).__name__}, which is not a fitted estimator", _TO_ONNX.get(source, _ALONE)
        )
    classifies = is_classifier(estimator)
    if not (classifies or is_regressor(estimator)):
        raise UnservableModel(
            f"{type(estimator).__name__} in {name} is neither a classifier nor a regressor",
            "adopt one of these, or what answers like one: a class in a module beside model.yaml that derives from "
            "sklearn.base.RegressorMixin and BaseEstimator, and whose predict gives a number for each row",
        )
    if classifies and not hasattr(estimator, "predict_proba"):
        raise UnservableModel(
            f"{type(estimator).__name__} in {name} has no predict_proba",
            "wrap it in sklearn.calibration.CalibratedClassifierCV, and fit and store that",
        )
    classes = getattr(estimator, "classes_", None) if classifies else None
    if classes is not None and np.ndim(classes[0]):
        raise UnservableModel(
            f"{type(estimator).__name__} in {name} predicts several targets, and a version one",
            "fit and store a model for each, and adopt each with a model.yaml of its own",
        )
    return ModelFile(
        name=name,
        digest=sha256(data),
        estimator=estimator,
        task="classification" if classifies else "regression",
        width=getattr(estimator, "n_features_in_", None) or None,  # CatBoost's is 0 where it was read from a file
        inputs=inputs_of(estimator),
        classes=None if classes is None else tuple(getattr(cls, "item", lambda cls=cls: cls)() for cls in classes),
        code=code,
    )


def _of_onnx(name: str, data: bytes) -> ModelFile:
    file = read_onnx(name, data)
    return ModelFile(
        name=name,
        digest=sha256(data),
        estimator=file,
        task="classification" if file.classifies else "regression",
        width=file.width,
        inputs=Inputs(file.names),
        classes=file.classes,
    )
