"""Serve on this machine: `python -m inference --port 8000`."""

import argparse
import os
import sys
from threading import Thread
from typing import TYPE_CHECKING

from inference.beside import beside
from inference.compose import compose
from inference.route import HISTORY_PATH
from inference.server import prepared, serve, serve_by_workers, with_operations
from inference.settings import InferenceSettings

if TYPE_CHECKING:
    from starlette.types import ASGIApp

    from skylift.http.request_log import Application


def main() -> None:
    """Serve until SIGINT or SIGTERM."""
    parser = argparse.ArgumentParser(prog="python -m inference", description="Serve the active version over HTTP.")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=8000)
    parser.add_argument("--workers", type=int, default=1, help="Number of processes; one for each core is enough.")
    parser.add_argument("--until-stdin-ends", action="store_true", help="End with the process that holds stdin.")
    arguments = parser.parse_args()
    if arguments.until_stdin_ends:
        Thread(target=_end_with_stdin, daemon=True).start()
    if arguments.workers > 1:
        serve_by_workers(
            "inference.__main__:worker", host=arguments.host, port=arguments.port, workers=arguments.workers
        )
    else:
        serve(_application(), host=arguments.host, port=arguments.port, drain_seconds=InferenceSettings().drain_seconds)


def worker() -> "ASGIApp":
    """What one of several processes serves."""
    return prepared(_application(), InferenceSettings().drain_seconds)


def _application() -> "Application":
    service = compose(plain_server=True)
    service.host.refresh_by_timer()
    app: Application = service.app
    if routes := beside(InferenceSettings()):
        from operations.compose import compose as compose_operations

        paths = {route.path.partition("/{")[0] for route in routes} | {HISTORY_PATH}
        app = with_operations(service.app, paths, compose_operations())
    return app


def _end_with_stdin() -> None:
    """End at once when stdin does: whoever started this process was killed, and nobody waits for an answer."""
    while os.read(sys.stdin.fileno(), 4096):  # not by a buffer, whose lock fails an interpreter that ends meanwhile
        pass
    os._exit(1)


if __name__ == "__main__":
    main()
