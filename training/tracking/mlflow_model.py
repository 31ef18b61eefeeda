"""A published version in the form MLflow keeps models in: signature, example, requirements, and its loader."""

from importlib.metadata import version as installed_version
from pathlib import Path
from typing import Any, assert_never

import mlflow.pyfunc
import pandas as pd
from mlflow.models import ModelSignature
from mlflow.types import ColSpec, Schema

import skylift
from skylift.contract import Contract
from skylift.feature import Feature
from skylift.verification import Version

_LOADER = Path(__file__).with_name("skylift_mlflow_model.py")
_REQUIRED_PACKAGES = ("scikit-learn", "numpy", "scipy", "joblib", "onnxruntime", "pandas", "pydantic")


def save_model(version: Version, baked: Path, to: Path) -> None:
    """Write a version as an MLflow model.

    Parameters
    ----------
    baked
        Folder of its files, as `skylift.image_cache.bake` writes them.
    to
        Folder to write the model into.
    """
    contract, trained_with = version.manifest.contract, version.manifest.environment
    mlflow.pyfunc.save_model(
        to,
        loader_module=_LOADER.stem,
        data_path=str(baked),
        code_paths=[str(Path(skylift.__file__).parent), str(_LOADER)],
        signature=ModelSignature(input_schema(contract), _output_schema(contract)),
        input_example=_example(contract),
        pip_requirements=[
            f"{name}=={trained_with.get(name) or installed_version(name)}" for name in _REQUIRED_PACKAGES
        ],
        metadata={"skylift_reference": str(version.reference)},
    )


def input_schema(contract: Contract) -> Schema:
    """The contract's features as MLflow describes columns."""
    return Schema([ColSpec(_type(feature), feature.name, required=feature.required) for feature in contract.features])


def _type(feature: Feature) -> str:
    """MLflow's type of a column; pandas reads integers that may be missing as floats."""
    match feature.json_type:
        case "number":
            return "double"
        case "integer":
            return "long" if feature.required else "double"
        case "string" | "boolean":
            return feature.json_type
        case _:
            assert_never(feature.json_type)


def _output_schema(contract: Contract) -> Schema:
    if contract.task == "regression":
        interval = ("low", "high", "level") if contract.target.margins is not None else ()
        return Schema([ColSpec("double", name) for name in ("value", *interval)])
    label = {bool: "boolean", int: "long"}.get(type(contract.target.classes[0]), "string")
    return Schema([ColSpec(label, "label"), *(ColSpec("double", f"probability_{key}") for key in contract.target.keys)])


def _example(contract: Contract) -> pd.DataFrame:
    columns: dict[str, list[Any]] = {}
    for feature in contract.features:
        value = feature.example
        columns[feature.name] = [float(value) if _type(feature) == "double" and value is not None else value]
    return pd.DataFrame(columns)
