"""A process that is told to ends with its stdin, and so does what it started."""

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.support.paths import ROOT
from tests.support.processes import lives
from tests.support.waiting import TIMES_OUT, wait_until

PROGRAM = """
import subprocess, sys, time
from training.cli.lifetime import end_with_stdin
end_with_stdin()
child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
print(child.pid, flush=True)
time.sleep(600)
"""


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="processes are watched through /proc")
def test_a_leader_of_a_group_ends_with_its_stdin_and_with_it_what_it_started() -> None:
    command = [sys.executable, "-c", PROGRAM]
    with subprocess.Popen(
        command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, start_new_session=True
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        child = int(process.stdout.readline())
        time.sleep(0.1)
        assert process.poll() is None, "it runs while its stdin is open"
        process.stdin.close()
        process.wait(TIMES_OUT)
    wait_until(lambda: not lives(child), what="the end of what it started")


def test_one_that_ends_by_itself_ends_well() -> None:
    program = "import time; from training.cli.lifetime import end_with_stdin; end_with_stdin(); time.sleep(0.2)"
    with subprocess.Popen([sys.executable, "-c", program], cwd=ROOT, stdin=subprocess.PIPE) as process:
        assert process.wait(TIMES_OUT) == 0


def test_another_one_ends_alone() -> None:
    with subprocess.Popen(
        [sys.executable, "-c", PROGRAM], cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        child = int(process.stdout.readline())
        process.stdin.close()
        assert process.wait(TIMES_OUT) == 1
    os.kill(child, 9)
