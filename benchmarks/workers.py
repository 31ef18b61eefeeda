"""What more workers of a plain server cost and bring: `python -m benchmarks.workers [--publish]`.

`python -m inference` with each number of workers answers requests of one row, from eight connections for each worker.
Requests a second grow with the workers as long as there are cores for them and for the load. On a machine with fewer,
what tells whether workers stand in each other's way is the processor time of a request, theirs and the supervisor's:
it stays level where they do not. Memory is what a process adds: shared pages count for each in part.
"""

import argparse
import json
import os
import platform
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import IO

from benchmarks import load
from benchmarks.pages import write_page
from benchmarks.report import table
from benchmarks.rollovers import Server
from tests.support.models import IRIS_SETOSA, compiled_iris_package
from tests.support.moto_server import MotoServer
from tests.support.waiting import wait_until

NUMBERS = (1, 2, 4, 8)
CONNECTIONS = 8
SECONDS = 8.0

_HOST = "127.0.0.1"
_START_SECONDS = 120
_BODY = json.dumps({"instances": [IRIS_SETOSA]}).encode()
_WARM_SECONDS = 2.0


@dataclass(frozen=True)
class Figures:
    """What a number of workers did.

    Parameters
    ----------
    requests_per_second
        Answered requests a second.
    microseconds
        Processor time of a request, in all processes of the server.
    worker_mib, supervisor_mib
        Memory of a worker, and of the process that starts them; 0 without one.
    """

    requests_per_second: float
    microseconds: float
    worker_mib: float
    supervisor_mib: float


def processor_seconds(process: int) -> float:
    """Processor time that a process has used so far."""
    after_name = Path(f"/proc/{process}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
    return (int(after_name[11]) + int(after_name[12])) / os.sysconf("SC_CLK_TCK")


def proportional_mib(process: int) -> float:
    """Memory of a process, with its part of what it shares with others."""
    lines = Path(f"/proc/{process}/smaps_rollup").read_text(encoding="ascii").splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("Pss:")) / 1024


def measured(environment: dict[str, str], log: IO[bytes], workers: int, seconds: float) -> Figures:
    """Put a server under load.

    Parameters
    ----------
    environment, log, workers
        See `Server`.
    seconds
        How long.
    """
    server = Server(environment, log, workers)
    try:
        wait_until(lambda: server.is_ready, seconds=_START_SECONDS, what="the server is ready")
        serving = server.workers() if workers > 1 else [server.pid]
        processes = {*serving, server.pid}
        connections = CONNECTIONS * workers
        load.requests_per_second(_HOST, server.port, _BODY, _WARM_SECONDS, connections=connections)
        before = sum(map(processor_seconds, processes))
        rate = load.requests_per_second(_HOST, server.port, _BODY, seconds, connections=connections)
        used = sum(map(processor_seconds, processes)) - before
        memory = sum(map(proportional_mib, serving)) / len(serving)
        above = proportional_mib(server.pid) if workers > 1 else 0.0
    finally:
        server.terminate()
        server.wait()
    return Figures(rate, 1e6 * used / (rate * seconds), memory, above)


def shown(found: dict[int, Figures]) -> str:
    """The figures as a table."""
    header = ["workers", "requests/s", "processor us a request", "a worker, MiB", "the one above them, MiB", "all, MiB"]
    rows = [
        [
            f"{workers}",
            f"{figures.requests_per_second:,.0f}",
            f"{figures.microseconds:.0f}",
            f"{figures.worker_mib:.0f}",
            f"{figures.supervisor_mib:.0f}" if figures.supervisor_mib else "",
            f"{workers * figures.worker_mib + figures.supervisor_mib:.0f}",
        ]
        for workers, figures in found.items()
    ]
    by = load.generator().partition(":")[0].partition(",")[0]
    machine = f"{os.cpu_count()} cores, Python {platform.python_version()}, load: {by}"
    return f"{datetime.now(UTC):%Y-%m-%d}: {machine}\n\n{table(header, rows)}\n"


def main() -> None:
    """Measure each number of workers."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.workers", description="Workers of a plain server.")
    parser.add_argument("--publish", action="store_true", help="write docs/benchmarks/workers.md")
    parser.add_argument("--seconds", type=float, default=SECONDS, help="of load for each number of workers")
    arguments = parser.parse_args()
    found: dict[int, Figures] = {}
    with (
        MotoServer() as aws,
        TemporaryDirectory(prefix="skylift-workers-") as folder,
        Path(folder, "log").open("wb") as log,
    ):
        package = compiled_iris_package()
        aws.registry.promote(aws.registry.publish(package.describe, package.artifacts).reference)
        for workers in NUMBERS:
            found[workers] = measured(os.environ | aws.environment, log, workers, arguments.seconds)
    write_page("workers", shown(found), publish=arguments.publish)


if __name__ == "__main__":
    main()
