"""Run the durable functions until stdin ends: `python -m local_durable STORE`.

The first line of stdout is the port; everything after it goes to stderr, the log.
"""

import argparse
import os
import signal
import sys
from pathlib import Path

from local_durable.lambda_service import LambdaService

_LOWER_PRIORITY = 10


def main() -> None:
    """Continue what an earlier process left open, and take what is asked."""
    parser = argparse.ArgumentParser(prog="python -m local_durable", description="Run the durable functions.")
    parser.add_argument("store", type=Path, help="SQLite file that keeps the executions.")
    arguments = parser.parse_args()
    if hasattr(os, "nice"):
        os.nice(_LOWER_PRIORITY)  # predictions go first
    with LambdaService(arguments.store) as service:
        print(service.port, flush=True)  # noqa: T201 (to whoever started this)
        os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
        service.resume()
        sys.stdin.buffer.read()
        _end_at_once()


def _end_at_once() -> None:
    """End with every process that a function started: an execution may end anywhere."""
    if hasattr(os, "killpg") and os.getpgrp() == os.getpid():
        os.killpg(os.getpgrp(), signal.SIGKILL)
    os._exit(1)


if __name__ == "__main__":
    main()
