"""How long a window of a million requests takes to read: `python -m benchmarks.captures`.

Lines are those of the service, in CloudWatch's envelopes as Firehose stores them.
"""

import gzip
import json
import random
import resource
import sys
import tempfile
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

from skylift.monitoring.profile import Shape
from skylift.monitoring.records import Reader
from skylift.monitoring.window import collect, from_objects

REQUESTS = 1_000_000
_PER_ENVELOPE = 100
_PER_OBJECT = 20_000
_SHAPE = Shape((13, 13, 13, 13), 5)
_START = datetime(2026, 3, 1, 10, tzinfo=UTC)
_CHUNK = 2**20


class Folder:
    """Objects in a folder, read as S3 gives them.

    Parameters
    ----------
    path
        Folder with a file per object.
    """

    def __init__(self, path: Path) -> None:
        self._path = path

    def chunks(self, key: str) -> Iterator[bytes]:
        """The bytes of a file."""
        with (self._path / key).open("rb") as file:
            yield from iter(lambda: file.read(_CHUNK), b"")


def main() -> None:
    """Write the objects, read them, and say what it took."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for first in range(0, REQUESTS, _PER_OBJECT):
            (folder / f"{first:08}.gz").write_bytes(b"".join(_members(first)))
        files = sorted(folder.iterdir())
        before, began, used, reader = _peak(), time.perf_counter(), time.process_time(), Reader()
        found = from_objects(reader, Folder(folder), (file.name for file in files))
        window = collect(reader, found, lambda _: _SHAPE, start=_START, end=_START + timedelta(hours=1))
        seconds, used = time.perf_counter() - began, time.process_time() - used
        megabytes = sum(file.stat().st_size for file in files) / 2**20
    rows = window.counts["v7"].rows
    if rows != REQUESTS or window.unreadable or window.duplicates:
        sys.exit(f"read {rows} of {REQUESTS} requests")
    print(  # noqa: T201 (the command's output)
        f"{REQUESTS:,} requests in {len(files)} objects of {megabytes:.0f} MiB: {seconds:.1f} s in one process, "
        f"of which {used:.1f} s of a core; {_peak():.0f} MiB at most ({before:.0f} MiB before)"
    )


def _members(first: int) -> Iterator[bytes]:
    for start in range(first, first + _PER_OBJECT, _PER_ENVELOPE):
        events = [
            {"id": f"{number:056d}", "timestamp": 1_772_361_000_000, "message": _line(number)}
            for number in range(start, start + _PER_ENVELOPE)
        ]
        envelope = {"messageType": "DATA_MESSAGE", "owner": "123456789012", "logGroup": "/aws/lambda/skylift-prod"}
        yield gzip.compress(json.dumps({**envelope, "logStream": "s", "logEvents": events}).encode(), 6)


def _line(number: int) -> str:
    dimensions = [["stage", "model"], ["stage", "model", "version"]]
    metrics = [{"Name": "Predictions", "Unit": "Count"}, {"Name": "PredictionLatency", "Unit": "Milliseconds"}]
    source = random.Random(number)
    line = {
        "_aws": {
            "Timestamp": 1_772_361_000_000,
            "CloudWatchMetrics": [{"Namespace": "Skylift", "Dimensions": dimensions, "Metrics": metrics}],
        },
        "level": "INFO",
        "message": "request",
        "timestamp": (_START + timedelta(milliseconds=number)).isoformat(timespec="milliseconds"),
        "service": "skylift",
        "service_version": "0.2.0",
        "release": "20260301.1",
        "correlation_id": f"{source.getrandbits(128):032x}",
        "method": "POST",
        "path": "/predict",
        "status": 200,
        "milliseconds": 1.234,
        "stage": "prod",
        "model": "iris",
        "version": "v7",
        "instances": 1,
        "profile": [[source.randrange(1, 11) for _ in _SHAPE.features], source.randrange(3), 0.9731],
        "id": f"{source.getrandbits(96):024x}"[:16],
        "Predictions": [1.0],
        "PredictionLatency": [1.234],
    }
    return json.dumps(line, separators=(",", ":"))


def _peak() -> float:
    """Largest memory of this process until now, in MiB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


if __name__ == "__main__":
    main()
