"""Cold starts and memory in the Lambda runtime and its emulator.

The function's process starts with the first event, so a cold start is the time from sending that event to having its
answer: start of Python, import, pointer, artifacts, verification, the first prediction. The answer must be right.
"""

from collections.abc import Iterable
from pathlib import Path

from benchmarks.measuring import turns
from benchmarks.models import Model
from benchmarks.results import Series
from benchmarks.services import Service, Services
from tests.support.lambda_runtime import LambdaRuntime

_LATER_REQUESTS = 200


def measure(
    services: Services, chosen: Iterable[Service], model: Model, *, rounds: int, later_rounds: int
) -> tuple[Series, Series, Series]:
    """Start each service in turn.

    Parameters
    ----------
    rounds
        Number of starts of each service.
    later_rounds
        Number of those starts after which 200 more requests are sent.

    Returns
    -------
    tuple
        Seconds to the first right answer, and resident MiB after it and after 200 more requests.
    """
    chosen = list(chosen)
    for service in chosen:  # files are in the page cache, bytecode is written
        _start(services, service, model, later=False)
    seconds, first, later = Series(), Series(), Series()
    for number, service in enumerate(turns(chosen, rounds)):
        goes_on = number < later_rounds * len(chosen)
        took, resident, resident_later = _start(services, service, model, later=goes_on)
        seconds.add(service.name, took)
        first.add(service.name, resident)
        if resident_later is not None:
            later.add(service.name, resident_later)
    return seconds, first, later


def _start(services: Services, service: Service, model: Model, *, later: bool) -> tuple[float, float, float | None]:
    event = model.event(1)
    with LambdaRuntime(service.task_root, service.handler, services.environment(service, model)) as runtime:
        invocation = runtime.invoke(event)
        if service.predicts:
            model.check(invocation.payload["statusCode"], invocation.payload["body"], 1)
        [process] = [pid for pid, command in runtime.processes().items() if "aws-lambda-rie" not in command]
        resident = resident_mib(process)
        if not later:
            return invocation.seconds, resident, None
        for _ in range(_LATER_REQUESTS):
            runtime.invoke(event)
        return invocation.seconds, resident, resident_mib(process)


def resident_mib(pid: int) -> float:
    """Resident memory of a process."""
    for line in Path(f"/proc/{pid}/status").read_text(encoding="utf-8").splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) / 1024
    raise RuntimeError(f"process {pid} has no resident memory")
