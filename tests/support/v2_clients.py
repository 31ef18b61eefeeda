"""Clients of the Open Inference Protocol: what they ask, an API Gateway for them, and what they have to read.

`tests/e2e/v2_clients` has a program for each. Its requests are kept, so that tests without it send the same bytes.
"""

import base64
import json
import struct
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Thread
from typing import Any

import pytest

from tests.support.asgi_client import HttpClient
from tests.support.events import invoke
from tests.support.models import IRIS_SETOSA
from tests.support.paths import ROOT

FIXTURES = ROOT / "tests" / "fixtures" / "v2"
CLIENTS = ("triton", "kserve_sdk", "mlserver_codecs")

FLOWERS = [IRIS_SETOSA, {"sepal_length": 6.7, "sepal_width": 3.0, "petal_length": 5.2, "petal_width": 2.3}]
_RENT = {"size": 25.5, "rooms": 2, "area": "north", "lift": True}
RENTS = [_RENT, {"size": 70.0, "rooms": 3, "area": "old town", "lift": False}]
MISSING = [_RENT, {"size": 70.0, "rooms": 3, "area": "south", "lift": None}]

ROWS: dict[str, list[dict[str, Any]]] = {"iris": FLOWERS, "table": RENTS, "missing": MISSING, "bare NaN": MISSING}
"""Rows that a case sends, by how its name begins."""

REFUSALS = {
    "unknown model": ("404", "model 'rents' is not served here"),
    "unknown version": ("404", "version 'v9' is not served here"),
    "unknown output": ("400", "output 'probabilities' is not known: there are: predict, predict_proba"),
    "unknown column": ("422", "input 'petal_widht': unknown; did you mean 'petal_width'?"),
    "wrong value": ("422", "row 0"),
    "wrong shape": ("400", "input 'flowers': expected shape [2, 4] with the columns sepal_length, sepal_width"),
    "too many": ("413", "1001 rows, more than 1000 in one request"),
}
"""Status and words of the error of a case."""

_TYPES = {"BOOL": "?", "INT64": "q", "FP64": "d"}
_AS_TEXT = ("text/", "application/json", "application/xml", "application/javascript")
_OF_CONNECTION = {"host", "connection", "content-length", "user-agent", "accept", "accept-encoding"}


@dataclass(frozen=True, slots=True)
class Sent:
    """A request as it was on the wire, without the headers of the connection."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def event(self) -> dict[str, Any]:
        """The event that an HTTP API makes of it: a body that it does not know as text goes in base64."""
        text = self.headers.get("content-type", "").startswith(_AS_TEXT)
        return {
            "version": "2.0",
            "routeKey": "$default",
            "rawPath": self.path,
            "rawQueryString": "",
            "headers": {"host": "api.test", "content-length": str(len(self.body)), **self.headers},
            "requestContext": {
                "requestId": "http-api-request-1",
                "stage": "$default",
                "http": {"method": self.method, "path": self.path, "protocol": "HTTP/1.1", "sourceIp": "192.0.2.1"},
            },
            "body": self.body.decode() if text else base64.b64encode(self.body).decode(),
            "isBase64Encoded": not text,
        }

    def over_http(self, client: HttpClient) -> tuple[int, Mapping[str, str], bytes]:
        """Status, headers and body of the answer to it."""
        response = client.request(self.method, self.path, content=self.body, headers=self.headers)
        return response.status_code, response.headers, response.content

    def by_lambda(self, handler: Any) -> tuple[int, Mapping[str, str], bytes]:
        """The same, of the answer to its event."""
        answer = invoke(handler, self.event)
        body = answer["body"]
        return (
            answer["statusCode"],
            answer["headers"],
            base64.b64decode(body) if answer["isBase64Encoded"] else body.encode(),
        )

    def document(self, **more: str) -> dict[str, Any]:
        """The request as a fixture has it."""
        try:
            body = {"text": self.body.decode()}
        except UnicodeDecodeError:
            body = {"base64": base64.b64encode(self.body).decode()}
        return {**more, "method": self.method, "path": self.path, "headers": self.headers, **body}

    @classmethod
    def of(cls, document: Mapping[str, Any]) -> "Sent":
        """A request of a fixture."""
        body = document["text"].encode() if "text" in document else base64.b64decode(document["base64"])
        return cls(document["method"], document["path"], document["headers"], body)


def recorded(client: str) -> dict[str, tuple[str, Sent]]:
    """Service and request of each case of a client."""
    documents = json.loads((FIXTURES / f"{client}.json").read_text(encoding="utf-8"))
    return {each["case"]: (each["service"], Sent.of(each)) for each in documents}


@dataclass
class HttpApi:
    """An HTTP API in front of a Lambda handler, on a port of this machine.

    Parameters
    ----------
    handler
        The handler.
    note
        Function that is told each request.
    """

    handler: Any
    note: Callable[[Sent], None] = lambda _: None

    @contextmanager
    def listening(self) -> Iterator[str]:
        """Its address."""
        api = self

        class Handler(BaseHTTPRequestHandler):
            def log_message(self, *_: object) -> None:
                """Say nothing."""

            def do_GET(self) -> None:
                headers = {name.lower(): value for name, value in self.headers.items()}
                body = self.rfile.read(int(headers.get("content-length", 0)))
                kept = {name: value for name, value in headers.items() if name not in _OF_CONNECTION}
                sent = Sent(self.command, self.path, kept, body)
                api.note(sent)
                status, answered, content = sent.by_lambda(api.handler)
                self.send_response(status)
                for name, value in answered.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(content)

            do_POST = do_GET  # noqa: N815

        with HTTPServer(("127.0.0.1", 0), Handler) as server:
            thread = Thread(target=server.serve_forever, daemon=True)
            thread.start()
            yield f"127.0.0.1:{server.server_port}"
            server.shutdown()
            thread.join()


def decoded(headers: Mapping[str, str], body: bytes) -> dict[str, Any]:
    """An answer with the values of each output, in the form that the programs print."""
    length = int(headers.get("inference-header-content-length", len(body)))
    document, tail, place = json.loads(body[:length]), body[length:], 0
    if length < len(body):
        assert headers["content-type"] == "application/octet-stream"
    outputs: dict[str, Any] = {}
    for output in document["outputs"]:
        size = output["parameters"].get("binary_data_size")
        flat = output["data"] if size is None else _values(output["datatype"], tail[place : place + size])
        place += size or 0
        width = output["shape"][-1]
        nested = len(output["shape"]) == 2
        values = [flat[row * width : (row + 1) * width] for row in range(output["shape"][0])] if nested else flat
        outputs[output["name"]] = {"values": values}
    assert place == len(tail)
    return {"id": document.get("id"), "version": document["model_version"], "outputs": outputs}


def _values(datatype: str, data: bytes) -> list[Any]:
    if datatype != "BYTES":
        return list(struct.unpack(f"<{len(data) // struct.calcsize(_TYPES[datatype])}{_TYPES[datatype]}", data))
    texts = []
    while data:
        (size,) = struct.unpack_from("<I", data)
        texts.append(data[4 : 4 + size].decode())
        data = data[4 + size :]
    return texts


def check_answer(case: str, answer: Mapping[str, Any], services: Mapping[str, HttpClient]) -> None:
    """A client read what `/predict` answers for the same rows."""
    name = next(name for name in ROWS if case.startswith(name))
    service = services["iris" if name == "iris" else "table"]
    expected = service.predict({"instances": ROWS[name]}).json()["predictions"]
    outputs = answer["outputs"]
    assert answer.get("version", "v1") == "v1"  # which KServe's client does not read
    assert outputs["predict"]["values"] == [each["label"] for each in expected]
    if "single precision" not in case and "predict_proba" in outputs:
        probabilities = [[*each["probabilities"].values()] for each in expected]
        assert outputs["predict_proba"]["values"] == [pytest.approx(row, abs=1e-12) for row in probabilities]


def check_refusal(case: str, status: str, message: str) -> None:
    """A client read why it was refused."""
    expected, words = REFUSALS[case]
    assert status == expected
    assert words in message
