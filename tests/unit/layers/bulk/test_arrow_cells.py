"""Cells of Arrow are those that training reads."""

from decimal import Decimal
from typing import Any

import pyarrow as pa
import pytest

from skylift.bulk.arrow_cells import as_cell, plain, value_of
from skylift.feature import Feature

TEXT = Feature(name="t", kind="text", max_length=9, directions=1)


@pytest.mark.parametrize(
    ("cell", "read"), [(True, "true"), (2.5, "2.5"), (2, "2"), (None, None), (b"\xff", b"\xff"), ([1], [1])]
)
def test_a_typed_cell_is_the_text_of_it_but_for_bytes_and_lists(cell: Any, read: Any) -> None:
    assert as_cell(TEXT, cell) == read


def test_nan_of_an_array_is_missing_and_nan_of_json_is_not() -> None:
    (cell,) = pa.array([float("nan")])

    assert value_of(cell) is None
    assert str(value_of(float("nan"))) == "nan"


@pytest.mark.parametrize(
    ("array", "read"),
    [
        (pa.array([0.1], pa.float32()), [0.1]),
        (pa.array([Decimal("868.81"), Decimal("-0.008911"), None]), [868.81, -0.008911, None]),
        (pa.array([Decimal("772837.5101")], pa.decimal256(60, 4)), [772837.5101]),
        (pa.array(["a"], pa.large_string()), ["a"]),
        (pa.array([1]).dictionary_encode(), [1]),
        (pa.array([b"0" * 16], pa.uuid()), [b"0" * 16]),
        (pa.array([90], pa.duration("s")), ["0:01:30"]),
    ],
    ids=lambda value: str(getattr(value, "type", "")),
)
def test_arrays_of_other_types_become_doubles_and_texts(array: Any, read: list[Any]) -> None:
    assert plain(array).to_pylist() == read
