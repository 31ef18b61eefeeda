"""What tests of the service share: a clock, registries in memory, a client over ASGI, Lambda events and contexts."""

import asyncio
import base64
import json
import sys
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING, Any

import httpx
import numpy as np

from inference.host import ModelHost
from inference.model import ServedModel
from skylift.contract import Contract
from skylift.errors import IntegrityError, SkyliftError, VersionNotFound
from skylift.image_cache import ImageCache
from skylift.manifest import Golden, Manifest, Prediction, reference_to
from skylift.pointer import ActivePointer
from skylift.references import Reference
from skylift.scoring import Matrix
from skylift.store import VersionStore
from skylift.verification import Version
from tests.support.models import iris_package
from training.release.packaging import Package

if TYPE_CHECKING:
    from starlette.types import ASGIApp

PROBLEM = "application/problem+json"
JSON_HEADERS = {"content-type": "application/json"}
TIMES_OUT = 30.0
"""How long a test waits for another thread before it fails."""


class Clock:
    """Monotonic seconds that pass only when a test says so."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now

    def advance(self, seconds: float) -> None:
        self.now += seconds


class HttpClient:
    """Sends requests to an application in this process, each in an event loop of its own, as Lambda does."""

    def __init__(self, app: "ASGIApp") -> None:
        self._app = app

    def request(
        self, method: str, path: str, *, content: bytes | str | None = None, headers: Mapping[str, str] | None = None
    ) -> httpx.Response:
        async def send() -> httpx.Response:
            transport = httpx.ASGITransport(self._app, raise_app_exceptions=False)
            async with httpx.AsyncClient(transport=transport, base_url="http://service.test") as client:
                return await client.request(method, path, content=content, headers=headers)

        return asyncio.run(send())

    def get(self, path: str, *, headers: Mapping[str, str] | None = None) -> httpx.Response:
        return self.request("GET", path, headers=headers)

    def post(self, content: bytes | str, **headers: str) -> httpx.Response:
        """POST a body as it stands to `/predict`, as JSON unless headers say otherwise (`_` for `-`)."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return self.request("POST", "/predict", content=content, headers=JSON_HEADERS | named)

    def predict(self, document: object, **headers: str) -> httpx.Response:
        """POST a document to `/predict`."""
        return self.post(json.dumps(document), **headers)

    def health(self) -> dict[str, Any]:
        document: dict[str, Any] = self.get("/health").json()
        return document


class MemoryPointer(ActivePointer):
    """A pointer in memory.

    Attributes
    ----------
    holds
        What it names; an error to raise it.
    gate
        A read waits for it; open at first.
    reads
        How many there were.
    """

    def __init__(self, holds: Reference | Exception | None = None) -> None:
        self.name = "memory"
        self.holds = holds
        self.gate = threading.Event()
        self.gate.set()
        self.reads = 0

    def read(self) -> Reference | None:
        self.reads += 1
        assert self.gate.wait(TIMES_OUT), "nobody opened the gate"
        if isinstance(self.holds, Exception):
            raise self.holds
        return self.holds


class MemoryStore(VersionStore):
    """Versions in memory.

    Attributes
    ----------
    failure
        Every read raises it, where there is one.
    fetches
        References of the manifests read, in order.
    """

    def __init__(self) -> None:
        self._versions: dict[Reference, tuple[Manifest, Mapping[str, bytes]]] = {}
        self.failure: Exception | None = None
        self.fetches: list[str] = []

    def add(self, package: Package) -> Reference:
        """Store a package under the next number."""
        manifest = package.describe(len(self._versions) + 1)
        reference = reference_to(manifest.version, manifest.to_bytes())
        self._versions[reference] = (manifest, dict(package.artifacts))
        return reference

    def resolve(self, reference: Reference) -> Version:
        self.fetches.append(reference.name)
        if self.failure:
            raise self.failure
        if reference not in self._versions:
            raise VersionNotFound(f"iris has no version {reference.name}")
        manifest = self._versions[reference][0]
        return Version(reference, manifest, manifest.to_bytes())

    @contextmanager
    def open_version(self, reference: Reference) -> Iterator[tuple[Manifest, Callable[[str], bytes]]]:
        manifest = self.resolve(reference).manifest
        yield manifest, partial(self.artifact, manifest)

    def artifact(self, manifest: Manifest, name: str) -> bytes:
        for stored, artifacts in self._versions.values():
            if stored == manifest:
                return artifacts[name]
        raise IntegrityError(f"{manifest.name} has no {name}")


@dataclass
class Stage:
    """A host over registries in memory, on a clock that stands still."""

    pointer: MemoryPointer = field(default_factory=MemoryPointer)
    store: MemoryStore = field(default_factory=MemoryStore)
    clock: Clock = field(default_factory=Clock)
    refresh_seconds: float = 15
    image: ImageCache | None = None

    def __post_init__(self) -> None:
        self.host = ModelHost(
            self.pointer,
            self.store,
            refresh_seconds=self.refresh_seconds,
            max_instances=1000,
            image=self.image,
            clock=self.clock,
        )

    def activate(self, package: Package) -> Reference:
        """Store a package and let the pointer name it."""
        reference = self.store.add(package)
        self.pointer.holds = reference
        return reference

    def ask(self) -> ServedModel:
        """What a request would be answered with."""
        return asyncio.run(self.host.current())

    def pass_refresh(self) -> ServedModel:
        """Let the refresh time pass, and ask."""
        self.clock.advance(self.refresh_seconds)
        return self.ask()

    def count(self, metric: str) -> float:
        """Sum of a metric since the last call."""
        return sum(event.value for event in self.host.drain_events() if event.name == metric)


class ConstantPredictor:
    """Scores every row alike, and keeps what it was asked.

    Parameters
    ----------
    scores
        Of one row: probabilities, or a value.
    """

    def __init__(self, scores: Sequence[float] | float) -> None:
        self._scores = scores
        self.asked: list[Matrix] = []

    def scores(self, rows: Matrix) -> Matrix:
        self.asked.append(rows)
        return np.array([self._scores] * len(rows), dtype=np.float64)


class FailingPredictor:
    """Fails in a way nobody foresaw, with words that must not get out."""

    def scores(self, rows: Matrix) -> Matrix:
        raise ValueError(f"secret of {__file__}")


def served(contract: Contract, scores: Sequence[float] | float = 0.0, *, max_instances: int = 1000) -> ServedModel:
    """A model in memory with this contract, which scores every row alike."""
    manifest = iris_package().describe(1).model_copy(update={"contract": contract})
    reference = reference_to(1, manifest.to_bytes())
    return ServedModel.of(
        reference, manifest, ConstantPredictor(scores), max_instances=max_instances, loaded_at=datetime.now(UTC)
    )


def wrong_golden() -> Golden:
    """Golden requests of iris with an answer the model does not give."""
    golden = iris_package().describe(1).golden
    lie = Prediction(label="virginica", probabilities={"setosa": 0.0, "versicolor": 0.0, "virginica": 1.0})
    return golden.model_copy(update={"predictions": (lie,) * len(golden.predictions)})


@dataclass(frozen=True, slots=True)
class LambdaContext:
    """What the Lambda runtime gives a handler, as far as the service reads it."""

    aws_request_id: str = "lambda-request-1"
    function_name: str = "inference"
    memory_limit_in_mb: int = 512
    invoked_function_arn: str = "arn:aws:lambda:eu-central-1:123456789012:function:inference:live"


def http_api_event(
    method: str, path: str, body: str | None = None, *, headers: Mapping[str, str] | None = None
) -> dict[str, Any]:
    """API Gateway HTTP API, payload 2.0; function URLs send the same."""
    return {
        "version": "2.0",
        "routeKey": "$default",
        "rawPath": path,
        "rawQueryString": "",
        "headers": {"host": "api.test", **JSON_HEADERS, **(headers or {})},
        "requestContext": {
            "requestId": "http-api-request-1",
            "stage": "$default",
            "http": {"method": method, "path": path, "protocol": "HTTP/1.1", "sourceIp": "192.0.2.1"},
        },
        "body": body,
        "isBase64Encoded": False,
    }


def function_url_event(method: str, path: str, body: str | None = None) -> dict[str, Any]:
    """Lambda function URL, with the body in base64."""
    event = http_api_event(method, path)
    event["requestContext"]["requestId"] = "function-url-request-1"
    event["requestContext"]["domainName"] = "abc.lambda-url.eu-central-1.on.aws"
    if body is not None:
        event |= {"body": base64.b64encode(body.encode()).decode(), "isBase64Encoded": True}
    return event


def rest_api_event(method: str, path: str, body: str | None = None) -> dict[str, Any]:
    """API Gateway REST API, payload 1.0."""
    return {
        "version": "1.0",
        "resource": "/{proxy+}",
        "path": path,
        "httpMethod": method,
        "headers": {"Host": "api.test", "Content-Type": "application/json"},
        "multiValueHeaders": {"Host": ["api.test"], "Content-Type": ["application/json"]},
        "queryStringParameters": None,
        "multiValueQueryStringParameters": None,
        "requestContext": {
            "requestId": "rest-api-request-1",
            "stage": "prod",
            "identity": {"sourceIp": "192.0.2.1"},
            "resourcePath": "/{proxy+}",
            "httpMethod": method,
        },
        "body": body,
        "isBase64Encoded": False,
    }


def alb_event(method: str, path: str, body: str | None = None) -> dict[str, Any]:
    """Application load balancer."""
    return {
        "requestContext": {"elb": {"targetGroupArn": "arn:aws:elasticloadbalancing:eu-central-1:1:targetgroup/a/1"}},
        "httpMethod": method,
        "path": path,
        "queryStringParameters": {},
        "headers": {"host": "alb.test", "content-type": "application/json", "x-forwarded-for": "192.0.2.1"},
        "body": body or "",
        "isBase64Encoded": False,
    }


def invoke(handler: Any, event: Mapping[str, Any]) -> dict[str, Any]:
    """Invoke a Lambda handler as the runtime does: from a thread with an event loop but none running."""
    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    try:
        response: dict[str, Any] = handler(dict(event), LambdaContext())
    finally:
        asyncio.set_event_loop(None)
        loop.close()
    return response


def body_of(response: Mapping[str, Any]) -> Any:
    """The document in a Lambda response."""
    assert not response["isBase64Encoded"], "JSON goes out as text"
    return json.loads(response["body"])


def unavailable() -> SkyliftError:
    """An AWS service that does not answer."""
    from skylift.errors import AwsUnavailable

    return AwsUnavailable("reading the pointer failed (ReadTimeoutError)", "try again")


class CurrentStdout:
    """Writes to whatever stdout is at that moment: the logger keeps the one of when it was imported."""

    def write(self, text: str) -> int:
        return sys.stdout.write(text)

    def flush(self) -> None:
        sys.stdout.flush()
