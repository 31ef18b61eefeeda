"""Calls over HTTP: signed so that API Gateway believes them, patient with what passes, clear about what does not."""

import json
import shutil
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Thread
from typing import Any

import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from deploy import calls
from deploy.calls import CallFailed, DeployedApi, curl, smoke
from inference.host import ModelHost
from skylift.store import VersionStore
from tests.support.broken_servers import cut_off_server
from tests.support.fakes import MemoryParameters
from tests.support.ports import free_port
from tests.support.waiting import TIMES_OUT, wait_until

REGION = "eu-central-1"
CREDENTIALS = Credentials("AKIDEXAMPLE", "secret", "session")
INSTANCES = {"instances": [{"x": 1.5}]}
REQUEST = {"content": {"application/json": {"examples": {"instances": {"value": INSTANCES}}}}}
DESCRIPTION = {"paths": {"/predict": {"post": {"requestBody": REQUEST}}}}
PREDICTED = {"model": "iris", "version": "v3", "predictions": [{"label": "setosa"}]}

type Answers = Callable[["Request"], tuple[int, object]]


class Request:
    """What a client sent."""

    def __init__(self, method: str, path: str, headers: dict[str, str], body: bytes) -> None:
        self.method, self.path, self.headers, self.body = method, path, headers, body

    def is_signed(self) -> bool:
        """Whether the signature is the one that these credentials make, as API Gateway finds out."""
        names = self.headers["authorization"].partition("SignedHeaders=")[2].partition(",")[0].split(";")
        url = f"http://{self.headers['host']}{self.path}"
        again = AWSRequest(self.method, url, data=self.body, headers={name: self.headers[name] for name in names})
        again.context["timestamp"] = self.headers["x-amz-date"]
        signer = SigV4Auth(CREDENTIALS, "execute-api", REGION)
        expected = signer.signature(signer.string_to_sign(again, signer.canonical_request(again)), again)
        return self.headers["authorization"].endswith(f"Signature={expected}")


@contextmanager
def serving(answers: Answers) -> Iterator[tuple[str, list[Request]]]:
    """A server that answers as told; its address, and what was asked."""
    asked: list[Request] = []

    class Handler(BaseHTTPRequestHandler):
        def handle_request(self) -> None:
            body = self.rfile.read(int(self.headers.get("content-length", 0)))
            headers = {name.lower(): value for name, value in self.headers.items()}
            asked.append(Request(self.command, self.path, headers, body))
            status, document = answers(asked[-1])
            data = document if isinstance(document, bytes) else json.dumps(document).encode()
            self.send_response(status)
            self.send_header("content-length", str(len(data)))
            self.send_header("x-model-version", "v3")
            self.end_headers()
            self.wfile.write(data)

        do_GET = do_POST = handle_request  # noqa: N815 (the server's own spelling)

        def log_message(self, *_: object) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}", asked
        finally:
            server.shutdown()
            thread.join()


def healthy(request: Request) -> tuple[int, object]:
    return 200, {"/health": {"problem": None}, "/openapi.json": DESCRIPTION, "/predict": PREDICTED}[request.path]


@pytest.fixture(autouse=True)
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(calls, "_PAUSE_SECONDS", 0)


def service(url: str) -> DeployedApi:
    return DeployedApi(url, region=REGION, credentials=CREDENTIALS)


class TestAsk:
    def test_a_post_is_signed(self) -> None:
        with serving(healthy) as (url, asked):
            service(url).ask("/predict", INSTANCES)

        assert asked[0].is_signed()
        assert json.loads(asked[0].body) == INSTANCES

    def test_a_get_is_signed(self) -> None:
        with serving(healthy) as (url, asked):
            service(url + "/").ask("/health")

        assert asked[0].is_signed()

    def test_a_token_takes_the_place_of_the_signature(self) -> None:
        with serving(healthy) as (url, asked):
            DeployedApi(url, region=REGION, token="abc").ask("/health")

        assert asked[0].headers["authorization"] == "Bearer abc"

    def test_what_passes_is_tried_again(self) -> None:
        statuses = iter([503, 502, 200])
        with serving(lambda _: (next(statuses), {})) as (url, asked):
            assert service(url).ask("/health").status == 200

        assert len(asked) == 3

    def test_what_stays_is_returned_after_a_few_tries(self) -> None:
        with serving(lambda _: (502, b"<html>")) as (url, asked):
            answer = service(url).ask("/health")

        assert (answer.status, answer.body) == (502, None)
        assert len(asked) == 5

    def test_an_answer_that_is_cut_off_is_none(self) -> None:
        with cut_off_server() as port, pytest.raises(CallFailed, match="/health does not answer"):
            service(f"http://127.0.0.1:{port}").ask("/health")

    def test_whoever_asks_again_by_themselves_is_answered_at_once(self) -> None:
        with serving(lambda _: (503, {})) as (url, asked):
            assert service(url).ask("/health", attempts=1).status == 503

        assert len(asked) == 1

    def test_no_answer_is_told_with_the_address(self) -> None:
        with pytest.raises(CallFailed, match="/health does not answer"):
            service(f"http://127.0.0.1:{free_port()}").ask("/health")


class TestSmoke:
    def test_the_example_of_the_services_own_description_is_predicted(self) -> None:
        with serving(healthy) as (url, asked):
            said = smoke(service(url))

        assert said == 'v3 answers: {"label": "setosa"}'
        assert json.loads(asked[-1].body) == INSTANCES
        assert asked[-1].headers["x-skylift-variant"] == "champion"

    def test_a_service_without_a_model_is_told_apart_from_a_broken_one(self) -> None:
        health = {"problem": {"code": "no-active-version"}}
        with serving(lambda _: (503, health)) as (url, asked):
            assert "no model is active" in smoke(service(url))

        assert len(asked) == 1

    def test_a_service_without_a_model_answers_with_this_code(self, store: VersionStore) -> None:
        host = ModelHost(MemoryParameters(), store, refresh_seconds=15, max_instances=10)
        host.start_loading()
        wait_until(lambda: host.degradation is not None, what="the pointer is read")

        assert host.degradation is not None
        assert host.degradation.code == "no-active-version"

    @pytest.mark.parametrize(("status", "hint"), [(403, "may these credentials"), (422, "log lines")])
    def test_another_answer_fails_with_what_to_look_at(self, status: int, hint: str) -> None:
        with (
            serving(lambda request: (status, {}) if request.path == "/predict" else healthy(request)) as (url, _),
            pytest.raises(CallFailed, match=f"/predict answered {status}") as caught,
        ):
            smoke(service(url))

        assert hint in caught.value.hint

    def test_an_answer_without_a_prediction_fails(self) -> None:
        with (
            serving(lambda request: (200, {}) if request.path == "/predict" else healthy(request)) as (url, _),
            pytest.raises(CallFailed, match="without a prediction"),
        ):
            smoke(service(url))


@pytest.mark.skipif(not (shutil.which("curl") and shutil.which("sh")), reason="needs curl and a POSIX shell")
class TestCurl:
    @pytest.mark.parametrize("token", ["session", None])
    def test_what_is_printed_makes_a_signed_call(self, token: str | None, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(CREDENTIALS, "token", token)
        environment = {"AWS_ACCESS_KEY_ID": CREDENTIALS.access_key, "AWS_SECRET_ACCESS_KEY": CREDENTIALS.secret_key}
        environment |= {"AWS_SESSION_TOKEN": token} if token else {}
        body: dict[str, Any] = {"instances": [{"x": "it's"}]}
        with serving(healthy) as (url, asked):
            command = ["sh", "-c", curl(url, region=REGION, body=body)]
            path = {"PATH": "/usr/local/bin:/usr/bin:/bin"}
            subprocess.run(command, env=path | environment, check=True, capture_output=True, timeout=TIMES_OUT)

        assert asked[0].is_signed()
        assert json.loads(asked[0].body) == body

    @pytest.mark.parametrize(("auth", "sent"), [("JWT", "Bearer a-token"), ("NONE", None)])
    def test_it_brings_what_the_api_asks_for(self, auth: str, sent: str | None) -> None:
        with serving(healthy) as (url, asked):
            command = ["sh", "-c", curl(url, region=REGION, body=INSTANCES, auth=auth)]
            environment = {"SKYLIFT_TOKEN": "a-token", "PATH": "/usr/local/bin:/usr/bin:/bin"}
            subprocess.run(command, env=environment, check=True, capture_output=True, timeout=TIMES_OUT)

        assert asked[0].headers.get("authorization") == sent

    def test_it_holds_names_and_no_values(self) -> None:
        printed = curl("https://x", region=REGION, body={})

        assert '"$AWS_ACCESS_KEY_ID:$AWS_SECRET_ACCESS_KEY"' in printed
        assert CREDENTIALS.secret_key not in printed
