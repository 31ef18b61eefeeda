"""Serve on this machine: `python -m inference --port 8000`."""

import argparse
import os
import signal
import sys
from threading import Thread

from inference.server import serve, serve_by_workers
from inference.settings import InferenceSettings


def main() -> None:
    """Serve until SIGINT or SIGTERM."""
    parser = argparse.ArgumentParser(prog="python -m inference", description="Serve the active version over HTTP.")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=8000)
    workers = "Number of processes; one for each core is enough."
    parser.add_argument("--workers", type=_positive, default=1, help=workers)
    parser.add_argument("--until-stdin-ends", action="store_true", help="End with the process that holds stdin.")
    arguments = parser.parse_args()
    if arguments.until_stdin_ends:
        Thread(target=_end_with_stdin, daemon=True).start()
    settings = InferenceSettings()  # what is wrong with them is told once, and not by each worker again and again
    address = {"host": arguments.host, "port": arguments.port}
    if arguments.workers > 1:
        serve_by_workers("inference.worker:one_of_several", workers=arguments.workers, **address)
        return
    from inference.worker import alone  # which the process above workers does not need

    if signal.getsignal(signal.SIGHUP) != signal.SIG_IGN:  # as `nohup` sets it
        signal.signal(signal.SIGHUP, lambda *_: os.kill(os.getpid(), signal.SIGTERM))
    serve(alone(), drain_seconds=settings.drain_seconds, **address)


def _positive(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number from 1")
    return int(text)


def _end_with_stdin() -> None:
    """End at once when stdin does: whoever started this process was killed, and nobody waits for an answer."""
    while os.read(sys.stdin.fileno(), 4096):  # not by a buffer, whose lock fails an interpreter that ends meanwhile
        pass
    os._exit(1)


if __name__ == "__main__":
    main()
