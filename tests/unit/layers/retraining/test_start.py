"""However often the same is asked for, and whatever fails on the way, one execution begins."""

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from skylift.bucket import Bucket
from skylift.durable import MAX_NAME_LENGTH
from skylift.errors import AwsThrottled, AwsUnavailable, RetrainKeyReused, RetrainRunning
from skylift.retraining.start import BEGIN_WITHIN, execution_name, id_of_key, new_id, start
from skylift.retraining.state import Request
from skylift.retraining.store import RetrainStore
from tests.conftest import BUCKET, MODEL
from tests.support.aws_clients import shared_clients
from tests.support.faults import Killed, after, before, kills
from tests.support.retraining import Clock, FakeFunction

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

ONE = Request(id="key-one", reason="a person asked", by="somebody")
TWO = Request(id="key-two", reason="a person asked", by="somebody")


@pytest.fixture
def function() -> FakeFunction:
    return FakeFunction()


def test_an_execution_begins_with_the_id_alone(store: RetrainStore, function: FakeFunction) -> None:
    begun = start(ONE, store=store, function=function)

    assert begun.state == "queued"
    assert begun == store.read("key-one")
    assert function.executions == {"iris-key-one": {"id": "key-one"}}


def test_the_same_request_finds_the_first(store: RetrainStore, function: FakeFunction, clock: Clock) -> None:
    first = start(ONE, store=store, function=function)
    clock.move(timedelta(minutes=1))
    store.update("key-one", state="running", step="training")

    again = start(ONE.model_copy(update={"by": "another"}), store=store, function=function)

    assert again.started == first.started
    assert again.state == "running"
    assert len(function.executions) == 1


def test_it_also_finds_one_that_has_ended(store: RetrainStore, function: FakeFunction) -> None:
    start(ONE, store=store, function=function)
    store.update("key-one", state="refused")
    store.release("key-one")

    assert start(ONE, store=store, function=function).state == "refused"
    assert function.starts == 1


def test_the_same_id_for_another_request_is_refused(store: RetrainStore, function: FakeFunction) -> None:
    start(ONE, store=store, function=function)

    with pytest.raises(RetrainKeyReused, match="a person asked"):
        start(ONE.model_copy(update={"rollout": "auto"}), store=store, function=function)


def test_another_one_waits_for_its_turn_and_leaves_nothing(store: RetrainStore, function: FakeFunction) -> None:
    start(ONE, store=store, function=function)

    with pytest.raises(RetrainRunning) as refusal:
        start(TWO, store=store, function=function)

    assert refusal.value.id == "key-one"
    assert store.find("key-two") is None
    store.update("key-one", state="succeeded")
    assert start(TWO, store=store, function=function).state == "queued"


def test_a_start_that_fails_may_be_tried_again(store: RetrainStore, function: FakeFunction) -> None:
    function.fails = True
    with pytest.raises(AwsThrottled):
        start(ONE, store=store, function=function)
    assert store.read("key-one").state == "failed"

    function.fails = False

    assert start(ONE, store=store, function=function).state == "queued"
    assert store.read("key-one").state == "queued"


def test_a_start_that_fails_stands_in_nobodys_way(store: RetrainStore, function: FakeFunction) -> None:
    function.fails = True
    with pytest.raises(AwsThrottled):
        start(ONE, store=store, function=function)
    function.fails = False

    assert start(TWO, store=store, function=function).state == "queued"


def test_a_start_whose_answer_is_lost_began_once(store: RetrainStore, function: FakeFunction) -> None:
    function.loses_answers = True
    with pytest.raises(AwsUnavailable):
        start(ONE, store=store, function=function)
    function.loses_answers = False

    start(ONE, store=store, function=function)

    assert len(function.executions) == 1


@pytest.mark.parametrize("hook", [before, after])
@pytest.mark.parametrize("call", [1, 2])
def test_a_starter_that_dies_anywhere_leaves_what_the_next_completes(
    store: RetrainStore, function: FakeFunction, s3: "S3Client", hook: object, call: int
) -> None:
    fault = hook(s3, "PutObject", kills, only=call)  # type: ignore[operator]
    with pytest.raises(Killed):
        start(ONE, store=store, function=function)
    fault.heal()

    assert start(ONE, store=store, function=function).state == "queued"
    assert len(function.executions) == 1


@pytest.mark.parametrize("call", [1, 2])
def test_a_starter_that_died_stands_in_the_way_for_half_an_hour_at_most(
    store: RetrainStore, function: FakeFunction, s3: "S3Client", clock: Clock, call: int
) -> None:
    fault = after(s3, "PutObject", kills, only=call)
    with pytest.raises(Killed):
        start(ONE, store=store, function=function)
    fault.heal()
    clock.move(BEGIN_WITHIN)

    assert start(TWO, store=store, function=function).state == "queued"
    assert (left := store.find("key-one")) is None or left.state == "failed"


def test_a_starter_that_dies_before_the_execution_begins_is_completed_too(
    store: RetrainStore, function: FakeFunction
) -> None:
    store.hold("key-one", BEGIN_WITHIN)
    store.create(ONE)

    start(ONE, store=store, function=function)

    assert len(function.executions) == 1


def test_of_two_starters_of_the_same_both_find_one(
    store: RetrainStore, function: FakeFunction, s3: "S3Client", clock: Clock
) -> None:
    rival = RetrainStore(Bucket(BUCKET, client=shared_clients("service").s3), MODEL, now=clock)
    before(s3, "PutObject", lambda _: start(ONE, store=rival, function=function), only=2)

    assert start(ONE, store=store, function=function).id == "key-one"
    assert len(function.executions) == 1


def test_of_two_starters_of_others_one_is_refused(
    store: RetrainStore, function: FakeFunction, s3: "S3Client", clock: Clock
) -> None:
    rival = RetrainStore(Bucket(BUCKET, client=shared_clients("service").s3), MODEL, now=clock)
    before(s3, "PutObject", lambda _: start(TWO, store=rival, function=function), only=1)

    with pytest.raises(RetrainRunning):
        start(ONE, store=store, function=function)

    assert list(function.executions) == ["iris-key-two"]


def test_a_key_has_an_id_that_says_nothing_of_it() -> None:
    assert id_of_key("order-7") == id_of_key("order-7") != id_of_key("order-8")
    assert Request(id=id_of_key("Z" * 1000), reason="x", by="x").id.startswith("key-")


def test_two_new_ids_of_a_moment_differ(clock: Clock) -> None:
    assert new_id(clock()).startswith("20261126t043000-")
    assert new_id(clock()) != new_id(clock())


def test_the_name_of_an_execution_fits_lambda_for_every_model_and_id() -> None:
    assert len(execution_name("m" * 63, "i" * 32)) == MAX_NAME_LENGTH
