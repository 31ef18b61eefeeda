"""How MLflow loads a published version: from the very files that were published, checked as the service checks them.

`training/tracking/mlflow_model.py` logs this file and the layer with each version, so that `mlflow.pyfunc.load_model`
needs no installed Skylift; it therefore imports nothing else of this project. MLflow imports it by this name at the top
level, and logged models keep that name: the file cannot be renamed.
"""

import warnings
from datetime import date
from difflib import get_close_matches
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from skylift.contract import Instance
from skylift.encoding import RowEncoder, load_encoder
from skylift.errors import IntegrityError
from skylift.image_cache import ImageCache
from skylift.names import listed
from skylift.predictors import load_predictor
from skylift.scoring import Predictor, predictions
from skylift.values import clean, fault


class PublishedModel:
    """A version as MLflow sees a model: a data frame in, a data frame out.

    Parameters
    ----------
    encoder
        What encodes rows, by the contract that names and orders the columns.
    predictor
        Predictor that scores encoded rows.
    """

    def __init__(self, encoder: RowEncoder, predictor: Predictor) -> None:
        self._contract = encoder.contract
        self._encoder = encoder
        self._predictor = predictor

    def predict(self, model_input: pd.DataFrame, params: dict[str, Any] | None = None) -> pd.DataFrame:  # noqa: ARG002 (MLflow's own signature)
        """Score rows.

        Parameters
        ----------
        model_input
            One column per feature of the contract; a missing value is NaN or None.

        Returns
        -------
        `label` and a column `probability_<class>` for each class; `value` for a regression, with `low`, `high` and
        `level` where the version gives intervals.

        Raises
        ------
        ValueError
            A value breaks the contract, or a column is none of the table; with its name.

        Warns
        -----
        UserWarning
            The model does not use a column of the table.
        """
        scores = self._predictor.scores(self._encoder.encode(self._instances(model_input)))
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
        """The rows, read and checked value by value as `/predict` does it."""
        frame = frame.rename(columns={name: self._contract.known_name(str(name)) or name for name in frame.columns})
        self._check_names([str(name) for name in frame.columns])
        columns: dict[str, list[Any]] = {}
        for feature in self._contract.features:
            column = frame[feature.name] if feature.name in frame else pd.Series([None] * len(frame))
            values = [_as_json(value) for value in column]
            for value in values:
                if (found := fault(feature, value)) is not None:
                    raise ValueError(f"column {feature.name} holds {value!r}: {found.message}")
            columns[feature.name] = [clean(feature, value) for value in values]
        return [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]

    def _check_names(self, names: list[str]) -> None:
        known = [feature.name for feature in self._contract.features]
        ignored = [name for name in names if name in self._contract.ignored]
        for name in names:
            if name not in known and name not in ignored:
                near = get_close_matches(name, known, n=1)
                meant = f"did you mean {near[0]!r}?" if near else f"known are {listed(known)}"
                raise ValueError(f"unknown column {name!r}: {meant}")
        if ignored:
            warnings.warn(f"not used by the model: {listed(ignored)}", stacklevel=4)


def _as_json(value: Any) -> Any:
    """A cell as JSON would have it: None for a missing value, a date as a text, no types of NumPy."""
    if pd.isna(value):
        return None
    if isinstance(value, date):  # a time, too, of pandas as well
        return value.isoformat().removesuffix("T00:00:00")
    return value.item() if isinstance(value, np.generic) else value


def _load_pyfunc(path: str) -> PublishedModel:
    """What MLflow calls with the folder that `skylift.image_cache.bake` wrote."""
    folder = Path(path)
    model = next((place.parent.name for place in folder.glob("*/v*-*")), "")
    image = ImageCache(folder, model)
    reference = image.newest()
    if reference is None:
        raise IntegrityError(f"{path} holds no version", "log it to MLflow again: train with --track")
    with image.open_version(reference) as (manifest, read):
        encoder = load_encoder(manifest, read)
        return PublishedModel(encoder, load_predictor(manifest, read, encoder))
