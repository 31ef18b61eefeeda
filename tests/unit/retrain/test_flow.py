"""A retraining from its start to its one end: document, lock, versions and rollout agree, whatever happens."""

import json
from collections.abc import Callable
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from aws_durable_execution_sdk_python.config import Duration
from aws_durable_execution_sdk_python.lambda_service import ErrorObject

from retrain import flow
from skylift.errors import AwsThrottled, ConfigError, GateFailed
from skylift.metrics import Gate
from skylift.references import Reference
from skylift.retraining.outcome import Outcome
from skylift.retraining.state import Rollout
from tests.conftest import BUCKET
from tests.support.faults import after, before, fails_with, kills, throttled
from tests.support.retraining import FakeTasks, Retrainings

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_ssm import SSMClient

REFUSED = Outcome.of_failure("iris", GateFailed("gate failed on the holdout: accuracy", "improve the data")).model_copy(
    update={"gates": (Gate(metric="accuracy", min=0.9, value=0.5, passed=False),)}
)


def subjects(retrainings: Retrainings) -> list[str]:
    return [subject for subject, _ in retrainings.told.messages]


class TestEndings:
    def test_a_version_is_published_and_nothing_is_promoted(self, retrainings: Retrainings) -> None:
        retrainings.ask()

        document = retrainings.run()

        assert document.state == "succeeded"
        assert document.versions.published == str(retrainings.versions.version(1).reference)
        assert document.gates == retrainings.versions.version(1).manifest.gates
        assert document.links["card"] == f"s3://{BUCKET}/models/iris/v1/card.html"
        assert document.links["snapshot"] == f"s3://{BUCKET}/snapshots/iris/one/snapshot.json"
        assert retrainings.pointer.read() is None
        assert retrainings.rollouts.executions == {}
        assert subjects(retrainings) == ["iris: retraining succeeded"]

    def test_a_failed_gate_is_a_refusal_with_its_card(self, retrainings: Retrainings) -> None:
        retrainings.pointer.move(Reference(7, "a" * 64), kind="promotion", seen="none")
        retrainings.job.comes_to = REFUSED
        retrainings.ask(rollout="auto")

        document = retrainings.run()

        assert document.state == "refused"
        assert document.problem is not None
        assert document.problem.code == "gate-failed"
        assert document.gates == REFUSED.gates
        assert document.links["card"] == f"s3://{BUCKET}/retrains/iris/one/card.html"
        assert retrainings.versions.numbers() == []
        assert retrainings.rollouts.executions == {}

    def test_a_failure_of_the_job_is_a_metric(
        self, retrainings: Retrainings, capsys: pytest.CaptureFixture[str]
    ) -> None:
        retrainings.job.comes_to = Outcome.of_failure("iris", ConfigError("model.yaml is wrong", "fix it"))
        retrainings.ask()

        assert retrainings.run().state == "failed"

        metrics = [json.loads(line) for line in capsys.readouterr().out.splitlines() if "RetrainingFailed" in line]
        assert [(line["RetrainingFailed"], line["stage"], line["model"]) for line in metrics] == [
            ([1.0], "test", "iris")
        ]

    def test_training_that_never_tells_is_tried_twice(self, retrainings: Retrainings) -> None:
        retrainings.job.comes_to = AwsThrottled("reading data failed (SlowDown)")
        retrainings.ask()

        document = retrainings.run()

        assert retrainings.job.runs == 2
        assert document.state == "failed"
        assert document.problem is not None
        assert document.problem.code == "training-lost"
        assert "SlowDown" in document.problem.message

    def test_what_was_active_when_it_began_is_named(self, retrainings: Retrainings, ssm: "SSMClient") -> None:
        champion = Reference(7, "a" * 64)
        retrainings.pointer.move(champion, kind="promotion", seen="none")
        retrainings.ask()

        assert retrainings.run().versions.champion == str(champion)


class TestRollout:
    @pytest.fixture(autouse=True)
    def _champion(self, retrainings: Retrainings) -> None:
        retrainings.pointer.move(Reference(7, "a" * 64), kind="promotion", seen="none")

    def test_one_that_is_asked_for_begins_by_itself(self, retrainings: Retrainings) -> None:
        retrainings.ask(rollout="auto")

        document = retrainings.run()

        ((name, plan),) = retrainings.rollouts.executions.items()
        assert document.state == "succeeded"
        assert document.links["experiment"] == plan["id"] == "one"
        assert plan["reference"] == document.versions.published
        assert name == f"iris-{Reference.parse(str(plan['reference'])).digest[:24]}-0"

    @pytest.mark.parametrize("rollout", ["auto", "manual"])
    def test_where_none_may_follow_nothing_is_trained_for_one_and_people_are_told(
        self, retrainings: Retrainings, rollout: Rollout
    ) -> None:
        retrainings.has_rollouts = False
        retrainings.ask(rollout=rollout)

        document = retrainings.run()

        assert document.state == "failed"
        assert document.problem is not None
        assert document.problem.code == "no-rollouts"
        assert "RetrainRollout=manual or auto" in document.problem.message
        assert retrainings.job.runs == 0
        assert subjects(retrainings) == ["iris: retraining failed"]

    def test_a_person_approves_it(self, retrainings: Retrainings) -> None:
        retrainings.ask(rollout="manual")
        arn = retrainings.begin()
        callback = retrainings.runner.wait_for_callback(arn, name="approval create callback id")
        asked = retrainings.approval()

        assert retrainings.store.read("one").state == "waiting"
        assert asked == callback
        retrainings.runner.send_callback_success(callback, b'"yes"')

        assert retrainings.ends(arn) == {"id": "one", "state": "succeeded"}
        assert len(retrainings.rollouts.executions) == 1
        assert subjects(retrainings) == ["iris v1 waits for approval", "iris: retraining succeeded"]

    def test_a_person_is_asked_where_the_stack_says_so_whatever_the_request_says(
        self, retrainings: Retrainings
    ) -> None:
        retrainings.asks = True
        retrainings.ask(rollout="auto")
        arn = retrainings.begin()
        callback = retrainings.runner.wait_for_callback(arn, name="approval create callback id")
        assert retrainings.rollouts.executions == {}
        retrainings.runner.send_callback_success(callback, b'"yes"')

        assert retrainings.ends(arn) == {"id": "one", "state": "succeeded"}
        assert len(retrainings.rollouts.executions) == 1

    def test_a_person_refuses_it(self, retrainings: Retrainings) -> None:
        retrainings.ask(rollout="manual")
        arn = retrainings.begin()
        callback = retrainings.runner.wait_for_callback(arn, name="approval create callback id")
        retrainings.runner.send_callback_failure(callback, ErrorObject("not this week", None, None, None))

        assert retrainings.ends(arn) == {"id": "one", "state": "refused"}
        problem = retrainings.store.read("one").problem
        assert problem is not None
        assert (problem.code, problem.message) == ("not-approved", "not this week")
        assert retrainings.rollouts.executions == {}

    def test_nobody_answers(self, retrainings: Retrainings) -> None:
        retrainings.approval_time = timedelta(seconds=1)  # the runner skips no time of callbacks
        retrainings.ask(rollout="manual")

        document = retrainings.run()

        assert document.state == "refused"
        assert document.problem is not None
        assert document.problem.code == "approval-timeout"
        assert retrainings.rollouts.executions == {}


@pytest.mark.parametrize("rollout", ["auto", "manual"])
def test_where_no_version_is_active_nothing_is_trained_for_a_rollout(
    retrainings: Retrainings, rollout: Rollout
) -> None:
    retrainings.ask(rollout=rollout)

    document = retrainings.run()

    assert document.state == "failed"
    assert document.problem is not None
    assert document.problem.code == "no-active-version"
    assert "`skylift promote`" in document.problem.message
    assert retrainings.job.runs == 0
    assert retrainings.versions.numbers() == []


class TestData:
    def test_all_that_comes_until_it_is_quiet_is_one_snapshot(
        self, retrainings: Retrainings, put: Callable[[str, str], None]
    ) -> None:
        put("1.csv", "x\n1\n")
        retrainings.ask(collect_until=retrainings.now() + timedelta(minutes=10))

        retrainings.run()

        taken = retrainings.snapshots.read("one")
        assert [each.key for each in taken.objects] == ["data/iris/1.csv"]
        assert taken.taken >= taken.taken + timedelta(0)
        lock = retrainings.store.lock()
        assert lock is not None
        assert lock.data_as_of == taken.taken

    def test_data_that_never_stops_is_taken_as_it_is(
        self, retrainings: Retrainings, put: Callable[[str, str], None], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        put("1.csv", "x\n1\n")
        monkeypatch.setattr(retrainings.snapshots, "newest", retrainings.now)
        until = retrainings.now() + timedelta(minutes=10)
        retrainings.ask(collect_until=until)

        assert retrainings.run().state == "succeeded"

        assert timedelta(hours=1) <= retrainings.snapshots.read("one").taken - until < timedelta(minutes=63)

    def test_what_was_asked_for_meanwhile_begins_at_the_end(self, retrainings: Retrainings) -> None:
        asked = retrainings.ask()
        following = asked.model_copy(update={"id": "two", "reason": "new data"})
        retrainings.job.meanwhile = lambda: retrainings.store.ask_next(following)

        retrainings.run()

        assert "iris-two" in retrainings.itself.executions
        assert retrainings.store.read("two").state == "queued"


class TestOtherHands:
    def test_a_redelivered_start_changes_nothing(self, retrainings: Retrainings) -> None:
        retrainings.ask()
        retrainings.run()

        assert retrainings.ends(retrainings.begin(name="again")) == {"id": "one", "state": "over"}
        assert retrainings.job.runs == 1
        retrainings.agree("one")

    def test_one_that_nobody_asked_for_does_nothing(self, retrainings: Retrainings) -> None:
        assert retrainings.ends(retrainings.begin("unknown")) == {"id": "unknown", "state": "over"}

    def test_one_that_finds_another_running_ends(self, retrainings: Retrainings) -> None:
        retrainings.ask()
        retrainings.store.release("one")
        retrainings.ask("two")

        assert retrainings.ends(retrainings.begin()) == {"id": "one", "state": "over"}
        problem = retrainings.store.read("one").problem
        assert problem is not None
        assert problem.code == "retrain-running"
        assert retrainings.store.read("two").state == "queued"

    def test_one_that_was_taken_for_lost_publishes_nothing_more(self, retrainings: Retrainings) -> None:
        retrainings.ask()
        retrainings.job.meanwhile = lambda: retrainings.store.update("one", state="failed")

        retrainings.ends(retrainings.begin())

        assert retrainings.store.read("one").state == "failed"
        assert retrainings.rollouts.executions == {}


class TestTask:
    @pytest.fixture
    def tasks(self, retrainings: Retrainings) -> FakeTasks:
        retrainings.tasks = FakeTasks()
        return retrainings.tasks

    def train(self, retrainings: Retrainings) -> None:
        """Do what the task does."""
        document = retrainings.store.stored("one")
        assert document is not None
        retrainings.job.run(document, 60)

    def test_its_answer_ends_the_waiting(self, retrainings: Retrainings, tasks: FakeTasks) -> None:
        def act(_: str, callback: str) -> None:
            self.train(retrainings)
            retrainings.runner.send_callback_success(callback, b"{}")

        tasks.then = act
        retrainings.ask()

        assert retrainings.run().state == "succeeded"
        assert retrainings.job.runs == len(tasks.started) == 1

    def test_a_task_that_is_not_heard_of_is_a_failure(
        self, retrainings: Retrainings, tasks: FakeTasks, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(flow, "HEARTBEAT", Duration.from_seconds(1))
        retrainings.ask()

        document = retrainings.run()

        assert document.state == "failed"
        assert document.problem is not None
        assert document.problem.code == "training-lost"

    def test_one_that_died_after_publishing_has_published(self, retrainings: Retrainings, tasks: FakeTasks) -> None:
        retrainings.train_time = timedelta(seconds=1)
        tasks.then = lambda _id, _callback: retrainings.job._run("one", 60)
        retrainings.ask()

        assert retrainings.run().state == "succeeded"

    def test_its_failure_is_said(self, retrainings: Retrainings, tasks: FakeTasks) -> None:
        tasks.then = lambda _, callback: retrainings.runner.send_callback_failure(
            callback, ErrorObject("no space left", None, None, None)
        )
        retrainings.ask()

        document = retrainings.run()

        assert document.problem is not None
        assert "no space left" in document.problem.message


class TestKills:
    """The process ends after any write to S3, whose step is then done again; before the next, none would be."""

    WRITES = 19

    @pytest.mark.parametrize("write", range(1, WRITES + 1))
    def test_any_write(self, retrainings: Retrainings, s3: "S3Client", write: int) -> None:
        retrainings.pointer.move(Reference(7, "a" * 64), kind="promotion", seen="none")
        retrainings.ask(rollout="auto")
        after(s3, "PutObject", kills, only=write)

        document = retrainings.run()

        assert document.state == "succeeded"
        assert len(retrainings.rollouts.executions) == 1
        assert retrainings.invocations > 2

    def test_these_are_all_writes(self, retrainings: Retrainings, s3: "S3Client") -> None:
        retrainings.pointer.move(Reference(7, "a" * 64), kind="promotion", seen="none")
        retrainings.ask(rollout="auto")
        fault = before(s3, "PutObject", lambda _: None)

        retrainings.run()

        assert fault.calls == self.WRITES

    def test_s3_is_away_for_a_while(self, retrainings: Retrainings, s3: "S3Client") -> None:
        retrainings.ask()
        seen = {"calls": 0}

        def away(_: dict[str, Any]) -> None:
            seen["calls"] += 1
            if 4 <= seen["calls"] <= 9:
                raise throttled()

        before(s3, "PutObject", away)

        assert retrainings.run().state == "succeeded"

    def test_s3_is_away_for_good_while_it_takes_the_snapshot(self, retrainings: Retrainings, s3: "S3Client") -> None:
        retrainings.ask()
        before(s3, "ListObjectsV2", fails_with(throttled()), only=None)

        arn = retrainings.begin()
        retrainings.ends(arn)

        document = retrainings.store.read("one")
        assert document.state == "failed"
        assert document.problem is not None
        assert document.problem.code == "step-failed"
