"""Reports: what `/drift-status` answers, and what the next windows take from them."""

import json
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from skylift.errors import IntegrityError
from skylift.monitoring.report import Report, key_of
from tests.support.drift_reports import HOUR, START, counted, report

if TYPE_CHECKING:
    from skylift.monitoring.verdict import State


def test_the_status_has_what_the_api_promises() -> None:
    found = report({"v7": counted(500, longer_petals=1.5), "v6": counted(100)}).status(START + 2 * HOUR)

    features = found.pop("features")
    assert features[0]["name"] == "petal_length"
    assert {"name", "state", "distance", "psi", "critical_psi", "p_value", "moved"} <= set(features[0])
    assert found["predictions"]["name"] == "species"
    assert found["expected"]["metric"] == "accuracy"
    assert found["expected"]["low"] < 0.9 < found["expected"]["high"]
    assert "counts" not in found
    assert json.loads(json.dumps(found)) == found
    assert found["window"] == {
        "from": "2026-03-08T10:00:00Z",
        "to": "2026-03-08T11:00:00Z",
        "rows": 500,
        "requests": 500,
        "without_profile": 3,
        "failed": 2,
        "unreadable": 1,
        "duplicates": 6,
        "objects": 9,
        "objects_read": 8,
        "cut": True,
        "late": 4,
    }
    told = {key: found[key] for key in ("model", "version", "state", "rows_needed", "live", "age_seconds", "since")}
    assert told == {
        "model": "iris",
        "version": "v7",
        "state": "drift",
        "rows_needed": 150,
        "live": None,
        "age_seconds": 3600,
        "since": "2026-03-08T10:00:00Z",
    }
    assert found["refused"] == {"invalid-instance": {"": 5, "petal_width": 4}}
    assert found["confidence"] == pytest.approx(0.9)
    assert found["report"] == "reports/iris/20260308T100000Z-20260308T110000Z.json"


def test_a_report_from_before_cut_and_late_is_read() -> None:
    document = json.loads(report({"v7": counted(500)}).to_bytes())
    del document["window"]["cut"], document["window"]["late"]

    assert not {"cut", "late"} & Report.from_bytes(json.dumps(document).encode(), source="latest.json").window.keys()


def test_a_report_is_read_as_it_was_written() -> None:
    written = report({"v7": counted(500, longer_petals=1.5)})

    read = Report.from_bytes(written.to_bytes(), source="latest.json")

    assert read == written
    assert read.counts_of("v7") == counted(500, longer_petals=1.5)
    assert read.counts_of("v1") is None
    assert read.key == key_of("iris", START, START + HOUR)


def test_members_of_later_releases_are_passed_over() -> None:
    document = json.loads(report({"v7": counted(500)}).to_bytes())
    document["later"] = document["window"]["later"] = document["features"][0]["later"] = 1

    assert Report.from_bytes(json.dumps(document).encode(), source="latest.json").state == "stable"


@pytest.mark.parametrize("data", [b"", b"{}", b"[]", b'{"schema_version": 2}'])
def test_what_is_not_a_report_is_said_to_be_none(data: bytes) -> None:
    with pytest.raises(IntegrityError, match=r"latest\.json cannot be read: "):
        Report.from_bytes(data, source="latest.json")


def test_a_week_ago_tells_drift_since_then_from_drift_since_training() -> None:
    shifted = {"v7": counted(2000, longer_petals=0.8)}
    week_ago = report(shifted, start=START - timedelta(days=7))

    same = report({"v7": counted(2500, longer_petals=0.8)}, week_ago=week_ago)
    back = report({"v7": counted(2500)}, week_ago=week_ago)

    assert same.week_ago is not None
    assert back.week_ago is not None
    assert (same.state, same.week_ago.state, same.week_ago.drifted) == ("drift", "stable", ())
    assert (back.state, back.week_ago.state, back.week_ago.drifted) == ("stable", "drift", ("petal_length",))
    assert report({"v7": counted(50)}, week_ago=report({"v6": counted(50)})).week_ago is None


def test_the_alarm_needs_two_windows_of_three_and_the_state_has_a_beginning() -> None:
    shifts = [0.0, 1.5, 0.0, 1.5, 1.5, 1.5, 0.0, 0.0]
    found: list[Report] = []
    for hour, shift in enumerate(shifts):
        counts = {"v7": counted(500, longer_petals=shift)}
        found.append(report(counts, start=START + hour * HOUR, previous=found[-1] if found else None))

    assert [each.alarm for each in found] == [False, False, False, True, True, True, True, False]
    assert [(each.since - START) // HOUR for each in found] == [0, 1, 2, 3, 3, 3, 6, 6]
    assert found[-1].recent == ("drift", "stable", "stable")


def test_a_new_version_has_no_states_of_another() -> None:
    other = report({"v7": counted(500, longer_petals=1.5)}).model_copy(update={"version": "v6"})

    assert report({"v7": counted(500, longer_petals=1.5)}, previous=other).recent == ("drift",)


def test_a_window_without_traffic_of_the_version_is_too_small() -> None:
    found = report({"v6": counted(500)})
    state: State = "insufficient"

    assert (found.state, found.window["rows"], found.expected, found.confidence) == (state, 0, None, None)
    assert found.status(START + HOUR)["rows_needed"] == 150
