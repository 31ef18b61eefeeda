"""The APIs of Lambda and CodeDeploy over HTTP, as far as the pre-traffic hook calls them, with faults on demand."""

import asyncio
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, HTTPServer
from socket import socket
from threading import Thread
from typing import Any, Self
from urllib.parse import unquote

type Function = Callable[[dict[str, Any]], Any]


@dataclass(frozen=True, slots=True)
class Fault:
    """What a call gets instead of its answer.

    Parameters
    ----------
    status, code
        Status and code of AWS's refusal.
    hangs
        Whether the connection stays open without an answer.
    """

    status: int = 429
    code: str = ""
    hangs: bool = False


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
    _hanging: list[socket] = field(default_factory=list)

    def __enter__(self) -> Self:
        api = self
        hanging = self._hanging

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers.get("content-length", 0)))
                answer = api._answer(self.path, self.headers.get("x-amz-target", ""), body)
                if answer is None:
                    hanging.append(self.connection)
                    return
                status, headers, document = answer
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

        class Server(HTTPServer):
            def shutdown_request(self, request: Any) -> None:
                if request not in hanging:
                    super().shutdown_request(request)

        self._server = Server(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"
        self._thread = Thread(target=self._serve, daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()
        for connection in self._hanging:
            connection.close()

    def _serve(self) -> None:
        loop = asyncio.new_event_loop()  # Mangum asks for the thread's own
        asyncio.set_event_loop(loop)
        self._server.serve_forever(poll_interval=0.01)
        loop.close()

    def _answer(self, path: str, target: str, body: bytes) -> tuple[int, dict[str, str], Any] | None:
        self.calls += 1
        to_codedeploy = target.startswith("CodeDeploy")
        faults = self.codedeploy_faults if to_codedeploy else self.invoke_faults
        if faults:
            fault = faults.pop(0)
            if fault.hangs:
                return None
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
