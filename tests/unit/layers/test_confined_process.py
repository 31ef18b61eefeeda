"""A process without rights is started with nothing but limits, and gives an answer or a reason."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from skylift import confined_process
from skylift.confined_process import Limits, answer_of_process


@pytest.fixture
def module(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A file that a module `confinee` is read from."""
    monkeypatch.syspath_prepend(tmp_path / "code")
    path = tmp_path / "code" / "confinee.py"
    path.parent.mkdir()
    return path


def _answer(module: Path, source: str, **limits: int) -> bytes:
    module.write_text(f"from skylift.confined_process import begin\nprocess = begin()\n{source}")
    folder = module.parent.parent / "files"
    folder.mkdir()
    given = {"seconds": 60, "memory": 2**31, "answer": 10_000} | limits
    return answer_of_process("confinee", folder, Limits(**given), ["one"])


def test_it_has_its_arguments_and_no_variable_that_may_hold_a_secret(
    module: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "SKYLIFT_BUCKET", "GITHUB_TOKEN", "ACTIONS_ID_TOKEN_REQUEST_TOKEN"):
        monkeypatch.setenv(name, "secret")
    source = (
        "import json, os\nprint('noise')\n"
        "process.answer.write(json.dumps([process.arguments, dict(os.environ)]).encode())\nprocess.answer.close()"
    )

    arguments, variables = json.loads(_answer(module, source))

    assert arguments == ["one"]
    assert "secret" not in variables.values()
    assert variables["HOME"] == str(module.parent.parent / "files")


@pytest.mark.parametrize(
    ("source", "limits"),
    [
        ("raise SystemExit(3)", {}),
        ("pass", {}),
        ("process.answer.write(bytes(1000))\nprocess.answer.close()", {"answer": 500}),
    ],
    ids=["fails", "says nothing", "says too much"],
)
def test_without_an_answer_there_is_a_reason(module: Path, source: str, limits: dict[str, int]) -> None:
    with pytest.raises(subprocess.CalledProcessError):
        _answer(module, source, **limits)


def test_it_ends_when_its_time_is_up(module: Path) -> None:
    with pytest.raises(subprocess.TimeoutExpired):
        _answer(module, "import time; time.sleep(1000)", seconds=1)


@pytest.mark.skipif(sys.platform != "linux", reason="/proc is Linux's")
def test_who_starts_it_cannot_be_read_by_another_process_of_the_user(module: Path) -> None:
    _answer(module, "process.answer.write(b'here')\nprocess.answer.close()")

    import ctypes

    assert ctypes.CDLL(None).prctl(3, 0, 0, 0, 0) == 0  # PR_GET_DUMPABLE


def test_larger_models_get_more_time_and_memory() -> None:
    small, large = Limits.of(0), Limits.of(2**30, seconds=7, answer=9)

    assert (large.seconds - small.seconds, large.answer - small.answer) == (2**10 + 7, 9)
    assert large.memory - small.memory == confined_process._MEMORY_PER_BYTE * 2**30
