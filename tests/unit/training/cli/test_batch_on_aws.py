"""`skylift batch` between two places in S3 with a stack: the state machine scores, the command tells of it."""

import json
import logging
from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ClientError

from batch import handler as function
from skylift.bulk import plan as planning
from skylift.registry import Registry
from tests.conftest import BUCKET, MODEL, STAGE
from tests.support.aws_clients import create_bucket
from tests.support.bulk import bulk_package, rows_of
from tests.support.commands import done, refused, skylift
from tests.support.stored import promoted
from training.cli import batch_on_aws, connection

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

MACHINE = f"arn:aws:states:eu-central-1:123456789012:stateMachine:skylift-{STAGE}-batch"
IN, OUT = f"s3://{BUCKET}/batches/{MODEL}/in.jsonl", f"s3://{BUCKET}/batches/{MODEL}/out"


class States:
    """Step Functions with one state machine, which scores some parts whenever somebody asks how far it is.

    Parameters
    ----------
    s3
        Client of the bucket that has the plans.
    fails_at
        Number of the part after which an execution fails; None for none.
    """

    def __init__(self, s3: "S3Client", *, fails_at: int | None = None) -> None:
        self._s3, self.fails_at = s3, fails_at
        self.executions: dict[str, dict[str, Any]] = {}
        self.scored: list[str] = []

    def start_execution(self, **asked: str) -> dict[str, str]:
        assert asked["stateMachineArn"] == MACHINE
        arn = f"{MACHINE.replace(':stateMachine:', ':execution:')}:{asked['name']}"
        if arn in self.executions:
            raise ClientError({"Error": {"Code": "ExecutionAlreadyExists", "Message": ""}}, "StartExecution")
        document = json.loads(asked["input"])
        body = self._s3.get_object(Bucket=document["plan"]["bucket"], Key=document["plan"]["key"])["Body"].read()
        task = {name: value for name, value in document.items() if name != "plan"}
        parts = [task | {"part": part} for part in json.loads(body)["parts"]]
        self.executions[arn] = {"status": "RUNNING", "left": [*parts, task]}
        return {"executionArn": arn}

    def describe_execution(self, *, executionArn: str) -> dict[str, Any]:  # noqa: N803 (AWS's name)
        execution = self.executions[executionArn]
        if execution["status"] == "RUNNING":
            event = execution["left"].pop(0)
            if len(self.scored) == self.fails_at:
                execution |= {"status": "FAILED", "error": "DataError"}
                return execution
            function.handler(event)
            self.scored.append(event.get("part", {}).get("name", "manifest"))
            if not execution["left"]:
                execution["status"] = "SUCCEEDED"
        return {"status": execution["status"]}


@pytest.fixture
def states(s3: "S3Client", registry: Registry, monkeypatch: pytest.MonkeyPatch) -> States:
    """A stack with a version, a table of 40 rows, and parts of a few."""
    function._model.cache_clear()
    monkeypatch.setattr(function, "logger", logging.getLogger("of the function"))  # which is another process
    promoted(bulk_package())
    s3.put_object(
        Bucket=BUCKET,
        Key=f"batches/{MODEL}/in.jsonl",
        Body="".join(f"{json.dumps(row)}\n" for row in rows_of(40)).encode(),
    )
    states = States(s3)
    monkeypatch.setattr(planning, "PART_BYTES", 1500)
    monkeypatch.setattr(batch_on_aws, "POLL_SECONDS", 0)
    monkeypatch.setattr("skylift.aws.states_client", lambda: states)
    monkeypatch.setattr(connection, "stack_settings", lambda _: {"bucket": BUCKET, "stage": STAGE, "model": MODEL})
    monkeypatch.setattr(connection, "stack_output", lambda *_: MACHINE)
    for name, value in {"BUCKET": BUCKET, "MODEL": MODEL, "STAGE": STAGE}.items():
        monkeypatch.setenv(f"SKYLIFT_{name}", value)
    return states


def batch(*options: str, output: str = OUT) -> dict[str, Any]:
    told: dict[str, Any] = json.loads(done("batch", IN, output, "--stack", "skylift", "--json", *options))
    return told


def test_the_stack_scores_each_part_once(states: States) -> None:
    told = batch()

    assert (told["rows"], told["answered"], told["rejected"], told["version"]) == (40, 40, 0, "v1")
    assert len(states.scored) == len(set(states.scored)) > 3
    assert states.scored[-1] == "manifest"


@pytest.mark.parametrize("output", [f"{OUT}/", "s3://answers"])
def test_a_place_may_end_with_a_slash_or_be_a_bucket(states: States, output: str, s3: "S3Client") -> None:
    del s3
    create_bucket("answers")

    assert batch(output=output)["answered"] == 40
    assert states.scored[-1] == "manifest"


def test_the_same_command_again_finds_the_run_complete(states: States) -> None:
    first = batch()
    assert batch()["rows"] == first["rows"]
    assert len(states.executions) == 1


def test_a_run_that_failed_goes_on_by_another_execution(states: States) -> None:
    states.fails_at = 2
    line = refused("batch", IN, OUT, "--stack", "skylift")
    assert "the run on AWS ended as failed (DataError) without" in line
    assert "in-00002 among them" in line
    states.fails_at = None

    assert batch()["answered"] == 40
    assert [name.rpartition("-")[2] for name in states.executions] == ["1", "2"]


def test_an_execution_that_is_on_its_way_is_taken_up(states: States, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(**_: object) -> None:
        raise ClientError({"Error": {"Code": "AccessDeniedException", "Message": ""}}, "DescribeExecution")

    with monkeypatch.context() as patched:
        patched.setattr(states, "describe_execution", refuse)
        line = refused("batch", IN, OUT, "--stack", "skylift")
    assert "asking how far the run on AWS is failed (AccessDeniedException)" in line

    assert batch()["answered"] == 40
    assert len(states.executions) == 1


def test_with_workers_this_machine_scores(states: States) -> None:
    assert batch("--workers", "1")["answered"] == 40
    assert states.executions == {}


def test_a_stack_without_a_state_machine_is_told_and_this_machine_scores(
    states: States, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connection, "stack_output", lambda *_: None)
    monkeypatch.setattr("joblib.cpu_count", lambda: 1)
    result = skylift("batch", IN, OUT, "--stack", "skylift")
    assert result.exit_code == 0, result.output
    assert "skylift scores no tables itself, so this machine does\nhint: deploy it with Batch=true" in result.stderr
    assert states.executions == {}
