"""Records from wherever lines are kept: each once, and what is broken costs itself alone."""

import gzip
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from skylift.monitoring import records
from skylift.monitoring.records import Reader
from tests.support.contracts import modest
from tests.support.log_lines import answered, delivered, envelope, in_parts, refused

PROFILE = [[1, 2], 0, 0.9]
THREE = [answered(name, PROFILE) for name in "abc"]
OTHER_LINES = (
    "START RequestId: 1 Version: 7",
    "Traceback (most recent call last):",
    json.dumps({"message": "request", "path": "/health", "status": 200}),
    json.dumps({"message": "model loaded", "path": "models/iris/predict"}),
    "[1, 2]",
    "",
)


def names(reader: Reader, data: bytes, *, size: int = 1000) -> list[str | None]:
    return [record.id for record in reader.chunks(in_parts(data, size))]


def test_a_record_has_what_its_line_says() -> None:
    lines = [answered("a", PROFILE, instances=1), refused("invalid-instance", "age", "sex", status=422)]

    first, second = Reader().chunks(["\n".join(lines).encode()])

    assert (first.id, first.version, first.profile, first.instances, first.status) == ("a", "v7", PROFILE, 1, 200)
    assert first.at == 1_772_361_000.0
    assert (second.id, second.status, second.reason, second.fields) == (None, 422, "invalid-instance", ("age", "sex"))
    assert second.profile is None


def test_a_request_by_another_protocol_is_one_by_what_its_line_says_of_it() -> None:
    document = json.loads(answered("a", PROFILE)) | {"path": "/v2/models/iris/infer", "protocol": "v2"}
    metadata = document | {"path": "/v2/models/iris", "id": "b"}
    del metadata["protocol"]

    reader = Reader()

    assert names(reader, "\n".join(map(json.dumps, [document, metadata])).encode()) == ["a"]
    assert [record.id for record in reader.events([{"message": json.dumps(document | {"id": "c"})}])] == ["c"]


@pytest.mark.parametrize("size", [1, 2, 3, 7, 100, 10_000])
@pytest.mark.parametrize(
    "data",
    [
        "\n".join(THREE).encode(),
        gzip.compress("\n".join(THREE).encode()),
        delivered([envelope(THREE[:2]), envelope(THREE[2:], first=2)]),
        envelope(THREE[:2]) + envelope(THREE[2:], first=2),
        envelope(THREE[:2]) + b"\n" + envelope(THREE[2:], first=2) + b"\n",
        delivered([envelope([]), *(envelope([line], first=place) for place, line in enumerate(THREE))]),
    ],
    ids=["lines", "lines, gzip", "Firehose", "Firehose, decompressed", "envelopes by line", "an empty envelope"],
)
def test_lines_are_read_in_each_form_and_in_chunks_of_any_size(data: bytes, size: int) -> None:
    reader = Reader()

    assert names(reader, data, size=size) == ["a", "b", "c"]
    assert (reader.unreadable, reader.duplicates) == (0, 0)


@given(st.lists(st.sampled_from("abcdefgh"), max_size=30), st.integers(1, 4), st.integers(1, 200))
@modest
def test_what_is_delivered_again_counts_once(order: list[str], per_envelope: int, size: int) -> None:
    parts = [order[start : start + per_envelope] for start in range(0, len(order), per_envelope)]
    data = delivered(envelope([answered(name, PROFILE) for name in part], first=7) for part in parts)
    reader = Reader()

    assert names(reader, data, size=size) == list(dict.fromkeys(order))
    assert reader.duplicates == len(order) - len(set(order))


def test_a_refused_request_is_told_by_the_event_that_delivered_it() -> None:
    once = envelope([refused("not-json"), refused("not-json")], first=5)
    reader = Reader()

    assert len(names(reader, delivered([once, once]))) == 2
    assert reader.duplicates == 2


def test_lines_of_older_releases_without_an_id_are_all_read() -> None:
    line = json.dumps({key: value for key, value in json.loads(THREE[0]).items() if key != "id"})

    assert names(Reader(), f"{line}\n{line}".encode()) == [None, None]


def test_other_lines_of_the_log_are_passed_over() -> None:
    reader = Reader()

    assert names(reader, "\n".join((*OTHER_LINES, *THREE, *OTHER_LINES)).encode()) == ["a", "b", "c"]
    assert reader.unreadable == 0


@pytest.mark.parametrize(
    "bad",
    [
        THREE[0][:-5],
        '{"path": "/predict", ',
        "/predict",
        answered("x", at="yesterday"),
        answered("x", at=""),
        json.dumps({"path": "/predict", "status": 200}),
        answered("x", status="200"),
        answered("x", instances=None),
        answered("x", fields=[1]),
        answered("x", fields="age"),
        '{"path": "/predict", "status": ' + "[" * 100_000,
    ],
    ids=lambda line: line[:60],
)
def test_a_bad_line_costs_itself_alone(bad: str) -> None:
    reader = Reader()
    plain = "\n".join((THREE[0], bad, *THREE[1:])).encode()

    assert names(reader, plain) == ["a", "b", "c"]
    assert reader.unreadable == 1
    assert names(Reader(), delivered([envelope([THREE[0], bad, *THREE[1:]])])) == ["a", "b", "c"]


@pytest.mark.parametrize("size", [1, 50, 10_000])
@pytest.mark.parametrize(
    "bad",
    [
        delivered([envelope([answered("x", PROFILE)])])[:-30],
        delivered([envelope([answered("x", PROFILE)])])[:9],
        b"\x1f\x8b\x08" + b"\xff" * 300,
        b"not gzip at all" * 20,
        gzip.compress(b'{"messageType": "DATA_MESSAGE", "logEvents": ['),
        gzip.compress(b'{"logEvents": 7}'),
        gzip.compress(b'{"logEvents": [7]}'),
        gzip.compress(b'{"logEvents": [{"message": 7}]}'),
    ],
    ids=["cut", "cut in its head", "damaged", "garbage", "half an envelope", "no list", "no event", "no text"],
)
def test_a_broken_member_costs_itself_alone(bad: bytes, size: int) -> None:
    before, after = (delivered([envelope([line], first=place)]) for place, line in ((0, THREE[0]), (1, THREE[1])))
    reader = Reader()

    assert names(reader, before + bad + after, size=size)[:1] == ["a"]
    assert reader.unreadable >= 1

    reader = Reader()
    assert names(reader, before + bad, size=size) == ["a"]
    assert reader.unreadable == 1


def test_after_a_damaged_member_the_next_ones_are_read() -> None:
    members = [delivered([envelope([line], first=place)]) for place, line in enumerate(THREE)]
    damaged = members[1][:40] + bytes(20) + members[1][60:]

    for size in (1, 50, 10_000):
        reader = Reader()
        assert names(reader, members[0] + damaged + members[2], size=size) == ["a", "c"]
        assert reader.unreadable == 1


def test_half_an_envelope_between_others_costs_itself_alone() -> None:
    whole = [envelope([line], first=place) for place, line in enumerate(THREE)]
    reader = Reader()

    assert names(reader, whole[0] + whole[1][:-4] + whole[2]) == ["a", "c"]
    assert reader.unreadable == 1


def test_half_a_line_at_the_end_of_a_growing_file_is_left_for_later(tmp_path: Path) -> None:
    log, reader = tmp_path / "service.log", Reader()
    log.write_text(f"{THREE[0]}\n{THREE[1][:40]}", encoding="utf-8")

    assert [record.id for record in reader.file(log)] == ["a"]
    assert reader.unreadable == 0

    log.write_text("\n".join((*THREE, "")), encoding="utf-8")

    assert [record.id for record in reader.file(log)] == ["b", "c"]


def test_a_compressed_file_is_read_to_its_end(tmp_path: Path) -> None:
    log = tmp_path / "service.log.gz"
    log.write_bytes(gzip.compress("\n".join(THREE).encode()))

    assert [record.id for record in Reader().file(log)] == ["a", "b", "c"]


def test_an_empty_source_has_no_record() -> None:
    reader = Reader()

    assert names(reader, b"") == []
    assert list(reader.chunks([b"", b""])) == []
    assert reader.unreadable == 0


def test_events_of_a_log_group_are_read_once() -> None:
    events: list[dict[str, Any]] = [
        {"eventId": "1", "message": THREE[0]},
        {"eventId": "2", "message": refused("not-json")},
        {"eventId": "2", "message": refused("not-json")},
        {"eventId": "3"},
    ]
    reader = Reader()

    assert [record.id for record in reader.events(events)] == ["a", None]
    assert (reader.duplicates, reader.unreadable) == (1, 1)


def test_a_line_without_end_takes_no_more_memory_than_a_line_may(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(records, "MAX_LINE", 1000)
    reader = Reader()

    data = b"x" * 5000 + b"\n" + THREE[0].encode() + b"\n"

    assert names(reader, data, size=500) == ["a"]
    assert reader.unreadable >= 1
