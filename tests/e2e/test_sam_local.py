"""The function under `sam local`, against S3 and SSM on this machine.

SAM checks no signature here: what the API asks of a caller, the deployed stack shows.
"""

import json
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.e2e.conftest import ARCHITECTURE, Step
from tests.e2e.sam import FUNCTION, Built, sam, start_api
from tests.support.models import IRIS_SETOSA, compiled_iris_package
from tests.support.moto_server import MotoServer
from tests.support.paths import ROOT
from tests.support.sample_events import EVENTS, EXPECTED, scores
from tests.support.waiting import TIMES_OUT

PARAMETERS = ("--parameter-overrides", f"Architecture={ARCHITECTURE}")


@pytest.fixture(scope="module")
def template(built: Built, bridge: str) -> Iterator[Path]:
    """The built template with v1 active in the S3 and SSM that it names."""
    package = compiled_iris_package()
    with MotoServer(bridge) as aws:
        aws.registry.publish(package.describe, package.artifacts)
        aws.registry.promote("v1")
        yield built.reaching(aws.environment)


@pytest.fixture(scope="module")
def api(template: Path, scratch: Path, step: Step) -> Iterator[str]:
    """The URL of `sam local start-api`."""
    with ExitStack() as running:
        with step("sam local start-api, until its first answer"):
            url = running.enter_context(start_api(template, scratch / "start-api.log", *PARAMETERS))
        yield url


def ask(url: str, path: str, body: object = None) -> tuple[int, dict[str, str], dict[str, object]]:
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(url + path, data, {"content-type": "application/json"})
    with urllib.request.urlopen(request, timeout=TIMES_OUT) as response:
        return response.status, {k.lower(): v for k, v in response.headers.items()}, json.load(response)


@pytest.mark.parametrize("name", sorted(EVENTS))
def test_sam_local_invoke_answers_a_sample_event(name: str, template: Path) -> None:
    command = ("local", "invoke", FUNCTION, "--template", template, "--event", ROOT / "events" / f"{name}.json")
    printed = sam(*command, "--skip-pull-image", *PARAMETERS, seconds=TIMES_OUT)
    EXPECTED[name].check(json.loads(printed.splitlines()[-1]))


def test_sam_local_start_api_answers_over_http(api: str) -> None:
    status, headers, body = ask(api, "/predict", json.loads(EVENTS["http_api_predict"]["body"]))
    assert (status, headers["x-model-version"]) == (200, "v1")
    scores(IRIS_SETOSA)(body)


def test_sam_local_start_api_says_it_is_healthy(api: str) -> None:
    status, _, body = ask(api, "/health")
    assert (status, body["status"], body["ready"]) == (200, "ok", True)
