"""Experiments in the bucket: records and counts that are written once, and read back as they were."""

from datetime import UTC, datetime, timedelta

import pytest

from skylift.errors import IntegrityError
from skylift.experiment.counters import Arm, Counters, Pairs
from skylift.experiment.judge import judge
from skylift.experiment.record import Experiment, Look, StepCounts, intervals_of
from skylift.experiment.store import ExperimentStore
from skylift.references import Reference
from tests.support.fakes import MemoryBucket

START = datetime(2026, 11, 26, 2, tzinfo=UTC)
LOOK = Look(
    start=START,
    end=START + timedelta(minutes=1),
    steps=(
        StepCounts(
            mode="canary",
            percent=5,
            counters=Counters(Arm(20, 1, {"invalid-instance": 2}), Arm(380, 1, {}), Pairs(10, 1, {68: 9, 70: 1}, 1, 2)),
        ),
    ),
)
RECORD = Experiment(
    id="v8-1",
    model="iris",
    challenger=Reference(8, "8" * 64),
    champion=Reference(7, "7" * 64),
    mode="canary",
    percent=5,
    started=START,
    by="arn:aws:iam::123456789012:user/anna",
    ended=START + timedelta(hours=1),
    outcome="rejected",
    reason="too slow",
    verdict=judge(intervals_of([LOOK])),
)


@pytest.fixture
def bucket() -> MemoryBucket:
    """The bucket of the model."""
    return MemoryBucket()


@pytest.fixture
def store(bucket: MemoryBucket) -> ExperimentStore:
    """Experiments of iris."""
    return ExperimentStore(bucket, "iris")


def test_an_experiment_has_no_record_before_its_end(store: ExperimentStore) -> None:
    assert store.read("v8-1") is None
    assert store.ids() == []


def test_a_record_is_read_as_it_was_written(store: ExperimentStore, bucket: MemoryBucket) -> None:
    assert store.end(RECORD) == RECORD

    assert store.read("v8-1") == RECORD
    assert list(bucket.objects) == ["experiments/iris/v8-1.json"]


def test_the_record_that_was_written_first_stands(store: ExperimentStore) -> None:
    store.end(RECORD)

    assert store.end(RECORD.model_copy(update={"outcome": "promoted"})) == RECORD


def test_counts_are_read_in_the_order_of_the_looks(store: ExperimentStore) -> None:
    later = LOOK.model_copy(update={"end": START + timedelta(minutes=2)})
    for number, look in ((10, later), (9, LOOK)):
        store.write_counts("v8-1", number, look)

    assert store.counts("v8-1") == [LOOK, later]


def test_counts_that_were_written_first_stand(store: ExperimentStore) -> None:
    store.write_counts("v8-1", 1, LOOK)

    assert store.write_counts("v8-1", 1, LOOK.model_copy(update={"steps": ()})) == LOOK


def test_ids_are_those_of_records_alone(store: ExperimentStore) -> None:
    store.write_counts("v9-1", 1, LOOK)
    store.end(RECORD)

    assert store.ids() == ["v8-1"]


def test_counts_of_an_experiment_with_a_longer_name_are_not_its_own(store: ExperimentStore) -> None:
    store.write_counts("v8-10", 1, LOOK)

    assert store.counts("v8-1") == []


def test_an_approval_is_asked_for_by_a_callback(store: ExperimentStore) -> None:
    assert store.asked("v8-1") is None

    store.ask("v8-1", "callback-1")

    assert store.asked("v8-1") == "callback-1"
    assert store.counts("v8-1") == []


@pytest.mark.parametrize("data", [b"", b"{", b"[]", b'{"id": "v8-1"}'])
def test_a_record_that_cannot_be_read_is_named(store: ExperimentStore, bucket: MemoryBucket, data: bytes) -> None:
    bucket.objects["experiments/iris/v8-1.json"] = data

    with pytest.raises(IntegrityError, match=r"experiments/iris/v8-1\.json cannot be read"):
        store.read("v8-1")
