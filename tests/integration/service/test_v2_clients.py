"""What the clients of Triton, KServe and MLServer send, byte for byte, over HTTP and as events of an HTTP API."""

import json

import pytest

from tests.support.asgi_client import HttpClient
from tests.support.events import handler_of
from tests.support.v2_clients import CLIENTS, REFUSALS, Sent, check_answer, check_refusal, decoded, recorded

CASES = [pytest.param(*each, id=f"{client}-{case}") for client in CLIENTS for case, each in recorded(client).items()]


@pytest.fixture(scope="module")
def services(iris: HttpClient, mixed: HttpClient) -> dict[str, HttpClient]:
    return {"iris": iris, "table": mixed}


@pytest.mark.parametrize(("service", "sent"), CASES)
def test_an_event_is_answered_as_the_request(service: str, sent: Sent, services: dict[str, HttpClient]) -> None:
    over_http = sent.over_http(services[service])
    by_lambda = sent.by_lambda(handler_of(services[service].app))

    assert by_lambda[0] == over_http[0]
    assert by_lambda[2] == over_http[2]
    for name in ("content-type", "inference-header-content-length", "x-model-version"):
        assert by_lambda[1].get(name) == over_http[1].get(name)


@pytest.mark.parametrize("client", CLIENTS)
def test_a_client_is_answered_what_predict_answers(client: str, services: dict[str, HttpClient]) -> None:
    for case, (service, sent) in recorded(client).items():
        status, headers, body = sent.over_http(services[service])
        if case in REFUSALS:
            assert headers["content-type"] == "application/json"
            document = json.loads(body)
            assert document.keys() == {"error"}
            check_refusal(case, str(status), document["error"])
        elif sent.method == "POST":
            assert (status, headers["x-model-version"]) == (200, "v1")
            check_answer(case, decoded(headers, body), services)


def test_readiness_of_a_model_that_is_not_served_is_no(iris: HttpClient) -> None:
    assert iris.get("/v2/models/rents/ready").status_code == 404
