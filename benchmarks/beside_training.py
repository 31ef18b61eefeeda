"""Latency of predictions while `skylift up` trains in the background: `python -m benchmarks.beside_training URL`.

It asks for the same prediction, one after the other, before a retraining that it starts and until that has ended.
"""

import http.client
import json
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

BEFORE_SECONDS = 15.0
_PAUSE_SECONDS = 0.005


@dataclass(frozen=True, slots=True)
class Latencies:
    """What was measured over a time.

    Parameters
    ----------
    milliseconds
        Time of each request, ascending.
    failed
        Number of the requests with another status than 200.
    """

    milliseconds: tuple[float, ...]
    failed: int

    def at(self, share: float) -> float:
        """The time that this share of the requests does not exceed, in ms."""
        return self.milliseconds[min(int(share * len(self.milliseconds)), len(self.milliseconds) - 1)]


class Client:
    """One connection to the service.

    Parameters
    ----------
    url
        URL of the service.
    """

    def __init__(self, url: str) -> None:
        address = urlsplit(url)
        assert address.hostname is not None
        self._connection = http.client.HTTPConnection(address.hostname, address.port, timeout=60)

    def ask(self, path: str, body: object = None) -> tuple[int, Any]:
        """GET a path, or POST JSON to it; status and document."""
        data = None if body is None else json.dumps(body)
        self._connection.request("GET" if data is None else "POST", path, data, {"content-type": "application/json"})
        answer = self._connection.getresponse()
        return answer.status, json.load(answer)


def measured(client: Client, instance: object, has_ended: Callable[[], bool]) -> Latencies:
    """Ask for a prediction again and again until a time has ended."""
    milliseconds, failed = [], 0
    while not has_ended():
        begun = time.perf_counter()
        status, _ = client.ask("/predict", instance)
        milliseconds.append((time.perf_counter() - begun) * 1000)
        failed += status != 200
        time.sleep(_PAUSE_SECONDS)
    return Latencies(tuple(sorted(milliseconds)), failed)


class Every:
    """Whether a retraining has ended, asked once a second on a connection of its own."""

    def __init__(self, client: Client, id: str) -> None:  # noqa: A002
        self._client = client
        self._id = id
        self._due = time.monotonic()
        self.state = "queued"

    def __call__(self) -> bool:
        if time.monotonic() >= self._due:
            self._due = time.monotonic() + 1
            self.state = self._client.ask(f"/retrain/{self._id}")[1]["state"]
        return self.state in {"succeeded", "refused", "failed"}


def main(url: str) -> None:
    """Measure, and print a table."""
    client, other = Client(url), Client(url)
    instance = {each["name"]: each["example"] for each in client.ask("/model-info")[1]["contract"]["features"]}
    ends = time.monotonic() + BEFORE_SECONDS
    rows = {"before": measured(client, instance, lambda: time.monotonic() > ends)}
    begun = time.monotonic()
    watch = Every(other, other.ask("/retrain", {"reason": "a benchmark"})[1]["id"])
    rows["while it trains"] = measured(client, instance, watch)
    lines = [
        f"retraining: {watch.state} after {time.monotonic() - begun:.0f} s",
        "| | requests | failed | p50 | p99 | longest |",
        "|---|---|---|---|---|---|",
    ]
    for name, row in rows.items():
        times = " | ".join(f"{row.at(share):.1f} ms" for share in (0.5, 0.99, 1.0))
        lines.append(f"| {name} | {len(row.milliseconds):,} | {row.failed} | {times} |")
    print("\n".join(lines))  # noqa: T201 (the command's output)


if __name__ == "__main__":
    main(*sys.argv[1:])
