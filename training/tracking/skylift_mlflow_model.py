"""How MLflow loads a published version: from the very files that were published, checked as the service checks them.

`training/tracking/mlflow_model.py` logs this file and the layer with each version, so that `mlflow.pyfunc.load_model`
needs no installed Skylift; it therefore imports nothing else of this project. MLflow imports it by this name at the top
level, and logged models keep that name: the file cannot be renamed.
"""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from skylift.contract import LARGEST_NUMBER, Contract, Feature, Instance
from skylift.errors import IntegrityError
from skylift.image_cache import ImageCache
from skylift.predictors import load_predictor
from skylift.scoring import Predictor, encode, predictions


class PublishedModel:
    """A version as MLflow sees a model: a data frame in, a data frame out.

    Parameters
    ----------
    contract
        Contract that names and orders the columns.
    predictor
        Predictor that scores encoded rows.
    """

    def __init__(self, contract: Contract, predictor: Predictor) -> None:
        self._contract = contract
        self._predictor = predictor

    def predict(self, model_input: pd.DataFrame, params: dict[str, Any] | None = None) -> pd.DataFrame:  # noqa: ARG002 (MLflow's own signature)
        """Score rows.

        Parameters
        ----------
        model_input
            One column per feature of the contract; a missing value is NaN or None.

        Returns
        -------
        `label` and a column `probability_<class>` for each class; `value` for a regression.

        Raises
        ------
        ValueError
            A value breaks the contract; with its column.
        """
        scores = self._predictor.scores(encode(self._contract, self._instances(model_input)))
        answers = predictions(self._contract, scores)
        if self._contract.task == "regression":
            return pd.DataFrame(answers)
        rows = []
        for answer in answers:
            probabilities: Any = answer["probabilities"]
            rows.append(
                {"label": answer["label"]} | {f"probability_{name}": value for name, value in probabilities.items()}
            )
        return pd.DataFrame(rows)

    def _instances(self, frame: pd.DataFrame) -> list[Instance]:
        columns: dict[str, list[Any]] = {}
        for feature in self._contract.features:
            column = frame[feature.name] if feature.name in frame else pd.Series([None] * len(frame))
            values = [None if pd.isna(value) else feature.clean(value) for value in column]
            if feature.required and None in values:
                raise ValueError(f"column {feature.name} has a missing value, and training saw none")
            if wrong := next(
                (value for value in values if value is not None and not _is_of_kind(feature, value)), None
            ):
                raise ValueError(f"column {feature.name} holds {wrong!r}: expected {feature.expectation}")
            if feature.categories and not feature.takes_unknown and (unknown := set(values) - feature.codes.keys()):
                raise ValueError(f"column {feature.name} has unknown values, such as {min(map(str, unknown))!r}")
            columns[feature.name] = values
        return [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]


def _is_of_kind(feature: Feature, value: Any) -> bool:
    """Whether a value is one that `/predict` reads: also as NumPy types."""
    match feature.json_type:
        case "string":
            return isinstance(value, str)
        case "boolean":
            return isinstance(value, bool | np.bool_)
        case "number" | "integer":
            if isinstance(value, bool | np.bool_) or not isinstance(value, int | float | np.number):
                return False
            number = float(value)
            return abs(number) <= LARGEST_NUMBER and (feature.json_type == "number" or number.is_integer())


def _load_pyfunc(path: str) -> PublishedModel:
    """What MLflow calls with the folder that `skylift.image_cache.bake` wrote."""
    folder = Path(path)
    model = next((place.parent.name for place in folder.glob("*/v*-*")), "")
    image = ImageCache(folder, model)
    reference = image.newest()
    if reference is None:
        raise IntegrityError(f"{path} holds no version", "log it to MLflow again: train with --track")
    with image.open_version(reference) as (manifest, read):
        return PublishedModel(manifest.contract, load_predictor(manifest, read))
