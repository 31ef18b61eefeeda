"""A column that only numbers or names the rows is recognised; one that measures something is not."""

import numpy as np
import pytest

from skylift.feature import Feature, Kind
from training.data.identifiers import identifies, named_as_identifier

ROWS = 30
SHUFFLED = np.random.default_rng(0).permutation(ROWS).astype(float)


def feature(name: str = "x", kind: Kind = "integer", *, required: bool = True) -> Feature:
    categories = tuple(map(str, range(ROWS))) if kind == "category" else ()
    return Feature(name=name, kind=kind, required=required, categories=categories)


@pytest.mark.parametrize(
    ("about", "column", "reason"),
    [
        (feature(), np.arange(ROWS) * 3.0, "grows from row to row"),
        (feature(), -np.arange(ROWS) * 1.0, "grows from row to row"),
        (feature(), SHUFFLED, "another value in each row"),
        (feature("customerId"), SHUFFLED * 7, "another value in each row"),
        (feature(kind="category"), SHUFFLED, "another text in each row"),
    ],
)
def test_an_identifier_is_recognised(about: Feature, column: np.ndarray, reason: str) -> None:
    assert reason in str(identifies(about, column))


@pytest.mark.parametrize(
    ("about", "column"),
    [
        (feature(), SHUFFLED // 2),
        (feature(), SHUFFLED * 7),
        (feature(kind="number"), np.arange(ROWS) / 3),
        (feature(required=False), np.arange(ROWS) * 1.0),
        (feature(), np.arange(5) * 1.0),
    ],
    ids=["repeats", "sparse without such a name", "a measure", "missing in some rows", "few rows"],
)
def test_a_measure_is_none(about: Feature, column: np.ndarray) -> None:
    assert identifies(about, column) is None


@pytest.mark.parametrize("name", ["id", "ID", "row_id", "customerId", "index", "uuid"])
def test_a_name_may_say_it(name: str) -> None:
    assert named_as_identifier(name)


@pytest.mark.parametrize("name", ["paid", "idle", "width", "covid"])
def test_letters_within_a_name_do_not(name: str) -> None:
    assert not named_as_identifier(name)
