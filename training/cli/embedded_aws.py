"""An embedded AWS in this process: S3, SSM and KMS of moto over HTTP, kept in a folder where one is named.

Lambda's paths are answered by a process of its own, if `DurableFunctions` is given.
"""

import io
import logging
import os
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from threading import Lock, Thread
from typing import Any

import moto.kms.urls  # now, not within the first request: a busy machine takes seconds for it
import moto.s3.urls
import moto.ssm.urls  # noqa: F401
from moto.moto_server.werkzeug_app import DomainDispatcherApplication, MotoRequestHandler, create_backend_app
from werkzeug.serving import make_server

from skylift.aws import aws_errors, s3_client, ssm_client
from skylift.pointer import ActivePointer
from training.cli.aws_state import REGION, AwsState
from training.cli.connection import LOCAL_BUCKET
from training.cli.console import warn
from training.cli.durable_functions import FUNCTIONS, DurableFunctions
from training.cli.local import HOST
from training.cli.local_key import signing_key

STAGE = "local"
REFRESH_SECONDS = 0.3

_OVERRIDING = (  # what would win over the embedded AWS's address and credentials
    "AWS_PROFILE",
    "AWS_DEFAULT_PROFILE",
    "AWS_SESSION_TOKEN",
    "AWS_ENDPOINT_URL_KMS",
    "AWS_ENDPOINT_URL_LAMBDA",
    "AWS_ENDPOINT_URL_S3",
    "AWS_ENDPOINT_URL_SSM",
    "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS",
)
_READS = ("GET", "HEAD")
_TARGETS_OF_READS = ("AmazonSSM.Get", "AmazonSSM.Describe", "AmazonSSM.List", "TrentService.")  # the last is KMS

type _Wsgi = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]


@contextmanager
def embedded_aws(
    model: str, folder: Path | None = None, functions: DurableFunctions | None = None
) -> Iterator[dict[str, str]]:
    """S3, SSM and KMS in this process, with a bucket, a pointer and a key that signs.

    Yields the environment that names them, which is set in this process as well.

    Parameters
    ----------
    model
        Name of the model.
    folder
        Folder that keeps the objects, the parameters and the key for the next start; None to forget them at the end.
    functions
        What answers the calls of Lambda; None for an AWS without it.

    Raises
    ------
    StateDamaged
        The folder cannot be used as it is.
    """
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    app = _Atomic(DomainDispatcherApplication(create_backend_app), functions)
    server = make_server(HOST, 0, app, threaded=True, request_handler=MotoRequestHandler)
    thread = Thread(target=server.serve_forever, daemon=True)
    thread.start()
    environment = {
        "AWS_ENDPOINT_URL": f"http://{HOST}:{server.server_port}",
        "AWS_ACCESS_KEY_ID": "local",
        "AWS_SECRET_ACCESS_KEY": "local",
        "AWS_REGION": REGION,
        "AWS_DEFAULT_REGION": REGION,
        "SKYLIFT_BUCKET": LOCAL_BUCKET,
        "SKYLIFT_STAGE": STAGE,
        "SKYLIFT_MODEL": model,
        "SKYLIFT_ALLOW_JOBLIB": "true",  # of one's own training
        "SKYLIFT_LABELS": "true",  # it is all on this machine
        "SKYLIFT_REFRESH_SECONDS": str(REFRESH_SECONDS),
        "no_proxy": ",".join(filter(None, (os.environ.get("no_proxy") or os.environ.get("NO_PROXY"), HOST))),
    }
    if functions is not None:
        environment |= FUNCTIONS | {"SKYLIFT_RETRAINING": "true"}
    for name in _OVERRIDING:
        os.environ.pop(name, None)
    os.environ.update(environment)
    try:
        with aws_errors("setting up the embedded AWS"):
            s3 = s3_client()
            with suppress(s3.exceptions.BucketAlreadyOwnedByYou):  # by a first try that took too long to answer
                s3.create_bucket(Bucket=LOCAL_BUCKET, CreateBucketConfiguration={"LocationConstraint": REGION})
            s3.put_bucket_versioning(Bucket=LOCAL_BUCKET, VersioningConfiguration={"Status": "Enabled"})
            if folder is not None:
                app.keep(AwsState(folder, LOCAL_BUCKET))
            environment["SKYLIFT_SIGNING_KEY"] = os.environ["SKYLIFT_SIGNING_KEY"] = signing_key(folder)
            ActivePointer(STAGE, model, client=ssm_client()).create()
        yield environment
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


class _Atomic:
    """Moto's application with one request at a time, as if each were atomic; a write is on disk before its answer.

    Parameters
    ----------
    app
        The WSGI application.
    functions
        What answers the calls of Lambda, which take time and change nothing here.
    """

    def __init__(self, app: _Wsgi, functions: DurableFunctions | None) -> None:
        self._app = app
        self._functions = functions
        self._lock = Lock()
        self._state: AwsState | None = None

    def keep(self, state: AwsState) -> None:
        """Load a state, and save it from now on.

        Raises
        ------
        StateDamaged
            See `AwsState.load`.
        """
        with self._lock:
            state.load()
            state.save()
            self._state = state

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        """Answer a request."""
        if self._functions is not None and self._functions.answers(environ["PATH_INFO"]):
            return self._functions(environ, start_response)
        if length := environ.get("CONTENT_LENGTH"):  # before others wait for this one
            environ["wsgi.input"] = io.BytesIO(environ["wsgi.input"].read(int(length)))
        with self._lock:
            answer = self._app(environ, start_response)
            if self._state is None or _reads(environ):
                return answer
            try:
                self._state.save()
            except OSError as error:
                warn(f"the embedded AWS cannot keep a write: {error}")
                start_response("500 Internal Server Error", [("Content-Length", "0")], sys.exc_info())
                return [b""]
            return answer


def _reads(environ: dict[str, Any]) -> bool:
    return environ["REQUEST_METHOD"] in _READS or environ.get("HTTP_X_AMZ_TARGET", "").startswith(_TARGETS_OF_READS)
