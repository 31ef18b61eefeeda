"""One retraining of a model at a time, and documents that never change after their end."""

from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from skylift.bucket import Bucket
from skylift.errors import AwsUnavailable, IntegrityError, RetrainNotFound, RetrainRunning
from skylift.retraining.state import Request
from skylift.retraining.store import RetrainStore
from tests.conftest import BUCKET, MODEL
from tests.support.aws_clients import shared_clients
from tests.support.faults import before
from tests.support.retraining import Clock

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

HOUR = timedelta(hours=1)


def request(name: str, reason: str = "new data") -> Request:
    return Request(id=name, reason=reason, by="somebody")


def began(store: RetrainStore, name: str) -> None:
    store.hold(name, HOUR)
    store.create(request(name))


def test_a_request_is_kept_once(store: RetrainStore, clock: Clock) -> None:
    first = store.create(request("one"))
    clock.move(HOUR)

    assert store.create(request("one", reason="another")) == first


def test_what_is_not_there_is_named(store: RetrainStore) -> None:
    assert store.find("one") is None
    assert store.lock() is None
    with pytest.raises(RetrainNotFound, match="'one'"):
        store.read("one")
    with pytest.raises(RetrainNotFound):
        store.update("one", state="running")


def test_one_holds_the_lock_and_others_are_told_which(store: RetrainStore) -> None:
    began(store, "one")

    with pytest.raises(RetrainRunning) as refusal:
        store.hold("two", HOUR)

    assert refusal.value.id == "one"
    store.hold("one", HOUR)


def test_one_whose_document_is_not_written_yet_holds_it_too(store: RetrainStore) -> None:
    store.hold("one", HOUR)

    with pytest.raises(RetrainRunning):
        store.hold("two", HOUR)


def test_what_was_given_back_may_be_taken(store: RetrainStore) -> None:
    began(store, "one")
    store.update("one", state="succeeded")
    store.release("one")

    store.hold("two", HOUR)


def test_only_the_holder_gives_it_back(store: RetrainStore) -> None:
    began(store, "one")
    store.release("two")

    with pytest.raises(RetrainRunning):
        store.hold("two", HOUR)


def test_one_that_ended_without_giving_it_back_stands_in_nobodys_way(store: RetrainStore) -> None:
    began(store, "one")
    store.update("one", state="refused")

    store.hold("two", HOUR)


def test_one_that_is_late_is_lost_and_ends_where_it_is_replaced(store: RetrainStore, clock: Clock) -> None:
    began(store, "one")
    store.update("one", state="running", step="training")
    clock.move(HOUR)

    seen = store.read("one")
    store.hold("two", HOUR)

    assert seen.state == "failed"
    assert seen.problem is not None
    assert seen.problem.code == "lost"
    assert (kept := store.stored("one")) is not None
    assert kept.state == "failed"
    assert store.update("one", state="succeeded").state == "failed"


def test_one_that_is_late_and_not_replaced_goes_on(store: RetrainStore, clock: Clock) -> None:
    began(store, "one")
    clock.move(2 * HOUR)

    store.hold("one", HOUR)

    assert store.read("one").state == "queued"


def test_one_that_does_not_hold_it_did_not_begin(store: RetrainStore) -> None:
    began(store, "one")
    store.release("one")

    problem = store.read("one").problem

    assert problem is not None
    assert problem.message == "it did not begin"


def test_an_end_is_final_and_has_its_time(store: RetrainStore, clock: Clock) -> None:
    began(store, "one")
    clock.move(timedelta(minutes=5))
    ended = store.update("one", state="succeeded", step="done")

    assert ended.ended == clock.time
    assert store.update("one", state="running") == ended
    assert store.read("one") == ended


def test_what_is_asked_for_meanwhile_is_handed_to_whoever_gives_the_lock_back(store: RetrainStore) -> None:
    began(store, "one")
    assert store.ask_next(request("two"))
    assert store.ask_next(request("three"))
    store.hold("one", HOUR)

    assert store.release("one") == request("three")


def test_nothing_is_left_to_be_started_where_none_runs(store: RetrainStore) -> None:
    assert not store.ask_next(request("two"))
    began(store, "one")
    store.release("one")
    assert not store.ask_next(request("two"))


def test_what_was_left_is_gone_once_it_runs(store: RetrainStore) -> None:
    began(store, "one")
    store.ask_next(request("two"))
    store.release("one")
    store.hold("two", HOUR)

    assert store.release("two") is None


def test_of_two_who_take_it_at_once_one_gets_it(store: RetrainStore, s3: "S3Client", clock: Clock) -> None:
    rival = RetrainStore(Bucket(BUCKET, client=shared_clients("service").s3), MODEL, now=clock)
    before(s3, "PutObject", lambda _: rival.hold("rival", HOUR), only=1)

    with pytest.raises(RetrainRunning) as refusal:
        store.hold("one", HOUR)

    assert refusal.value.id == "rival"


def test_of_two_who_change_a_document_at_once_none_is_lost(store: RetrainStore, s3: "S3Client", clock: Clock) -> None:
    began(store, "one")
    rival = RetrainStore(Bucket(BUCKET, client=shared_clients("service").s3), MODEL, now=clock)
    before(s3, "PutObject", lambda _: rival.update("one", links={"card": "s3://b/card.html"}), only=1)

    changed = store.update("one", state="running")

    assert (changed.state, changed.links) == ("running", {"card": "s3://b/card.html"})


def test_data_that_was_taken_in_stays_so_whoever_runs_next(store: RetrainStore, clock: Clock) -> None:
    began(store, "one")
    store.take_data_in(clock.time)
    store.release("one")
    store.hold("two", HOUR)

    lock = store.lock()

    assert lock is not None
    assert (lock.holder, lock.data_as_of) == ("two", clock.time)


def test_a_document_that_cannot_be_read_is_said_to_be_so(store: RetrainStore, s3: "S3Client") -> None:
    s3.put_object(Bucket=BUCKET, Key=store.key("one.json"), Body=b"{}")

    with pytest.raises(IntegrityError, match=r"retrains/iris/one\.json cannot be read"):
        store.find("one")


def test_a_store_that_others_change_all_the_time_is_given_up(store: RetrainStore, s3: "S3Client") -> None:
    began(store, "one")
    store.update("one", state="running")

    rival = shared_clients("service").s3

    def disturb(_: dict[str, Any]) -> None:
        body = rival.get_object(Bucket=BUCKET, Key=store.key("running.json"))["Body"].read()
        rival.put_object(Bucket=BUCKET, Key=store.key("running.json"), Body=body + b" ")

    before(s3, "PutObject", disturb)

    with pytest.raises(AwsUnavailable, match="others change it"):
        store.hold("one", 2 * HOUR)
