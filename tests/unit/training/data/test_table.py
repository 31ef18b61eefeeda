"""A table as estimators see it, and its rows as callers send them."""

from pathlib import Path

import numpy as np

from tests.support.tables import lines, table_of

TEXT = lines(
    "day,size,zone,y",
    lambda row: f"2026-{row % 12 + 1:02}-03,{'' if row == 1 else row % 7},{'ab'[row % 2]},{row * 1.5}",
)


def test_a_row_is_an_instance_without_what_is_missing(tmp_path: Path) -> None:
    table = table_of(tmp_path, TEXT)

    assert table.instance(0) == {"day": "2026-01-03", "size": 0, "zone": "a"}
    assert table.instance(1) == {"day": "2026-02-03", "zone": "b"}


def test_an_instance_is_encoded_to_its_row(tmp_path: Path) -> None:
    table = table_of(tmp_path, TEXT)

    encoded = table.encoder.encode([table.instance(row) for row in range(len(table.rows))])

    assert np.array_equal(encoded, table.rows, equal_nan=True)


def test_one_number_stands_for_each_feature(tmp_path: Path) -> None:
    table = table_of(tmp_path, TEXT)

    assert table.leads().shape == (len(table.rows), 3)
    assert table.leads()[0, 1:].tolist() == [0.0, 0.0]
