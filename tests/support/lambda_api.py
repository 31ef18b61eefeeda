"""The APIs of Lambda and CodeDeploy over HTTP, as far as the pre-traffic hook calls them, with faults on demand."""

import asyncio
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Event, Thread
from typing import Any, Self
from urllib.parse import unquote

from tests.support.waiting import TIMES_OUT

type Function = Callable[[dict[str, Any]], Any]


@dataclass(frozen=True, slots=True)
class Fault:
    """What a call gets instead of its answer.

    Parameters
    ----------
    status, code
        Status and code of AWS's refusal.
    gate
        Event that the answer waits for; there is a refusal only where a code is named.
    """

    status: int = 429
    code: str = ""
    gate: Event | None = None


THROTTLED = Fault(429, "TooManyRequestsException")


@dataclass
class LambdaApi:
    """A server for one test.

    Attributes
    ----------
    function
        Answers invocations; what it raises is a function error.
    invoke_faults, codedeploy_faults
        What the next calls get instead.
    events, invoked
        What the function was called with, and under which name.
    told
        What CodeDeploy was told.
    """

    function: Function
    invoke_faults: list[Fault] = field(default_factory=list)
    codedeploy_faults: list[Fault] = field(default_factory=list)
    events: list[dict[str, Any]] = field(default_factory=list)
    invoked: list[str] = field(default_factory=list)
    told: list[dict[str, str]] = field(default_factory=list)
    calls: int = 0

    def __enter__(self) -> Self:
        api = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers.get("content-length", 0)))
                status, headers, document = api._answer(self.path, self.headers.get("x-amz-target", ""), body)
                data = json.dumps(document).encode()
                try:
                    self.send_response(status)
                    for name, value in {**headers, "content-length": str(len(data))}.items():
                        self.send_header(name, value)
                    self.end_headers()
                    self.wfile.write(data)
                except (BrokenPipeError, ConnectionResetError):
                    pass  # the caller has given up, as the test wants

            def log_message(self, *_: object) -> None:
                """Say nothing."""

        self._server = HTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"
        self._thread = Thread(target=self._serve, daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def _serve(self) -> None:
        loop = asyncio.new_event_loop()  # Mangum asks for the thread's own
        asyncio.set_event_loop(loop)
        self._server.serve_forever(poll_interval=0.01)
        loop.close()

    def _answer(self, path: str, target: str, body: bytes) -> tuple[int, dict[str, str], Any]:
        self.calls += 1
        to_codedeploy = target.startswith("CodeDeploy")
        faults = self.codedeploy_faults if to_codedeploy else self.invoke_faults
        if faults:
            fault = faults.pop(0)
            if fault.gate is not None:
                fault.gate.wait(TIMES_OUT)
            if fault.code:
                return fault.status, {"x-amzn-errortype": fault.code}, {"__type": fault.code, "message": "no"}
        if to_codedeploy:
            self.told.append(json.loads(body))
            return 200, {}, {"lifecycleEventHookExecutionId": "hook-1"}
        self.invoked.append(unquote(path).split("/")[3])
        self.events.append(json.loads(body))
        try:
            return 200, {}, self.function(self.events[-1])
        except ArithmeticError as error:
            headers = {"x-amz-function-error": "Unhandled"}
            return 200, headers, {"errorType": type(error).__name__, "errorMessage": "a secret", "stackTrace": []}
