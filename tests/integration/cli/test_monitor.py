"""`skylift monitor`: the traffic of a log file, of captures or of a log group, on a terminal and as JSON."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from skylift import aws
from skylift.bucket import Bucket
from skylift.monitoring.baseline import Baseline
from skylift.monitoring.profile import Profiler
from skylift.monitoring.report import Report, key_of
from skylift.registry import Registry
from tests.conftest import BUCKET
from tests.support.cloudformation import CloudFormation
from tests.support.commands import done, refused, skylift
from tests.support.drift import iris
from tests.support.log_lines import answered, delivered, envelope
from tests.support.models import iris_package
from tests.support.stored import promoted
from training.cli import connection

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

START = datetime(2026, 3, 1, 10, tzinfo=UTC)
HOUR = timedelta(hours=1)
DURING = ("--from", "2026-03-01T10:00", "--to", "2026-03-01T11:00")


@pytest.fixture(autouse=True)
def _served(registry: Registry) -> None:
    """Iris v1 is active."""
    promoted(iris_package())


def lines(rows: int, *, longer_petals: float = 0.0, at: datetime = START) -> list[str]:
    """Lines of a service that answered rows of the sample table, with longer petals."""
    baseline = Baseline.of_version(iris_package().artifacts["baseline.json"], source="baseline.json")
    assert baseline is not None
    profiler = Profiler(baseline)
    flowers, species, _ = iris()
    places = np.random.default_rng(rows).integers(0, 150, rows)
    return [
        answered(
            f"{rows}-{number}",
            profiler.of_row((flowers[place] + [0, 0, longer_petals, 0]).tolist(), (), float(species[place]), 0.95),
            at=at.isoformat(),
            version="v1",
        )
        for number, place in enumerate(places)
    ]


def log_of(folder: Path, *contents: str) -> Path:
    path = folder / "service.log"
    path.write_text("".join(f"{line}\n" for line in contents), encoding="utf-8")
    return path


def test_shifted_rows_of_a_log_file_are_told_in_a_table(tmp_path: Path) -> None:
    text = done("monitor", "--log", log_of(tmp_path, *lines(400, longer_petals=1.5)), *DURING)

    told = dict(line.split(maxsplit=1) for line in text.split("\n\n")[0].splitlines())
    assert told["state"].strip() == "drift"
    assert told["window"].strip() == "2026-03-01 10:00:00 to 2026-03-01 11:00:00 UTC"
    assert told["rows"].strip() == "400 in 400 requests"
    header, first, *_ = text.split("\n\n")[1].splitlines()
    assert header.split() == ["feature", "state", "distance", "chance", "moved", "most"]
    assert first.startswith("petal_length  drift")
    assert "petal_length" in first.partition("<0.0001")[2]
    assert "blind to concept drift" in text


def test_too_few_rows_say_how_many_are_needed(tmp_path: Path) -> None:
    text = done("monitor", "--log", log_of(tmp_path, *lines(8, longer_petals=3)), *DURING)

    assert "insufficient: " in text
    assert "more rows are needed to tell" in text


def test_without_a_time_it_is_the_last_hour(tmp_path: Path) -> None:
    now = datetime.now(UTC)
    path = log_of(tmp_path, *lines(5, at=now), *lines(2, at=now - timedelta(hours=2)))

    assert "5 in 5 requests" in done("monitor", "--log", path)
    assert "7 in 7 requests" in done("monitor", "--log", path, "--hours", 3)


def test_json_is_the_report(tmp_path: Path) -> None:
    path, written = log_of(tmp_path, *lines(400)), tmp_path / "report.json"

    printed = done("monitor", "--log", path, *DURING, "--json", "-")
    done("monitor", "--log", path, *DURING, "--json", written)

    assert Report.from_bytes(printed.encode(), source="stdout").state == "stable"
    assert written.read_text(encoding="utf-8") == printed
    assert json.loads(printed)["counts"]["v1"]["rows"] == 400


def test_html_is_its_page(tmp_path: Path) -> None:
    page = tmp_path / "report.html"

    done("monitor", "--log", log_of(tmp_path, *lines(400)), *DURING, "--html", page)

    assert page.read_text(encoding="utf-8").startswith("<!doctype html>")


def test_it_writes_nothing_into_the_bucket(tmp_path: Path, s3: "S3Client") -> None:
    done("monitor", "--log", log_of(tmp_path, *lines(4)), *DURING)

    assert list(Bucket(BUCKET, client=s3).entries("reports/")) == []


def test_without_a_log_file_captures_are_read(s3: "S3Client") -> None:
    data = delivered([envelope(lines(40))])
    Bucket(BUCKET, client=s3).write("captures/iris/2026/03/01/10/part", data, content_type="application/octet-stream")

    assert "40 in 40 requests" in done("monitor", *DURING)


def test_a_part_that_cannot_be_read_is_a_warning(tmp_path: Path, s3: "S3Client") -> None:
    earlier = key_of("iris", START - HOUR, START)
    Bucket(BUCKET, client=s3).write(earlier, b"{", content_type="application/json")

    result = skylift("monitor", "--log", log_of(tmp_path, *lines(4)), *DURING)

    assert result.exit_code == 0
    assert f"warning: {earlier} cannot be read: " in result.stderr


class TestStack:
    @pytest.fixture(autouse=True)
    def _stack(self, monkeypatch: pytest.MonkeyPatch) -> None:
        outputs = {"ModelBucketName": BUCKET, "Stage": "test", "ModelName": "iris", "InferenceLogGroupName": "group"}
        client = CloudFormation("skylift-test", outputs=outputs)
        monkeypatch.setattr(connection, "cloudformation_client", lambda: client)

    def test_where_nothing_was_captured_its_log_group_is_read(self, monkeypatch: pytest.MonkeyPatch) -> None:
        class Logs:
            def get_paginator(self, _: str) -> "Logs":
                return self

            def paginate(self, **asked: Any) -> list[dict[str, Any]]:
                assert asked["logGroupName"] == "group"
                return [{"events": [{"eventId": "1", "message": line} for line in lines(6)]}]

        monkeypatch.setattr(aws, "logs_client", Logs)

        assert "6 in 6 requests" in done("monitor", "--stack", "skylift-test", *DURING)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--from", "soon"], "--from 'soon' is not a time"),
        (["--to", "2026-03-01T25:00"], "--to '2026-03-01T25:00' is not a time"),
        (["--from", "2026-03-02", "--to", "2026-03-01"], "ends before it begins"),
        (["--from", "2025-01-01", "--to", "2026-03-01"], "longer than 31 days"),
        (["--log", "nowhere.log"], "nowhere.log"),
    ],
)
def test_what_cannot_be_judged_is_refused(options: list[str], said: str) -> None:
    assert said in refused("monitor", *options)
