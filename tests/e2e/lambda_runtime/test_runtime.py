"""The harness itself: what it runs is what an image would hold, and nothing of it outlives it."""

import os
import shutil
import signal
from pathlib import Path

import pytest

from tests.support.lambda_runtime import LambdaRuntime, RuntimeFailed

PROBE = """
import importlib.util, os, subprocess, sys

print("initialised", flush=True)

def describe(event, context):
    import inference, skylift
    print("out", flush=True)
    print("err", file=sys.stderr, flush=True)
    return {
        "event": event,
        "files": [inference.__file__, skylift.__file__],
        "training": importlib.util.find_spec("training") is not None,
        "folder": os.getcwd(),
        "environment": dict(os.environ),
    }

def fail(event, context):
    raise ValueError("broken on purpose")

def spawn(event, context):
    return subprocess.Popen(["sleep", "60"]).pid
"""


@pytest.fixture(scope="module")
def probe_root(task_root: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The task root with a function that tells about itself."""
    root = shutil.copytree(task_root, tmp_path_factory.mktemp("probe"), dirs_exist_ok=True)
    (root / "probe.py").write_text(PROBE, encoding="utf-8")
    return root


def test_the_function_is_the_copy_in_the_task_root_and_the_checkout_is_out_of_reach(
    probe_root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OF_THE_CALLER", "1")
    with LambdaRuntime(probe_root, "probe.describe", {"OF_THE_FUNCTION": "1"}) as runtime:
        answer = runtime.invoke({"number": 1}).payload
    assert answer["event"] == {"number": 1}
    assert answer["files"] == [str(probe_root / package / "__init__.py") for package in ("inference", "skylift")]
    assert answer["training"] is False
    assert answer["folder"] == str(probe_root)
    assert answer["environment"]["OF_THE_FUNCTION"] == "1"
    assert "OF_THE_CALLER" not in answer["environment"]


def test_it_reports_what_the_function_writes_by_invocation_and_how_long_it_took_to_initialise(probe_root: Path) -> None:
    with LambdaRuntime(probe_root, "probe.describe", {}) as runtime:
        assert runtime.init_seconds is None
        first, second = runtime.invoke({}), runtime.invoke({})
        assert runtime.init_seconds is not None
        assert 0 < runtime.init_seconds < first.seconds
    assert first.lines == ("initialised", "out", "err")
    assert second.lines == ("out", "err")
    assert first.request_id != second.request_id


def test_a_function_that_raises_is_a_failure_though_the_emulator_answers_200(probe_root: Path) -> None:
    with (
        LambdaRuntime(probe_root, "probe.fail", {}) as runtime,
        pytest.raises(RuntimeFailed, match="broken on purpose"),
    ):
        runtime.invoke({})


def test_no_process_is_left_after_it_stops(probe_root: Path) -> None:
    runtime = LambdaRuntime(probe_root, "probe.spawn", {})
    runtime.start()
    grandchild = runtime.invoke({}).payload
    processes = runtime.processes()
    assert any("aws-lambda-rie" in command for command in processes.values())
    assert any(command.endswith("awslambdaric probe.spawn") for command in processes.values())
    assert grandchild in processes
    runtime.stop()
    assert [pid for pid in processes if _lives(pid)] == []


def test_it_stops_cleanly_where_the_emulator_was_killed(probe_root: Path) -> None:
    runtime = LambdaRuntime(probe_root, "probe.spawn", {})
    runtime.start()
    runtime.invoke({})
    processes = runtime.processes()
    os.kill(min(processes), signal.SIGKILL)
    runtime.stop()
    assert [pid for pid in processes if _lives(pid)] == []


def _lives(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()[0]
    except FileNotFoundError:
        return False
    return state != "Z"
