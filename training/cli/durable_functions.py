"""The durable functions beside `skylift up`: a process that starts when Lambda is first called.

The embedded AWS hands Lambda's paths to it. It also starts where an earlier run left executions, to continue them, and
again when it ends by itself.
"""

import http.client
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from pathlib import Path
from threading import Event, Lock, Thread
from typing import Any, Self

from training.cli.console import warn
from training.cli.local import HOST

REGION = "eu-central-1"

_ARN = f"arn:aws:lambda:{REGION}:123456789012:function"
FUNCTIONS = {"SKYLIFT_ROLLOUT_FUNCTION": f"{_ARN}:rollout:live", "SKYLIFT_RETRAIN_FUNCTION": f"{_ARN}:retrain:live"}
"""ARNs by the setting that names them."""

_PATHS = ("/2015-03-31/functions/", "/2025-12-01/")
_STOP_SECONDS = 3
_PAUSE_SECONDS = 5.0
_ANSWER_SECONDS = 30


class DurableFunctions:
    """The process, and the WSGI application that forwards to it.

    Parameters
    ----------
    store
        File of the process's executions.
    log
        File for its output.
    environment
        Variables that it has besides those of this process.
    """

    def __init__(self, store: Path, log: Path, environment: Mapping[str, str]) -> None:
        self._store = store
        self._log = log
        self._environment = environment
        self._lock = Lock()
        self._ending = Event()
        self._process: subprocess.Popen[bytes] | None = None
        self._port: int | None = None

    @staticmethod
    def answers(path: str) -> bool:
        """Whether a path is one of Lambda's."""
        return path.startswith(_PATHS)

    def __enter__(self) -> Self:
        if self._store.exists():
            with self._lock:
                self._start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ending.set()
        with self._lock:
            process = self._process
        if process is None:
            return
        assert process.stdin is not None  # noqa: S101 (it is a pipe)
        process.stdin.close()
        try:
            process.wait(_STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        _clear(process)

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        """Forward one request of Lambda's API."""
        headers = {name[5:].replace("_", "-"): value for name, value in environ.items() if name.startswith("HTTP_")}
        body = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
        try:
            connection = http.client.HTTPConnection(HOST, self._address(), timeout=_ANSWER_SECONDS)
            try:
                connection.request(environ["REQUEST_METHOD"], environ["RAW_URI"], body, headers)
                answer = connection.getresponse()
                content = answer.read()
            finally:
                connection.close()
        except (OSError, http.client.HTTPException, ValueError) as error:
            warn(f"the durable functions do not answer ({error})", f"see {self._log}")
            start_response("503 Service Unavailable", [("Content-Length", "0")])
            return [b""]
        kept = [(name, value) for name, value in answer.getheaders() if name.lower().startswith(("content-type", "x-"))]
        start_response(f"{answer.status} {answer.reason}", [*kept, ("Content-Length", str(len(content)))])
        return [content]

    def _address(self) -> int:
        """The port of the process, which is started by the first call.

        Raises
        ------
        ValueError
            It ended before it had one.
        """
        with self._lock:
            process = self._process or self._start()
            if self._port is None:
                assert process.stdout is not None  # noqa: S101 (it is a pipe)
                self._port = int(process.stdout.readline())
            return self._port

    def _start(self) -> subprocess.Popen[bytes]:
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "local_durable", str(self._store)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                env={**os.environ, **self._environment},
                start_new_session=True,  # with what it starts it is ended as one, and not by Ctrl-C
            )
        Thread(target=self._watch, args=(self._process,), daemon=True).start()
        return self._process

    def _watch(self, process: subprocess.Popen[bytes]) -> None:
        """Start the process again when it ends by itself: what it was at continues there."""
        code = process.wait()
        if self._ending.is_set():
            return
        warn(f"the durable functions ended with code {code}, and start again", f"see {self._log}")
        _clear(process)
        self._ending.wait(_PAUSE_SECONDS)
        with self._lock:
            self._process = self._port = None
            if not self._ending.is_set():
                self._start()


def _clear(process: subprocess.Popen[bytes]) -> None:
    """End what an ended process had started, which would compete with the process that takes its place."""
    for pipe in (process.stdin, process.stdout):
        assert pipe is not None  # noqa: S101 (it is one)
        pipe.close()
    if os.name == "posix":
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
