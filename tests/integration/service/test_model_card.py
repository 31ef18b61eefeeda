"""`GET /model-card`: the card of the active version, fetched when asked for, and only if it is the published one."""

import json
import threading
from typing import Any

import pytest

from skylift.model_card import CARD_FILE
from tests.support.asgi_client import PROBLEM
from tests.support.events import http_api_event, invoke
from tests.support.faults import hook
from tests.support.models import IRIS_SETOSA, iris_package
from tests.support.waiting import TIMES_OUT
from tests.support.whole_service import Service
from training.release.packaging import Package


def without_card() -> Package:
    """As an older release published it."""
    package = iris_package("tree")
    artifacts = {name: data for name, data in package.artifacts.items() if name != CARD_FILE}
    listed = package.describe(1).artifacts
    kept = {name: listed[name] for name in artifacts}
    return Package(lambda number: package.describe(number).model_copy(update={"artifacts": kept}), artifacts)


class Counting:
    """Counts what the service fetches, and lets a test hold it up."""

    def __init__(self, service: Service) -> None:
        self.keys: list[str] = []
        self.open = threading.Event()
        self.open.set()
        hook(service.s3, "before-call.s3.GetObject", self._seen)

    def _seen(self, params: dict[str, Any], **_: Any) -> None:
        if params["url_path"].endswith(CARD_FILE):
            self.keys.append(params["url_path"])
            assert self.open.wait(TIMES_OUT)


def test_it_is_the_card_of_the_active_version_with_its_reference(serving: Service) -> None:
    response = serving.client.get("/model-card")

    assert response.status_code == 200
    assert response.headers["content-type"] == "text/html; charset=utf-8"
    assert response.headers["x-model-version"] == "v1"
    assert str(serving.registry.active()) in response.text
    assert "Iris species" in response.text


def test_the_browser_is_told_to_run_no_script_and_to_load_nothing(serving: Service) -> None:
    policy = serving.client.get("/model-card").headers["content-security-policy"]

    assert "default-src 'none'" in policy
    assert "script-src" not in policy


def test_a_page_that_its_publisher_wrote_sends_no_form_and_leads_nowhere(serving: Service) -> None:
    policy = serving.client.get("/model-card").headers["content-security-policy"].split("; ")

    assert {"frame-ancestors 'none'", "base-uri 'none'", "form-action 'none'", "sandbox"} <= set(policy)


def test_it_is_fetched_when_first_asked_for_and_then_kept(serving: Service) -> None:
    counting = Counting(serving)
    serving.client.predict(IRIS_SETOSA)
    assert counting.keys == []

    first, second = serving.client.get("/model-card"), serving.client.get("/model-card")

    assert len(counting.keys) == 1
    assert first.content == second.content


def test_it_follows_the_active_version(serving: Service) -> None:
    serving.client.get("/model-card")
    serving.release(iris_package("tree"))
    serving.pass_refresh()

    response = serving.client.get("/model-card")

    assert response.headers["x-model-version"] == "v2"
    assert str(serving.registry.active()) in response.text


def test_predictions_do_not_wait_for_a_slow_fetch(serving: Service) -> None:
    counting = Counting(serving)
    counting.open.clear()
    reader = threading.Thread(target=serving.client.get, args=("/model-card",))
    reader.start()

    try:
        assert serving.client.predict(IRIS_SETOSA).status_code == 200
    finally:
        counting.open.set()
        reader.join(TIMES_OUT)


def test_a_version_without_a_card_is_a_404(serving: Service) -> None:
    serving.release(without_card())
    serving.pass_refresh()

    response = serving.client.get("/model-card")

    assert (response.status_code, response.headers["content-type"]) == (404, PROBLEM)
    assert response.json()["type"] == "urn:skylift:problem:no-model-card"
    assert "v2 has no model card" in response.json()["detail"]


@pytest.mark.parametrize("fault", ["altered", "missing"])
def test_a_card_that_is_not_the_published_one_is_not_shown(
    serving: Service, fault: str, capsys: pytest.CaptureFixture[str]
) -> None:
    if fault == "altered":
        serving.write_object(1, CARD_FILE, b"<script>alert(1)</script>")
    else:
        serving.delete_object(1, CARD_FILE)

    capsys.readouterr()
    response = serving.client.get("/model-card")

    assert (response.status_code, response.headers["content-type"]) == (503, PROBLEM)
    assert response.headers["retry-after"]
    assert response.json()["detail"].startswith("the model card of v1 cannot be read now (")
    assert CARD_FILE not in response.text
    told, *_ = (json.loads(line) for line in capsys.readouterr().out.splitlines())
    assert (told["level"], told["correlation_id"]) == ("WARNING", response.headers["x-request-id"])
    assert CARD_FILE in told["why"]
    assert serving.client.predict(IRIS_SETOSA).status_code == 200


def test_once_a_fault_is_fixed_it_is_shown(serving: Service) -> None:
    card = serving.read_object(1, CARD_FILE)
    serving.write_object(1, CARD_FILE, b"other")
    assert serving.client.get("/model-card").status_code == 503

    serving.write_object(1, CARD_FILE, card)

    assert serving.client.get("/model-card").status_code == 200


def test_without_a_model_it_is_a_503(service: Service) -> None:
    assert service.client.get("/model-card").status_code == 503


def test_the_lambda_entry_sends_it_as_text(lambda_handler: Any) -> None:
    response = invoke(lambda_handler, http_api_event("GET", "/model-card"))

    assert response["statusCode"] == 200
    assert not response["isBase64Encoded"]
    assert response["body"].startswith("<!doctype html>")


def test_the_page_to_try_it_and_the_index_lead_there(serving: Service) -> None:
    assert 'href="model-card"' in serving.client.get("/docs").text
    assert "GET /model-card" in serving.client.get("/").json()["paths"]
    assert "/model-card" in serving.client.get("/openapi.json").json()["paths"]
