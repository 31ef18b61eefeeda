"""The training distribution by bin: where a value is counted, and what its bin is called."""

import json
import math
from datetime import date
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from skylift.errors import IntegrityError
from skylift.monitoring.baseline import Baseline, Bins, Distribution
from tests.support.baselines import AGE, AREA, baseline
from tests.support.contracts import modest

HEAVY = Bins(edges=(0.0, math.nextafter(0.0, 1), 2.5, 4.0, math.nextafter(6.9, 7)))
ROOMS = Bins(edges=(1.0, 2.0, 3.0, 7.0, math.nextafter(9.0, 10)))


def places(bins: Bins, *values: float) -> list[int]:
    found: list[int] = bins.places(np.array(values, dtype=np.float64)).tolist()
    return found


class TestBinsOfNumbers:
    def test_an_edge_belongs_to_the_bin_above_it(self) -> None:
        assert places(AGE, 18.0, 29.9, 30.0, 44.0, 45.0, 80.4) == [1, 1, 2, 2, 3, 3]

    def test_values_below_and_above_the_training_range_have_bins_of_their_own(self) -> None:
        assert places(AGE, -1e300, 17.9, 80.5, 1e300) == [0, 0, 4, 4]
        assert AGE.outside == (0, 4)

    def test_a_missing_value_is_in_the_last_bin(self) -> None:
        assert places(AGE, math.nan) == [AGE.missing] == [AGE.size - 1] == [5]

    def test_a_value_may_have_a_bin_of_its_own(self) -> None:
        assert places(HEAVY, 0.0, 5e-324, 1.0, 2.5) == [1, 2, 2, 3]

    def test_a_column_without_values_tells_only_whether_one_is_missing(self) -> None:
        empty = Bins(edges=())

        assert places(empty, 3.0, math.nan) == [0, 1]
        assert (empty.size, empty.outside, empty.words(0, "x"), empty.words(1, "x")) == (
            2,
            (0,),
            "x not missing",
            "x missing",
        )

    @modest
    @given(st.data())
    def test_each_value_is_counted_once_and_between_its_edges(self, data: st.DataObject) -> None:
        edges = sorted(data.draw(st.sets(st.floats(-1e6, 1e6), max_size=12)))
        values = data.draw(st.lists(st.one_of(st.just(math.nan), st.sampled_from([0.0, *edges]), st.floats(-1e7, 1e7))))
        bins = Bins(edges=tuple(edges))

        counts = bins.counts(np.array(values, dtype=np.float64))

        assert (len(counts), int(counts.sum())) == (bins.size, len(values))
        padded = [-math.inf, *edges, math.inf]
        for value, place in zip(values, places(bins, *values), strict=True):
            assert place == bins.missing if math.isnan(value) else padded[place] <= value < padded[place + 1]


class TestBinsOfLevels:
    def test_a_level_is_in_the_bin_of_its_code(self) -> None:
        assert places(AREA, 0.0, 1.0) == [0, 1]

    def test_the_bins_behind_the_levels_are_of_unseen_and_missing_values(self) -> None:
        assert (AREA.outside, AREA.missing, AREA.size) == ((2,), 3, 4)
        assert places(AREA, math.nan) == [AREA.missing]

    def test_one_level_or_five_hundred_are_counted_the_same(self) -> None:
        many = Bins(levels=tuple(map(str, range(500))))

        assert places(Bins(levels=("only",)), 0.0, math.nan) == [0, 2]
        assert places(many, 0.0, 499.0, 250.0, math.nan) == [0, 499, 250, 501]

    def test_they_have_no_order(self) -> None:
        assert (AREA.ordered, AGE.ordered) == (False, True)


class TestWords:
    def test_levels_are_named(self) -> None:
        assert [AREA.words(place, "area") for place in range(AREA.size)] == [
            "area = north",
            "area = south",
            "area not seen in training",
            "area missing",
        ]

    def test_numbers_are_between_values_of_the_training_rows(self) -> None:
        assert [HEAVY.words(place, "width") for place in range(HEAVY.size)] == [
            "width below 0",
            "width = 0",
            "width 0 to 2.5",
            "width 2.5 to 4",
            "width 4 to 6.9",
            "width above 6.9",
            "width missing",
        ]

    def test_integers_are_named_as_they_may_be(self) -> None:
        assert [ROOMS.words(place, "rooms", whole=True) for place in range(ROOMS.size)] == [
            "rooms below 1",
            "rooms = 1",
            "rooms = 2",
            "rooms 3 to 6",
            "rooms 7 to 9",
            "rooms above 9",
            "rooms missing",
        ]

    def test_the_ends_of_the_training_range_are_exact(self) -> None:
        wide = Bins(edges=(1000137.0, math.nextafter(1238888.0, 2e6)))

        assert (wide.words(0, "size"), wide.words(2, "size")) == ("size below 1000137", "size above 1238888")


class TestDocument:
    def test_it_survives_storing(self) -> None:
        stored = baseline().to_bytes()

        assert Baseline.of_version(stored, source="it") == baseline()

    def test_what_else_the_file_holds_changes_nothing(self) -> None:
        document = json.loads(baseline().to_bytes())
        document["features"]["age"] |= {"missing": 0.0, "shares": [1.0], "edges": [18.0, 80.0]}
        document["target"] = {"shares": [0.5, 0.5]}

        assert Baseline.of_version(json.dumps(document).encode(), source="it") == baseline()

    @pytest.mark.parametrize(
        "data",
        [b"{}", b'{"rows": 2, "features": {"age": {"missing": 0.0, "edges": [1], "shares": [1]}}, "target": {}}'],
    )
    def test_a_version_of_an_older_release_has_none(self, data: bytes) -> None:
        assert Baseline.of_version(data, source="it") is None

    @pytest.mark.parametrize(
        ("data", "says"),
        [
            (b"{", "is not JSON"),
            (b"\xff\x00", "is not JSON"),
            (b"[]", "cannot be read: the document"),
            (b'{"predictions": {}}', "rows: missing"),
        ],
    )
    def test_what_is_not_a_training_distribution_is_refused(self, data: bytes, says: str) -> None:
        with pytest.raises(IntegrityError, match=says) as caught:
            Baseline.of_version(data, source="baseline.json of v1")

        assert caught.value.message.startswith("baseline.json of v1 ")

    @pytest.mark.parametrize(
        "fields",
        [
            {},
            {"edges": (1.0,), "levels": ("a",)},
            {"edges": (1.0, 1.0)},
            {"edges": (2.0, 1.0)},
            {"edges": (1.0, math.inf)},
            {"edges": (math.nan,)},
        ],
    )
    def test_bins_that_are_none_are_refused(self, fields: dict[str, Any]) -> None:
        with pytest.raises(ValidationError):
            Bins(**fields)

    @pytest.mark.parametrize("counts", [(1, 2, 3), (1, 2, 3, -1), (1, 2, 3, 4, 5)])
    def test_a_distribution_has_a_count_for_each_bin(self, counts: tuple[int, ...]) -> None:
        with pytest.raises(ValidationError):
            Distribution(bins=AREA, counts=counts)


@pytest.mark.parametrize(
    ("place", "words"),
    [
        (0, "day before 2020-01-01"),
        (1, "day 2020-01-01 to 2020-01-31"),
        (2, "day on 2020-01-31"),
        (3, "day after 2020-01-31"),
    ],
)
def test_a_bin_of_dates_is_told_in_dates(place: int, words: str) -> None:
    bins = Bins(edges=(0.0, 30.0, math.nextafter(30.0, math.inf)), origin=date(2020, 1, 1))

    assert bins.words(place, "day") == words
