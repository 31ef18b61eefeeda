"""The event loop of a worker that shares its socket with others."""

import asyncio
from socket import socket
from typing import Any


class FairLoop(asyncio.SelectorEventLoop):
    """Accepts one connection in a turn, so that those that wait are shared among the workers.

    asyncio accepts all of them in one turn. Clients keep their connections: after a burst, one worker would have them
    for good, and the others nothing to do.
    """

    def _accept_connection(
        self, factory: Any, sock: socket, sslcontext: Any = None, server: Any = None, backlog: int = 1, *seconds: float
    ) -> None:
        del backlog
        super()._accept_connection(factory, sock, sslcontext, server, 1, *seconds)  # type: ignore[misc]
