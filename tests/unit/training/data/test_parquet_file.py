"""Parquet is read as the same CSV file is; what cannot be a table is refused."""

from datetime import time
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from pandas.testing import assert_frame_equal

from skylift.errors import ConfigError
from tests.support.tables import config_of, mixed, noted, refusal_to_read
from training import extras
from training.data import parquet_file
from training.data.encoded import read_table
from training.data.reader import read_rows


def parquet(folder: Path, columns: dict[str, Any], **options: Any) -> Path:
    path = folder / "table.parquet"
    pq.write_table(pa.table(columns), path, **options)
    return path


def test_it_is_the_table_that_the_same_csv_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "table.csv"
    path.write_text(mixed(), encoding="utf-8")
    from_csv = read_rows(path).frame
    arrow = pa.Table.from_pandas(from_csv, preserve_index=False)
    pq.write_table(arrow, tmp_path / "table.parquet", row_group_size=30)

    monkeypatch.setattr(parquet_file, "PART_ROWS", 17)

    assert_frame_equal(read_rows(tmp_path / "table.parquet").frame, from_csv)


def test_a_model_learns_the_same_contract_from_it(tmp_path: Path) -> None:
    path = tmp_path / "table.csv"
    path.write_text(mixed(), encoding="utf-8")
    read_rows(path).frame.to_parquet(tmp_path / "table.parquet", index=False)

    tables = [read_table(config_of(file, target="churned").table) for file in (path, tmp_path / "table.parquet")]

    assert tables[0].contract == tables[1].contract
    assert tables[0].digest != tables[1].digest


@pytest.mark.parametrize(
    ("values", "dtype", "first"),
    [
        (pa.array([1, None], pa.int8()), "Int64", 1),
        (pa.array([1.5, float("nan")], pa.float32()), "Float64", 1.5),
        (pa.array([True, None]), "boolean", True),
        (pa.array(["red", None]).dictionary_encode(), "string", "red"),
        (pa.array(["red", None], pa.large_string()), "string", "red"),
        (pa.array(["red", None], pa.string_view()), "string", "red"),
        (pa.array(["red", None], pa.large_string()).dictionary_encode(), "string", "red"),
        (pa.array([0.1, None], pa.float32()), "Float64", 0.1),
        (pa.array([Decimal("868.81"), None], pa.decimal128(6, 2)), "Float64", 868.81),
        (pa.array([20000, None], pa.date32()), "string", "2024-10-04"),
        (pa.array([None, None]), "Int64", pd.NA),
    ],
    ids=[
        "small integers",
        "NaN",
        "booleans",
        "dictionary",
        "large texts",
        "views",
        "large dictionary",
        "shortest",
        "decimals",
        "dates",
        "nothing",
    ],
)
def test_types_of_parquet_become_those_of_a_table(tmp_path: Path, values: Any, dtype: str, first: object) -> None:
    column = read_rows(parquet(tmp_path, {"x": values})).frame["x"]

    assert str(column.dtype) == dtype
    assert column.iloc[0] is pd.NA if first is pd.NA else column.iloc[0] == first
    assert column.iloc[1] is pd.NA


def test_an_index_without_a_name_is_left_out_with_a_note(tmp_path: Path) -> None:
    frame = pd.DataFrame({"x": [1, 2]}, index=pd.Index(["a", "b"]))
    frame.to_parquet(tmp_path / "table.parquet")

    raw = read_rows(tmp_path / "table.parquet")

    assert list(raw.frame.columns) == ["x"]
    assert raw.left_out == ("__index_level_0__",)
    assert raw.notes == ("column __index_level_0__ was left out: it is the index of a data frame",)


def test_a_row_with_its_index_may_be_sent(tmp_path: Path) -> None:
    frame = pd.DataFrame({"x": range(40), "y": ["a", "b"] * 20}, index=pd.Index([f"k{row}" for row in range(40)]))
    frame.to_parquet(tmp_path / "table.parquet")

    contract = read_table(config_of(tmp_path / "table.parquet").table).contract

    assert contract.ignored == ("__index_level_0__", "y")


def test_classes_of_float32_are_those_of_the_same_csv(tmp_path: Path) -> None:
    frame = pd.DataFrame({"x": range(40), "y": np.array([0.1, 0.2] * 20, dtype=np.float32)})
    frame.to_parquet(tmp_path / "table.parquet")
    frame.to_csv(tmp_path / "table.csv", index=False)

    contracts = [
        read_table(config_of(tmp_path / name, target_keys={"task": "classification"}).table).contract
        for name in ("table.parquet", "table.csv")
    ]

    assert contracts[0].target.classes == ("0.1", "0.2")
    assert contracts[0] == contracts[1]


def test_texts_that_look_like_numbers_stay_texts(tmp_path: Path) -> None:
    assert read_rows(parquet(tmp_path, {"x": ["01", "02"]})).frame["x"].tolist() == ["01", "02"]


def test_durations_and_times_of_day_are_hours_as_in_csv(tmp_path: Path) -> None:
    hours = [row % 30 + 0.5 for row in range(40)]
    frame = pd.DataFrame({"span": pd.to_timedelta(hours, unit="h"), "n": range(40), "y": ["a", "b"] * 20})
    frame["at"] = pd.Series([time(row % 24, 30) for row in range(40)], dtype=object)
    frame.loc[3, "span"] = pd.NaT
    frame.to_parquet(tmp_path / "table.parquet")

    read = read_rows(tmp_path / "table.parquet").frame

    assert read["span"].isna().to_numpy().nonzero()[0].tolist() == [3]
    assert read["span"].drop(3).tolist() == [hour for row, hour in enumerate(hours) if row != 3]
    assert read["at"].tolist() == [row % 24 + 0.5 for row in range(40)]


@pytest.mark.parametrize("value", [[1], {"a": 1}, b"abc"], ids=["lists", "records", "bytes"])
def test_a_column_of_anything_else_is_left_out_by_its_name(tmp_path: Path, value: Any) -> None:
    path = parquet(tmp_path, {"x": [value] * 40, "n": [*range(20)] * 2, "y": ["a", "b"] * 20})

    table = read_table(config_of(path, validate={}).table)

    assert [feature.name for feature in table.contract.features] == ["n"]
    assert "x" in table.contract.ignored
    assert noted(table.notes, "column x was left out: it holds ", "write it as numbers or texts to use it")


def test_a_file_that_is_not_parquet_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "table.parquet"
    path.write_text("x,y\n1,2\n", encoding="utf-8")

    assert "table.parquet cannot be read as Parquet" in refusal_to_read(path)


def test_without_pyarrow_the_command_that_installs_it_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = parquet(tmp_path, {"x": [1]})

    def missing(name: str) -> None:
        raise ImportError(name)

    monkeypatch.setattr(extras, "import_module", missing)

    text = refusal_to_read(path, ConfigError)

    assert "reading Parquet needs pyarrow, which is not installed here" in text
    assert "-e '.[data]'" in text
