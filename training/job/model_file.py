"""Reads a file with a fitted model: joblib or pickle, ONNX, or XGBoost's own."""

import json
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sklearn.base import is_classifier, is_regressor

from skylift.adopted import OnnxModel
from skylift.contract import Task
from skylift.errors import FOREIGN_FAILURES, ConfigError, UnservableModel
from skylift.own_code import NO_CODE, NotInTheImage, OwnCode
from skylift.predictors import unpickle
from skylift.references import sha256
from training.extras import require
from training.job.encoded_rows import names_taken
from training.search.own_modules import gather, place_of

if TYPE_CHECKING:
    from onnx import ModelProto

PICKLES = {".joblib", ".pkl", ".pickle"}

_ALONE = "store the fitted estimator or pipeline alone: joblib.dump(pipeline, 'model.joblib')"
_ONE_INPUT = "export it with one input [None, columns] of floats, in the order of the table's columns"


@dataclass(frozen=True, slots=True)
class ModelFile:
    """A fitted model from a file.

    Parameters
    ----------
    name, digest
        Name of the file, and SHA-256 of its bytes.
    estimator
        Fitted model with `predict_proba` or `predict`.
    task
        What it predicts.
    width
        Number of columns that it takes; None if it does not say.
    names
        Names of the columns that it reads, as it knows them; None if it knows none.
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
    names: tuple[str, ...] | None
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
    if path.suffix not in {*PICKLES, ".onnx", ".json", ".ubj"}:
        raise ConfigError(
            f"{path.name} is not a kind of model file", "adopt a .joblib, .onnx, or XGBoost's .json or .ubj"
        )
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
        loaded, code = _of_xgboost(path.name, data), NO_CODE
    return _of_estimator(path.name, data, loaded, code)


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
            return loaded, code
        wanted |= dict.fromkeys(asked, name)


def _found_in(folder: Path, modules: set[str]) -> Iterator[str]:
    """Those of some modules that were imported by a path that leads into a folder."""
    for name in modules:
        place = place_of(folder, name)
        if place is not None and Path(getattr(sys.modules.get(name), "__file__", None) or "").is_relative_to(place):
            yield name


def _of_xgboost(name: str, data: bytes) -> Any:
    xgboost = require("xgboost", purpose=f"reading {name}", extra="xgboost")
    try:
        booster = xgboost.Booster()
        booster.load_model(bytearray(data))
        objective = json.loads(booster.save_config())["learner"]["objective"]["name"]
        classifies = objective.startswith(("binary:", "multi:"))
        estimator = xgboost.XGBClassifier() if classifies else xgboost.XGBRegressor()
        estimator.load_model(bytearray(data))
    except FOREIGN_FAILURES as error:
        raise UnservableModel(f"{name} holds no model of XGBoost", "store it with save_model of XGBoost") from error
    return estimator


def _of_estimator(name: str, data: bytes, loaded: Any, code: OwnCode) -> ModelFile:
    estimator = getattr(loaded, "best_estimator_", loaded)  # of a search for parameters
    if not (callable(getattr(estimator, "predict", None)) and hasattr(estimator, "__sklearn_tags__")):
        raise UnservableModel(f"{name} holds a {type(loaded).__name__}, which is not a fitted estimator", _ALONE)
    classifies = is_classifier(estimator)
    if not (classifies or is_regressor(estimator)):
        raise UnservableModel(f"{name} holds a {type(estimator).__name__}, which predicts nothing", _ALONE)
    if classifies and not hasattr(estimator, "predict_proba"):
        raise UnservableModel(
            f"{type(estimator).__name__} in {name} has no predict_proba",
            "wrap it in sklearn.calibration.CalibratedClassifierCV, and fit and store that",
        )
    classes = getattr(estimator, "classes_", None) if classifies else None
    return ModelFile(
        name=name,
        digest=sha256(data),
        estimator=estimator,
        task="classification" if classifies else "regression",
        width=getattr(estimator, "n_features_in_", None),
        names=names_taken(estimator),
        classes=None if classes is None else tuple(getattr(cls, "item", lambda cls=cls: cls)() for cls in classes),
        code=code,
    )


def _of_onnx(name: str, data: bytes) -> ModelFile:
    import onnx
    from google.protobuf.message import DecodeError  # type: ignore[import-untyped]

    try:
        model = onnx.load_model_from_string(data)
    except DecodeError as error:
        raise UnservableModel(f"{name} is not an ONNX file", "export the model again") from error
    stored = {tensor.name for tensor in model.graph.initializer}
    inputs = [entry for entry in model.graph.input if entry.name not in stored]
    if len(inputs) != 1 or inputs[0].type.tensor_type.elem_type not in {
        onnx.TensorProto.FLOAT,
        onnx.TensorProto.DOUBLE,
    }:
        raise UnservableModel(f"{name} takes {len(inputs)} inputs, or another than floats", _ONE_INPUT)
    dimensions = inputs[0].type.tensor_type.shape.dim
    width = dimensions[1].dim_value if len(dimensions) == 2 else 0
    classifies = len(model.graph.output) > 1 or model.graph.output[0].type.WhichOneof("value") == "sequence_type"
    classes = _only_probabilities(model, name) if classifies else None
    changed = model.SerializeToString(deterministic=True) if classifies else data
    return ModelFile(
        name=name,
        digest=sha256(data),
        estimator=OnnxModel(changed),
        task="classification" if classifies else "regression",
        width=width or None,
        names=None,
        classes=classes,
    )


def _only_probabilities(model: "ModelProto", name: str) -> tuple[Any, ...] | None:
    """Take the label and maps of probabilities off a classifier; its classes, where it names them."""
    import onnx

    graph = model.graph
    classes = next((known for node in graph.node if (known := _classes(node))), None)
    output = graph.output[-1]
    by_map = next((node for node in graph.node if node.op_type == "ZipMap" and output.name in node.output), None)
    if by_map is not None:
        output = onnx.helper.make_tensor_value_info(by_map.input[0], onnx.TensorProto.FLOAT, [None, len(classes or ())])
        graph.node.remove(by_map)
    elif output.type.WhichOneof("value") != "tensor_type":
        raise UnservableModel(f"{name} ends in something other than probabilities", "export it with zipmap=False")
    del graph.output[:]
    graph.output.append(output)
    return classes


def _classes(node: Any) -> tuple[Any, ...] | None:
    for attribute in node.attribute:
        if attribute.name.startswith("classlabels"):
            return tuple(attribute.ints) or tuple(text.decode() for text in attribute.strings) or None
    return None
