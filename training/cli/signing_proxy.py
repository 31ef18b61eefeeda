"""A server on this machine that signs requests to one API: what a browser cannot do by itself.

Whoever reaches it calls the API with this user's credentials. So it listens at the loopback interface alone, below a
path that only its user is told, and answers a browser alone that has its own address in the address bar.
"""

import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.exceptions import BotoCoreError
from botocore.httpsession import URLLib3Session

if TYPE_CHECKING:
    from botocore.awsrequest import AWSResponse
    from botocore.credentials import Credentials

SIGNED_HEADER = "x-skylift-signed-for"
"""Says to the page that requests are signed: the region, and the address of the API."""

MAX_BODY_BYTES = 8 * 2**20

_READ = ("", "model-info", "model-card", "health", "drift-status", "drift-report", "docs", "openapi.json", "history")
_WRITTEN = ("predict",)
_TO_API = ("accept", "content-type", "x-skylift-variant")
_TO_BROWSER = (
    "cache-control",
    "content-security-policy",
    "content-type",
    "etag",
    "referrer-policy",
    "retry-after",
    "vary",
    "x-content-type-options",
    "x-model-version",
    "x-request-id",
)


@dataclass(frozen=True, slots=True)
class SignedApi:
    """An API that answers signed requests.

    Parameters
    ----------
    url
        Address of the API, without a slash at the end.
    region
        AWS region of the API.
    credentials
        AWS credentials that sign each request, renewed where they are temporary.
    """

    url: str
    region: str
    credentials: "Credentials"

    def send(self, method: str, path: str, headers: Mapping[str, str], body: bytes) -> "AWSResponse":
        """The answer to a request, signed.

        Raises
        ------
        BotoCoreError
            It cannot be signed, or is not answered.
        """
        request = AWSRequest(method, f"{self.url}/{path}", dict(headers), body)
        SigV4Auth(self.credentials.get_frozen_credentials(), "execute-api", self.region).add_auth(request)
        return URLLib3Session(timeout=30).send(request.prepare())


class SigningProxy(ThreadingHTTPServer):
    """The server; see above.

    Parameters
    ----------
    api
        The API; requests to any other are not made.
    port
        Port to listen at; 0 for any that is free.

    Attributes
    ----------
    address
        Address of the page, which nobody can guess.
    """

    daemon_threads = True

    def __init__(self, api: SignedApi, port: int) -> None:
        super().__init__(("127.0.0.1", port), _Handler)
        self.api = api
        self.root = f"/{secrets.token_urlsafe(16)}/"
        self.host = f"127.0.0.1:{self.server_port}"
        self.address = f"http://{self.host}{self.root}"


class _Handler(BaseHTTPRequestHandler):
    """One connection of a browser."""

    server: SigningProxy
    protocol_version = "HTTP/1.1"
    timeout = 60

    def do_GET(self) -> None:
        """Sign and send what the page reads."""
        self._pass(b"", lambda path: path in _READ or path.startswith("page/"))

    def do_POST(self) -> None:
        """Sign and send what the page asks for."""
        length = self.headers.get("content-length", "")
        if not length.isdecimal() or int(length) > MAX_BODY_BYTES:
            self.close_connection = True
            self._refuse(413, "a body has a length, of 8 MiB at most")
            return
        self._pass(self.rfile.read(int(length)), lambda path: path in _WRITTEN)

    def _pass(self, body: bytes, knows: Any) -> None:
        target = urlsplit(self.path)
        path = target.path.removeprefix(self.server.root)
        if not self._is_own() or not target.path.startswith(self.server.root) or ".." in path or not knows(path):
            self._refuse(404, "the page is at the address that `skylift page` printed")
            return
        headers = {name: value for name in _TO_API if (value := self.headers.get(name)) is not None}
        query = f"?{target.query}" if target.query else ""
        try:
            answer = self.server.api.send(self.command, path + query, headers, body)
        except BotoCoreError as error:
            self._refuse(502, f"the API cannot be asked: {error}")
            return
        self.send_response(answer.status_code)
        for name in _TO_BROWSER:
            if (value := answer.headers.get(name)) is not None:
                self.send_header(name, value)
        self.send_header(SIGNED_HEADER, f"{self.server.api.region} {self.server.api.url}")
        self._end(answer.content)

    def _is_own(self) -> bool:
        """Whether the browser is at this address: other names for it, and other origins, are somebody else's."""
        origin = self.headers.get("origin")
        site = self.headers.get("sec-fetch-site")
        return (
            self.headers.get_all("host") == [self.server.host]
            and origin in {None, f"http://{self.server.host}"}
            and site in {None, "none", "same-origin"}
        )

    def _refuse(self, status: int, words: str) -> None:
        self.send_response(status)
        self.send_header("content-type", "text/plain; charset=utf-8")
        self._end(words.encode())

    def _end(self, body: bytes) -> None:
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 (the base class has that name)
        """Write nothing: the API has a line for each request."""
