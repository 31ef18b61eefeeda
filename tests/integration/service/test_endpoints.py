"""Every endpoint, over HTTP and through the Lambda entry."""

import json
import re
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

import skylift
from skylift.references import Reference
from tests.support.asgi_client import JSON_HEADERS, HttpClient
from tests.support.events import alb_event, body_of, function_url_event, http_api_event, invoke, rest_api_event
from tests.support.models import IRIS_SETOSA, iris_package, uncompiled
from tests.support.paths import ROOT
from tests.support.tables import learned
from tests.support.trials import trial_of
from tests.support.whole_service import Service, standing
from training.release.packaging import pack

FLAT = {"size": 30.5, "rooms": 2, "area": "south", "lift": True}


class TestPredict:
    def test_an_instance_is_answered_with_label_probabilities_and_version(self, iris: HttpClient) -> None:
        response = iris.predict({"instances": [IRIS_SETOSA]})

        document = response.json()
        assert response.status_code == 200
        assert document.keys() == {"model", "version", "predictions", "warnings"}
        assert (document["model"], document["version"], document["warnings"]) == ("iris", "v1", [])
        (prediction,) = document["predictions"]
        assert prediction["label"] == "setosa"
        assert prediction["probabilities"].keys() == {"setosa", "versicolor", "virginica"}
        assert sum(prediction["probabilities"].values()) == pytest.approx(1)

    def test_the_answer_is_json_and_names_version_and_request(self, iris: HttpClient) -> None:
        headers = iris.predict(IRIS_SETOSA, x_request_id="r-1").headers

        assert headers["content-type"] == "application/json"
        assert headers["x-model-version"] == "v1"
        assert headers.get_list("x-request-id") == ["r-1"]

    def test_the_three_forms_of_a_body_are_answered_the_same(self, iris: HttpClient) -> None:
        forms = [{"instances": [IRIS_SETOSA]}, IRIS_SETOSA, {"features": list(IRIS_SETOSA.values())}]

        answers = [iris.predict(form).json() for form in forms]

        assert answers[0] == answers[1] == answers[2]

    def test_the_rows_of_the_sample_table_are_answered_as_they_are(self, iris: HttpClient) -> None:
        rows = pd.read_csv(ROOT / "data" / "raw" / "Iris.csv").to_dict("records")

        answer = iris.predict({"instances": rows}).json()

        right = [
            f"Iris-{prediction['label']}" == row["Species"]
            for prediction, row in zip(answer["predictions"], rows, strict=True)
        ]
        assert sum(right) >= 0.95 * len(rows)
        assert answer["warnings"][0]["message"] == "not used by the model: Id, Species"

    def test_a_thousand_instances_are_answered_in_their_order(self, iris: HttpClient) -> None:
        virginica = {"sepal_length": 6.5, "sepal_width": 3.0, "petal_length": 5.8, "petal_width": 2.2}

        response = iris.predict({"instances": [IRIS_SETOSA, virginica] * 500})

        labels = [prediction["label"] for prediction in response.json()["predictions"]]
        assert labels == ["setosa", "virginica"] * 500

    @pytest.mark.parametrize(
        "content_type",
        ["application/json", "application/json; charset=utf-8", "Application/JSON", "application/vnd.api+json"],
    )
    def test_every_way_to_say_json_is_understood(self, iris: HttpClient, content_type: str) -> None:
        assert iris.predict(IRIS_SETOSA, content_type=content_type).status_code == 200

    def test_a_value_outside_the_training_range_is_served_with_a_warning(self, iris: HttpClient) -> None:
        response = iris.predict(IRIS_SETOSA | {"sepal_length": 50})

        assert response.status_code == 200
        (warning,) = response.json()["warnings"]
        assert (warning["instance"], warning["field"]) == (0, "sepal_length")
        assert warning["message"].startswith("50 is outside the training range ")

    def test_warnings_are_capped_and_the_rest_is_counted(self, iris: HttpClient) -> None:
        warnings = iris.predict({"instances": [IRIS_SETOSA | {"sepal_length": 50}] * 150}).json()["warnings"]

        assert len(warnings) == 101
        assert warnings[-1]["message"] == "and 50 more values outside their range"

    def test_the_largest_number_a_forest_can_read_is_served(self, mixed: HttpClient) -> None:
        assert mixed.predict(FLAT | {"size": 3.4e38}).status_code == 200

    def test_categories_integers_and_booleans_are_served(self, mixed: HttpClient) -> None:
        response = mixed.predict({"instances": [FLAT, FLAT | {"area": "old town", "rooms": 5.0, "lift": False}]})

        assert response.status_code == 200
        assert len(response.json()["predictions"]) == 2

    @pytest.mark.parametrize("change", [{"lift": None}, {}], ids=["null", "absent"])
    def test_a_field_that_training_saw_missing_may_be_missing(self, mixed: HttpClient, change: dict[str, None]) -> None:
        instance = {name: value for name, value in FLAT.items() if name != "lift"} | change

        assert mixed.predict(instance).status_code == 200


class TestOtherTables:
    @pytest.mark.parametrize(
        ("cells", "label_type", "keys"),
        [
            (("true", "false"), bool, {"true", "false"}),
            (("3", "7"), int, {"3", "7"}),
            (("yes please", "größer"), str, {"yes please", "größer"}),
        ],
        ids=["booleans", "integers", "text"],
    )
    def test_a_label_has_the_type_it_has_in_the_table(
        self, tmp_path: Path, cells: tuple[str, str], label_type: type, keys: set[str]
    ) -> None:
        rows = "".join(f"{row},{cells[row // 15]}\n" for row in range(30))
        client = standing(pack(uncompiled(learned(tmp_path, f"x,y\n{rows}"))), "table")

        (prediction,) = client.predict({"x": 3}).json()["predictions"]

        assert type(prediction["label"]) is label_type
        assert prediction["probabilities"].keys() == keys

    def test_a_regression_is_answered_with_a_value(self, tmp_path: Path) -> None:
        client = standing(_line(tmp_path), "table")

        (prediction,) = client.predict({"x": 10}).json()["predictions"]

        assert prediction == {"value": pytest.approx(25.0)}

    def test_a_column_called_instances_is_served_in_all_forms(self, tmp_path: Path) -> None:
        rows = "".join(f"{row},{row % 3},{'ab'[row // 15]}\n" for row in range(30))
        trusted = {"trusted": ["instances", "features"]}
        trained = learned(tmp_path, f"instances,features,y\n{rows}", validate=trusted)
        client = standing(pack(uncompiled(trained)), "table")
        instance = {"instances": 3, "features": 1}

        answers = [client.predict(body) for body in (instance, {"instances": [instance]}, {"features": [3, 1]})]

        assert [answer.status_code for answer in answers] == [200, 200, 200]

    def test_an_answer_without_a_finite_number_is_still_json(self, tmp_path: Path) -> None:
        counts = "".join(f"{row},{2**row}\n" for row in range(30))
        poisson = {"name": "poisson", "estimator": "sklearn.linear_model.PoissonRegressor", "scale": False}
        trained = learned(tmp_path, f"x,y\n{counts}", poisson | {"params": {"max_iter": 2000}})
        client = standing(pack(uncompiled(trained)), "table")

        with pytest.warns(RuntimeWarning, match="overflow"):
            response = client.predict({"x": 1e30})

        document = json.loads(response.content, parse_constant=lambda text: pytest.fail(f"{text} is not JSON"))
        assert document["predictions"] == [{"value": None}]
        assert document["warnings"][-1]["message"] == "the model gives no finite number here"


def _line(folder: Path) -> Any:
    rows = "".join(f"{x},{2 * x + 5}.0\n" for x in range(40))
    linear = {"name": "linear", "estimator": "sklearn.linear_model.LinearRegression"}
    return pack(uncompiled(learned(folder, f"x,y\n{rows}", linear)))


class TestHealth:
    def test_a_service_with_the_active_version_is_ok(self, serving: Service) -> None:
        response = serving.client.get("/health")

        document = response.json()
        assert (response.status_code, document["status"]) == (200, "ok")
        assert (document["live"], document["ready"], document["problem"]) == (True, True, None)
        assert document["service_version"] == skylift.__version__
        assert (document["release"], document["image"]) == (None, None)
        assert document["uptime_seconds"] >= 0
        assert document["memory_mib"] > 10
        assert document["model"]["name"] == "iris"
        assert document["model"]["reference"] == str(serving.registry.active())
        assert document["model"]["pointer_age_seconds"] == 0

        assert document["challenger"] is None

    def test_a_challenger_is_named_and_degrades_nothing(self, serving: Service) -> None:
        reference = serving.publish(iris_package("tree"))
        serving.challenge(trial_of(reference, mode="shadow", percent=5))
        serving.pass_refresh()
        on_trial = serving.client.health()
        serving.challenge(trial_of(Reference(9, "9" * 64)))
        serving.pass_refresh()
        refused = serving.client.health()

        assert on_trial["challenger"] == {
            "id": "trial",
            "reference": str(reference),
            "mode": "shadow",
            "percent": 5.0,
            "on_trial": True,
            "problem": None,
        }
        assert (refused["status"], refused["challenger"]["on_trial"]) == ("ok", False)
        assert refused["challenger"]["problem"]["code"] == "version-not-found"
        assert refused["problem"] is None

    def test_a_service_without_a_model_lives_but_is_not_ready(self, service: Service) -> None:
        response = service.client.get("/health")

        document = response.json()
        assert (response.status_code, document["status"]) == (503, "unavailable")
        assert (document["live"], document["ready"]) == (True, False)
        assert document["problem"]["code"] == "no-active-version"
        assert document["problem"].keys() == {"code", "since", "reference"}  # anybody may read it: no words


class TestModelInfo:
    def test_the_active_version_is_described(self, serving: Service) -> None:
        response = serving.client.get("/model-info")

        document = response.json()
        assert response.headers["x-model-version"] == "v1"
        assert (document["model"], document["version"]) == ("iris", "v1")
        assert document["reference"] == str(serving.registry.active())
        assert document["metrics"]["holdout"]["accuracy"] > 0.8
        assert [feature["name"] for feature in document["contract"]["features"]] == list(IRIS_SETOSA)

    def test_whether_answers_can_be_explained_is_told(self, serving: Service) -> None:
        told = serving.client.get("/model-info").json()["explains"]

        assert serving.client.request(
            "POST", "/predict?explain=true", content=json.dumps(IRIS_SETOSA), headers=JSON_HEADERS
        ).status_code == (200 if told else 400)

    def test_rows_of_the_training_data_and_files_are_not_told(self, serving: Service) -> None:
        assert not {"golden", "artifacts"} & serving.client.get("/model-info").json().keys()


class TestPages:
    def test_the_index_names_model_and_version(self, iris: HttpClient) -> None:
        document = iris.get("/").json()

        assert (document["model"], document["version"]) == ("iris", "v1")

    def test_every_path_of_the_index_is_there(self, iris: HttpClient) -> None:
        for place in iris.get("/").json()["paths"]:
            method, path = place.split()
            assert iris.request(method, _of_iris(path)).status_code not in {404, 405}, place

    def test_the_index_needs_no_model(self, service: Service) -> None:
        response = service.client.get("/")

        assert (response.status_code, response.json()["version"]) == (200, None)

    def test_the_docs_are_a_page_that_loads_nothing_from_elsewhere(self, iris: HttpClient) -> None:
        response = iris.get("/docs")

        assert response.headers["content-type"].startswith("text/html")
        assert response.headers["content-security-policy"].startswith("default-src 'none'")
        for directive in ("frame-ancestors", "base-uri", "form-action"):
            assert f"{directive} 'none'" in response.headers["content-security-policy"]
        assert "http://" not in response.text
        assert "https://" not in response.text

    @pytest.mark.parametrize("path", ["/", "/docs", "/health", "/predict", "/nope"])
    def test_no_browser_takes_an_answer_for_another_type(self, iris: HttpClient, path: str) -> None:
        assert iris.get(path).headers.get_list("x-content-type-options") == ["nosniff"]

    def test_the_docs_need_no_model(self, service: Service) -> None:
        assert service.client.get("/docs").status_code == 200


class TestOpenApi:
    def test_its_examples_are_answered(self, mixed: HttpClient) -> None:
        body = mixed.get("/openapi.json").json()["paths"]["/predict"]["post"]["requestBody"]
        examples = body["content"]["application/json"]["examples"]

        statuses = {name: mixed.predict(example["value"]).status_code for name, example in examples.items()}

        assert statuses == {"instances": 200, "instance": 200, "features": 200}

    def test_every_path_in_it_is_there(self, iris: HttpClient) -> None:
        for path, operations in iris.get("/openapi.json").json()["paths"].items():
            for method in operations:
                assert iris.request(method.upper(), _of_iris(path)).status_code not in {404, 405}, path


def _of_iris(path: str) -> str:
    """A path of the API with the names of the model and its version."""
    return path.replace("{model}", "iris").replace("{version}", "v1")


class TestWithoutModel:
    @pytest.mark.parametrize(
        ("method", "path"), [("POST", "/predict"), ("GET", "/model-info"), ("GET", "/openapi.json")]
    )
    def test_what_needs_a_model_says_when_to_come_back(self, service: Service, method: str, path: str) -> None:
        body, headers = json.dumps(IRIS_SETOSA), {"content-type": "application/json"}

        response = service.client.request(method, path, content=body, headers=headers)

        assert (response.status_code, response.headers["retry-after"]) == (503, "2")
        assert response.json()["type"] == "urn:skylift:problem:no-model"


class TestRequestIds:
    def test_the_callers_id_comes_back(self, iris: HttpClient) -> None:
        assert iris.get("/", headers={"x-request-id": "mine"}).headers.get_list("x-request-id") == ["mine"]

    def test_without_one_every_request_gets_its_own(self, iris: HttpClient) -> None:
        assert iris.get("/").headers["x-request-id"] != iris.get("/").headers["x-request-id"]

    def test_a_problem_names_the_id_of_its_header(self, iris: HttpClient) -> None:
        response = iris.get("/nope")

        assert response.json()["request_id"] == response.headers["x-request-id"]


EVENTS = {
    "HTTP API": (http_api_event, "http-api-request-1"),
    "function URL": (function_url_event, "function-url-request-1"),
    "REST API": (rest_api_event, "rest-api-request-1"),
    "ALB": (alb_event, "lambda-request-1"),
}


def header(response: dict[str, Any], name: str) -> str:
    """A header of a Lambda response, in whichever of the two forms."""
    single, multiple = response.get("headers") or {}, response.get("multiValueHeaders") or {}
    return str(single[name] if name in single else multiple[name][0])


@pytest.mark.parametrize("source", EVENTS)
class TestLambda:
    def test_a_prediction_is_answered(self, lambda_handler: Any, source: str) -> None:
        make, request_id = EVENTS[source]

        response = invoke(lambda_handler, make("POST", "/predict", json.dumps({"instances": [IRIS_SETOSA]})))

        assert response["statusCode"] == 200
        assert body_of(response)["predictions"][0]["label"] == "setosa"
        assert header(response, "x-model-version") == "v1"
        assert header(response, "x-request-id") == request_id

    def test_a_problem_is_answered_as_text(self, lambda_handler: Any, source: str) -> None:
        make, request_id = EVENTS[source]

        response = invoke(lambda_handler, make("POST", "/predict", "{"))

        assert response["statusCode"] == 400
        assert header(response, "content-type") == "application/problem+json"
        assert body_of(response)["request_id"] == request_id

    def test_a_page_is_answered_as_text(self, lambda_handler: Any, source: str) -> None:
        response = invoke(lambda_handler, EVENTS[source][0]("GET", "/docs"))

        assert (response["statusCode"], response["isBase64Encoded"]) == (200, False)
        assert response["body"].startswith("<!doctype html>")

    def test_the_page_for_people_is_answered_as_text(self, lambda_handler: Any, source: str) -> None:
        event = EVENTS[source][0]("GET", "/")
        event["headers"] |= {"accept": "text/html"}
        if "multiValueHeaders" in event:
            event["multiValueHeaders"] |= {"accept": ["text/html"]}

        response = invoke(lambda_handler, event)

        assert (response["statusCode"], response["isBase64Encoded"]) == (200, False)
        (script,) = re.findall(r'src="(page/[^"]+)"', response["body"])
        file = invoke(lambda_handler, EVENTS[source][0]("GET", f"/{script}"))
        assert (file["statusCode"], file["isBase64Encoded"]) == (200, False)
        assert header(file, "content-type").startswith("text/javascript")

    def test_one_environment_answers_many_events(self, lambda_handler: Any, source: str) -> None:
        event = EVENTS[source][0]("POST", "/predict", json.dumps(IRIS_SETOSA))

        assert [invoke(lambda_handler, event)["statusCode"] for _ in range(3)] == [200, 200, 200]


class TestForeignEvents:
    """Headers and paths that gateways and clients bring along do not decide whether a request is answered."""

    @pytest.mark.parametrize("source", EVENTS)
    @pytest.mark.parametrize("host", ["[2001:db8::1]", "[2001:db8::1]:443", "[", "a:b:c", "api.test:"])
    def test_no_host_and_no_forwarded_port_fails_a_request(self, lambda_handler: Any, source: str, host: str) -> None:
        for method, path, status in [("GET", "/health", 200), ("GET", "/nothing", 404)]:
            event = EVENTS[source][0](method, path)
            event["headers"] |= {"host": host, "Host": host, "x-forwarded-port": "443, 80"}
            event.get("multiValueHeaders", {}).pop("Host", None)

            assert invoke(lambda_handler, event)["statusCode"] == status

    @pytest.mark.parametrize(
        ("event", "changes"),
        [
            (http_api_event("GET", "/prod/health"), {"requestContext": {"stage": "prod"}}),
            (http_api_event("GET", "/models/iris/health"), {"pathParameters": {"proxy": "health"}}),
            (rest_api_event("GET", "/models/health"), {"pathParameters": {"proxy": "health"}}),
            (rest_api_event("GET", "/health"), {"pathParameters": {"proxy": "health"}}),
            ({**rest_api_event("GET", "/models/health"), "version": None}, {"pathParameters": {"proxy": "health"}}),
            (rest_api_event("GET", "/health"), {"requestContext": {"stage": "health"}}),
        ],
        ids=["stage", "http base path", "rest base path", "rest", "rest without version", "stage named as a path"],
    )
    def test_a_named_stage_and_a_base_path_are_left_out_of_the_path(
        self, lambda_handler: Any, event: dict[str, Any], changes: dict[str, Any]
    ) -> None:
        event = {name: value for name, value in event.items() if value is not None}
        merged = event | changes | {"requestContext": event["requestContext"] | changes.get("requestContext", {})}

        assert invoke(lambda_handler, merged)["statusCode"] == 200

    def test_a_warmer_is_answered_with_the_health_of_the_service(self, lambda_handler: Any) -> None:
        document = invoke(lambda_handler, {})

        assert (document["status"], document["live"], document["ready"]) == ("ok", True, True)

    def test_a_broken_event_is_answered(self, lambda_handler: Any) -> None:
        assert invoke(lambda_handler, {"version": "2.0", "requestContext": {}})["statusCode"] == 400

    @pytest.mark.parametrize("path", ["/prod/", "/prod"])
    def test_a_stage_alone_is_the_index(self, lambda_handler: Any, path: str) -> None:
        event = http_api_event("GET", path)
        event["requestContext"]["stage"] = "prod"

        assert "paths" in body_of(invoke(lambda_handler, event))

    @pytest.mark.parametrize(("path", "status"), [("/prod/", 200), ("/prod", 307)])
    def test_the_page_of_a_stage_is_at_an_address_with_a_slash(
        self, lambda_handler: Any, path: str, status: int
    ) -> None:
        """What it reads is relative to its address."""
        event = http_api_event("GET", path)
        event["requestContext"]["stage"] = "prod"
        event["headers"] |= {"accept": "text/html"}

        response = invoke(lambda_handler, event)

        assert response["statusCode"] == status
        assert response["headers"].get("location") == ("prod/" if status == 307 else None)

    def test_what_only_begins_like_the_stage_is_not_a_path_of_the_api(self, lambda_handler: Any) -> None:
        event = http_api_event("GET", "/product/health")
        event["requestContext"]["stage"] = "prod"

        assert invoke(lambda_handler, event)["statusCode"] == 404
