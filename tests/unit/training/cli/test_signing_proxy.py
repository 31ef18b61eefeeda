"""The server behind `skylift page`: signs what the page asks one API, and answers nobody but the page's browser."""

import http.client
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest
from botocore.credentials import Credentials

from tests.support.waiting import TIMES_OUT
from training.cli.signing_proxy import MAX_BODY_BYTES, SignedApi, SigningProxy


class Api(HTTPServer):
    """An API that answers everything with a page and remembers what it was asked."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Answer)
        self.asked: list[tuple[str, str, dict[str, str], bytes]] = []


class _Answer(BaseHTTPRequestHandler):
    server: Api

    def do_GET(self) -> None:
        body = self.rfile.read(int(self.headers.get("content-length", 0)))
        self.server.asked.append(
            (self.command, self.path, {name.lower(): value for name, value in self.headers.items()}, body)
        )
        self.send_response(422 if self.command == "POST" else 200)
        for name, value in {
            "content-type": "text/html",
            "set-cookie": "a=b",
            "retry-after": "2",
            "content-length": "5",
        }.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(b"hello")

    do_POST = do_GET  # noqa: N815 (the base class calls it by this name)

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def api() -> Iterator[Api]:
    with Api() as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield server
        server.shutdown()
        thread.join()


@pytest.fixture
def proxy(api: Api) -> Iterator[SigningProxy]:
    credentials = Credentials("AKIDEXAMPLE", "secret", "session")
    with SigningProxy(SignedApi(f"http://127.0.0.1:{api.server_port}", "eu-central-1", credentials), 0) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def ask(
    proxy: SigningProxy, path: str, method: str = "GET", *, body: bytes | None = None, **headers: str
) -> tuple[int, dict[str, str], bytes]:
    connection = http.client.HTTPConnection("127.0.0.1", proxy.server_port, timeout=TIMES_OUT)
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    connection.request(method, path, body, {"host": proxy.host} | named)
    answer = connection.getresponse()
    found = answer.status, {name.lower(): value for name, value in answer.getheaders()}, answer.read()
    connection.close()
    return found


def test_a_request_of_the_page_is_signed_for_the_api(api: Api, proxy: SigningProxy) -> None:
    status, headers, body = ask(
        proxy,
        f"{proxy.root}predict?set=true",
        "POST",
        body=b'{"x": 1}',
        content_type="application/json",
        cookie="a=b",
        authorization="mine",
    )

    ((method, path, sent, received),) = api.asked
    assert (method, path, received) == ("POST", "/predict?set=true", b'{"x": 1}')
    assert sent["authorization"].startswith("AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/")
    assert "/eu-central-1/execute-api/aws4_request" in sent["authorization"]
    assert sent["x-amz-security-token"] == "session"
    assert "cookie" not in sent
    assert (status, body, headers["retry-after"]) == (422, b"hello", "2")
    assert headers["x-skylift-signed-for"] == f"eu-central-1 http://127.0.0.1:{api.server_port}"
    assert "set-cookie" not in headers


@pytest.mark.parametrize(
    "path", ["", "model-info", "page/0123456789ab/main.js", "health", "drift-status", "model-card"]
)
def test_what_the_page_reads_is_read(api: Api, proxy: SigningProxy, path: str) -> None:
    assert ask(proxy, f"{proxy.root}{path}")[0] == 200
    assert api.asked[0][1] == f"/{path}"


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "{root}retrain"),
        ("POST", "{root}labels"),
        ("POST", "{root}model-info"),
        ("GET", "{root}predict"),
        ("GET", "{root}metrics"),
        ("GET", "{root}page/../metrics"),
        ("GET", "{root}/127.0.0.1/health"),
        ("GET", "/model-info"),
        ("GET", "/"),
        ("GET", "http://169.254.169.254{root}health"),
    ],
)
def test_nothing_else_is_signed(api: Api, proxy: SigningProxy, method: str, path: str) -> None:
    status, _, _ = ask(proxy, path.format(root=proxy.root), method, body=b"{}" if method == "POST" else None)

    assert (status, api.asked) == (404, []) or path.startswith("http://")
    assert all(asked == "/health" for _, asked, _, _ in api.asked)


@pytest.mark.parametrize(
    "headers",
    [
        {"host": "attacker.test"},
        {"host": "localhost:{port}"},
        {"origin": "https://attacker.test"},
        {"origin": "null"},
        {"sec_fetch_site": "cross-site"},
        {"sec_fetch_site": "same-site"},
    ],
)
def test_a_name_or_a_page_of_somebody_else_is_not_answered(
    api: Api, proxy: SigningProxy, headers: dict[str, str]
) -> None:
    """A name that an attacker points here (DNS rebinding), and pages of other origins in the same browser."""
    written = {name: value.format(port=proxy.server_port) for name, value in headers.items()}

    assert ask(proxy, f"{proxy.root}health", body=None, **written)[0] == 404
    assert api.asked == []


def test_other_methods_are_not_known(api: Api, proxy: SigningProxy) -> None:
    assert ask(proxy, f"{proxy.root}health", "DELETE")[0] == 501
    assert api.asked == []


@pytest.mark.parametrize("length", ["", "-1", "x", str(MAX_BODY_BYTES + 1)])
def test_a_body_is_bounded(api: Api, proxy: SigningProxy, length: str) -> None:
    assert ask(proxy, f"{proxy.root}predict", "POST", content_length=length)[0] == 413
    assert api.asked == []


def test_an_api_that_does_not_answer_is_told() -> None:
    with SigningProxy(SignedApi("http://127.0.0.1:1", "eu-central-1", Credentials("a", "b")), 0) as proxy:
        thread = threading.Thread(target=proxy.serve_forever, args=(0.01,))
        thread.start()
        status, _, body = ask(proxy, f"{proxy.root}health")
        proxy.shutdown()
        thread.join()

    assert status == 502
    assert body.startswith(b"the API cannot be asked: ")


def test_it_listens_here_alone_at_an_address_that_nobody_guesses() -> None:
    api = SignedApi("http://127.0.0.1:1", "eu-central-1", Credentials("a", "b"))
    with SigningProxy(api, 0) as one, SigningProxy(api, 0) as other:
        assert one.server_address[0] == "127.0.0.1"
        assert len(one.root) >= 22
        assert one.root != other.root
