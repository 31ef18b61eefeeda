"""Models that were trained elsewhere, on encoded rows."""

import math
import pickle

import numpy as np
import pytest

from skylift.adopted import FrameModel
from skylift.contract import Contract, Target
from skylift.feature import Feature

FEATURES = (
    Feature(name="size", kind="number", required=False),
    Feature(name="rooms", kind="integer"),
    Feature(name="floor", kind="integer", required=False),
    Feature(name="lift", kind="boolean"),
    Feature(name="pets", kind="boolean", required=False),
    Feature(name="area", kind="category", categories=("north", "south"), required=False),
)
CONTRACT = Contract(task="regression", features=FEATURES, target=Target(name="rent"))
ROWS = np.array([[20.5, 2, math.nan, 1, 0, 1], [math.nan, 3, 4, 0, math.nan, math.nan]])


class Rooms:
    """A model that reads one column of its frame by name."""

    def predict(self, frame: object) -> object:
        return frame["number of rooms"]  # type: ignore[index]


def model() -> FrameModel:
    return FrameModel(Rooms(), CONTRACT, ["size", "number of rooms", "floor", "lift", "pets", "area"])


def test_each_row_is_the_tables_own_again_as_pandas_reads_it() -> None:
    frame = model().frame(ROWS)

    assert frame.astype(object).where(frame.notna(), None).to_numpy().tolist() == [
        [20.5, 2, None, True, False, "south"],
        [None, 3, 4.0, False, None, None],
    ]
    assert [str(kind) for kind in frame.dtypes[:4]] == ["float64", "int64", "float64", "bool"]


def test_it_reads_columns_by_the_names_that_it_knows() -> None:
    assert model().predict(ROWS).tolist() == [2.0, 3.0]


def test_a_stored_model_needs_nothing_else() -> None:
    assert pickle.loads(pickle.dumps(model())).predict(ROWS).tolist() == [2.0, 3.0]


@pytest.mark.parametrize("number", [np.inf, 2.0**60])
def test_what_cannot_be_an_integer_stays_a_number(number: float) -> None:
    rows = ROWS.copy()
    rows[0, 1] = number

    assert model().frame(rows)["number of rooms"].tolist() == [number, 3.0]
