"""`skylift retrain`: starts by Lambda's API, tells the steps, and ends as the retraining does."""

import json
from collections.abc import Callable, Iterable, Iterator
from threading import Thread
from typing import TYPE_CHECKING, Any, cast

import pytest

from skylift.aws import s3_client
from skylift.bucket import Bucket
from skylift.retraining.state import Problem, Versions
from skylift.retraining.store import RetrainStore
from tests.support.cloudformation import CloudFormation
from tests.support.commands import refused, skylift
from tests.support.waiting import wait_until
from training.cli import connection, retrain
from training.cli.connection import LOCAL_BUCKET
from training.cli.embedded_aws import embedded_aws

if TYPE_CHECKING:
    from training.cli.durable_functions import DurableFunctions

pytestmark = pytest.mark.usefixtures("own_environment")


class FakeLambda:
    """Starts executions in memory.

    Attributes
    ----------
    started
        Names of the executions.
    """

    def __init__(self) -> None:
        self.started: list[str] = []

    def answers(self, path: str) -> bool:
        return path.startswith("/2015-03-31/")

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        self.started.append(environ["HTTP_X_AMZ_DURABLE_EXECUTION_NAME"])
        start_response("202 Accepted", [("X-Amz-Durable-Execution-Arn", "arn"), ("Content-Length", "2")])
        return [b"{}"]


@pytest.fixture
def functions(monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeLambda]:
    monkeypatch.setattr(retrain, "POLL_SECONDS", 0.01)
    fake = FakeLambda()
    with embedded_aws("wine", functions=cast("DurableFunctions", fake)):
        yield fake


@pytest.fixture
def store(functions: FakeLambda) -> RetrainStore:
    return RetrainStore(Bucket(LOCAL_BUCKET, client=s3_client()), "wine")


def meanwhile(store: RetrainStore, functions: FakeLambda, *changes: dict[str, Any]) -> Thread:
    """A function that changes the retraining once it was started."""

    def work() -> None:
        wait_until(lambda: bool(functions.started), what="the start")
        for change in changes:
            store.update(functions.started[0].removeprefix("wine-"), **change)

    thread = Thread(target=work)
    thread.start()
    return thread


def test_it_starts_and_says_how_to_follow(store: RetrainStore, functions: FakeLambda) -> None:
    result = skylift("retrain", "--reason", "new prices")

    (name,) = functions.started
    kept = store.read(name.removeprefix("wine-"))
    assert (kept.request.reason, kept.request.rollout) == ("new prices", "none")
    assert kept.request.by.startswith("arn:aws:")
    assert f"skylift retrain --id {kept.id} --wait" in result.stdout


def test_programs_get_the_document(functions: FakeLambda) -> None:
    document = json.loads(skylift("retrain", "--rollout", "manual", "--json").stdout)

    assert list(document)[:4] == ["id", "state", "reason", "started"]
    assert (document["state"], document["rollout"]) == ("queued", "manual")


def test_waiting_ends_with_the_version_and_the_next_step(store: RetrainStore, functions: FakeLambda) -> None:
    versions = Versions(champion=f"v1@sha256:{'a' * 64}", published=f"v2@sha256:{'b' * 64}")
    thread = meanwhile(
        store,
        functions,
        {"state": "running", "step": "training"},
        {"state": "succeeded", "step": "done", "versions": versions},
    )
    result = skylift("retrain", "--wait")
    thread.join()

    assert result.exit_code == 0
    assert "Published v2@sha256:" in result.stdout
    assert "skylift compare v1 v2" in result.stdout
    assert "skylift challenge v2 --auto" in result.stdout


@pytest.mark.parametrize(
    ("state", "words"), [("refused", "was refused: accuracy is 0.5, below 0.9"), ("failed", "failed: accuracy")]
)
def test_one_that_was_refused_or_failed_ends_with_code_1_and_why(
    store: RetrainStore, functions: FakeLambda, state: str, words: str
) -> None:
    problem = Problem(code="gate-failed", message="accuracy is 0.5, below 0.9", hint="improve the data")
    thread = meanwhile(store, functions, {"state": state, "step": "done", "problem": problem})
    told = refused("retrain", "--wait")
    thread.join()

    assert words in told
    assert told.endswith("hint: improve the data")


def test_waiting_ends_where_a_person_has_to_decide(store: RetrainStore, functions: FakeLambda) -> None:
    thread = meanwhile(store, functions, {"state": "waiting", "step": "approval"})
    result = skylift("retrain", "--rollout", "manual", "--wait")
    thread.join()

    assert (result.exit_code, "skylift approve" in result.stdout) == (0, True)


def test_another_one_is_refused_while_one_runs_and_shown_by_its_id(functions: FakeLambda) -> None:
    first = json.loads(skylift("retrain", "--json").stdout)["id"]

    assert f"the retraining {first} runs already" in refused("retrain")
    assert json.loads(skylift("retrain", "--id", first, "--json").stdout)["id"] == first
    assert len(functions.started) == 1


def test_an_unknown_id_is_refused(functions: FakeLambda) -> None:
    assert "no retraining of wine has the id 'nobody'" in refused("retrain", "--id", "nobody")


@pytest.mark.parametrize("reason", ["", "a" * 501])
def test_a_reason_has_a_length(functions: FakeLambda, reason: str) -> None:
    assert "1 to 500 characters" in refused("retrain", "--reason", reason)
    assert functions.started == []


@pytest.mark.parametrize("rollout", ["manual", "auto"])
def test_a_rollout_is_refused_where_none_may_follow(
    store: RetrainStore, functions: FakeLambda, monkeypatch: pytest.MonkeyPatch, rollout: str
) -> None:
    monkeypatch.setenv("SKYLIFT_RETRAIN_ROLLOUT", "none")

    told = refused("retrain", "--rollout", rollout)

    assert "no rollout follows a training here" in told
    assert "RetrainRollout=manual or auto" in told
    assert functions.started == []
    assert store.lock() is None
    assert skylift("retrain").exit_code == 0


def test_of_a_stack_its_own_parameter_says_what_may_follow(
    functions: FakeLambda, monkeypatch: pytest.MonkeyPatch
) -> None:
    outputs = {"ModelBucketName": LOCAL_BUCKET, "Stage": "test", "ModelName": "wine", "RetrainFunctionArn": "arn"}
    stack = CloudFormation("shop", outputs=outputs | {"RetrainRollout": "none"})
    monkeypatch.setattr(connection, "cloudformation_client", lambda: stack)

    assert "no rollout follows" in refused("retrain", "--stack", "shop", "--rollout", "auto")


def test_where_no_function_trains_the_next_step_is_named(
    functions: FakeLambda, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("SKYLIFT_RETRAIN_FUNCTION")

    told = refused("retrain")

    assert "no function trains again here" in told
    assert "skylift train" in told
