"""Warm requests in the handler: a worker process per service, asked in turns."""

import json
import subprocess
from collections.abc import Iterable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from benchmarks.measuring import Calls, summary, turns
from benchmarks.models import Model
from benchmarks.results import Series
from benchmarks.services import Service, Services

_WORKER = Path(__file__).with_name("worker.py")


@dataclass(frozen=True, slots=True)
class Effort:
    """How much to measure.

    Parameters
    ----------
    rounds
        Number of rounds.
    seconds
        Minimum duration per service and round, in seconds.
    calls
        Minimum number of calls per service and round.
    """

    rounds: int
    seconds: float
    calls: int


class Worker:
    """A process with one service's handler.

    Parameters
    ----------
    services, service
        All services, and the one to start.
    model
        Model to serve.
    """

    def __init__(self, services: Services, service: Service, model: Model) -> None:
        self.service = service
        self._process = subprocess.Popen(
            [*services.python(), str(_WORKER), service.handler],
            cwd=service.task_root,
            env=services.environment(service, model),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._process.communicate()

    def measure(self, model: Model, instances: int, effort: Effort) -> list[float]:
        """Time requests, in microseconds, and check the last answer."""
        answer = self.ask([model.event(instances)], effort)
        if self.service.predicts:
            model.check(answer["status"], answer["body"], instances)
        times: list[float] = answer["microseconds"]
        return times

    def ask(self, events: Sequence[dict[str, Any]], effort: Effort) -> dict[str, Any]:
        """Send events in turn; microseconds of the calls, and the answer to the first event."""
        task = {"events": events, "calls": effort.calls, "seconds": effort.seconds}
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps(task) + "\n")
        self._process.stdin.flush()
        if not (line := self._process.stdout.readline()):
            raise RuntimeError(f"the worker of {self.service.name} ended")
        answer: dict[str, Any] = json.loads(line)
        return answer


def measure(
    services: Services, chosen: Iterable[Service], model: Model, sizes: Iterable[int], effort: Effort
) -> dict[int, Series]:
    """Time requests with so many instances, by their number.

    Returns
    -------
    Microseconds per request.
    """
    with ExitStack() as stack:
        workers = [stack.enter_context(Worker(services, service, model)) for service in chosen]
        found = {}
        for size in sizes:
            for worker in workers:  # the first calls of a kind are slower
                worker.measure(model, size, Effort(1, effort.seconds / 2, 3))
            calls: Calls = {}
            for worker in turns(workers, effort.rounds):
                calls.setdefault(worker.service.name, []).append(worker.measure(model, size, effort))
            found[size] = summary(calls)
    return found


def per_instance(found: dict[int, Series]) -> dict[int, Series]:
    """Microseconds per instance instead of per request."""
    return {
        size: Series(
            rounds={name: [value / size for value in values] for name, values in series.rounds.items()},
            p99={name: value / size for name, value in series.p99.items()},
            calls=series.calls,
        )
        for size, series in found.items()
    }
