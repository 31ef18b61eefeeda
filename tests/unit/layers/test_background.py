"""Background rows are few, and their file is trusted with nothing."""

from typing import Any

import numpy as np
import pytest

from skylift.array_file import write_arrays
from skylift.background import MOST_EXACT, SCORED_ROWS, Background, background_size
from skylift.errors import UnservableModel

SOUND: dict[str, Any] = {"rows": np.array([[1.0, np.nan], [2.0, 3.0]]), "weights": np.array([0.25, 0.75])}


@pytest.mark.parametrize("features", [1, 4, MOST_EXACT, MOST_EXACT + 1, 50, 600])
def test_few_rows_are_scored_for_a_reason(features: int) -> None:
    coalitions = 2**features if features <= MOST_EXACT else 2 * features
    assert 4 <= background_size(features) <= 40
    assert background_size(features) * coalitions <= SCORED_ROWS


def test_reading_returns_what_was_written() -> None:
    data = Background(**SOUND).to_bytes()
    read = Background.from_bytes(data, width=2)
    assert np.array_equal(read.rows, SOUND["rows"], equal_nan=True)
    assert np.array_equal(read.weights, SOUND["weights"])
    assert read.to_bytes() == data


@pytest.mark.parametrize(
    "changed",
    [
        {"rows": np.ones((2, 2), np.float32)},
        {"rows": np.ones((2, 3))},
        {"rows": np.ones(2)},
        {"rows": np.ones((0, 2)), "weights": np.ones(0)},
        {"rows": np.ones((41, 2)), "weights": np.full(41, 1 / 41)},
        {"rows": np.array([[1.0, np.inf], [2.0, 3.0]])},
        {"weights": np.array([1.0])},
        {"weights": np.array([0.5, 0.6])},
        {"weights": np.array([-0.5, 1.5])},
        {"weights": np.array([np.nan, 1.0])},
        {"weights": np.array([1, 0])},
        {"weights": np.array(["a", "b"])},
        {"other": np.ones(1)},
    ],
)
def test_arrays_of_another_form_are_refused(changed: dict[str, Any]) -> None:
    with pytest.raises(UnservableModel, match=r"background\.npz cannot be read"):
        Background.from_bytes(write_arrays(SOUND | changed), width=2)


@pytest.mark.parametrize("broken", [b"", b"no archive", Background(**SOUND).to_bytes()[:-40]])
def test_damaged_bytes_are_refused(broken: bytes) -> None:
    with pytest.raises(UnservableModel, match=r"background\.npz cannot be read"):
        Background.from_bytes(broken, width=2)
