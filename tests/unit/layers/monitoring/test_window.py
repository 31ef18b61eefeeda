"""Windows: each record in the hour of its own time, each request in one place."""

from collections.abc import Iterable
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from skylift.monitoring.profile import Shape
from skylift.monitoring.records import Reader
from skylift.monitoring.window import ANY, Window, collect, from_objects, sample
from tests.support.contracts import modest
from tests.support.log_lines import answered, delivered, envelope, in_parts, refused

SHAPE = Shape((4, 4), 4)
START, END = datetime(2026, 3, 1, 10, tzinfo=UTC), datetime(2026, 3, 1, 11, tzinfo=UTC)


class Bucket(dict[str, bytes]):
    """Objects by key."""

    def chunks(self, key: str) -> Iterable[bytes]:
        return in_parts(self[key], 100)


def window(lines: list[str], shapes: dict[str, Shape] | None = None) -> Window:
    reader = Reader()
    found = reader.chunks(["\n".join(lines).encode()])
    return collect(reader, found, (shapes or {"v7": SHAPE}).get, start=START, end=END)


def test_counts_are_by_version() -> None:
    lines = [
        answered("a", [[1, 2], 0, 0.9]),
        answered("b", [[1, 3], 1, 0.7]),
        answered("c", [[0], 1, None], version="v8"),
    ]

    found = window(lines, {"v7": SHAPE, "v8": Shape((3,), 4)})

    assert sorted(found.counts) == ["v7", "v8"]
    assert [counts.tolist() for counts in found.counts["v7"].features] == [[0, 2, 0, 0], [0, 0, 1, 1]]
    assert found.counts["v7"].predictions.tolist() == [1, 1, 0, 0]
    assert found.counts["v7"].confidence == 1.6
    assert found.counts["v8"].rows == 1


@pytest.mark.parametrize(
    ("at", "inside"),
    [
        ("2026-03-01T09:59:59.999+00:00", False),
        ("2026-03-01T10:00:00.000+00:00", True),
        ("2026-03-01T11:59:59.999+01:00", True),
        ("2026-03-01T10:59:59.999Z", True),
        ("2026-03-01T11:00:00.000+00:00", False),
    ],
)
def test_a_record_is_of_the_window_of_its_own_time(at: str, inside: bool) -> None:
    found = window([answered("a", [[1, 2], 0, 0.9], at=at), refused("not-json", at=at)])

    assert bool(found.counts) is bool(found.refused) is inside


def test_requests_are_told_by_what_became_of_them() -> None:
    found = window(
        [
            answered("a", [[1, 2], 0, 0.9]),
            answered("b"),
            answered("e", {"rows": 5000}, instances=5000),
            answered("c", [[1, 2], 0, 0.9], version="v1"),
            answered("d", [[1, 2, 3], 0, 0.9]),
            refused("invalid-instance", "age", "sex"),
            refused("invalid-instance", "age"),
            refused("not-json", status=400),
            refused("no-model", status=503),
            refused("internal", status=500),
            "{ /predict",
        ]
    )

    assert found.counts["v7"].requests == 1
    assert found.without_profile == 3
    assert found.refused == {"invalid-instance": {ANY: 2, "age": 2, "sex": 1}, "not-json": {ANY: 1}}
    assert found.failed == 2
    assert found.unreadable == 2
    assert (found.start, found.end) == (START, END)


@given(st.lists(st.integers(0, 40), max_size=60), st.integers(1, 5), st.integers(1, 6))
@modest
def test_redelivery_in_any_object_changes_nothing(names: list[int], per_envelope: int, per_object: int) -> None:
    def read(order: list[int]) -> Window:
        lines = [answered(f"id{name}", [[name % 4, name % 3], name % 2, 0.5]) for name in order]
        envelopes = [envelope(lines[at : at + per_envelope]) for at in range(0, len(lines), per_envelope)]
        bucket = Bucket(
            {str(at): delivered(envelopes[at : at + per_object]) for at in range(0, len(envelopes), per_object)}
        )
        reader = Reader()
        return collect(reader, from_objects(reader, bucket, bucket), lambda _: SHAPE, start=START, end=END)

    again, once = read(names), read(sorted(set(names)))

    assert again.counts == once.counts
    assert again.duplicates == len(names) - len(set(names))
    assert sum(counts.rows for counts in again.counts.values()) == len(set(names))


@given(st.lists(st.integers(0, 1000), max_size=50), st.integers(0, 20_000))
@modest
def test_a_sample_is_everything_where_it_fits_and_never_more_than_it_may_be(each: list[int], most: int) -> None:
    sizes = {str(number): size for number, size in enumerate(each)}
    keys = sample(sizes, most=most)

    assert sum(min(sizes[key], most) for key in keys) <= most
    assert keys == [key for key in sizes if key in set(keys)]
    assert (sum(sizes.values()) > most) or keys == list(sizes)


def test_a_sample_is_spread_evenly() -> None:
    sizes = {f"{hour:02}/{minute:02}": 100 for hour in range(24) for minute in range(60)}

    keys = sample(sizes, most=14_400)

    by_hour = [sum(key.startswith(f"{hour:02}/") for key in keys) for hour in range(24)]
    assert len(keys) == 144
    assert set(by_hour) == {6}


def test_nothing_is_read_of_nothing() -> None:
    found = window([])

    assert (found.counts, found.refused, found.without_profile, found.failed) == ({}, {}, 0, 0)
