"""Times one row in the handler: `python -m benchmarks.one_row FOLDER`, in a process of its own.

`FOLDER` holds what `skylift train --output` writes. Reads a list of instances from standard input, as JSON, each a
request of its own; writes the median of their microseconds. The log lines go nowhere.
"""

import asyncio
import json
import os
import sys
from pathlib import Path
from statistics import median
from typing import Any

from benchmarks.models import predict_event
from benchmarks.worker import measure
from inference.app import App
from inference.host import ModelHost
from inference.settings import InferenceSettings
from skylift.http.gateways import lambda_handler
from tests.support.fakes import MemoryParameters, MemoryStore
from training.release.folder import read_version_file
from training.release.packaging import Package

_CALLS = 100


def app_of(folder: Path) -> App:
    """The service over the version in a folder."""
    manifest = read_version_file(folder)
    store, parameters = MemoryStore(), MemoryParameters()
    files = {name: (folder / name).read_bytes() for name in manifest.artifacts}
    parameters.holds = store.add(Package(lambda number: manifest.model_copy(update={"version": number}), files))
    settings = InferenceSettings(bucket="none", stage="bench", model=manifest.model, allow_joblib=True)
    host = ModelHost(parameters, store, refresh_seconds=3600, max_instances=1, allow_joblib=True)
    host.start_loading()
    host.wait_until_loaded()
    return App(settings, host)


def time_of_a_row(app: App, instances: list[Any]) -> float:
    """Median microseconds of a request with one instance.

    Raises
    ------
    ValueError
        A request is refused.
    """
    handler = lambda_handler(app)
    times: list[float] = []
    for instance in instances:
        body = json.dumps({"instances": [instance]}).encode()
        answer = measure(handler, {"events": [predict_event(body)], "calls": _CALLS, "seconds": 0})
        if answer["status"] != 200:
            raise ValueError(f"status {answer['status']}: {answer['body'][:300]}")
        times += answer["microseconds"]
    return median(times)


def main() -> None:
    """Measure."""
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    asyncio.set_event_loop(asyncio.new_event_loop())
    answers.write(json.dumps(time_of_a_row(app_of(Path(sys.argv[1])), json.load(sys.stdin))) + "\n")
    answers.flush()


if __name__ == "__main__":
    main()
