"""A run of the monitor: which version is judged, what a report stands without, and that a second changes nothing."""

import json
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from skylift.errors import AwsUnavailable, IntegrityError, NoActiveVersion, NotMonitored
from skylift.manifest import BASELINE_FILE, MODEL_FILE, Manifest
from skylift.monitoring.by_labels import ByLabels
from skylift.monitoring.expected import Estimate
from skylift.monitoring.live import Live
from skylift.monitoring.monitor import Monitor, due_windows, metrics_of
from skylift.monitoring.profile import Profiler
from skylift.monitoring.records import Reader
from skylift.monitoring.report import key_of
from skylift.monitoring.report_store import ReportStore
from skylift.monitoring.sources import Reading
from skylift.pointer import ActivePointer
from skylift.references import Reference
from skylift.store import VersionStore
from tests.support.drift import HOUR, IRIS, START, iris, report
from tests.support.fakes import MemoryBucket
from tests.support.log_lines import answered, refused
from tests.support.manifests import manifest

LATEST = "reports/iris/latest.json"
ROWS, SPECIES, _ = iris()


@dataclass
class Lines:
    """A source of lines."""

    lines: list[str] = field(default_factory=list)
    failure: BaseException | None = None

    def read(self, reader: Reader, start: datetime, end: datetime) -> Reading:
        if self.failure:
            raise self.failure
        return Reading(reader.chunks([line.encode() + b"\n" for line in self.lines]), objects=4, objects_read=2)

    def send(
        self, rows: int, *, longer_petals: float = 0.0, version: str = "v1", hour: int = 0, seed: int = 0
    ) -> "Lines":
        """Let the service have answered rows of the sample table, with longer petals."""
        profiler = Profiler(IRIS.baseline)
        at = (START + hour * HOUR + timedelta(minutes=30)).isoformat()
        for number, place in enumerate(np.random.default_rng(seed).integers(0, 150, rows)):
            row = (ROWS[place] + np.array([0, 0, longer_petals, 0])).tolist()
            profile = profiler.of_row(row, (), float(SPECIES[place]), 0.9)
            self.lines.append(answered(f"{version}-{hour}-{seed}-{number}", profile, at=at, version=version))
        return self


@dataclass
class World:
    """A monitor with all that it works on."""

    store: VersionStore
    pointer: ActivePointer
    bucket: MemoryBucket = field(default_factory=MemoryBucket)
    source: Lines = field(default_factory=Lines)

    def __post_init__(self) -> None:
        self.reports = ReportStore(self.bucket, "iris")
        self.monitor = Monitor(self.source, self.store, self.pointer, self.reports, every=HOUR)

    def publish(self, baseline: bytes | None = None) -> Reference:
        """Publish a version, with the sample table's bins by default."""
        files = {BASELINE_FILE: IRIS.baseline.to_bytes() if baseline is None else baseline, MODEL_FILE: b"a model"}

        def describe(number: int) -> Manifest:
            return manifest(number, artifacts=files, contract=IRIS.contract)

        return self.store.publish(describe, files).reference

    def release(self, baseline: bytes | None = None) -> Reference:
        """Publish a version and promote it."""
        reference = self.publish(baseline)
        self.pointer.move(reference)
        return reference


@pytest.fixture
def world(store: VersionStore, pointer: ActivePointer) -> World:
    pointer.create()
    return World(store, pointer)


class TestTheReport:
    def test_shifted_rows_drift_and_the_report_says_where(self, world: World) -> None:
        world.release()
        world.source.send(400, longer_petals=1.5)

        found = world.monitor.run(START, START + HOUR).report

        assert (found.state, found.version, found.window["rows"]) == ("drift", "v1", 400)
        assert found.features[0].name == "petal_length"
        assert world.reports.latest() == world.reports.of(START, START + HOUR) == found

    @pytest.mark.parametrize("rows", [0, 20, 50, 200, 2000])
    def test_rows_like_those_of_training_say_nothing(self, world: World, rows: int) -> None:
        world.release()
        world.source.send(rows)

        found = world.monitor.run(START, START + HOUR).report

        assert found.state in {"insufficient", "stable"}
        assert found.window["rows"] == rows

    def test_a_second_run_writes_the_same(self, world: World) -> None:
        world.release()
        world.source.send(300, longer_petals=1.5)
        world.monitor.run(START, START + HOUR)
        first = dict(world.bucket.objects)

        world.monitor.run(START, START + HOUR)

        assert world.bucket.objects == first

    def test_a_look_writes_nothing(self, world: World) -> None:
        world.release()

        assert world.monitor.look(START, START + HOUR).report.state == "insufficient"
        assert world.bucket.written == []

    def test_it_says_how_much_of_the_window_was_read(self, world: World) -> None:
        world.release()
        world.source.send(2)
        again, broken = world.source.lines[0], '{"path": "/predict", "status": '
        world.source.lines += [again, broken, refused("invalid-instance", at=START.isoformat())]

        found = world.monitor.look(START, START + HOUR).report

        window = found.window
        assert (window["objects"], window["objects_read"]) == (4, 2)
        assert (window["rows"], window["duplicates"], window["unreadable"]) == (2, 1, 1)
        assert found.refused == {"invalid-instance": {"": 1}}

    def test_it_is_compared_with_the_window_before_and_with_a_week_ago(self, world: World) -> None:
        world.release()
        world.reports.write(report(400, longer_petals=1.5, start=START - timedelta(days=7), version=1))
        world.reports.write(report(400, longer_petals=1.5, start=START - 3 * HOUR, version=1))
        world.source.send(400, longer_petals=1.5)

        found = world.monitor.run(START, START + HOUR).report

        assert (found.recent, found.alarm, found.since) == (("drift", "drift"), True, START - 3 * HOUR)
        assert found.week_ago is not None
        assert found.week_ago.state in {"insufficient", "stable"}

    def test_its_page_shows_the_windows_before(self, world: World) -> None:
        world.release()
        world.reports.write(report(400, start=START - HOUR, version=1))
        world.source.send(400, longer_petals=1.5)

        found = world.monitor.run(START, START + HOUR).report

        page = world.reports.latest_page() or b""
        assert page == world.monitor.page(found)
        assert b"iris v1: drift" in page
        assert b'scope="row">2026-03-08 10:00' in page

    def test_of_a_version_that_is_gone_there_is_no_page(self, world: World) -> None:
        assert world.monitor.page(report(version=9)) is None


class TestTheVersion:
    def test_the_active_version_is_judged_though_another_answered_more(self, world: World) -> None:
        world.release()
        world.release()
        world.source.send(100, version="v1").send(20, version="v2")

        found = world.monitor.look(START, START + HOUR).report

        assert (found.version, found.window["rows"], set(found.counts)) == ("v2", 20, {"v1", "v2"})

    def test_where_the_active_version_answered_nothing_it_is_the_one_that_answered(self, world: World) -> None:
        world.release()
        world.publish()
        world.release()
        world.source.send(20, version="v1").send(100, version="v2")

        assert world.monitor.look(START, START + HOUR).report.version == "v2"

    def test_lines_of_versions_that_are_gone_have_no_profile(self, world: World) -> None:
        world.release()
        world.source.send(3).send(5, version="v9").send(7, version="none")

        found = world.monitor.look(START, START + HOUR).report

        assert (found.window["rows"], found.window["without_profile"]) == (3, 12)

    def test_before_the_first_promotion_there_is_nothing_to_judge(self, world: World) -> None:
        with pytest.raises(NoActiveVersion):
            world.monitor.run(START, START + HOUR)

    @pytest.mark.parametrize("baseline", [b'{"rows": 3, "features": {}}', b'{"predictions": 1}', b"?"])
    def test_a_version_without_bins_is_said_to_have_none(self, world: World, baseline: bytes) -> None:
        world.release(baseline)
        world.source.send(3)

        with pytest.raises(NotMonitored, match="the traffic of v1 cannot be compared"):
            world.monitor.run(START, START + HOUR)
        assert world.bucket.written == []


class TestFaults:
    def test_a_source_that_fails_ends_the_run_and_leaves_the_latest(self, world: World) -> None:
        world.release()
        world.monitor.run(START, START + HOUR)
        before = dict(world.bucket.objects)
        world.source.failure = AwsUnavailable("S3 says no")

        with pytest.raises(AwsUnavailable):
            world.monitor.run(START + HOUR, START + 2 * HOUR)

        assert world.bucket.objects == before

    def test_an_earlier_report_that_cannot_be_read_is_told_and_done_without(self, world: World) -> None:
        world.release()
        for start in (START - HOUR, START - timedelta(days=7)):
            world.bucket.objects[key_of("iris", start, start + HOUR)] = b"{"
        world.reports.write(report(400, start=START - 2 * HOUR, version=1))
        world.source.send(400)

        outcome = world.monitor.run(START, START + HOUR)

        assert outcome.report.recent == ("stable", "stable")
        assert [type(failure) for failure in outcome.failures] == [IntegrityError] * 2

    def test_labels_that_cannot_be_read_cost_no_more_than_what_they_say(self, world: World) -> None:
        def fails(*_: object) -> ByLabels:
            raise AwsUnavailable("S3 says no")

        world.release()
        monitor = Monitor(world.source, world.store, world.pointer, world.reports, every=HOUR, live_of=fails)

        outcome = monitor.run(START, START + HOUR)

        assert outcome.report.live is None
        assert [str(failure) for failure in outcome.failures] == ["S3 says no"]

    def test_a_report_that_cannot_be_written_is_told(self, world: World) -> None:
        world.release()
        world.bucket.failures = {LATEST: AwsUnavailable("S3 says no")}

        with pytest.raises(AwsUnavailable):
            world.monitor.run(START, START + HOUR)


class TestDueWindows:
    NOW = datetime(2026, 3, 1, 12, 20, tzinfo=UTC)

    def due(self, latest: datetime | None, *, now: datetime = NOW, every: timedelta = HOUR) -> list[str]:
        found = due_windows(now, every, latest, settled=timedelta(minutes=15))
        return [f"{start:%d %H:%M} to {end:%d %H:%M}" for start, end in found]

    def test_the_first_run_judges_the_last_window_whose_lines_have_arrived(self) -> None:
        assert self.due(None) == ["01 11:00 to 01 12:00"]
        assert self.due(None, now=self.NOW - timedelta(minutes=10)) == ["01 10:00 to 01 11:00"]

    def test_later_runs_judge_what_ended_since(self) -> None:
        assert self.due(self.NOW.replace(hour=10, minute=0)) == ["01 10:00 to 01 11:00", "01 11:00 to 01 12:00"]
        assert self.due(self.NOW.replace(hour=12, minute=0)) == []
        assert self.due(self.NOW + timedelta(days=1)) == []

    def test_after_a_long_silence_a_day_is_made_up_for(self) -> None:
        found = self.due(self.NOW - timedelta(days=90))

        assert len(found) == 24
        assert found[-1] == "01 11:00 to 01 12:00"

    def test_longer_windows_begin_at_multiples_of_their_length(self) -> None:
        assert self.due(None, every=timedelta(hours=6)) == ["01 06:00 to 01 12:00"]
        assert self.due(self.NOW.replace(hour=3, minute=0), every=timedelta(hours=6)) == ["01 06:00 to 01 12:00"]


class TestMetrics:
    def test_a_window_gives_few(self) -> None:
        drifted = report(400, longer_petals=1.5)
        shift = drifted.features[0].distance

        found = {point.name: point.value for point in metrics_of(drifted)}

        assert found == {"WindowRows": 400, "DriftedFeatures": 1, "LargestShift": shift}

    def test_the_shift_of_a_few_rows_means_nothing(self) -> None:
        assert {point.name for point in metrics_of(report(8))} == {"WindowRows", "DriftedFeatures"}

    @pytest.mark.parametrize(("metric", "noun"), [("accuracy", "Accuracy"), ("mae", "Error")])
    def test_accuracy_and_error_are_told_apart(self, metric: str, noun: str) -> None:
        expected = Estimate.model_validate(
            {"metric": metric, "value": 0.9, "low": 0.8, "high": 0.95, "baseline": 0.9, "rows": 9}
        )
        live = Live.model_validate(
            {
                "metric": metric,
                "value": 0.7,
                "version": "v7",
                "labels": 3,
                "predictions": 12,
                "coverage": 0.25,
                "delay_seconds": 60,
                "metrics": {},
                "missed": ["accuracy 0.7 (0.6 to 0.8), not >= 0.9"],
            }
        )

        points = metrics_of(report().model_copy(update={"expected": expected, "live": live}))

        found = {point.name: point.value for point in points}
        assert (
            found | {f"Expected{noun}": 0.9, f"Live{noun}": 0.7, "LabelCoverage": 0.25, "LiveGatesMissed": 1} == found
        )
        assert json.dumps(found)
