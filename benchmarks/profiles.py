"""What profiles cost a request: `python -m benchmarks.profiles [--publish]`.

The service answers with profiles and without, in turns, a model of constant answers and numeric features. Measured are
the processor time of the request, its log line included, and the bytes of the line. Prints a table and writes it to
`build/benchmarks/profiles.md`, or to `docs/benchmarks/profiles.md` to publish it.
"""

import argparse
import asyncio
import io
import json
import time
from contextlib import redirect_stdout
from datetime import UTC, datetime
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np

from benchmarks.pages import write_page
from benchmarks.refusals import Constant, Host
from benchmarks.report import table
from inference.access_log import AccessLog
from inference.answering import Answering
from inference.model import ServedModel
from inference.predict import PATH, Predict
from inference.profiling import RequestProfiler
from skylift.contract import Contract, Target
from skylift.feature import Feature
from skylift.manifest import Manifest
from skylift.monitoring.baseline import Baseline, Bins, Distribution, FeatureDistribution
from skylift.observability import MetricPoint
from skylift.references import Reference

ROOT = Path(__file__).parents[1]
SIZES = ((1, 4), (1, 400), (1000, 4), (1000, 400))
"""Instances in a request, and features of an instance."""

_BINS = 10
_SECONDS = 4.0
_LEAST_TURNS = 15


class Quiet(Host):
    """A host that never refreshes, so that its line has nothing to tell of that."""

    def drain_events(self) -> list[MetricPoint]:
        """Nothing."""
        return []

    def take_unexpected_error(self) -> None:
        """None."""


def host_of(features: int) -> Quiet:
    """A host of a model with so many features, each with ten bins between 0 and 1."""
    names = [f"f{number}" for number in range(features)]  # short: a body has at most 6 MB
    columns = tuple(Feature(name=name, kind="number", min=0, max=1) for name in names)
    contract = Contract(task="regression", features=columns, target=Target(name="y"))
    bins = Bins(edges=tuple(np.linspace(0, 1, _BINS + 1).tolist()))
    counted = {name: FeatureDistribution(bins=bins, counts=(1,) * bins.size) for name in names}
    baseline = Baseline(rows=1, features=counted, predictions=Distribution(bins=bins, counts=(1,) * bins.size))
    told: dict[str, Any] = {"model": "constant", "contract": contract}
    return Quiet(
        ServedModel.of(
            Reference(1, "0" * 64),
            Manifest.model_construct(**told),
            Constant(),
            max_instances=1000,
            loaded_at=datetime.now(UTC),
            profiler=RequestProfiler(contract, baseline),
        )
    )


def ask(service: AccessLog, body: bytes, query: bytes = b"") -> tuple[float, int]:
    """Microseconds of processor time of one request, and bytes of its line.

    Raises
    ------
    ValueError
        It is refused.
    """
    headers = [(b"content-type", b"application/json")]
    scope: Any = {"type": "http", "method": "POST", "path": PATH, "query_string": query, "headers": headers}

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": body, "more_body": False}

    async def send(message: Any) -> None:
        if message.get("status", 200) != 200:
            raise ValueError(f"status {message['status']}")

    async def timed() -> float:
        started = time.process_time_ns()
        await service(scope, receive, send)
        return (time.process_time_ns() - started) / 1000

    with redirect_stdout(io.StringIO()) as out:
        microseconds = asyncio.run(timed())
    return microseconds, len(out.getvalue())


def measured(instances: int, features: int) -> list[str]:
    """The row of one size."""
    host = host_of(features)
    values = np.random.default_rng(1).uniform(size=(instances, features)).round(3).tolist()
    names = [feature.name for feature in host.model.manifest.contract.features] if host.model else []
    body = json.dumps(
        {"instances": [dict(zip(names, row, strict=True)) for row in values]}, separators=(",", ":")
    ).encode()
    services = [
        AccessLog(Predict(Answering(host, profile=on)), host, stage="bench", model="constant") for on in (False, True)
    ]
    for service in services:
        ask(service, body)
    turns: list[list[tuple[float, int]]] = []
    end = time.monotonic() + _SECONDS
    while time.monotonic() < end or len(turns) < _LEAST_TURNS:
        turns.append([ask(service, body) for service in services])
    off, on = (median(turn[place][0] for turn in turns) for place in (0, 1))
    more = median(turn[1][0] - turn[0][0] for turn in turns)
    figures = [f"{off:,.0f}", f"{on:,.0f}", f"{more:,.1f}", f"{100 * more / off:.1f}%"]
    return [f"{instances:,} x {features}", *figures, f"{turns[0][1][1] - turns[0][0][1]:,}"]


def main() -> None:
    """Measure all sizes."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.profiles", description="What profiles cost a request.")
    parser.add_argument("--publish", action="store_true", help="write docs/benchmarks/profiles.md")
    arguments = parser.parse_args()
    header = ["instances x features", "off, microseconds", "on", "more", "share", "more bytes"]
    found = f"{datetime.now(UTC):%Y-%m-%d}\n\n{table(header, [measured(*size) for size in SIZES])}\n"
    write_page("profiles", found, publish=arguments.publish)


if __name__ == "__main__":
    main()
