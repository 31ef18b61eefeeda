"""A client that hangs up in the middle of its body is not a failure of the service."""

import asyncio
from typing import Any

from inference.app import App
from inference.host import ModelHost
from inference.settings import InferenceSettings
from skylift.pointer import ActivePointer
from skylift.store import VersionStore


def test_a_client_that_hangs_up_is_answered_with_499_and_raises_nothing(
    store: VersionStore, pointer: ActivePointer
) -> None:
    host = ModelHost(pointer, store, refresh_seconds=15, max_instances=10)
    app = App(InferenceSettings(), host)
    sent: list[Any] = []
    received = iter([{"type": "http.request", "body": b"{", "more_body": True}, {"type": "http.disconnect"}])

    async def receive() -> Any:
        return next(received)

    async def send(message: Any) -> None:
        sent.append(message)

    scope = {
        "type": "http",
        "method": "POST",
        "path": "/predict",
        "raw_path": b"/predict",
        "query_string": b"",
        "headers": [(b"content-type", b"application/json"), (b"content-length", b"80")],
        "http_version": "1.1",
        "scheme": "http",
        "server": ("test", 80),
        "client": ("test", 1),
    }
    asyncio.run(app(scope, receive, send))

    assert sent[0]["status"] == 499
