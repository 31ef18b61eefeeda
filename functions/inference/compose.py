"""Puts the service together from its settings: the one place that reads the environment."""

import os
import random
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from inference.app import App
from inference.computing import Computing
from inference.host import ModelHost
from inference.settings import InferenceSettings
from skylift.aws import s3_client, ssm_client
from skylift.bucket import Bucket
from skylift.image_cache import ImageCache
from skylift.memory import limit_of_container
from skylift.observability import set_level
from skylift.served import ServedParameters
from skylift.store import VersionStore

if TYPE_CHECKING:
    from inference.server_metrics import ServerMetrics


@dataclass(frozen=True, slots=True)
class Service:
    """The application with what a restored snapshot has to renew.

    Parameters
    ----------
    app
        ASGI application that answers the requests.
    host
        Holder of the model.
    clients
        Botocore clients for SSM and S3, closed before a snapshot and after a restore.
    """

    app: App
    host: ModelHost
    clients: tuple[Any, ...]

    def before_snapshot(self) -> None:
        """Have everything imported, the model in memory, scored on its golden requests, and no connection open."""
        self.host.wait_until_loaded(to_the_end=True)
        self.app.import_routes()
        self._disconnect()

    def after_restore(self) -> None:
        """Forget what was true when the snapshot was taken: connections, pointer, failures, and the jitter's seed."""
        self._disconnect()
        random.seed()
        self.host.begin_again()
        self.host.wait_until_loaded()

    def _disconnect(self) -> None:
        for client in self.clients:
            client.close()


def compose(*, plain_server: bool = False) -> Service:
    """The service with its model loaded, as far as S3 and SSM answer.

    Parameters
    ----------
    plain_server
        Whether one process answers many requests at once, so that it can tell Prometheus of them, and computes beside
        the event loop.
    """
    settings = InferenceSettings()
    set_level(settings.log_level)
    ssm, s3 = ssm_client(), s3_client()
    host = ModelHost(
        ServedParameters(settings.stage, settings.model, client=ssm),
        VersionStore(settings.bucket, settings.model, client=s3),
        refresh_seconds=settings.refresh_seconds,
        max_instances=settings.max_instances,
        allow_joblib=settings.allow_joblib,
        max_pointer_age=settings.max_pointer_age,
        memory=int(mib) * 2**20 if (mib := os.environ.get("AWS_LAMBDA_FUNCTION_MEMORY_SIZE")) else limit_of_container(),
        image=ImageCache(settings.image_cache, settings.model) if settings.image_cache else None,
    )
    host.start_loading()
    import onnxruntime  # noqa: F401 (what nearly every version needs next, while the thread waits for SSM and S3)

    metrics, computing = (_metrics(settings, host), Computing()) if plain_server else (None, None)
    app = App(settings, host, Bucket(settings.bucket, client=s3), metrics=metrics, computing=computing)
    host.wait_until_loaded()
    return Service(app, host, (ssm, s3))


def _metrics(settings: InferenceSettings, host: ModelHost) -> "ServerMetrics":
    from inference.beside import beside
    from inference.routes import METRICS, ROUTES
    from inference.server_metrics import ServerMetrics  # with prometheus-client, which Lambda has not
    from inference.v2.described import V2_ROUTES

    paths = [route.path for route in (*ROUTES, *V2_ROUTES, METRICS, *beside(settings))]
    return ServerMetrics(host, model=settings.model, paths=paths)
