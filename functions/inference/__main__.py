"""Serve on this machine: `python -m inference --port 8000`."""

import argparse
import os
import sys
from threading import Thread
from typing import TYPE_CHECKING

from inference.beside import beside
from inference.compose import compose
from inference.route import HISTORY_PATH
from inference.server import serve, with_operations
from inference.settings import InferenceSettings

if TYPE_CHECKING:
    from skylift.http.request_log import Application


def main() -> None:
    """Serve until SIGINT or SIGTERM."""
    parser = argparse.ArgumentParser(prog="python -m inference", description="Serve the active version over HTTP.")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=8000)
    parser.add_argument("--until-stdin-ends", action="store_true", help="End with the process that holds stdin.")
    arguments = parser.parse_args()
    if arguments.until_stdin_ends:
        Thread(target=_end_with_stdin, daemon=True).start()
    inference = compose(plain_server=True).app
    app: Application = inference
    if routes := beside(InferenceSettings()):
        from operations.compose import compose as compose_operations

        paths = {route.path.partition("/{")[0] for route in routes} | {HISTORY_PATH}
        app = with_operations(inference, paths, compose_operations())
    serve(app, host=arguments.host, port=arguments.port)


def _end_with_stdin() -> None:
    """End at once when stdin does: whoever started this process was killed, and nobody waits for an answer."""
    while os.read(sys.stdin.fileno(), 4096):  # not by a buffer, whose lock fails an interpreter that ends meanwhile
        pass
    os._exit(1)


if __name__ == "__main__":
    main()
