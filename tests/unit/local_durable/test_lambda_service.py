"""Executions go on after the process that ran them was killed, each finished step once."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from local_durable.lambda_service import Handler, LambdaService
from skylift.aws import lambda_client
from skylift.durable import DurableFunction
from tests.support.durable_program import staged
from tests.support.paths import ROOT
from tests.support.waiting import TIMES_OUT, wait_until

ARN = "arn:aws:lambda:eu-central-1:123456789012:function:staged:live"


@contextmanager
def killed_at_the_end(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[DurableFunction]:
    """The function in a process of its own, which gets SIGKILL at the end of the block."""
    command = [sys.executable, "-m", "tests.support.durable_program", str(folder / "store.sqlite"), str(folder)]
    with subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        monkeypatch.setenv("AWS_ENDPOINT_URL_LAMBDA", f"http://127.0.0.1:{int(process.stdout.readline())}")
        try:
            yield DurableFunction(ARN, client=lambda_client())
        finally:
            process.kill()
            process.wait(TIMES_OUT)


@contextmanager
def here(
    store: Path, handlers: Mapping[str, Handler], monkeypatch: pytest.MonkeyPatch
) -> Iterator[Callable[[str], DurableFunction]]:
    """The functions by name, in this process."""
    with LambdaService(store, handlers) as service:
        monkeypatch.setenv("AWS_ENDPOINT_URL_LAMBDA", f"http://127.0.0.1:{service.port}")
        service.resume()
        client = lambda_client()
        yield lambda name: DurableFunction(ARN.replace("staged", name), client=client)


def status(function: DurableFunction, arn: str) -> dict[str, Any]:
    answer: dict[str, Any] = function._client.get_durable_execution(DurableExecutionArn=arn)
    return answer


def has_reached(function: DurableFunction, arn: str, event: str) -> bool:
    """Whether the history of an execution has an event of a type."""
    history = function._client.get_durable_execution_history(DurableExecutionArn=arn)
    return event in {each["EventType"] for each in history["Events"]}


@pytest.mark.skipif(os.name != "posix", reason="kill -9")
def test_an_execution_goes_on_after_kill_9_while_it_waits_and_while_it_is_to_be_answered(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with killed_at_the_end(tmp_path, monkeypatch) as function:
        arn = function.start("one", {"x": 1})
        wait_until(lambda: has_reached(function, arn, "WaitStarted"), what="the pause")

    with killed_at_the_end(tmp_path, monkeypatch) as function:
        wait_until(lambda: has_reached(function, arn, "CallbackStarted"), what="the callback")
        wait_until((tmp_path / "callback").exists, what="its id")

    with killed_at_the_end(tmp_path, monkeypatch) as function:
        assert function.start("one", {"x": 1}) == arn
        function.succeed((tmp_path / "callback").read_text(), "yes")
        wait_until(lambda: status(function, arn)["Status"] != "RUNNING", what="the end")
        assert status(function, arn)["Result"] == '[{"x": 1}, "first", "second", "\\"yes\\""]'

    assert (tmp_path / "steps").read_text().split() == ["first", "second"], "none ran twice"


def test_the_time_that_a_callback_has_goes_on_while_nothing_runs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store, handlers = tmp_path / "store.sqlite", {"staged": staged(tmp_path, patience=2)}
    with here(store, handlers, monkeypatch) as function:
        arn = function("staged").start("one", {})
        wait_until((tmp_path / "callback").exists, what="the callback")
    with here(store, handlers, monkeypatch) as function:
        wait_until(lambda: status(function("staged"), arn)["Status"] == "FAILED", what="the timeout")
        assert "timed out" in status(function("staged"), arn)["Error"]["ErrorMessage"]


def test_what_has_ended_is_not_begun_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    calls = []

    def handler(event: Any, context: Any) -> Any:
        calls.append((event.durable_execution_arn, context.function_name))
        return {"Status": "SUCCEEDED", "Result": "1"}

    arns = []
    for name in ("one", "two"):
        with here(tmp_path / "store.sqlite", {"plain": handler}, monkeypatch) as function:
            arns.append(function("plain").start(name, {}))
            wait_until(lambda: status(function("plain"), arns[-1])["Status"] == "SUCCEEDED", what="the end")

    assert calls == [(arn, "plain") for arn in arns]


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="process groups")
def test_the_process_ends_with_stdin_and_everything_that_it_started(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "local_durable", str(tmp_path / "store.sqlite")]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, start_new_session=True) as process:
        assert process.stdout is not None
        assert process.stdin is not None
        assert int(process.stdout.readline()) > 0
        process.stdin.close()
        assert process.wait(TIMES_OUT) == -signal.SIGKILL
