"""A row of the training table is a row for the service, as clients read it with pandas or with the csv module."""

import json
from pathlib import Path

import numpy as np
import pytest

from inference.schema import RequestSchema
from skylift.encoding import RowEncoder
from tests.support.raw_tables import RAW_TABLES
from training.data.encoded import read_table


@pytest.mark.parametrize("client", ["as_pandas_reads_it", "as_written"])
@pytest.mark.parametrize("kind", RAW_TABLES)
def test_raw_rows_are_read_to_the_numbers_that_training_learned(tmp_path: Path, kind: str, client: str) -> None:
    raw = RAW_TABLES[kind]
    table = read_table(raw.config(tmp_path).table)
    rows = [row for number, row in enumerate(getattr(raw, client)) if number not in raw.left_out]

    instances = RequestSchema(table.contract, 1000).parse(json.dumps({"instances": rows}).encode())

    np.testing.assert_array_equal(RowEncoder(table.contract).encode(instances), table.rows)
