"""Models as people train them elsewhere: with scikit-learn and pandas alone, on the table of `mixed`."""

import io
from functools import cache
from pathlib import Path
from typing import Any

import joblib
import pandas as pd
from sklearn.compose import ColumnTransformer
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

from tests.support.tables import config_of, mixed
from training.config import ModelConfig
from training.job import Trained
from training.job.adoption import adopt

NUMBERS = ["age", "visits", "score"]
TEXTS = ["plan", "city"]


@cache
def frame() -> pd.DataFrame:
    """The table, as pandas reads it."""
    return pd.read_csv(io.StringIO(mixed()))


def fitted(encoder: Any, *, texts: Any = TEXTS, model: Any = None) -> Pipeline:
    """A pipeline of filled numbers and encoded texts, fitted on the table."""
    numbers = make_pipeline(SimpleImputer(), StandardScaler())
    columns = ColumnTransformer([("numbers", numbers, NUMBERS), ("texts", encoder, texts)])
    rows = frame()
    return Pipeline([("columns", columns), ("model", model or LogisticRegression())]).fit(rows, rows["churned"])


def one_hot() -> Any:
    """Columns of ones, where a missing text is a category of its own."""
    missing = SimpleImputer(strategy="constant", fill_value="missing")
    return make_pipeline(missing, OneHotEncoder(handle_unknown="ignore"))


def words() -> Pipeline:
    """A pipeline that reads words, and does with them what only a data frame gives it."""
    return fitted(make_pipeline(TfidfVectorizer(), StandardScaler(with_mean=False)), texts="plan")


def stored(model: Any, folder: Path, name: str = "model.joblib") -> Path:
    """The file of a model."""
    joblib.dump(model, folder / name)
    return folder / name


def table(folder: Path, text: str | None = None, *, target: str = "churned", **sections: Any) -> ModelConfig:
    """The configuration of a table, `mixed` if it is not given."""
    path = folder / "table.csv"
    path.write_text(text or mixed())
    return config_of(path, target=target, **sections)


def adopted(folder: Path, model: Any, **sections: Any) -> Trained:
    """What `skylift adopt` makes of a model and a table."""
    return adopt(table(folder, **sections), stored(model, folder), trusted=True)


def names(trained: Trained) -> list[str]:
    """Names of the features of a version."""
    return [feature.name for feature in trained.table.contract.features]
