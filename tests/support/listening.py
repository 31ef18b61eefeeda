"""Applications of this process at a port of the loopback, as uvicorn serves them."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import uvicorn

from tests.support.waiting import TIMES_OUT, wait_until

if TYPE_CHECKING:
    from starlette.types import ASGIApp


@contextmanager
def listening(app: "ASGIApp", **options: Any) -> Iterator[str]:
    """An application in a thread, at a free port; its address without a scheme.

    Parameters
    ----------
    options
        Options of uvicorn that differ from a silent server's.
    """
    silent: dict[str, Any] = {"log_config": None, "access_log": False, "ws": "none"}
    server = uvicorn.Server(uvicorn.Config(app, port=0, **silent | options))
    thread = threading.Thread(target=server.run)
    thread.start()
    try:
        wait_until(lambda: server.started, seconds=TIMES_OUT, what="the server listens")
        yield f"127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join()
