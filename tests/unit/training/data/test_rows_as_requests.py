"""A row of the training table is a row for the service, as a client with pandas would send it."""

import json
from collections.abc import Callable
from io import StringIO
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from inference.schema import RequestSchema
from skylift.scoring import encode
from tests.support.tables import lines, table_of

TABLES: dict[str, Callable[[int], str]] = {
    "number,n,y": lambda number: f"{number / 8},{number},{number * 1.5}",
    "gap,n,y": lambda number: f"{'' if number % 9 == 4 else number / 8},{number},{number * 1.5}",
    "flag,n,y": lambda number: f"{('TRUE', 'FALSE')[number % 2]},{number % 3},{'ab'[number % 2]}",
    "flag_or_none,n,y": lambda number: f"{('True', 'False', '')[number % 3]},{number % 3},{'ab'[number % 2]}",
    "zone,n,y": lambda number: f"z{number:03},{number % 2},{'ab'[number % 2]}",
    "left_on,n,y": lambda number: f"{number % 28 + 1:02}-{number % 12 + 1:02}-2013,{number % 4},{'ab'[number % 2]}",
    "sex,boat,y": lambda number: f"{'FM'[number % 2]},{('', 'B24', 'C5')[number % 3]},{number // 3 % 2}",
    "sex,team,y": lambda number: f"{('F', 'M ')[number % 2]},{('Sales', '  Sales', 'IT  ')[number % 3]},{number % 2}",
    " id , LOR ,same,y": lambda number: f"{number},{number % 7 / 2},always,{'ab'[number % 2]}",
    ",a,y": lambda number: f"{number},{number * 37 % 11},{'ab'[number % 2]}",
    "room,a,y": lambda number: f"{('1', '2', 'A')[number % 3]},{number * 37 % 11},{'ab'[number % 2]}",
    "empty,a,y": lambda number: f",{number * 37 % 11},{'ab'[number % 2]}",
}
"""Rows by their header: each kind of column, missing values, blanks, and columns that training leaves out."""


@pytest.mark.parametrize("header", TABLES)
def test_raw_rows_are_read_to_the_numbers_that_training_learned(tmp_path: Path, header: str) -> None:
    text = lines(header, TABLES[header], count=120)
    table = table_of(tmp_path, text)
    records = json.loads(pd.read_csv(StringIO(text)).to_json(orient="records"))

    instances = RequestSchema(table.contract, 1000).parse(json.dumps({"instances": records}).encode())

    np.testing.assert_array_equal(encode(table.contract, instances), table.rows)
