"""The function restored from a snapshot: by forks whose clocks have jumped, while the world went on without them."""

import json
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any
from urllib.error import HTTPError, URLError

import pytest

from tests.support.models import compiled_iris_package
from tests.support.moto_server import MotoServer
from tests.support.paths import ROOT
from tests.support.snapshots import Restored, Snapshot
from tests.support.ssm_limits import limit_readings, refuse_readings
from tests.support.waiting import TIMES_OUT, wait_until

PREDICT = json.loads((ROOT / "events" / "http_api_predict.json").read_text(encoding="utf-8"))
HEALTH = json.loads((ROOT / "events" / "http_api_health.json").read_text(encoding="utf-8"))

DAY = 86_400.0


class Endpoint:
    """What the function reaches: AWS by connections that are kept, as AWS keeps them and moto does not, and the place
    of its credentials, which gives others each time that soon expire.

    Attributes
    ----------
    given
        Access keys given so far.
    """

    def __init__(self, aws: str) -> None:
        self.given: list[str] = []
        endpoint = self

        class Request(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                if self.path != "/credentials":
                    self._forward()
                    return
                self._answer(200, {"connection": "close"}, endpoint._credentials())

            def do_POST(self) -> None:
                self._forward()

            def _forward(self) -> None:
                body = self.rfile.read(int(self.headers.get("content-length", 0)))
                request = urllib.request.Request(aws + self.path, body or None, dict(self.headers), method=self.command)
                try:
                    with urllib.request.urlopen(request, timeout=TIMES_OUT) as response:
                        self._answer(response.status, {}, response.read())
                except HTTPError as error:
                    with error:
                        self._answer(error.code, {}, error.read())
                except URLError:  # AWS is down
                    self.close_connection = True

            def _answer(self, status: int, headers: Mapping[str, str], body: bytes) -> None:
                self.send_response(status)
                for name, value in headers.items():
                    self.send_header(name, value)
                self.send_header("content-length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: object) -> None:
                """Write nothing."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Request)
        self.server.daemon_threads = True
        url = f"http://127.0.0.1:{self.server.server_port}"
        self.environment = {
            "AWS_ENDPOINT_URL": url,
            "AWS_CONTAINER_CREDENTIALS_FULL_URI": f"{url}/credentials",
            "AWS_CONTAINER_AUTHORIZATION_TOKEN": "test",
        }

    def _credentials(self) -> bytes:
        self.given.append(f"AKIAEXPIRES{len(self.given):09}")
        expiration = datetime.now(UTC) + timedelta(minutes=5)
        document = {"AccessKeyId": self.given[-1], "SecretAccessKey": "test", "Token": "test"}
        return json.dumps(document | {"Expiration": expiration.isoformat()}).encode()


@pytest.fixture(scope="module")
def endpoint(aws: MotoServer) -> Iterator[Endpoint]:
    made = Endpoint(aws.environment["AWS_ENDPOINT_URL"])
    thread = Thread(target=made.server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    yield made
    made.server.shutdown()
    thread.join()
    made.server.server_close()


@pytest.fixture(scope="module")
def snapshot(task_root: Path, aws: MotoServer, endpoint: Endpoint) -> Iterator[Snapshot]:
    """A snapshot taken while v1 was active; v2 is published too."""
    for candidate in ("logistic", "tree"):
        package = compiled_iris_package(candidate)
        aws.registry.publish(package.describe, package.artifacts)
    aws.registry.promote("v1")
    given = {name: value for name, value in aws.environment.items() if "KEY" not in name}
    with Snapshot(task_root, given | endpoint.environment) as snapshot:
        yield snapshot


@pytest.fixture
def restore(aws: MotoServer, snapshot: Snapshot) -> Callable[..., list[Restored]]:
    """Restores the snapshot of v1, in a world in which v2 is active."""
    aws.start_again()
    aws.registry.promote("v2")
    return snapshot.restore


def predicts_with(restored: Restored, *, later: float = 0.0) -> tuple[str, str | None]:
    """The version that answers, and what it says of itself."""
    answer = restored.invoke(PREDICT, later=later)
    assert answer["statusCode"] == 200, answer["body"]
    return answer["headers"]["x-model-version"], answer["headers"].get("x-model-problem")


def health(restored: Restored) -> dict[str, Any]:
    """What `/health` says."""
    document: dict[str, Any] = json.loads(restored.invoke(HEALTH)["body"])
    return document


def test_no_connection_to_aws_is_open_in_a_snapshot(snapshot: Snapshot) -> None:
    assert snapshot.connections == set()


@pytest.mark.parametrize("jump", [0.0, 3600.0, 30 * DAY, -DAY], ids=["at once", "an hour", "a month", "back a day"])
def test_the_first_answer_is_by_what_is_active_then_however_the_clock_jumped(
    restore: Callable[..., list[Restored]], jump: float
) -> None:
    (restored,) = restore(jump)

    assert predicts_with(restored) == ("v2", None)
    document = health(restored)
    assert (document["status"], document["problem"]) == ("ok", None)
    assert 0 <= document["uptime_seconds"] < 60
    assert 0 <= document["model"]["pointer_age_seconds"] < 60


def test_an_hour_after_a_restore_the_pointer_is_followed_as_ever(
    aws: MotoServer, restore: Callable[..., list[Restored]]
) -> None:
    (restored,) = restore(-DAY)
    assert predicts_with(restored) == ("v2", None)

    aws.registry.promote("v1")

    # A request waits for half a second at most, in which a busy machine may not have loaded the version.
    wait_until(lambda: predicts_with(restored, later=3600) == ("v1", None), what="it follows")


def test_without_aws_it_answers_by_the_model_of_the_snapshot_and_says_so_until_aws_is_back(
    aws: MotoServer, restore: Callable[..., list[Restored]], snapshot: Snapshot
) -> None:
    written = len(snapshot.lines())
    aws.stop()
    (restored,) = restore(DAY)

    assert predicts_with(restored) == ("v1", "pointer-unread")
    document = health(restored)
    assert (document["status"], document["ready"], document["problem"]["code"]) == ("degraded", True, "pointer-unread")
    line = json.loads(snapshot.lines()[written])
    assert (line["RefreshFailures"], line["PointerStale"]) == ([1.0], [1.0])

    aws.start_again()
    wait_until(lambda: predicts_with(restored, later=20) == ("v2", None), what="it follows")


def test_throttled_it_says_so_until_it_has_read_the_pointer(
    monkeypatch: pytest.MonkeyPatch, restore: Callable[..., list[Restored]]
) -> None:
    with monkeypatch.context() as patch:
        limit_readings(patch, 0.5)  # not one
        (restored,) = restore(DAY)
        assert predicts_with(restored) == ("v1", "pointer-unread")

    wait_until(lambda: predicts_with(restored, later=2) == ("v2", None), what="it follows")


def test_credentials_that_expired_in_the_snapshot_are_fetched_again(
    monkeypatch: pytest.MonkeyPatch, restore: Callable[..., list[Restored]], endpoint: Endpoint
) -> None:
    expired = set(endpoint.given)
    refuse_readings(monkeypatch, lambda key: "ExpiredTokenException" if key in expired else None)

    (restored,) = restore(DAY)

    assert predicts_with(restored) == ("v2", None)


def test_two_that_are_restored_at_once_share_neither_connections_nor_chance(
    restore: Callable[..., list[Restored]],
) -> None:
    first, second = restore(60.0, 60.0)

    assert [predicts_with(each) for each in (first, second)] == [("v2", None)] * 2
    assert first.connections
    assert second.connections
    assert not first.connections & second.connections
    assert first.draw != second.draw
    assert first.drawn_id != second.drawn_id
