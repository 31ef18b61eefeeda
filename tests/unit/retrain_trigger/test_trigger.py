"""However events come, all data is trained on, and once."""

import random
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from retrain_trigger import handler as entry
from retrain_trigger.requests import request_of
from retrain_trigger.trigger import trigger
from skylift.bucket import Bucket
from skylift.errors import AwsUnavailable
from skylift.retraining.state import Request
from skylift.retraining.store import RetrainStore
from tests.conftest import BUCKET, MODEL
from tests.support.faults import before, kills
from tests.support.retraining import Clock, FakeFunction
from tests.unit.retrain_trigger.test_requests import WINDOW, alarm, new_object

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

SECOND = timedelta(seconds=1)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def store(s3: "S3Client", clock: Clock) -> RetrainStore:
    return RetrainStore(Bucket(BUCKET, client=s3), MODEL, now=clock)


@pytest.fixture
def function() -> FakeFunction:
    return FakeFunction()


class Events:
    """Events of objects that come now."""

    def __init__(self, store: RetrainStore, function: FakeFunction, clock: Clock) -> None:
        self.store, self.function, self.clock = store, function, clock

    def request(self) -> Request:
        made = request_of(new_object(self.clock().isoformat()), rollout="none", window=WINDOW)
        assert made is not None
        return made

    def comes(self, ago: timedelta = timedelta()) -> str:
        """Deliver the event of an object that came some time ago; what became of it."""
        at = self.clock() - ago
        made = request_of(new_object(at.isoformat()), rollout="none", window=WINDOW)
        assert made is not None
        return trigger(made, at, store=self.store, function=self.function)["outcome"]

    def trains(self, name: str) -> None:
        """Continue a retraining: it has listed its data, and trains."""
        self.store.take_data_in(self.clock())
        self.store.update(name, state="running", step="training")


@pytest.fixture
def events(store: RetrainStore, function: FakeFunction, clock: Clock) -> Events:
    return Events(store, function, clock)


def test_fifty_objects_out_of_order_and_twice_are_one_training(
    events: Events, function: FakeFunction, clock: Clock
) -> None:
    moments = [*range(50), *range(0, 50, 3)]
    random.Random(7).shuffle(moments)
    clock.move(50 * SECOND)

    outcomes = {events.comes(moment * SECOND) for moment in moments}

    assert outcomes == {"started"}
    assert list(function.executions) == ["iris-data-20261126t043000"]


def test_all_but_the_first_of_a_burst_write_nothing_that_others_wait_for(
    events: Events, function: FakeFunction, clock: Clock, s3: "S3Client"
) -> None:
    events.comes()
    before(s3, "PutObject", kills)

    for _ in range(49):
        clock.move(SECOND)
        assert events.comes() == "started"
    assert len(function.executions) == 1


def test_a_burst_across_the_end_of_a_window_is_one_training(
    events: Events, function: FakeFunction, clock: Clock
) -> None:
    clock.move(timedelta(minutes=9, seconds=50))
    outcomes = []
    for _ in range(20):
        outcomes.append(events.comes())
        clock.move(SECOND)

    assert outcomes == ["started"] * 10 + ["running"] * 10
    assert len(function.executions) == 1


def test_what_comes_while_one_trains_is_trained_on_after_it(
    events: Events, store: RetrainStore, function: FakeFunction, clock: Clock
) -> None:
    events.comes()
    clock.move(timedelta(minutes=12))
    events.trains("data-20261126t043000")
    clock.move(timedelta(minutes=1))

    assert events.comes() == "next"
    assert events.comes() == "next"
    store.update("data-20261126t043000", state="succeeded")
    following = store.release("data-20261126t043000")
    assert following is not None
    assert following.id == "data-20261126t044000"


def test_an_event_that_comes_late_of_what_was_taken_in_asks_for_nothing(
    events: Events, store: RetrainStore, function: FakeFunction, clock: Clock
) -> None:
    events.comes()
    clock.move(timedelta(minutes=12))
    events.trains("data-20261126t043000")
    clock.move(timedelta(minutes=1))

    assert events.comes(ago=timedelta(minutes=2)) == "covered"
    store.update("data-20261126t043000", state="succeeded")
    store.release("data-20261126t043000")
    assert events.comes(ago=timedelta(minutes=2)) == "covered"
    assert events.comes() == "started"
    assert list(function.executions) == ["iris-data-20261126t043000", "iris-data-20261126t044000"]


def test_a_schedule_or_an_alarm_that_finds_one_running_has_what_it_asks_for(
    events: Events, store: RetrainStore, function: FakeFunction, clock: Clock
) -> None:
    events.comes()
    events.trains("data-20261126t043000")
    made = request_of(alarm(), rollout="none", window=WINDOW)
    assert made is not None

    assert trigger(made, clock(), store=store, function=function)["outcome"] == "running"
    assert store.lock() is not None
    assert store.release("data-20261126t043000") is None


def test_one_that_ends_between_two_looks_is_followed_at_once(
    events: Events, store: RetrainStore, function: FakeFunction, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    events.comes()
    clock.move(timedelta(minutes=12))
    events.trains("data-20261126t043000")
    clock.move(timedelta(minutes=1))
    ask_next = store.ask_next

    def late(request: Request) -> bool:
        store.update("data-20261126t043000", state="succeeded")
        store.release("data-20261126t043000")
        return ask_next(request)

    monkeypatch.setattr(store, "ask_next", late)

    assert events.comes() == "started"


def test_it_gives_up_where_others_are_always_quicker(
    events: Events, store: RetrainStore, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    events.comes()
    clock.move(timedelta(minutes=12))
    events.trains("data-20261126t043000")
    clock.move(timedelta(minutes=1))
    monkeypatch.setattr(store, "ask_next", lambda _: False)

    with pytest.raises(AwsUnavailable, match="begin and end all the time"):
        events.comes()


class TestHandler:
    @pytest.fixture(autouse=True)
    def _settings(self, monkeypatch: pytest.MonkeyPatch, function: FakeFunction, s3: "S3Client") -> None:
        arn = "arn:aws:lambda:eu-central-1:123456789012:function:retrain:live"
        for name, value in {
            "BUCKET": BUCKET,
            "STAGE": "test",
            "MODEL": "iris",
            "RETRAIN_FUNCTION": arn,
            "RETRAIN_ROLLOUT": "manual",
        }.items():
            monkeypatch.setenv(f"SKYLIFT_{name}", value)
        monkeypatch.setattr(entry, "DurableFunction", lambda _arn, client: function)

    def test_an_event_starts_what_it_asks_for(self, function: FakeFunction, store: RetrainStore) -> None:
        triggered = entry.handler({"source": "skylift.schedule", "time": "2026-11-26T04:00:00Z"})

        assert triggered == {"id": "schedule-20261126t040000", "outcome": "started"}
        stored = store.stored("schedule-20261126t040000")
        assert stored is not None
        assert stored.request.rollout == "manual"

    def test_an_alarm_that_ends_starts_nothing(self, function: FakeFunction) -> None:
        assert entry.handler(alarm("OK")) is None
        assert function.executions == {}
