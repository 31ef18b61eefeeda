"""The metrics of all environments in Prometheus' text: counters grow through a day, whoever answers."""

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import pytest
from prometheus_client.parser import text_string_to_metric_families

from operations.active import ActiveVersion
from operations.cloudwatch import CloudWatch
from operations.fleet import SETTLED, Fleet
from skylift.errors import AwsUnavailable
from skylift.monitoring.exposition import FAMILIES
from skylift.monitoring.report_store import ReportStore
from tests.support.cloudwatch import FakeCloudWatch
from tests.support.drift import report
from tests.support.fakes import MemoryBucket, MemoryPointer, MemoryStore
from tests.support.models import iris_package

MIDNIGHT = datetime(2026, 3, 31, tzinfo=UTC)
MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
OF = {"stage": "dev", "model": "iris"}
API = "a1b2c3"


@dataclass
class World:
    """An account, and an environment of the function in it."""

    cloudwatch: FakeCloudWatch = field(default_factory=FakeCloudWatch)
    bucket: MemoryBucket = field(default_factory=MemoryBucket)
    pointer: MemoryPointer = field(default_factory=MemoryPointer)
    now: datetime = MIDNIGHT + 12 * HOUR + 30 * MINUTE

    def __post_init__(self) -> None:
        self.store = MemoryStore()
        self.pointer.holds = self.store.add(iris_package())
        self.fleet = self.another_environment()

    def another_environment(self) -> Fleet:
        return Fleet(
            CloudWatch(self.cloudwatch),
            "dev",
            "iris",
            active=ActiveVersion(self.pointer, self.store),
            reports=ReportStore(self.bucket, "iris"),
            clock=lambda: self.now,
        )

    def predict(self, count: int, *, at: datetime, version: str = "v1", milliseconds: float = 3.0) -> None:
        for dimensions in (OF, OF | {"version": version}):
            self.cloudwatch.put("Predictions", *[1.0] * count, at=at, **dimensions)
            self.cloudwatch.put("PredictionLatency", *[milliseconds] * count, at=at, **dimensions)

    def samples(self, fleet: Fleet | None = None, api: str = "") -> dict[tuple[str, ...], float]:
        """Values by name and labels, as Prometheus' own parser reads them."""
        text = (fleet or self.fleet).text(api)
        return {
            (sample.name, *(f"{name}={value}" for name, value in sorted(sample.labels.items()) if value)): sample.value
            for family in text_string_to_metric_families(text)
            for sample in family.samples
        }

    def predictions(self, version: str = "v1", fleet: Fleet | None = None) -> float | None:
        return self.samples(fleet).get(("ml_predictions_total", "model=iris", f"version={version}"))


@pytest.fixture
def world() -> World:
    return World()


class TestCounters:
    def test_they_are_sums_since_midnight(self, world: World) -> None:
        for hours in (-1, 0, 1, 11, 12):
            world.predict(10, at=MIDNIGHT + hours * HOUR)
        world.predict(7, at=MIDNIGHT + 12 * HOUR + 26 * MINUTE)

        assert world.predictions() == 47

    def test_minutes_that_may_still_change_do_not_count_yet(self, world: World) -> None:
        world.predict(10, at=world.now - SETTLED)

        assert world.predictions() == 0
        world.now += MINUTE
        assert world.predictions() == 10

    def test_around_midnight_nothing_is_lost_and_nothing_falls_but_once(self, world: World) -> None:
        before = 24 * 60 - 20
        world.predict(1000, at=MIDNIGHT + HOUR)
        for minute in range(before, 24 * 60 + 20):
            world.predict(1, at=MIDNIGHT + minute * MINUTE)
        world.now = MIDNIGHT + before * MINUTE + SETTLED
        previous, seen, falls = 0.0, 0.0, []

        for _ in range(40):
            value = world.predictions()
            assert value is not None
            if value < previous:  # a restart, as Prometheus sees it
                falls.append(world.now - SETTLED)
                previous = 0.0
            seen, previous = seen + value - previous, value
            world.now += MINUTE

        assert (seen, falls) == (1000 + 39, [MIDNIGHT + DAY + MINUTE])

    def test_every_environment_answers_the_same(self, world: World) -> None:
        for minute in range(12 * 60):
            world.predict(1, at=MIDNIGHT + minute * MINUTE)
        world.predictions()
        world.now += 59 * MINUTE

        assert world.samples() == world.samples(world.another_environment())

    def test_cloudwatch_is_asked_once_a_minute_for_the_minutes_of_the_hour_and_once_an_hour_for_the_rest(
        self, world: World
    ) -> None:
        for _ in range(3):
            world.samples()
        world.now += MINUTE
        world.samples()

        spans = [call["EndTime"] - call["StartTime"] for call in world.cloudwatch.calls]
        assert spans == [12 * HOUR, 27 * MINUTE, 28 * MINUTE]


class TestLabels:
    def test_versions_are_told_apart_and_an_old_one_that_answers_nothing_today_is_left_out(self, world: World) -> None:
        world.predict(1, at=MIDNIGHT - HOUR, version="v3")
        world.predict(2, at=MIDNIGHT + HOUR, version="v2")

        assert [world.predictions(version) for version in ("v1", "v2", "v3")] == [0, 2, None]

    def test_a_version_that_is_listed_late_is_not_undercounted(self, world: World) -> None:
        world.samples()
        world.predict(4, at=MIDNIGHT + HOUR, version="v2")
        world.now += MINUTE

        assert world.predictions("v2") == 4

    def test_another_stage_and_another_model_do_not_count(self, world: World) -> None:
        for other in ({"stage": "prod"}, {"model": "wine"}):
            world.cloudwatch.put("Predictions", 5, at=MIDNIGHT + HOUR, **OF | {"version": "v1"} | other)

        assert world.predictions() == 0

    def test_errors_have_their_reasons_and_loads_their_outcome(self, world: World) -> None:
        at = MIDNIGHT + HOUR
        world.cloudwatch.put("PredictionErrors", 1, 1, at=at, **OF, reason="invalid-instance")
        world.cloudwatch.put("ModelLoads", 1, at=at, **OF)
        world.cloudwatch.put("ModelLoadFailures", 1, 1, 1, at=at, **OF)

        found = world.samples()

        assert found["ml_prediction_errors_total", "model=iris", "reason=invalid-instance"] == 2
        assert found["ml_model_load_total", "model=iris", "status=success"] == 1
        assert found["ml_model_load_total", "model=iris", "status=failure"] == 3

    def test_durations_are_a_histogram_in_seconds(self, world: World) -> None:
        world.predict(3, at=MIDNIGHT + HOUR, milliseconds=5)  # the bound itself is within
        world.predict(1, at=MIDNIGHT + 2 * HOUR, milliseconds=700)
        of = ("model=iris", "version=v1")

        found = world.samples()

        buckets = {
            name[1]: value for name, value in found.items() if name[0] == "ml_prediction_duration_seconds_bucket"
        }
        assert (buckets["le=0.0025"], buckets["le=0.005"], buckets["le=0.5"]) == (0, 3, 3)
        assert (buckets["le=1.0"], buckets["le=+Inf"]) == (4, 4)
        assert found["ml_prediction_duration_seconds_count", *of] == 4
        assert found["ml_prediction_duration_seconds_sum", *of] == pytest.approx(0.715)

    def test_requests_are_those_of_the_api_by_class_of_status(self, world: World) -> None:
        at = MIDNIGHT + HOUR
        for name, count in {"Count": 10, "4xx": 3, "5xx": 1}.items():
            world.cloudwatch.put(name, *[1.0] * count, at=at, namespace="AWS/ApiGateway", ApiId=API)
        world.cloudwatch.put("Latency", 20.0, at=at, namespace="AWS/ApiGateway", ApiId=API)

        found = world.samples(api=API)

        assert [found["api_requests_total", f"status={status}"] for status in ("2xx", "4xx", "5xx")] == [6, 3, 1]
        assert found["api_errors_total", "status=5xx"] == 1
        assert found["api_request_duration_seconds_bucket", "le=0.025"] == 1

    def test_without_an_api_nothing_is_said_of_requests(self, world: World) -> None:
        assert not [name for name, *_ in world.samples() if name.startswith("api_")]

    def test_names_and_labels_are_those_of_a_server(self, world: World) -> None:
        labels = {family.name: {*family.labels, "le"} for family in FAMILIES}

        for family in text_string_to_metric_families(world.fleet.text(API)):
            name = f"{family.name}_total" if family.type == "counter" else family.name
            assert all(sample.labels.keys() <= labels[name] for sample in family.samples)


class TestModel:
    def test_the_active_version_is_named(self, world: World) -> None:
        assert world.samples()["ml_model_loaded", "model=iris", "version=v1"] == 1

    def test_without_one_there_is_no_model(self, world: World) -> None:
        world.pointer.holds = None

        assert world.samples()["ml_model_loaded", "model=iris", "version=none"] == 0

    def test_drift_is_that_of_the_latest_report(self, world: World) -> None:
        world.bucket.objects["reports/iris/latest.json"] = report(longer_petals=1.5).to_bytes()

        assert [value for name, value in world.samples().items() if name[0] == "ml_drift_detected"] == [1]

    @pytest.mark.parametrize("latest", [None, b"{", AwsUnavailable("S3 is down")])
    def test_without_a_report_nothing_is_said_of_drift(
        self, world: World, latest: bytes | AwsUnavailable | None
    ) -> None:
        if isinstance(latest, bytes):
            world.bucket.objects["reports/iris/latest.json"] = latest
        elif latest:
            world.bucket.failures["reports/"] = latest

        found = world.samples()

        assert not [name for name, *_ in found if "drift" in name]
        assert found["ml_model_loaded", "model=iris", "version=v1"] == 1


class TestFaults:
    def test_where_cloudwatch_fails_no_counter_falls(self, world: World) -> None:
        world.cloudwatch.status = "PartialData"

        with pytest.raises(AwsUnavailable):
            world.fleet.text("")
        world.cloudwatch.status = "Complete"

        assert world.predictions() == 0
