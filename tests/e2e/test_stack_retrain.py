"""Training again on the whole stack: asked for over HTTP, by new data, the clock and drift; one at a time.

The durable function trains in its container, as strict as Lambda's, publishes by its own role, and puts what it
published on trial where that is asked for. Pointer, challenger, versions and audit agree afterwards.
"""

import random
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from itertools import batched
from pathlib import Path
from urllib.parse import urljoin

import pytest

from tests.e2e.conftest import Step
from tests.e2e.life import Life, prepared
from tests.e2e.retrainings import Retrainings
from tests.e2e.stack import STACK, Stack
from tests.support.paths import ROOT
from tests.support.waiting import wait_until

WINDOW_SECONDS = 5
OBJECTS = 50
HEAD, *ROWS = (ROOT / "data" / "raw" / "Iris.csv").read_text(encoding="utf-8").splitlines()


OF_TRAINING_AGAIN = {
    "s3:PutObject": "writing retrains/",
    "ssm:GetParameter": "reading the pointer",
    "s3:GetObjectVersion": "reading data/iris/",
    "lambda:InvokeFunction": "starting iris-",
    "s3:GetObject": "reading retrains/",
}
"""Permissions of its role, in the order in which a retraining lacks them here."""

CUT_OFF_SECONDS = 64
"""Of which the function keeps sixty for what follows: training has four."""


@pytest.fixture(scope="module")
def life(stack: Stack, quick_config: Path, step: Step) -> Iterator[Life]:
    """The model, which all that can have it trained again does; new data after seconds."""
    life = prepared(stack, quick_config)
    with step("all that has it trained again, on"):
        stack.deploy(
            RetrainRollout="auto", RetrainOnData="true", RetrainOnDrift="true", RetrainSchedule="rate(365 days)"
        )
    stack.set_variables("TriggerFunction", SKYLIFT_RETRAIN_WINDOW_SECONDS=str(WINDOW_SECONDS))
    yield life
    stack.deploy(RetrainRollout="none", RetrainOnData="false", RetrainOnDrift="false", RetrainSchedule="")


@pytest.fixture
def retrainings(life: Life, stack: Stack) -> Retrainings:
    """What was trained again."""
    return Retrainings(life, stack)


@pytest.fixture(autouse=True)
def _all_agree_afterwards(life: Life, stack: Stack) -> Iterator[None]:
    yield
    if life.on_trial is not None:
        stack.done("Promote", "reject")
    life.agree()


def drop(stack: Stack, name: str, rows: list[str]) -> None:
    """Put a table into the data of the model."""
    body = "\n".join([HEAD, *rows]).encode()
    stack.aws.client("s3").put_object(Bucket=stack.outputs["ModelBucketName"], Key=f"data/iris/{name}.csv", Body=body)


@contextmanager
def only(life: Life, stack: Stack, rows: list[str]) -> Iterator[None]:
    """Have the data of the model be these rows for a while, whose coming starts nothing."""
    rules, rule = stack.aws.client("events"), stack.physical("NewDataRule")
    rules.disable_rule(Name=rule)
    remove_all(life, stack)
    drop(stack, "only", rows)
    try:
        yield
    finally:
        remove_all(life, stack)
        rules.enable_rule(Name=rule)


def remove_all(life: Life, stack: Stack) -> None:
    """Remove the data of the model: what is trained then, is trained on the table of the image."""
    for entry in list(life.bucket.entries("data/iris/")):
        stack.aws.client("s3").delete_object(Bucket=stack.outputs["ModelBucketName"], Key=entry.key)


def shuffled() -> list[str]:
    """Rows that are valid, of which each has the species of another one: they teach nothing."""
    rows = [row.split(",") for row in ROWS]
    species = random.Random(7).sample([row[-1] for row in rows], len(rows))
    lengths = [f"{float(row[1]) + number / 10_000:.4f}" for number, row in enumerate(rows)]  # no row is another's copy
    return [
        ",".join([row[0], length, *row[2:-1], name]) for row, length, name in zip(rows, lengths, species, strict=True)
    ]


def test_one_of_two_who_ask_at_once_gets_a_version(
    life: Life, stack: Stack, retrainings: Retrainings, step: Step
) -> None:
    numbers, keys = life.versions.numbers(), ("order-7", "order-8")
    assert stack.ask("/retrain", {}).status == 403
    with step("POST /retrain"), retrainings.one_more() as made:
        with ThreadPoolExecutor(2) as pool:
            answers = dict(zip(keys, pool.map(retrainings.ask, keys), strict=True))
        won, lost = sorted(keys, key=lambda key: answers[key].status)
        place = answers[won].headers["location"]
        assert (answers[won].status, answers[won].body["state"]) == (202, "queued")
        assert (answers[lost].status, answers[lost].headers["location"]) == (409, place)
        assert int(answers[lost].retry_after or "") > 0
        again = retrainings.ask(won)
        assert (again.status, again.headers["location"]) == (202, place)
    told = stack.ask(urljoin("/retrain", place), keys=stack.caller)
    assert (told.status, told.body["state"], told.body["reason"]) == (200, "succeeded", won)
    assert made[0].id == told.body["id"]
    published = set(life.versions.numbers()) - set(numbers)
    assert told.body["versions"]["published"].partition("@")[0] in {f"v{number}" for number in published}
    assert stack.pointer.startswith("v1@")


@pytest.mark.parametrize("action", ["s3:GetObject", "s3:PutObject", "lambda:InvokeFunction"])
def test_one_that_may_not_be_started_is_refused_for_now(action: str, stack: Stack, retrainings: Retrainings) -> None:
    with stack.without("OperationsRole", action):
        answer = retrainings.ask(f"without {action}")
    assert (answer.status, bool(answer.retry_after)) == (503, True)
    assert not retrainings.is_locked


def test_what_it_published_goes_on_trial_where_that_is_asked_for_and_each_permission_is_there_in_time(
    life: Life, stack: Stack, retrainings: Retrainings, step: Step
) -> None:
    *missing, last = OF_TRAINING_AGAIN
    with (
        step("all permissions of a retraining"),
        only(life, stack, ROWS),
        retrainings.one_more() as made,
        stack.without("RetrainRole", *missing) as take,
    ):
        assert retrainings.ask("a trial", rollout="auto").status == 202
        arn = retrainings.execution("a trial")
        while missing:
            life.wait_for_refusal(arn, OF_TRAINING_AGAIN[missing.pop(0)])
            take(*missing or [last])  # of which all steps before would have failed
        life.wait_for_refusal(arn, OF_TRAINING_AGAIN[last])
    assert life.on_trial is not None
    assert str(life.on_trial.reference) == made[0].versions.published


def test_a_burst_of_fifty_objects_in_any_order_is_one_training(
    life: Life, stack: Stack, retrainings: Retrainings, step: Step
) -> None:
    parts = [*batched(random.Random(7).sample(ROWS, len(ROWS)), len(ROWS) // OBJECTS)]
    with step(f"{OBJECTS} objects"), retrainings.one_more() as made:
        with ThreadPoolExecutor(8) as pool:
            list(pool.map(lambda number: drop(stack, f"part-{number}", [*parts[number]]), range(len(parts))))
        wait_until(lambda: retrainings.is_at("collecting"), what="it collects")
        assert retrainings.ask("amid the burst").status == 409
    assert (made[0].state, made[0].request.reason) == ("succeeded", "new data")
    published = life.versions.version(int(str(made[0].versions.published).partition("@")[0][1:]))
    assert published.manifest.lineage.data_rows == len(ROWS)
    late = {"source": "aws.s3", "detail-type": "Object Created", "time": made[0].started.isoformat()}
    assert stack.invoke("TriggerFunction", late)["outcome"] == "covered"


def test_data_with_the_same_rows_again_and_again_is_refused_and_people_are_told_why(
    life: Life, stack: Stack, retrainings: Retrainings
) -> None:
    numbers = life.versions.numbers()
    with (
        only(life, stack, ROWS * 3),
        life.tells("retraining refused", "are the same as another"),
        retrainings.one_more() as made,
    ):
        retrainings.ask("again", rollout="auto")
    assert made[0].state == "refused"
    assert made[0].problem is not None
    assert made[0].problem.code == "data-error"
    assert life.versions.numbers() == numbers


def test_data_that_teaches_nothing_is_refused_by_a_gate_with_a_card(
    life: Life, stack: Stack, retrainings: Retrainings
) -> None:
    numbers = life.versions.numbers()
    with only(life, stack, shuffled()), life.tells("retraining refused", "card: "), retrainings.one_more() as made:
        retrainings.ask("shuffled", rollout="auto")
    assert made[0].state == "refused"
    assert made[0].problem is not None
    assert made[0].problem.code == "gate-failed"
    assert not all(gate.passed for gate in made[0].gates)
    card = life.bucket.read(made[0].links["card"].removeprefix(life.bucket.url("")), limit=2**24)
    assert card is not None
    assert b"<html" in card
    assert life.versions.numbers() == numbers


def test_the_clock_starts_one(stack: Stack, retrainings: Retrainings) -> None:
    with retrainings.one_more() as made:
        stack.call_soon("retrain")
    assert (made[0].state, made[0].request.reason) == ("succeeded", "schedule")


def test_drift_leads_to_a_version_on_trial(life: Life, stack: Stack, retrainings: Retrainings) -> None:
    alarms, alarm = stack.aws.client("cloudwatch"), f"{STACK}-drift"
    with retrainings.one_more() as made:
        for state in ("OK", "ALARM"):  # it tells of changes alone
            alarms.set_alarm_state(AlarmName=alarm, StateValue=state, StateReason="drill")
    assert (made[0].state, made[0].request.reason) == ("succeeded", f"the alarm {alarm}")
    assert life.on_trial is not None
    assert str(life.on_trial.reference) == made[0].versions.published


def test_a_kill_while_it_trains_costs_a_second_training_and_no_second_version(
    life: Life, stack: Stack, retrainings: Retrainings
) -> None:
    numbers = life.versions.numbers()
    with retrainings.one_more() as made:
        retrainings.ask("killed")
        wait_until(lambda: retrainings.is_at("training"), what="it trains")
        stack.aws.kill(stack.physical("RetrainFunction"))
        assert retrainings.is_at("training")
    assert made[0].state == "succeeded"
    [number] = set(life.versions.numbers()) - set(numbers)
    assert made[0].versions.published == str(life.versions.version(number).reference)


def test_training_that_lambda_would_cut_off_is_ended_before_and_publishes_nothing(
    life: Life, stack: Stack, retrainings: Retrainings
) -> None:
    numbers = life.versions.numbers()
    with (
        stack.time_limit("RetrainFunction", CUT_OFF_SECONDS),
        life.tells("retraining failed", "training did not end"),
        retrainings.one_more() as made,
    ):
        retrainings.ask("too long", rollout="auto")
    assert made[0].state == "failed"
    assert made[0].problem is not None
    assert made[0].problem.code == "training-timeout"
    assert life.versions.numbers() == numbers


def test_nothing_is_locked_when_all_have_ended(retrainings: Retrainings) -> None:
    assert all(retrainings.read(each).has_ended for each in retrainings.ids())
    wait_until(lambda: not retrainings.is_locked, what="the last one has given the lock back")
