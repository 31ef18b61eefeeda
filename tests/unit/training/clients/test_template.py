"""The client in Python, as it behaves."""

import ast
import json
import sys
import threading
import time
import warnings
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from tests.support.broken_servers import silent_server
from training.clients import template as client_module

ANSWER = {"model": "flats", "version": "v1", "predictions": [{"label": "dear"}], "warnings": []}


@dataclass
class Script:
    """What a service answers, in order, and what it was asked."""

    answers: list[tuple[int, dict[str, str], object]]
    info: dict[str, object] = field(default_factory=dict)
    asked: list[tuple[str, str, Any, dict[str, str]]] = field(default_factory=list)
    url: str = ""


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    script: Script

    def log_message(self, *_: object) -> None:
        pass

    def do_GET(self) -> None:
        self._note(None)
        self._send(200, {}, self.script.info)

    def do_POST(self) -> None:
        self._note(json.loads(self.rfile.read(int(self.headers["content-length"]))))
        self._send(*self.script.answers.pop(0))

    def _note(self, body: object) -> None:
        headers = {name.lower(): value for name, value in self.headers.items()}
        self.script.asked.append((self.command, self.path, body, headers))

    def _send(self, status: int, headers: dict[str, str], document: object) -> None:
        content = document if isinstance(document, bytes) else json.dumps(document).encode()
        self.send_response(status)
        for name, value in ({"content-length": str(len(content))} | headers).items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(content)


@pytest.fixture
def script() -> Iterator[Script]:
    """A service that answers as it is told."""
    script = Script([])
    handler = type("Scripted", (Handler,), {"script": script})
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        server.daemon_threads = True
        script.url = f"http://127.0.0.1:{server.server_port}/prod"
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield script
        server.shutdown()
        thread.join()


@pytest.fixture
def client(script: Script, monkeypatch: pytest.MonkeyPatch) -> Iterator[client_module.Client]:
    """The client of the small contract, which waits for nothing."""
    monkeypatch.setattr(client_module, "time", SimpleNamespace(monotonic=time.monotonic, sleep=lambda _: None))
    with client_module.Client(f"{script.url}/") as client:
        yield client


def test_a_prediction_is_posted_below_the_path_of_the_stage(client: client_module.Client, script: Script) -> None:
    script.answers = [(200, {}, ANSWER)]
    assert client.predict([{"size": 55.0}], sets=True, explain=True) == ANSWER
    (method, path, body, headers) = script.asked[0]
    assert (method, path) == ("POST", "/prod/predict?set=true&explain=true")
    assert body == {"instances": [{"size": 55.0}]}
    assert headers["content-type"] == "application/json"


@pytest.mark.parametrize("status", [429, 502, 503, 504])
def test_a_busy_service_is_asked_again(client: client_module.Client, script: Script, status: int) -> None:
    script.answers = [(status, {"retry-after": "2"}, {}), (status, {}, b"<html>"), (200, {}, ANSWER)]
    assert client.predict([{"size": 1}]) == ANSWER


def test_a_service_that_stays_busy_is_asked_three_times(client: client_module.Client, script: Script) -> None:
    script.answers = [(503, {}, {"title": "no model"})] * 4
    with pytest.raises(client_module.Refused, match="503 no model"):
        client.predict([{"size": 1}])
    assert len(script.asked) == 3


def test_it_waits_as_long_as_the_service_asks_within_reason(
    client: client_module.Client, script: Script, monkeypatch: pytest.MonkeyPatch
) -> None:
    pauses: list[float] = []
    monkeypatch.setattr(client_module, "time", SimpleNamespace(monotonic=time.monotonic, sleep=pauses.append))
    script.answers = [(503, {"retry-after": "2"}, {}), (503, {"retry-after": "9999"}, {}), (200, {}, ANSWER)]
    client.predict([{"size": 1}])
    assert pauses == [2.0, 10.0]


def test_a_refusal_says_which_fields_are_wrong_and_is_final(client: client_module.Client, script: Script) -> None:
    fault = {"field": "instances[0].size", "pointer": "/instances/0/size", "reason": "missing_field", "message": "gone"}
    problem = {"title": "Invalid", "detail": "1 field", "request_id": "r-1", "errors": [fault]}
    script.answers = [(422, {}, problem)]
    with pytest.raises(client_module.Refused) as refused:
        client.predict([{}])  # type: ignore[typeddict-item]
    assert str(refused.value) == "422 Invalid: 1 field: instances[0].size: gone"
    assert (refused.value.status, refused.value.request_id, refused.value.errors) == (422, "r-1", [fault])
    assert len(script.asked) == 1


@pytest.mark.parametrize("errors", ["no", ["no"], {"code": 1}, [{"code": 1}], None])
def test_errors_of_what_stands_before_the_service_are_not_read(
    client: client_module.Client, script: Script, errors: object
) -> None:
    script.answers = [(403, {}, {"message": "Forbidden", "errors": errors})]
    with pytest.raises(client_module.Refused) as refused:
        client.predict([{"size": 1}])
    assert (str(refused.value), refused.value.errors) == ("403 Forbidden", [])


def test_an_answer_that_is_not_an_object_is_an_error(client: client_module.Client, script: Script) -> None:
    script.answers = [(200, {}, b"[]")]
    with pytest.raises(client_module.Refused, match="200 the answer is not a JSON object"):
        client.predict([{"size": 1}])


def test_a_connection_that_was_closed_meanwhile_is_made_again(client: client_module.Client, script: Script) -> None:
    script.answers = [(200, {"connection": "close"}, ANSWER), (200, {}, ANSWER)]
    client.predict([{"size": 1}])
    assert client.predict([{"size": 1}]) == ANSWER


def test_a_service_that_is_not_there_or_silent_is_unreachable() -> None:
    with silent_server() as server:
        client = client_module.Client(server.address, timeout=0.05, attempts=1)
        with pytest.raises(client_module.Unreachable, match=r"127.0.0.1 does not answer: timed out"):
            client.predict([{"size": 1}])
    with pytest.raises(client_module.Unreachable, match="does not answer"):
        client_module.Client(server.address, attempts=1).predict([{"size": 1}])


def test_nan_is_refused_before_it_is_sent(client: client_module.Client, script: Script) -> None:
    with pytest.raises(ValueError, match="not JSON compliant"):
        client.predict([{"size": float("nan")}])
    assert script.asked == []


@pytest.mark.parametrize("url", ["", "api.example.com", "ftp://x", "https://", "https://x/?a=b"])
def test_what_is_not_an_address_of_an_api_is_refused(url: str) -> None:
    with pytest.raises(ValueError, match="not the address of an API"):
        client_module.Client(url)


def test_another_contract_is_told_once_for_a_version(client: client_module.Client, script: Script) -> None:
    script.info = {"model": "flats", "version": "v2", "contract_digest": "f" * 64}
    script.answers = [(200, {"x-model-version": "v2"}, ANSWER)] * 2
    with pytest.warns(client_module.ContractChanged, match="flats v2 has the contract ffffffffffff"):
        client.predict([{"size": 1}])
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        client.predict([{"size": 1}])


@pytest.mark.parametrize("info", [{"version": "v1", "contract_digest": client_module.CONTRACT}, {"version": "v1"}])
def test_the_same_contract_or_an_older_service_changes_nothing(
    client: client_module.Client, script: Script, info: dict[str, object]
) -> None:
    script.info = info
    script.answers = [(200, {"x-model-version": "v1"}, ANSWER)] * 2
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for _ in range(2):
            client.predict([{"size": 1}])
    assert [method for method, *_ in script.asked] == ["POST", "GET", "POST"]


def test_a_token_is_asked_for_with_each_request(script: Script) -> None:
    tokens = iter(["one", "two"])
    script.answers = [(200, {}, ANSWER)] * 2
    with client_module.Client(script.url, token=lambda: next(tokens)) as client:
        for _ in range(2):
            client.predict([{"size": 1}])
    assert [headers["authorization"] for *_, headers in script.asked] == ["Bearer one", "Bearer two"]


def test_a_token_that_cannot_be_had_is_not_the_services_failure(script: Script) -> None:
    def token() -> str:
        raise FileNotFoundError("token")

    with client_module.Client(script.url, token=token) as client, pytest.raises(FileNotFoundError):
        client.predict([{"size": 1}])
    assert script.asked == []


def test_requests_to_aws_are_signed(script: Script, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    script.answers = [(200, {}, ANSWER)]
    with client_module.Client(script.url, region="eu-central-1") as client:
        client.predict([{"size": 1}])
    authorization = script.asked[0][3]["authorization"]
    assert authorization.startswith("AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/")
    assert "/eu-central-1/execute-api/aws4_request" in authorization
    assert "SignedHeaders=accept;content-type;host;x-amz-date" in authorization


def test_botocore_is_needed_for_signatures_alone() -> None:
    names = {
        alias.name
        for node in ast.walk(ast.parse(Path(client_module.__file__).read_text(encoding="utf-8")))
        if isinstance(node, ast.Import)
        for alias in node.names
    }
    assert names <= set(sys.stdlib_module_names)
