"""Sums over a time from CloudWatch's periods, whole or not at all."""

from datetime import UTC, datetime, timedelta

import pytest

from operations.cloudwatch import CloudWatch, Query
from skylift.errors import AwsThrottled, AwsUnavailable
from tests.support.cloudwatch import FakeCloudWatch
from tests.support.faults import throttled

NOON = datetime(2026, 3, 31, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)
OF = (("stage", "dev"), ("model", "iris"))


@pytest.fixture
def fake() -> FakeCloudWatch:
    return FakeCloudWatch()


@pytest.fixture
def cloudwatch(fake: FakeCloudWatch) -> CloudWatch:
    return CloudWatch(fake)


def test_values_are_added_over_periods_and_pages(fake: FakeCloudWatch, cloudwatch: CloudWatch) -> None:
    for minute in range(90):
        fake.put("Predictions", 2, at=NOON + timedelta(minutes=minute), stage="dev", model="iris")
    query = Query("Predictions", OF)

    assert cloudwatch.totals([query], NOON, NOON + HOUR, period=60) == {query: 120}


def test_another_set_of_dimensions_is_another_metric(fake: FakeCloudWatch, cloudwatch: CloudWatch) -> None:
    fake.put("Predictions", 5, at=NOON, stage="dev", model="iris", version="v7")

    assert cloudwatch.totals([Query("Predictions", OF)], NOON, NOON + HOUR, period=60) == {Query("Predictions", OF): 0}


def test_more_queries_than_a_call_takes_are_asked_in_several(fake: FakeCloudWatch, cloudwatch: CloudWatch) -> None:
    queries = [Query("Predictions", (*OF, ("version", f"v{number}"))) for number in range(501)]

    assert len(cloudwatch.totals(queries, NOON, NOON + HOUR, period=3600)) == 501
    assert [len(call["MetricDataQueries"]) for call in fake.calls] == [500, 1]


@pytest.mark.parametrize("status", ["PartialData", "InternalError"])
def test_a_part_of_the_values_is_a_failure(fake: FakeCloudWatch, cloudwatch: CloudWatch, status: str) -> None:
    fake.status = status

    with pytest.raises(AwsUnavailable, match="a part"):
        cloudwatch.totals([Query("Predictions", OF)], NOON, NOON + HOUR, period=60)


def test_faults_are_told(fake: FakeCloudWatch, cloudwatch: CloudWatch) -> None:
    fake.failure = throttled()

    with pytest.raises(AwsThrottled):
        cloudwatch.totals([Query("Predictions", OF)], NOON, NOON + HOUR, period=60)
    with pytest.raises(AwsThrottled):
        list(cloudwatch.dimensions(OF))


def test_dimensions_beside_the_given_ones_are_listed(fake: FakeCloudWatch, cloudwatch: CloudWatch) -> None:
    fake.put("Predictions", 1, at=NOON, stage="dev", model="iris", version="v7")
    fake.put("Predictions", 1, at=NOON, stage="prod", model="iris", version="v8")

    assert list(cloudwatch.dimensions(OF)) == [{"stage": "dev", "model": "iris", "version": "v7"}]
