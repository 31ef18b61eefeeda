"""Lines of the service's log, and how CloudWatch and Firehose keep them."""

import gzip
import json
from collections.abc import Iterable, Sequence
from typing import Any

DURING = "2026-03-01T10:30:00.000+00:00"
"""A time in the hour from ten o'clock."""


def answered(name: str, profile: Any = None, *, at: str = DURING, version: str = "v7", **members: Any) -> str:
    """The line of an answered request."""
    line = {"level": "INFO", "message": "request", "timestamp": at, "path": "/predict", "status": 200}
    own = {"version": version, "instances": 1, "id": name}
    profiled = {"profile": profile} if profile is not None else {}
    return json.dumps({**line, **own, **profiled, **members})


def refused(reason: str, *fields: str, status: int = 422, at: str = DURING, **members: Any) -> str:
    """The line of a refused request."""
    line = {"message": "request", "timestamp": at, "path": "/predict", "status": status, "version": "v7"}
    named = {"fields": fields} if fields else {}
    return json.dumps({**line, "instances": 0, "reason": reason, **named, **members})


def envelope(lines: Sequence[str], *, first: int = 0) -> bytes:
    """What a subscription of CloudWatch Logs delivers."""
    events = [
        {"id": f"{first + place:056d}", "timestamp": 1_772_361_000_000, "message": line}
        for place, line in enumerate(lines)
    ]
    document = {"messageType": "DATA_MESSAGE", "owner": "1", "logGroup": "g", "logStream": "s", "logEvents": events}
    return json.dumps(document, separators=(",", ":")).encode()


def delivered(envelopes: Iterable[bytes]) -> bytes:
    """The object that Firehose makes of them."""
    return b"".join(gzip.compress(each, mtime=0) for each in envelopes)


def in_parts(data: bytes, size: int) -> list[bytes]:
    """Bytes in chunks of a size."""
    return [data[start : start + size] for start in range(0, len(data), size)]
