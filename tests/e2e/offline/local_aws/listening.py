"""Where it listens, and that it takes requests for encrypted."""

import os
from collections.abc import Awaitable, Callable
from typing import Any

import hypercorn.asyncio
import ministack.app as gateway

type Document = dict[str, Any]

type App = Callable[[Document, Any, Any], Awaitable[None]]


def listen_for_containers() -> None:
    """Listen at the engine's bridge too."""
    serve = hypercorn.asyncio.serve

    async def serve_both(app: App, config: Any) -> None:
        config.bind = [*config.bind, f"{os.environ['BRIDGE_HOST']}:{os.environ['GATEWAY_PORT']}"]
        await serve(app, config)

    hypercorn.asyncio.serve = serve_both


def stand_behind_tls() -> None:
    """Take requests for encrypted, as behind a proxy that ends TLS, but those that say `x-forwarded-proto: http`."""
    served: App = gateway.app

    async def encrypted(scope: Document, receive: Any, send: Any) -> None:
        await served(scope | {"scheme": "https"} if scope["type"] == "http" else scope, receive, send)

    gateway.app = encrypted
