"""Small tables as text, and configurations for training on them."""

import re
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow.parquet as pq
import pytest
import yaml
from sklearn import datasets

from skylift.errors import ConfigError, DataError
from skylift.feature import Feature
from training.config import ModelConfig
from training.config.locations import Location
from training.data.encoded import read_table
from training.data.reader import read_rows
from training.data.table import Table
from training.job import Trained, train

if TYPE_CHECKING:
    import pandas as pd

TREE = {"name": "tree", "estimator": "sklearn.tree.DecisionTreeClassifier", "params": {"max_depth": 3}}
LOGISTIC = {"name": "logistic", "estimator": "sklearn.linear_model.LogisticRegression", "params": {"max_iter": 1000}}
RIDGE = {"name": "ridge", "estimator": "sklearn.linear_model.Ridge"}

ROW_NUMBERS = ("x", "n")
"""Columns of made-up tables that may number the rows and tell the target, as simple ones do."""

MIXED_HEADER = "age,visits,score,member,consent,city,plan,churned"


def lines(header: str, row: Callable[[int], str], *, count: int = 40) -> str:
    """A table as text: a header, and a row for each number from 0."""
    return "\n".join([header, *(row(number) for number in range(count))]) + "\n"


def one_feature(value: Callable[[int], str], *, count: int = 40) -> str:
    """A table with the feature `x` in question, a sound feature `n`, and two classes of `y`."""
    return lines("x,n,y", lambda number: f"{value(number)},{number},{'ab'[number % 2]}", count=count)


def mixed(*, count: int = 80) -> str:
    """Every kind of column, each but the first with missing values in some rows, and a target to learn."""

    def row(number: int) -> str:
        cells = [
            str(20 + number * 7 % 50),
            "" if number % 9 == 1 else str(number % 5),
            "" if number % 8 == 2 else f"{(number * 13 % 29) / 4}",
            str(number % 3 == 0),
            "" if number % 7 == 3 else str(number % 2 == 0),
            "" if number % 10 == 4 else ("Lyon", "Oslo", "Rome")[number % 3],
            ("basic", "plus")[number // 2 % 2],
            ("no", "yes")[number * 7 % 50 > 25],
        ]
        return ",".join(cells)

    return lines(MIXED_HEADER, row, count=count)


def _row_numbers(path: Location, data: Any) -> list[str]:
    """Those of the row numbers that a table has by its configuration, if it is written already."""
    if not isinstance(path, Path) or not path.is_file():
        return []
    if path.suffix == ".parquet":
        names = pq.read_schema(path).names
    else:
        names = re.findall(r"\w+", path.read_bytes().lstrip().partition(b"\n")[0].decode(errors="ignore"))
    kept = [data.get("rename", {}).get(name, name) for name in names if name not in data.get("drop", [])]
    return [name for name in ROW_NUMBERS if name in kept]


def config_of(path: Path, *, target: str = "y", **sections: Any) -> ModelConfig:
    """A configuration with the three required keys and what else is named, as `model.yaml` has it."""
    columns = {"column": target} | sections.pop("target_keys", {})
    data = {"path": path} | sections.pop("data_keys", {})
    sections.setdefault("validate", {"trusted": _row_numbers(path, data)})
    return ModelConfig.model_validate({"model": "table", "data": data, "target": columns, **sections})


def table_of(folder: Path, content: str | bytes, *, target: str = "y", **sections: Any) -> Table:
    """The table that training makes of a file's content."""
    path = folder / "table.csv"
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return read_table(config_of(path, target=target, **sections).table)


def feature_names(table: Table) -> list[str]:
    return [feature.name for feature in table.contract.features]


def refusal(folder: Path, content: str | bytes, **sections: Any) -> str:
    with pytest.raises((DataError, ConfigError)) as caught:
        table_of(folder, content, **sections)
    assert "\n" not in str(caught.value), "an error is one line"
    return str(caught.value)


def refusal_to_read(location: Location, error: type[Exception] = DataError) -> str:
    with pytest.raises(error) as caught:
        read_rows(location)
    assert "\n" not in str(caught.value), "an error is one line"
    return str(caught.value)


def feature_of(table: Table, name: str) -> Feature:
    """A feature of a table by its name."""
    return {feature.name: feature for feature in table.contract.features}[name]


@cache
def public_table(name: str) -> str:
    """A table that scikit-learn brings, as text, with the column `target`."""
    loaded = getattr(datasets, f"load_{name}")(as_frame=True)
    frame: pd.DataFrame = loaded.frame
    return str(frame.to_csv(index=False))


def learned(folder: Path, text: str, *candidates: dict[str, Any], target: str = "y", **sections: Any) -> Trained:
    """What training makes of a table given as text; by one quick candidate where none is named."""
    path = folder / "table.csv"
    path.write_text(text, encoding="utf-8")
    return train(config_of(path, target=target, candidates=candidates or (TREE,), **sections))


def write_project(folder: Path, text: str, **sections: Any) -> Path:
    """Write a table and its `model.yaml` with one quick candidate, unless sections say otherwise; the latter's path."""
    (folder / "table.csv").write_text(text, encoding="utf-8")
    document = {"model": "iris", "data": {"path": "table.csv"}, "target": {"column": "y"}, "candidates": [TREE]}
    document["validate"] = {"trusted": _row_numbers(folder / "table.csv", document["data"])}
    path = folder / "model.yaml"
    path.write_text(yaml.safe_dump(document | sections), encoding="utf-8")
    return path


def noted(notes: tuple[str, ...] | list[str], *parts: str) -> bool:
    """Whether a note holds all parts."""
    return any(all(part in note for part in parts) for note in notes)
