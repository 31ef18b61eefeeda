"""Warm requests over HTTP: uvicorn with one worker per service, one keep-alive client, or eight connections."""

import socket
import subprocess
import time
from collections.abc import Iterable
from contextlib import ExitStack, suppress
from typing import Self

from benchmarks import load
from benchmarks.handler import Effort
from benchmarks.load import Connection
from benchmarks.measuring import Calls, summary, turns
from benchmarks.models import Model
from benchmarks.results import Series
from benchmarks.services import Service, Services
from tests.support.ports import free_port

_HOST = "127.0.0.1"
_START_SECONDS = 60.0


class Server:
    """A service over HTTP.

    Parameters
    ----------
    services, service
        All services, and the one to start.
    model
        Model to serve.
    """

    def __init__(self, services: Services, service: Service, model: Model) -> None:
        self.service, self.port = service, free_port()
        self._process = subprocess.Popen(
            [*services.python(), *service.serve, "--host", _HOST, "--port", str(self.port)],
            cwd=service.task_root,
            env=services.environment(service, model),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
        )

    def __enter__(self) -> Self:
        deadline = time.monotonic() + _START_SECONDS
        while time.monotonic() < deadline and self._process.poll() is None:
            with suppress(OSError), socket.create_connection((_HOST, self.port), timeout=1):
                return self
            time.sleep(0.05)
        self.__exit__()
        raise RuntimeError(f"{self.service.name} does not listen")

    def __exit__(self, *_: object) -> None:
        self._process.terminate()
        self._process.wait()


def measure(
    services: Services, chosen: Iterable[Service], model: Model, latency: Effort, *, rounds: int, seconds: float
) -> tuple[Series, Series]:
    """Time one-row requests.

    Parameters
    ----------
    latency
        Effort of the measurement over one connection.
    rounds, seconds
        Number and duration of the runs over eight connections.

    Returns
    -------
    tuple
        Microseconds per request, and requests per second.
    """
    body = model.body(1)
    with ExitStack() as stack:
        servers = [stack.enter_context(Server(services, service, model)) for service in chosen]
        connections = {
            server.service.name: stack.enter_context(Connection(_HOST, server.port, body)) for server in servers
        }
        for server in servers:
            _time(connections[server.service.name], Effort(1, latency.seconds / 2, 10))
        calls: Calls = {}
        for server in turns(servers, latency.rounds):
            connection = connections[server.service.name]
            calls.setdefault(server.service.name, []).append(_time(connection, latency))
            if server.service.predicts:
                model.check(*connection.ask(), 1)
        throughput = Series()
        for server in turns(servers, rounds):
            throughput.add(server.service.name, load.requests_per_second(_HOST, server.port, body, seconds))
    return summary(calls), throughput


def _time(connection: Connection, effort: Effort) -> list[float]:
    times: list[float] = []
    ends = time.perf_counter() + effort.seconds
    while len(times) < effort.calls or time.perf_counter() < ends:
        started = time.perf_counter_ns()
        connection.ask()
        times.append((time.perf_counter_ns() - started) / 1000)
    return times
