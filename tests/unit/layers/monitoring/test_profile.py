"""The profile of a request: what its line says of its rows, and what a reader makes of it."""

import json
import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from skylift.contract import Contract, Target
from skylift.feature import Feature
from skylift.monitoring.baseline import Baseline, Bins, Distribution, FeatureDistribution
from skylift.monitoring.profile import MAX_BYTES, Profile, Profiler, Shape
from tests.support.baselines import baseline
from tests.support.contracts import modest

BASELINE = baseline()  # age, area, smoker; no, yes
SHAPE = Shape.of(BASELINE)
ROW = [40.0, 1.0, 0.0]
UNSEEN = [40.0, math.nan, 0.0]
NOTHING = [math.nan, math.nan, math.nan]


def read(member: object) -> Profile:
    """What a reader makes of a member that was written as JSON."""
    return Profile.decode(json.loads(json.dumps(member)), SHAPE)


class TestOneRow:
    def test_it_is_a_bin_by_feature_the_label_and_the_confidence(self) -> None:
        assert Profiler(BASELINE).of_row(ROW, (), 1.0, 0.98765) == [[2, 1, 0], 1, 0.9877]

    def test_values_that_are_missing_or_were_never_seen_are_told_apart(self) -> None:
        profiler = Profiler(BASELINE)

        assert profiler.of_row(UNSEEN, (1,), 0.0, 0.5) == [[2, 2, 0], 0, 0.5]
        assert profiler.of_row(NOTHING, (), 0.0, 0.5) == [[5, 3, 3], 0, 0.5]

    def test_a_prediction_that_is_not_finite_is_missing(self) -> None:
        assert Profiler(BASELINE).of_row(ROW, (), math.nan, None) == [[2, 1, 0], 3, None]

    def test_a_predicted_value_is_counted_by_bin(self) -> None:
        profiler = Profiler(baseline(predictions=Bins(edges=(0.0, 10.0, 20.0))))

        assert profiler.of_row(ROW, (), 12.5, None) == [[2, 1, 0], 2, None]

    def test_it_takes_forty_bytes_for_four_features(self) -> None:
        profiler = Profiler(baseline(dict.fromkeys("abcd", Bins(edges=tuple(map(float, range(11)))))))

        member = profiler.of_row([9.5, 9.5, 9.5, 9.5], (), 1.0, 0.98765)

        assert len(json.dumps(member, separators=(",", ":"))) == len("[[10,10,10,10],1,0.9877]") <= 40

    def test_of_a_row_that_no_line_can_hold_the_number_is_told(self) -> None:
        many = Profiler(baseline({f"f{place}": Bins(edges=(0.0, 1.0)) for place in range(MAX_BYTES // 2 + 1)}))

        assert many.of_row([0.5] * (MAX_BYTES // 2 + 1), (), 0.0, 0.9) == {"rows": 1}


class TestManyRows:
    def test_it_is_the_rows_by_bin(self) -> None:
        member = Profiler(BASELINE).of_rows(
            np.array([ROW, ROW, UNSEEN, NOTHING]), (1,), np.array([0.0, 1.0, 1.0, math.nan]), np.full(4, 0.25)
        )

        assert member == {
            "rows": 4,
            "counts": [[0, 0, 3, 0, 0, 1], [0, 2, 1, 1], [3, 0, 0, 1]],
            "labels": [1, 2, 0, 1],
            "confidence": 1.0,
        }

    def test_the_confidence_of_rows_without_a_class_is_left_out(self) -> None:
        member = Profiler(BASELINE).of_rows(
            np.array([ROW, ROW]), (), np.array([1.0, math.nan]), np.array([0.75, math.nan])
        )

        assert isinstance(member, dict)
        assert member["confidence"] == 0.75

    def test_a_regression_has_no_confidence(self) -> None:
        profiler = Profiler(baseline(predictions=Bins(edges=(0.0, 10.0, 20.0))))

        member = profiler.of_rows(np.array([ROW, ROW]), (), np.array([-1.0, 15.0]), None)

        assert isinstance(member, dict)
        assert (member["labels"], member["confidence"]) == ([1, 0, 1, 0, 0], None)

    def test_of_many_levels_those_that_occur_are_written(self) -> None:
        profiler = Profiler(baseline({"town": Bins(levels=tuple(map(str, range(500))))}))

        member = profiler.of_rows(np.array([[3.0], [499.0], [3.0]]), (), np.zeros(3), np.ones(3))

        assert isinstance(member, dict)
        assert member["counts"] == [{"3": 2, "499": 1}]

    def test_of_rows_that_no_line_can_hold_the_number_is_told(self) -> None:
        towns = Bins(levels=tuple(map(str, range(1000))))
        profiler = Profiler(baseline({f"f{place}": towns for place in range(100)}))
        rows = np.repeat(np.arange(1000.0)[:, None], 100, axis=1)

        assert profiler.of_rows(rows, (), np.zeros(1000), np.ones(1000)) == {"rows": 1000}
        assert profiler.of_rows(rows[:50], (), np.zeros(50), np.ones(50)) != {"rows": 50}

    def test_no_line_is_longer_than_promised(self) -> None:
        towns = Bins(levels=tuple(map(str, range(300))))
        profiler = Profiler(baseline({f"f{place}": towns for place in range(130)}))
        generator = np.random.default_rng(0)
        for rows in (50, 100, 200, 1000):
            encoded = generator.integers(0, 300, (rows, 130)).astype(float)
            member = profiler.of_rows(encoded, (), np.zeros(rows), np.ones(rows))
            assert member == {"rows": rows} or len(json.dumps(member, separators=(",", ":"))) <= MAX_BYTES + 100


@st.composite
def encoded(draw: st.DrawFn) -> tuple[list[list[float]], list[tuple[int, int]], list[float]]:
    """Rows of the baseline, the places of unseen values among them, and class codes."""
    count = draw(st.integers(1, 12))
    age = st.one_of(st.just(math.nan), st.floats(-50, 150))
    code = st.sampled_from([0.0, 1.0, math.nan])
    rows = draw(st.lists(st.tuples(age, code, code).map(list), min_size=count, max_size=count))
    unseen = [(number, 1) for number, row in enumerate(rows) if math.isnan(row[1]) and draw(st.booleans())]
    return rows, unseen, draw(st.lists(code, min_size=count, max_size=count))


class TestReading:
    @modest
    @given(encoded())
    def test_many_rows_are_the_sum_of_each(self, drawn: Any) -> None:
        rows, unseen, codes = drawn
        profiler = Profiler(BASELINE)

        together = read(
            profiler.of_rows(np.array(rows), [place for _, place in unseen], np.array(codes), np.full(len(rows), 0.5))
        )
        single = [
            read(profiler.of_row(row, [place for place_of, place in unseen if place_of == number], code, 0.5))
            for number, (row, code) in enumerate(zip(rows, codes, strict=True))
        ]

        assert together.rows == len(rows)
        for feature, counts in enumerate(together.features):
            assert sum(counts.values()) == len(rows)
            assert counts == added([profile.features[feature] for profile in single])
        assert together.labels == added([profile.labels for profile in single])

    @pytest.mark.parametrize(
        "member",
        [
            None,
            "text",
            7,
            [],
            [[2, 1, 0], 1],
            [[2, 1], 1, 0.5],
            [[2, 1, 0, 0], 1, 0.5],
            [[2, 1, -1], 1, 0.5],
            [[2, 1, 4], 1, 0.5],
            [[2, 1, True], 1, 0.5],
            [[2, 1, "0"], 1, 0.5],
            [[2, 1, [0]], 1, 0.5],
            [[2, 1, 0], 4, 0.5],
            [[2, 1, 0], None, 0.5],
            [[2, 1, 0], 1, 1.5],
            [[2, 1, 0], 1, "0.5"],
            [[2, 1, 0], 1, math.nan],
            {},
            {"rows": 1},
            {"rows": 1, "counts": [[1], [1], [1]]},
            {"rows": 2, "counts": [[1], [1], [1]], "labels": [1], "confidence": 1},
            {"rows": 1, "counts": [[1], [1], [0, 0, 0, 0, 1]], "labels": [1], "confidence": 1},
            {"rows": 1, "counts": [[1], [1], {"4": 1}], "labels": [1], "confidence": 1},
            {"rows": 1, "counts": [[1], [1], {"-1": 1}], "labels": [1], "confidence": 1},
            {"rows": 1, "counts": [[1], [1], {"x": 1}], "labels": [1], "confidence": 1},
            {"rows": 1, "counts": [[1], [1], [2, -1]], "labels": [1], "confidence": 1},
            {"rows": 1, "counts": [[1], [1]], "labels": [1], "confidence": 1},
            {"rows": 2, "counts": [[1], [1], [1]], "labels": [1, 1], "confidence": 1},
        ],
    )
    def test_what_is_not_a_profile_of_the_version_is_refused(self, member: object) -> None:
        with pytest.raises(ValueError, match=r"^it"):
            Profile.decode(member, SHAPE)


def added(counts: list[dict[int, int]]) -> dict[int, int]:
    """The sum of rows by bin."""
    return {place: sum(one.get(place, 0) for one in counts) for place in sorted(set().union(*counts))}


def test_of_many_categories_those_behind_the_most_frequent_share_a_bin() -> None:
    """Of 5,000 categories the first 99 are counted each; one row and many count the same."""
    feature = Feature(name="shop", kind="category", categories=tuple(f"s{code}" for code in range(5000)))
    bins = Bins(levels=feature.counted)
    predictions = Distribution(bins=Bins(levels=("no", "yes")), counts=(5, 5, 0, 0))
    known = Baseline(
        rows=10, features={"shop": FeatureDistribution(bins=bins, counts=(0,) * bins.size)}, predictions=predictions
    )
    contract = Contract(task="classification", features=(feature,), target=Target(name="y", classes=("no", "yes")))
    codes = np.array([[0.0], [98.0], [99.0], [4999.0], [math.nan]])

    places = [Profiler(known).of_row(row, [], 0.0, 0.5) for row in codes.tolist()]
    member = Profiler(known).of_rows(codes, [], np.zeros(5), np.full(5, 0.5))

    assert known.fits(contract)
    assert (bins.size, feature.counted[-1]) == (102, "other")
    assert [place[0] for place in places if isinstance(place, list)] == [[0], [98], [99], [99], [101]]
    assert Profile.decode(member, Shape.of(known)).features == ({0: 1, 98: 1, 99: 2, 101: 1},)
