"""The main job as a process of its own, watched from outside."""

import json
import os
import signal
import subprocess
import sys
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from contextlib import chdir, contextmanager
from pathlib import Path
from typing import Any
from unittest.mock import patch

from tests.support.commands import done
from tests.support.ports import free_port
from tests.support.waiting import TIMES_OUT, wait_until

SKYLIFT = Path(sys.executable).with_name("skylift")


def _stat(pid: int) -> list[str] | None:
    """Fields of `/proc/{pid}/stat` from the state on; None where the process is gone."""
    try:
        return Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
    except OSError:
        return None


def lives(pid: int) -> bool:
    """Whether a process is there and no zombie."""
    stat = _stat(pid)
    return stat is not None and stat[0] != "Z"


def command_of(pid: int) -> str:
    """The command line of a process, its words between spaces; empty where the process is gone."""
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
    except OSError:
        return ""


def descendants(pid: int) -> set[int]:
    """The processes that a process started, and those that they started."""
    parents = {
        int(entry.name): int(stat[1]) for entry in Path("/proc").glob("[0-9]*") if (stat := _stat(int(entry.name)))
    }
    found = {pid}
    while more := {child for child, parent in parents.items() if parent in found} - found:
        found |= more
    return found - {pid}


class Up:
    """`skylift up` in a folder of its own.

    Parameters
    ----------
    folder
        Working directory.
    config
        The `model.yaml`.
    port
        TCP port; a free one by default.
    output
        Beginning of the names of the files for its output.
    environment
        Variables in addition to those of this process.
    """

    def __init__(
        self, folder: Path, config: Path, *, port: int | None = None, output: str = "std", **environment: str
    ) -> None:
        self.folder, self.port = folder, port or free_port()
        self._out, self._err = folder / f"{output}out", folder / f"{output}err"
        with self._out.open("wb") as out, self._err.open("wb") as err:
            self._process = subprocess.Popen(
                [SKYLIFT, "up", "--config", config, "--port", str(self.port)],
                cwd=folder,
                env=os.environ | environment,
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=err,
            )

    @property
    def pid(self) -> int:
        """Its process."""
        return self._process.pid

    @property
    def url(self) -> str:
        """Where it serves."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def printed(self) -> str:
        """What it wrote to stdout until now."""
        return self._out.read_text(encoding="utf-8")

    @property
    def told(self) -> str:
        """What it wrote to stderr until now."""
        return self._err.read_text(encoding="utf-8")

    @property
    def cpu_seconds(self) -> float:
        """How long it computed."""
        stat = _stat(self.pid)
        return 0 if stat is None else (int(stat[11]) + int(stat[12])) / os.sysconf("SC_CLK_TCK")

    def wait_for(self, condition: Callable[[], bool], what: str) -> None:
        """Wait until it got somewhere; it must not end before."""

        def reached() -> bool:
            if condition():
                return True
            assert self._process.poll() is None, f"it ended before {what}:\n{self.told}"
            return False

        wait_until(reached, what=what)

    def wait_until_serving(self) -> None:
        """Wait until it says that it serves."""
        self.wait_for(lambda: "Ctrl-C stops everything." in self.printed, "serving")

    def ask(self, instance: Mapping[str, object]) -> dict[str, Any]:
        """Its answer to `/predict`."""
        request = urllib.request.Request(
            f"{self.url}/predict", json.dumps(instance).encode(), {"content-type": "application/json"}
        )
        with urllib.request.urlopen(request, timeout=TIMES_OUT) as response:
            answer: dict[str, Any] = json.load(response)
            return answer

    def send(self, signal_number: signal.Signals) -> None:
        """Send a signal to it alone."""
        self._process.send_signal(signal_number)

    def ended(self) -> int:
        """Wait until it ended; its exit code."""
        return self._process.wait(TIMES_OUT)

    def skylift(self, *arguments: str) -> str:
        """Run another command with what another terminal reads; in this process, which has the packages already."""
        read = ["sh", "-c", ". build/local.env && env -0"]
        printed = subprocess.run(read, cwd=self.folder, check=True, capture_output=True, text=True).stdout
        environment = dict(line.split("=", 1) for line in printed.split("\0") if line)
        with chdir(self.folder), patch.dict(os.environ, environment, clear=True):
            return done(*arguments)

    def kill(self) -> None:
        """End it and all it started, whatever state it is in."""
        for pid in [self.pid, *descendants(self.pid)]:
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                continue
        self._process.wait()


@contextmanager
def up(folder: Path, config: Path, *, port: int | None = None, output: str = "std", **environment: str) -> Iterator[Up]:
    """`skylift up`, ended in any case."""
    started = Up(folder, config, port=port, output=output, **environment)
    try:
        yield started
    finally:
        started.kill()
