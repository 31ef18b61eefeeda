"""What a process of the plain server serves: the only one, or one of several."""

import multiprocessing
import os
import signal
import sys
import time
from pathlib import Path
from threading import Thread
from typing import TYPE_CHECKING

from uvicorn.config import STARTUP_FAILURE

from inference.beside import beside
from inference.compose import compose
from inference.route import HISTORY_PATH
from inference.server import prepared, with_operations
from inference.server_metrics import count_at
from inference.settings import InferenceSettings
from inference.workers import WORKERS_FOLDER, Place, others_are_ready
from skylift.observability import logger

if TYPE_CHECKING:
    from starlette.types import ASGIApp

    from inference.app import App
    from inference.compose import Service
    from inference.host import ModelHost
    from skylift.http.request_log import Application

_PAUSE_SECONDS = 1


def alone() -> "Application":
    """The application of a process that serves alone."""
    return _with_operations(_service().app)


def one_of_several() -> "ASGIApp":
    """The application of a worker. One without a version leaves requests to those that have one.

    Raises
    ------
    SystemExit
        It cannot start. Where nobody else serves, its code ends the whole server, as it ends a process that is alone.
    """
    signal.signal(signal.SIGHUP, signal.SIG_IGN)  # it is for the process above
    end = signal.signal(signal.SIGTERM, signal.SIG_DFL)  # at once: there is no request yet
    Thread(target=_end_with_parent, daemon=True).start()
    place = Place(Path(os.environ[WORKERS_FOLDER]))
    count_at(place.number)
    try:
        service = _service()
    except Exception as error:  # noqa: BLE001 (the border of the process: whatever it is, the next one may fail the same way)
        logger.error("a worker cannot start", exc_info=error)
        time.sleep(_PAUSE_SECONDS)  # the process above starts the next one at once
        sys.exit(1 if others_are_ready() else STARTUP_FAILURE)
    while service.host.model is None and others_are_ready():
        time.sleep(_PAUSE_SECONDS)
        service.host.wait_until_loaded()
    Thread(target=_tell_when_ready, args=[service.host, place], daemon=True).start()
    app = _with_operations(service.app)
    signal.signal(signal.SIGTERM, end)
    return prepared(app, InferenceSettings().drain_seconds)


def _service() -> "Service":
    service = compose(plain_server=True)
    service.host.refresh_by_timer()
    return service


def _with_operations(app: "App") -> "Application":
    if routes := beside(InferenceSettings()):
        from operations.compose import compose as compose_operations

        paths = {route.path.partition("/{")[0] for route in routes} | {HISTORY_PATH}
        return with_operations(app, paths, compose_operations())
    return app


def _tell_when_ready(host: "ModelHost", place: Place) -> None:
    while host.model is None:
        time.sleep(_PAUSE_SECONDS)
    place.tell_ready()


def _end_with_parent() -> None:
    """End as by SIGTERM when the process above does: nobody else would ask for it."""
    if parent := multiprocessing.parent_process():
        parent.join()
        os.kill(os.getpid(), signal.SIGTERM)
