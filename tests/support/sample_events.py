"""The sample events of `events/`, and what each is answered with by a service of iris v1."""

import base64
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest

from skylift.encoding import RowEncoder
from skylift.predictors import SklearnPredictor
from skylift.scoring import predictions
from tests.support.asgi_client import PROBLEM
from tests.support.models import IRIS_SETOSA, trained_iris
from tests.support.paths import ROOT
from tests.support.v2_clients import decoded

if TYPE_CHECKING:
    from skylift.contract import Instance

EVENTS = {path.stem: json.loads(path.read_text(encoding="utf-8")) for path in (ROOT / "events").glob("*.json")}
IRIS_VIRGINICA = {"sepal_length": 6.7, "sepal_width": 3.0, "petal_length": 5.2, "petal_width": 2.3}
JSON = "application/json"
OCTETS = "application/octet-stream"


@dataclass(frozen=True, slots=True)
class Expectation:
    """What comes back for an event: its status and type, whether the version is in the header, what its body holds."""

    status: int
    content_type: str
    versioned: bool
    body: Callable[[Mapping[str, Any]], None]

    def check(self, payload: Mapping[str, Any]) -> None:
        """What the handler returned is all this."""
        assert payload["statusCode"] == self.status, payload
        assert payload["headers"]["content-type"] == self.content_type
        assert payload["headers"].get("x-model-version") == ("v1" if self.versioned else None)
        assert payload["isBase64Encoded"] is (self.content_type == OCTETS)
        if self.content_type == OCTETS:
            self.body(decoded(payload["headers"], base64.b64decode(payload["body"])))
            return
        document = json.loads(payload["body"])
        self.body(document)
        if self.content_type == PROBLEM:
            assert document["status"] == self.status


def scores(*instances: Mapping[str, float]) -> Callable[[Mapping[str, Any]], None]:
    """Expect the predictions that the estimator itself makes."""

    def check(body: Mapping[str, Any]) -> None:
        trained = trained_iris()
        contract = trained.table.contract
        rows: list[Instance] = [dict(instance) for instance in instances]
        expected = predictions(
            contract, SklearnPredictor(trained.estimator, "classification").scores(RowEncoder(contract).encode(rows))
        )
        answers = body["predictions"]
        assert (body["model"], body["version"], body["warnings"]) == ("iris", "v1", [])
        assert [answer["label"] for answer in answers] == [answer["label"] for answer in expected]
        assert [answer["probabilities"] for answer in answers] == [
            pytest.approx(answer["probabilities"], rel=1e-9) for answer in expected
        ]

    return check


def explains(instance: Mapping[str, float]) -> Callable[[Mapping[str, Any]], None]:
    """Expect the same with reasons that add up to the probability of the label."""

    def check(body: Mapping[str, Any]) -> None:
        scores(instance)(body)
        (answer,) = body["predictions"]
        explanation, probability = answer["explanation"], answer["probabilities"][answer["label"]]
        assert explanation["output"] == f"probability of {answer['label']}"
        assert list(explanation["contributions"]) == list(IRIS_SETOSA)
        total = explanation["base"] + sum(explanation["contributions"].values())
        assert total == pytest.approx(probability, abs=1e-9)

    return check


def echoes_and_scores_tensors(body: Mapping[str, Any]) -> None:
    assert (body["id"], body["model_version"]) == ("42", "v1")
    predicted, probabilities = body["outputs"]
    assert predicted["data"] == ["setosa"]
    assert sum(probabilities["data"]) == pytest.approx(1)


def scores_tensors_of_bytes(answer: Mapping[str, Any]) -> None:
    assert (answer["id"], answer["version"]) == ("42", "v1")
    assert answer["outputs"]["predict"]["values"] == ["setosa"]
    assert sum(answer["outputs"]["predict_proba"]["values"][0]) == pytest.approx(1)


def says_it_is_healthy(body: Mapping[str, Any]) -> None:
    assert body["status"] == "ok"
    assert (body["live"], body["ready"], body["problem"]) == (True, True, None)
    assert body["model"]["name"] == "iris"
    assert body["model"]["reference"].startswith("v1@sha256:")
    assert body["memory_mib"] > 0


def describes_the_model(body: Mapping[str, Any]) -> None:
    assert (body["model"], body["version"]) == ("iris", "v1")
    assert body["reference"].startswith("v1@sha256:")
    assert [feature["name"] for feature in body["contract"]["features"]] == list(IRIS_SETOSA)
    assert body["contract"]["target"]["classes"] == ["setosa", "versicolor", "virginica"]
    assert body["metrics"]["holdout"]["accuracy"] >= 0.9


def describes_the_api(body: Mapping[str, Any]) -> None:
    assert body["openapi"].startswith("3.1")
    assert body["info"]["version"] == "v1"
    assert {"/predict", "/health", "/model-info"} <= set(body["paths"])
    properties = list(body["components"]["schemas"]["Instance"]["properties"])
    assert properties == [*IRIS_SETOSA, "Id", "Species", "species"]  # the latter are ignored


def names_the_nearest_field(body: Mapping[str, Any]) -> None:
    assert body["type"] == "urn:skylift:problem:invalid-instance"
    errors = {error["field"]: error for error in body["errors"]}
    unknown = errors["instances[0].petal_widht"]
    assert unknown["reason"] == "unknown_field"
    assert "petal_width" in unknown["message"]
    assert errors["instances[0].petal_width"]["reason"] == "missing_field"


def says_it_makes_no_sets(body: Mapping[str, Any]) -> None:
    """A version that is trained with `sets` answers; iris is not."""
    assert body["type"] == "urn:skylift:problem:invalid-query"
    assert "train it with sets" in body["detail"]


def names_the_path(body: Mapping[str, Any]) -> None:
    assert body["type"] == "urn:skylift:problem:not-found"
    assert "/predictions" in body["detail"]


EXPECTED = {
    "http_api_predict": Expectation(200, JSON, True, scores(IRIS_SETOSA)),
    "http_api_predict_features": Expectation(200, JSON, True, scores(IRIS_SETOSA)),
    "http_api_predict_explain": Expectation(200, JSON, True, explains(IRIS_VIRGINICA)),
    "http_api_predict_sets": Expectation(400, PROBLEM, False, says_it_makes_no_sets),
    "http_api_predict_invalid": Expectation(422, PROBLEM, False, names_the_nearest_field),
    "http_api_v2_infer": Expectation(200, JSON, True, echoes_and_scores_tensors),
    "http_api_v2_infer_binary": Expectation(200, OCTETS, True, scores_tensors_of_bytes),
    "http_api_health": Expectation(200, JSON, False, says_it_is_healthy),
    "http_api_model_info": Expectation(200, JSON, True, describes_the_model),
    "http_api_openapi": Expectation(200, JSON, False, describes_the_api),
    "http_api_not_found": Expectation(404, PROBLEM, False, names_the_path),
    "rest_api_predict": Expectation(200, JSON, True, scores(IRIS_SETOSA)),
    "function_url_predict": Expectation(200, JSON, True, scores(IRIS_SETOSA)),
    "alb_predict": Expectation(200, JSON, True, scores(IRIS_SETOSA, IRIS_VIRGINICA)),
}
