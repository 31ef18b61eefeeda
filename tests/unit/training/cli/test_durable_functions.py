"""The process of the durable functions: it starts when Lambda is called, again when it dies, ends with the block."""

import os
import signal
from pathlib import Path
from typing import Any

import pytest

from skylift.aws import lambda_client
from skylift.durable import DurableFunction
from skylift.errors import AwsUnavailable
from tests.support.processes import lives
from tests.support.waiting import TIMES_OUT, wait_until
from training.cli import durable_functions
from training.cli.durable_functions import DurableFunctions
from training.cli.embedded_aws import embedded_aws

pytestmark = [
    pytest.mark.usefixtures("own_environment"),
    pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="processes are watched through /proc"),
]


@pytest.fixture
def functions(tmp_path: Path) -> DurableFunctions:
    return DurableFunctions(tmp_path / "executions.sqlite", tmp_path / "functions.log", {})


def listed(arn: str) -> list[Any]:
    """What Lambda lists of a function, asked in the environment of the embedded AWS."""
    client: Any = lambda_client(answer_seconds=TIMES_OUT)
    executions: list[Any] = client.list_durable_executions_by_function(FunctionName=arn)["DurableExecutions"]
    return executions


def test_it_starts_with_the_first_call_of_lambda_and_ends_with_the_block(functions: DurableFunctions) -> None:
    with embedded_aws("wine", functions=functions) as environment:
        with functions:
            assert functions._process is None
            assert listed(environment["SKYLIFT_ROLLOUT_FUNCTION"]) == []
            process = functions._process
        assert process is not None
        assert process.returncode is not None


def test_what_was_started_is_there_after_it_was_killed(
    functions: DurableFunctions, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(durable_functions, "_PAUSE_SECONDS", 0.0)
    with embedded_aws("wine", functions=functions) as environment, functions:
        retrain = DurableFunction(environment["SKYLIFT_RETRAIN_FUNCTION"], client=lambda_client(answer_seconds=60))
        arn = retrain.start("one", {"id": "one"})
        first = functions._process
        assert first is not None
        os.kill(first.pid, signal.SIGKILL)
        wait_until(lambda: functions._process not in (None, first), what="another process")

        assert [each["DurableExecutionArn"] for each in listed(retrain.arn)] == [arn]
    assert "the durable functions ended with code -9, and start again" in capsys.readouterr().err


def test_it_starts_at_once_where_an_earlier_run_left_executions(functions: DurableFunctions, tmp_path: Path) -> None:
    (tmp_path / "executions.sqlite").touch()
    with embedded_aws("wine", functions=functions), functions:
        assert functions._process is not None
        pid = functions._process.pid
    assert not lives(pid)


def test_one_that_cannot_start_is_a_failure_of_aws_that_names_the_log(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
    log = tmp_path / "functions.log"
    broken = DurableFunctions(tmp_path, log, {})  # a folder cannot be a store
    with embedded_aws("wine", functions=broken) as environment:
        with pytest.raises(AwsUnavailable, match="503"):
            DurableFunction(environment["SKYLIFT_ROLLOUT_FUNCTION"], client=lambda_client(answer_seconds=60)).start(
                "one", {}
            )
        broken.__exit__()
    assert f"see {log}" in capsys.readouterr().err.replace("\n", "")
    assert "Error" in log.read_text()
