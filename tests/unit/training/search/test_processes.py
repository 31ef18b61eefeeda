"""Workers of a search end with the process that started them, and leave Ctrl-C to it."""

import os
import signal
import subprocess
import sys

import pytest

from tests.support.waiting import TIMES_OUT
from training.search.processes import belong_to_the_main_process, deaf_to_interrupts

KILLED = """
import multiprocessing, os, signal, time

def work():
    from training.search.processes import belong_to_the_main_process
    belong_to_the_main_process()
    assert signal.getsignal(signal.SIGINT) is signal.SIG_IGN
    os.kill(os.getppid(), signal.SIGKILL)
    time.sleep(600)

if __name__ == "__main__":
    multiprocessing.get_context("fork").Process(target=work).start()
    time.sleep(600)
"""


@pytest.mark.skipif(os.name != "posix", reason="POSIX only: its signals")
def test_a_worker_ends_when_the_main_process_is_killed() -> None:
    started = subprocess.run([sys.executable, "-c", KILLED], capture_output=True, timeout=TIMES_OUT, check=False)

    assert started.returncode == -signal.SIGKILL, "and the worker has closed its ends of the pipes"
    assert started.stderr == b""


def test_the_main_process_itself_goes_on_as_before() -> None:
    before = signal.getsignal(signal.SIGINT)

    belong_to_the_main_process()

    assert signal.getsignal(signal.SIGINT) is before


def test_interrupts_are_blocked_within_and_heard_again_afterwards() -> None:
    before = signal.pthread_sigmask(signal.SIG_BLOCK, [])

    with deaf_to_interrupts():
        assert signal.SIGINT in signal.pthread_sigmask(signal.SIG_BLOCK, [])

    assert signal.pthread_sigmask(signal.SIG_BLOCK, []) == before
