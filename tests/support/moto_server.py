"""S3 and SSM over HTTP, served by moto in this process, for tests whose service is another process."""

import logging
import socket
import urllib.request
from typing import TYPE_CHECKING, Any, Self

import boto3
from moto.server import ThreadedMotoServer

from skylift.pointer import ActivePointer
from skylift.predictors import load_predictor
from skylift.registry import Registry
from skylift.settings import RegistrySettings
from tests.support.waiting import TIMES_OUT

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_ssm import SSMClient

BUCKET = "models-moto"
STAGE = "moto"
MODEL = "iris"

_REGION = "eu-central-1"
_CREDENTIALS = {"aws_access_key_id": "test", "aws_secret_access_key": "test", "region_name": _REGION}


class MotoServer:
    """An AWS with a bucket and no pointer, which can be stopped and started again with what it holds.

    Parameters
    ----------
    host
        The address to listen on; containers reach another one than the loopback.

    Attributes
    ----------
    registry, pointer
        Registry and pointer of iris.
    s3
        A client.
    """

    def __init__(self, host: str = "127.0.0.1") -> None:
        self._host = host
        logging.getLogger("werkzeug").setLevel(logging.ERROR)
        self._server = ThreadedMotoServer(self._host, port=0, verbose=False)
        self._server.start()
        self._port = self._server.get_host_and_port()[1]
        self._reserved: socket.socket | None = None
        self._url = f"http://{self._host}:{self._port}"
        # moto keeps one state per process, whatever served it before.
        with urllib.request.urlopen(
            urllib.request.Request(f"{self._url}/moto-api/reset", method="POST"), timeout=TIMES_OUT
        ):
            pass
        options: dict[str, Any] = {"endpoint_url": self._url, **_CREDENTIALS}
        self.s3: S3Client = boto3.client("s3", **options)
        ssm: SSMClient = boto3.client("ssm", **options)
        self.s3.create_bucket(Bucket=BUCKET, CreateBucketConfiguration={"LocationConstraint": "eu-central-1"})
        self.pointer = ActivePointer(STAGE, MODEL, client=ssm)
        self.registry = Registry.open(
            RegistrySettings(bucket=BUCKET, stage=STAGE, model=MODEL, allow_joblib=True),
            s3=self.s3,
            ssm=ssm,
            load=load_predictor,
        )

    def client(self, service: str) -> Any:
        """A client of a service."""
        create: Any = boto3.client  # its stubs know a service by a literal alone
        return create(service, endpoint_url=self._url, **_CREDENTIALS)

    @property
    def environment(self) -> dict[str, str]:
        """Variables with which the service finds this AWS."""
        return {
            "AWS_ENDPOINT_URL": self._url,
            "AWS_ACCESS_KEY_ID": "test",
            "AWS_SECRET_ACCESS_KEY": "test",
            "AWS_REGION": _REGION,
            "AWS_DEFAULT_REGION": _REGION,
            "SKYLIFT_BUCKET": BUCKET,
            "SKYLIFT_STAGE": STAGE,
            "SKYLIFT_MODEL": MODEL,
            "SKYLIFT_ALLOW_JOBLIB": "true",
        }

    def stop(self) -> None:
        """Refuse connections from now on."""
        self._server.stop()
        # Bound and not listening: the port refuses connections, and nobody else is given it meanwhile.
        self._reserved = socket.socket()
        self._reserved.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self._reserved.bind((self._host, self._port))

    def start_again(self) -> None:
        """Serve at the same address as before, with the same state; does nothing where it was not stopped."""
        if self._reserved is None:
            return
        self._server = ThreadedMotoServer(self._host, port=self._port, verbose=False)
        self._server.start()
        self._reserved.close()
        self._reserved = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self._reserved is None:
            self._server.stop()
        else:
            self._reserved.close()
