"""Runs in a process of its own, without this project's packages: imports a handler and times it.

Reads commands from standard input, a JSON document per line, and answers in the same form on the original standard
output; the handler's own output goes nowhere.

    {"events": [{...}, ...], "calls": 50, "seconds": 0.3}  ->  {"microseconds": [...], "status": 200, "body": "..."}

It times at least that many calls, for at least that long, of the events in turn; the answer is that of the first one.
An event is a new object in each call, as in Lambda.
"""

import importlib
import json
import os
import sys
import time
import uuid
from collections.abc import Callable
from typing import Any


class Context:
    """What Lambda tells about an invocation."""

    function_name = "benchmark"
    function_version = "1"
    memory_limit_in_mb = 1769
    invoked_function_arn = "arn:aws:lambda:eu-central-1:123456789012:function:benchmark"

    def __init__(self) -> None:
        self.aws_request_id = str(uuid.uuid4())

    def get_remaining_time_in_millis(self) -> int:
        """Enough."""
        return 30_000


def measure(handler: Callable[[Any, Any], Any], task: dict[str, Any]) -> dict[str, Any]:
    """Do one task; see the module."""
    texts = [json.dumps(event) for event in task["events"]]
    answer = handler(json.loads(texts[0]), Context())
    times: list[float] = []
    ends = time.perf_counter() + task["seconds"]
    while len(times) < task["calls"] or time.perf_counter() < ends:
        event, context = json.loads(texts[len(times) % len(texts)]), Context()
        started = time.perf_counter_ns()
        handler(event, context)
        times.append((time.perf_counter_ns() - started) / 1000)
    return {"microseconds": times, "status": answer["statusCode"], "body": answer["body"]}


def main() -> None:
    """Serve tasks until standard input ends."""
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 1)
    module, _, name = sys.argv[1].rpartition(".")
    handler = getattr(importlib.import_module(module), name)
    for line in sys.stdin:
        answers.write(json.dumps(measure(handler, json.loads(line))) + "\n")
        answers.flush()


if __name__ == "__main__":
    main()
