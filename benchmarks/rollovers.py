"""Requests to a plain server while everything that may happen to it does: how many of them fail.

    python -m benchmarks.rollovers --requests 50000

Two places run `python -m inference` with two workers each. Callers keep connections open and send to what is ready, as
a service of Kubernetes does. Meanwhile servers get SIGTERM and others take their place, workers are killed, others are
renewed by SIGHUP, the active version changes, and the registry cannot be reached. A caller sends a request again only
where its connection broke before a byte of the answer came: what a killed process had read cannot be answered by
anybody else.
"""

import argparse
import http.client
import json
import os
import random
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import IO

from skylift.references import Reference
from tests.support.models import IRIS_SETOSA, compiled_iris_package
from tests.support.moto_server import MotoServer
from tests.support.ports import free_port
from tests.support.processes import command_of

CALLERS = 6
DRAIN_SECONDS = 1.5
_BODY = json.dumps({"instances": [IRIS_SETOSA]}).encode()
_HEADERS = {"content-type": "application/json"}
_ANSWER_SECONDS = 10
_START_SECONDS = 300
_POLL_SECONDS = 0.1


@dataclass
class Outcome:
    """What became of the requests.

    Parameters
    ----------
    answers
        Numbers of answers by status and version.
    repeated
        Number of requests that were sent again after their connection broke.
    failures
        What failed for good.
    events
        Numbers of what was done meanwhile.
    """

    answers: Counter[str] = field(default_factory=Counter)
    repeated: int = 0
    failures: list[str] = field(default_factory=list)
    events: Counter[str] = field(default_factory=Counter)

    @property
    def total(self) -> int:
        """Number of requests that have an end."""
        return sum(self.answers.values()) + len(self.failures)


class Server:
    """`python -m inference`.

    Parameters
    ----------
    environment
        Variables of the process.
    log
        File for its lines.
    workers
        Number of processes that serve.
    """

    def __init__(self, environment: dict[str, str], log: IO[bytes], workers: int = 2) -> None:
        self.port = free_port()
        command = [sys.executable, "-m", "inference", "--port", str(self.port), "--workers", str(workers)]
        self._process = subprocess.Popen(command, env=environment, stdout=log, stderr=log)

    @property
    def is_ready(self) -> bool:
        """Whether it wants traffic."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=2)
        try:
            connection.request("GET", "/v2/health/ready", headers={"connection": "close"})
            return connection.getresponse().status == 200
        except OSError:
            return False
        finally:
            connection.close()

    @property
    def pid(self) -> int:
        """Id of the process that was started."""
        return self._process.pid

    def workers(self) -> list[int]:
        """Ids of the processes that serve, where they are more than one."""
        pid = self._process.pid
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text(encoding="ascii").split()
        return [int(child) for child in children if "spawn_main" in command_of(int(child))]

    def renew(self) -> None:
        """Have new processes take the places of those that serve."""
        before = set(self.workers())
        self._process.send_signal(signal.SIGHUP)
        _wait_for(lambda: not before & set(self.workers()), "its workers are new")

    def terminate(self) -> None:
        """Ask it to end."""
        self._process.terminate()

    def kill(self) -> None:
        """End the process that was started, and leave its workers to notice."""
        self._process.kill()

    def wait(self, seconds: float = _START_SECONDS) -> int:
        """Wait until it has ended; its exit code."""
        return self._process.wait(timeout=seconds)


class Places:
    """Two places for servers, and which of them are ready.

    Parameters
    ----------
    environment, log
        See `Server`.
    """

    def __init__(self, environment: dict[str, str], log: IO[bytes]) -> None:
        self._environment, self._log = environment, log
        self._servers = [Server(environment, log), Server(environment, log)]
        self.ready: tuple[int, ...] = ()
        self._ends = threading.Event()
        self._watcher = threading.Thread(target=self._watch)
        self._watcher.start()

    def wait_until_ready(self, number: int) -> None:
        """Wait until so many are ready."""
        _wait_for(lambda: len(self.ready) >= number, f"{number} servers are ready")

    def roll(self) -> None:
        """Start a server, and end the oldest when the new one is ready."""
        self._servers.append(Server(self._environment, self._log))
        self.wait_until_ready(3)
        oldest = self._servers.pop(0)
        oldest.terminate()
        code = oldest.wait()
        if code != 0:
            raise RuntimeError(f"a server that was asked to end ended with {code}")

    def kill_a_worker(self) -> None:
        """Kill a process that serves."""
        os.kill(random.choice(random.choice(self._servers).workers()), signal.SIGKILL)

    def renew_workers(self) -> None:
        """Put new processes in the places of all that serve in one of the servers."""
        self._servers[0].renew()

    def end(self) -> None:
        """End all."""
        self._ends.set()
        self._watcher.join()
        for server in self._servers:
            server.terminate()
        for server in self._servers:
            server.wait()

    def _watch(self) -> None:
        while not self._ends.wait(_POLL_SECONDS):
            self.ready = tuple(server.port for server in list(self._servers) if server.is_ready)


def _wait_for(condition: Callable[[], bool], what: str) -> None:
    end = time.monotonic() + _START_SECONDS
    while not condition():
        if time.monotonic() > end:
            raise TimeoutError(f"not within {_START_SECONDS} s: {what}")
        time.sleep(_POLL_SECONDS)


def run(requests: int, folder: Path, say: Callable[[str], None]) -> Outcome:
    """Send requests, and do everything else meanwhile.

    Parameters
    ----------
    requests
        Least number of requests; more are sent until all that is planned has happened.
    folder
        Folder for the log of the servers.
    say
        Function that is told what happens.
    """
    outcome, enough = Outcome(), threading.Event()
    with MotoServer() as aws, (folder / "servers.log").open("wb") as log:
        package = compiled_iris_package()
        references = [aws.registry.publish(package.describe, package.artifacts).reference for _ in range(2)]
        aws.registry.promote(references[0])
        variables = {"SKYLIFT_REFRESH_SECONDS": "1", "SKYLIFT_DRAIN_SECONDS": str(DRAIN_SECONDS)}
        places = Places(os.environ | aws.environment | variables, log)
        try:
            places.wait_until_ready(2)
            callers = [threading.Thread(target=_call, args=(places, outcome, enough)) for _ in range(CALLERS)]
            for caller in callers:
                caller.start()
            try:
                _disturb(places, aws, references, outcome, lambda: outcome.total >= requests, say)
            finally:
                enough.set()
                for caller in callers:
                    caller.join()
        finally:
            places.end()
    return outcome


def _disturb(
    places: Places,
    aws: MotoServer,
    references: Sequence[Reference],
    outcome: Outcome,
    done: Callable[[], bool],
    say: Callable[[str], None],
) -> None:
    """Do everything that may happen, in turn, at least once each and until there are enough requests."""

    def flip() -> None:
        aws.registry.promote(references[outcome.events["version changed"] % 2 - 1])

    def cut_off() -> None:
        aws.stop()
        time.sleep(3)
        aws.start_again()

    disturbances = {
        "worker killed": places.kill_a_worker,
        "version changed": flip,
        "workers renewed": places.renew_workers,
        "server rolled over": places.roll,
        "registry away": cut_off,
    }
    first = True
    while first or not done():
        for name, disturb in disturbances.items():
            disturb()
            outcome.events[name] += 1
            time.sleep(1)
            say(f"{outcome.total:,} requests, {len(outcome.failures)} failed, then: {name}")
        first = False


_lock = threading.Lock()


def _call(places: Places, outcome: Outcome, enough: threading.Event) -> None:
    connections: dict[int, http.client.HTTPConnection] = {}
    while not enough.is_set():
        answer, repeated = _asked(places, connections)
        with _lock:
            outcome.repeated += repeated
            if answer.startswith("200 "):
                outcome.answers[answer] += 1
            else:
                outcome.failures.append(answer)
    for connection in connections.values():
        connection.close()


def _asked(places: Places, connections: dict[int, http.client.HTTPConnection]) -> tuple[str, int]:
    """Status and version of one answer, or why none came; and how often the request was sent again."""
    failure = ""
    for attempt in range(4):
        port = random.choice(places.ready or (0,))
        connection = connections.get(port) or http.client.HTTPConnection("127.0.0.1", port, timeout=_ANSWER_SECONDS)
        try:
            connection.request("POST", "/predict", _BODY, _HEADERS)
            response = connection.getresponse()
        except (ConnectionError, http.client.BadStatusLine) as error:  # before a byte of the answer
            connection.close()
            connections.pop(port, None)
            failure = f"no connection: {type(error).__name__}"
            continue
        except OSError as error:
            connection.close()
            connections.pop(port, None)
            return f"no answer: {error}", attempt
        response.read()
        if response.getheader("connection") == "close":
            connection.close()
            connections.pop(port, None)
        else:
            connections[port] = connection
        return f"{response.status} {response.getheader('x-model-version')}", attempt
    return failure, 3


def _say(line: str) -> None:
    sys.stderr.write(f"{line}\n")


def main() -> None:
    """Run it and print what came of it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--requests", type=int, default=50_000)
    arguments = parser.parse_args()
    started = time.monotonic()
    with TemporaryDirectory(prefix="skylift-rollovers-") as folder:
        outcome = run(arguments.requests, Path(folder), _say)
    seconds, failed = time.monotonic() - started, len(outcome.failures)
    answers = ", ".join(f"{answer}: {count:,}" for answer, count in sorted(outcome.answers.items()))
    events = ", ".join(f"{name}: {count}" for name, count in outcome.events.items())
    told = f"{outcome.total:,} requests in {seconds:.0f} s: {failed} failed, {outcome.repeated} sent again"
    sys.stdout.write("\n".join([told, answers, events, *outcome.failures[:10], ""]))
    sys.exit(bool(outcome.failures))


if __name__ == "__main__":
    main()
