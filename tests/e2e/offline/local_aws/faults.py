"""Faults of this AWS that tests ask for: requests that are throttled, done without an answer, or held.

A fault is put at `/_faults` as `{"operation": ..., "kind": ...}`, and deleted by its operation; getting it tells how
many requests have met each. An operation is `AmazonSSM.GetParameter`, or the beginning of `PUT /bucket/key`.
"""

import asyncio
import json
from dataclasses import dataclass, field
from typing import Any

type Document = dict[str, Any]

PATH = "/_faults"

_JSON = b'{"__type": "ThrottlingException", "message": "Rate exceeded"}'
_XML = b"<Error><Code>SlowDown</Code><Message>Please reduce your request rate.</Message></Error>"


@dataclass(slots=True)
class _Fault:
    """What happens to the requests of an operation, until it is lifted.

    Parameters
    ----------
    kind
        `refused`: they are throttled; `lost`: so it is said, and they are done; `held`: they wait, and are never done.
    """

    kind: str
    met: int = 0
    lifted: asyncio.Event = field(default_factory=asyncio.Event)


class Faults:
    """An ASGI application that answers in place of another the operations that have a fault.

    Parameters
    ----------
    served
        The other one.
    """

    def __init__(self, served: Any) -> None:
        self._served = served
        self._faults: dict[str, _Fault] = {}

    async def __call__(self, scope: Document, receive: Any, send: Any) -> None:
        """Answer one request."""
        if scope.get("path") == PATH:
            await self._change(scope["method"], receive, send)
        elif scope["type"] != "http" or (fault := self._of(scope)) is None:
            await self._served(scope, receive, send)
        else:
            fault.met += 1
            if fault.kind == "lost":
                await self._served(scope, receive, _say_nothing)
            else:
                await _body(receive)
            if fault.kind == "held":
                await fault.lifted.wait()
            await _throttle(scope, send)

    def _of(self, scope: Document) -> _Fault | None:
        operation = _target(scope) or f"{scope['method']} {scope['path']}"
        return next((fault for name, fault in self._faults.items() if operation.startswith(name)), None)

    async def _change(self, method: str, receive: Any, send: Any) -> None:
        asked = json.loads(await _body(receive))
        if method == "PUT":
            self._faults[asked["operation"]] = _Fault(asked["kind"])
        elif method == "DELETE":
            self._faults.pop(asked["operation"]).lifted.set()
        met = {name: fault.met for name, fault in self._faults.items()}
        await _answer(send, 200, b"application/json", json.dumps(met).encode())


def fail_where_asked() -> None:
    """Have the faults that tests ask for."""
    import ministack.app as gateway

    gateway.app = Faults(gateway.app)


def _target(scope: Document) -> str:
    return str(dict(scope.get("headers") or ()).get(b"x-amz-target", b"").decode())


async def _body(receive: Any) -> bytes:
    body, more = b"", True
    while more:
        message = await receive()
        body, more = body + message.get("body", b""), message.get("more_body", False)
    return body


async def _say_nothing(_: Document) -> None:
    """The answer is lost."""


async def _throttle(scope: Document, send: Any) -> None:
    if _target(scope):
        await _answer(send, 400, b"application/x-amz-json-1.1", _JSON)
    else:
        await _answer(send, 503, b"application/xml", _XML)


async def _answer(send: Any, status: int, content_type: bytes, body: bytes) -> None:
    await send({"type": "http.response.start", "status": status, "headers": [(b"content-type", content_type)]})
    await send({"type": "http.response.body", "body": body})
