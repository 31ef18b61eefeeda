"""The paths of the protocol: who answers, errors as clients read them, experiments, and the line of a request."""

import json
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.applications import Starlette
from starlette.routing import Mount

from inference import capacity
from inference.app import App
from inference.routes import create_routes
from inference.settings import InferenceSettings
from inference.v2 import is_v2
from skylift.observability import logger
from tests.support.asgi_client import HttpClient
from tests.support.contracts import anything, modest
from tests.support.fakes import CurrentStdout, FailingPredictor, HostHarness
from tests.support.models import IRIS_SETOSA, iris_package
from tests.support.trials import TrialHarness

SETTINGS = InferenceSettings(bucket="models", model="iris")
INFER = "/v2/models/iris/infer"
FLOWER = {"name": "flower", "datatype": "FP64", "shape": [1, 4], "data": [*IRIS_SETOSA.values()]}
ONE = {"inputs": [FLOWER]}


@pytest.fixture(autouse=True)
def _logs_to_stdout(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let pytest capture what the logger writes."""
    monkeypatch.setattr(logger.registered_handler, "stream", CurrentStdout())


@pytest.fixture(scope="module")
def harness() -> HostHarness:
    harness = HostHarness()
    harness.activate(iris_package())
    harness.host.wait_until_loaded()
    return harness


@pytest.fixture(scope="module")
def client(harness: HostHarness) -> HttpClient:
    return HttpClient(App(SETTINGS, harness.host))


def infer(client: HttpClient, document: Any = ONE, path: str = INFER, **headers: str) -> Any:
    """The response to a request for predictions."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    content = document if isinstance(document, bytes) else json.dumps(document)
    return client.request("POST", path, content=content, headers=named)


def error(response: Any) -> str:
    """The text of an error in the only form that all clients read."""
    assert response.status_code >= 400
    assert response.headers["content-type"] == "application/json"
    document = response.json()
    assert document.keys() == {"error"}
    text: str = document["error"]
    return text


class TestDescriptions:
    @pytest.mark.parametrize("path", ["/v2", "/v2/"])
    def test_the_server(self, client: HttpClient, path: str) -> None:
        document = client.get(path).json()

        assert (document["name"], document["extensions"]) == ("skylift", ["binary_tensor_data"])

    def test_health_and_models(self, client: HttpClient) -> None:
        answers = {path: client.get(f"/v2/{path}").json() for path in ("health/live", "health/ready", "models")}

        assert answers == {
            "health/live": {"live": True},
            "health/ready": {"ready": True},
            "models": {"models": ["iris"]},
        }

    @pytest.mark.parametrize("path", ["/v2/models/iris", "/v2/models/iris/versions/v1"])
    def test_a_model(self, client: HttpClient, path: str) -> None:
        response = client.get(path)

        document = response.json()
        assert response.headers["x-model-version"] == "v1"
        assert (document["name"], document["versions"], document["platform"]) == ("iris", ["v1"], "sklearn_joblib")
        assert [each["name"] for each in document["inputs"]] == [*IRIS_SETOSA]
        assert [each["name"] for each in document["outputs"]] == ["predict", "predict_proba"]
        assert client.get(f"{path}/ready").json() == {"name": "iris", "version": "v1", "ready": True}

    @pytest.mark.parametrize("path", ["/v2/health/ready", "/v2/models/iris", "/v2/models/iris/ready"])
    def test_without_a_model_they_are_not_ready(self, path: str) -> None:
        response = HttpClient(App(SETTINGS, HostHarness().host)).get(path)

        assert (response.status_code, response.headers["retry-after"]) == (503, "2")
        assert error(response).startswith("no model is ready")

    def test_without_a_model_the_server_lives(self) -> None:
        assert HttpClient(App(SETTINGS, HostHarness().host)).get("/v2/health/live").json() == {"live": True}


class TestInference:
    def test_the_answer_names_request_model_and_version(self, client: HttpClient) -> None:
        response = infer(client, ONE | {"id": "42"})

        document = response.json()
        assert (response.status_code, response.headers["content-type"]) == (200, "application/json")
        assert response.headers["x-model-version"] == "v1"
        assert (document["id"], document["model_name"], document["model_version"]) == ("42", "iris", "v1")
        assert "parameters" not in document
        assert document["outputs"][0]["data"] == ["setosa"]

    def test_outputs_come_as_asked(self, client: HttpClient) -> None:
        outputs = [{"name": "predict_proba", "parameters": {"binary_data": True}}, {"name": "predict"}]

        response = infer(client, ONE | {"outputs": outputs})

        length = int(response.headers["inference-header-content-length"])
        document = json.loads(response.content[:length])
        assert response.headers["content-type"] == "application/octet-stream"
        assert [each["name"] for each in document["outputs"]] == ["predict_proba", "predict"]
        assert len(response.content) - length == 3 * 8
        assert document["outputs"][1]["data"] == ["setosa"]

    def test_warnings_are_a_parameter(self, client: HttpClient) -> None:
        flowers = FLOWER | {"shape": [2, 4], "data": [*IRIS_SETOSA.values(), 5.1, 3.5, 1.4, 99]}

        document = infer(client, {"inputs": [flowers]}).json()

        (warning,) = document["parameters"]["warnings"]
        assert warning.startswith("row 1, petal_width: 99 is outside the training range")

    def test_where_labels_are_awaited_the_answer_has_their_id(self, harness: HostHarness) -> None:
        client = HttpClient(App(SETTINGS.model_copy(update={"labels": True}), harness.host))

        assert len(infer(client).json()["parameters"]["prediction_id"]) == 16

    @pytest.mark.parametrize(
        "kind", ["application/json", "application/octet-stream", "application/json; charset=utf-8"]
    )
    def test_a_body_may_be_declared_as_json_or_bytes_or_nothing(self, client: HttpClient, kind: str) -> None:
        assert infer(client, content_type=kind).status_code == infer(client).status_code == 200

    def test_the_line_of_the_request_is_one_of_predictions(
        self, client: HttpClient, capsys: pytest.CaptureFixture[str]
    ) -> None:
        flowers = FLOWER | {"shape": [2, 4], "data": [*IRIS_SETOSA.values()] * 2}

        infer(client, {"inputs": [flowers]})

        (line,) = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
        assert (line["path"], line["protocol"], line["version"], line["instances"]) == (INFER, "v2", "v1", 2)
        assert (line["Predictions"], len(line["PredictionLatency"])) == ([2], 1)
        assert line["profile"]["rows"] == 2

    def test_a_refusal_counts_as_an_error_of_predictions(
        self, client: HttpClient, capsys: pytest.CaptureFixture[str]
    ) -> None:
        infer(client, {"inputs": [FLOWER | {"data": [5.1, 3.5, 1.4, None]}]})

        (line,) = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
        assert (line["status"], line["reason"], line["fields"]) == (422, "invalid-instance", ["petal_width"])
        assert line["PredictionErrors"] == [1]


class TestErrors:
    @pytest.mark.parametrize(
        ("document", "status", "words"),
        [
            (b"", 400, "the body is empty"),
            (b"{", 400, "the body is not JSON"),
            ({"inputs": 1}, 400, "inputs: expected an array of objects"),
            ({"inputs": [FLOWER | {"shape": [2, 4]}]}, 400, "it has 4 values, and 8 by its shape"),
            ({"inputs": [FLOWER | {"name": "petal_widht", "shape": [4]}]}, 422, "did you mean 'petal_width'?"),
            ({"inputs": [FLOWER | {"data": [5.1, 3.5, 1.4, None]}]}, 422, "input 'flower', row 0, column petal_width"),
            ({"inputs": [FLOWER | {"shape": [1001, 4], "data": []}]}, 413, "1001 rows, more than 1000"),
            (b" " * (6 * 2**20 + 1), 413, "the body has more than"),
            (ONE | {"outputs": [{"name": "p"}]}, 400, "output 'p' is not known"),
        ],
    )
    def test_a_body_is_refused_in_words(self, client: HttpClient, document: Any, status: int, words: str) -> None:
        response = infer(client, document)

        assert response.status_code == status
        assert words in error(response)

    def test_of_many_faults_the_first_are_told(self, client: HttpClient) -> None:
        told = error(infer(client, {"inputs": [FLOWER | {"shape": [30, 4], "data": [None] * 120}]}))

        assert told.count("null is not allowed") == 20
        assert told.endswith("and 100 more")

    @pytest.mark.parametrize(
        ("headers", "status"), [({"content_type": "text/csv"}, 415), ({"content_encoding": "gzip"}, 415)]
    )
    def test_other_types_are_refused(self, client: HttpClient, headers: dict[str, str], status: int) -> None:
        response = infer(client, **headers)

        assert response.status_code == status
        error(response)

    @pytest.mark.parametrize(
        "path",
        [
            "/v2/models/rents",
            "/v2/models/rents/infer",
            "/v2/models/iris/versions/v2",
            "/v2/models/iris/versions/v2/ready",
            "/v2/models/iris/versions/v2/infer",
            "/v2/models/iris/versions",
            "/v2/models/iris/config",
            "/v2/repository/index",
            "/v2/models/iris/versions/v1/infer/more",
            "/v2/models/" + "x" * 5000,
            "/v2/models/iris/versions/" + "x" * 5000,
            "/v2/models/iris/versions/" + "x" * 5000 + "/infer",
        ],
    )
    def test_what_is_not_there(self, client: HttpClient, path: str) -> None:
        response = infer(client, path=path) if path.endswith("infer") else client.get(path)

        assert response.status_code == 404
        assert len(error(response)) < 300

    @pytest.mark.parametrize(
        ("method", "path", "allowed"),
        [
            ("GET", INFER, "POST"),
            ("POST", "/v2", "GET"),
            ("DELETE", "/v2/models/iris", "GET"),
            ("OPTIONS", INFER, "POST"),
        ],
    )
    def test_other_methods(self, client: HttpClient, method: str, path: str, allowed: str) -> None:
        response = client.request(method, path)

        assert (response.status_code, response.headers["allow"]) == (405, allowed)
        error(response)

    def test_a_browsers_preflight_request_is_answered(self, client: HttpClient) -> None:
        asked = {"origin": "https://a.test", "access-control-request-method": "POST"}

        assert client.request("OPTIONS", INFER, headers=asked).status_code == 204

    def test_an_answer_that_cannot_be_sent_says_how_much_fits(
        self, client: HttpClient, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(capacity, "MAX_ANSWER_BYTES", 2000)
        monkeypatch.setattr(capacity, "MAX_BALANCER_BYTES", 0)
        flowers = {"inputs": [FLOWER | {"shape": [100, 4], "data": [*IRIS_SETOSA.values()] * 100}]}

        in_json = infer(client, flowers)
        in_bytes = infer(client, flowers | {"parameters": {"binary_data_output": True}})

        assert [in_json.status_code, in_bytes.status_code] == [413, 413]
        assert "send at most the first" in error(in_json)
        assert "rows in one request" in error(in_bytes)

    def test_an_unexpected_error_is_told_without_its_words(
        self,
        harness: HostHarness,
        client: HttpClient,
        monkeypatch: pytest.MonkeyPatch,
        capsys: pytest.CaptureFixture[str],
    ) -> None:
        assert harness.host.model is not None
        monkeypatch.setattr(harness.host, "model", replace(harness.host.model, predictor=FailingPredictor()))

        response = infer(client)

        assert (response.status_code, error(response)) == (500, "Internal error: see the logs of this request")
        (line,) = [json.loads(line) for line in capsys.readouterr().out.splitlines() if '"status"' in line]
        assert (line["status"], line["level"]) == (500, "ERROR")
        assert "exception" in line

    @modest
    @given(tensor=st.fixed_dictionaries({name: anything() for name in ("name", "datatype", "shape", "data")}))
    def test_any_tensor_is_answered_or_refused(self, client: HttpClient, tensor: Any) -> None:
        for changed in ({}, tensor, {"data": tensor["data"]}, {"parameters": tensor["data"]}):
            assert infer(client, {"inputs": [FLOWER | changed]}).status_code < 500


def test_fastapis_routes_answer_the_same(harness: HostHarness, client: HttpClient) -> None:
    alone = HttpClient(create_routes(SETTINGS, harness.host))

    for path in ("/v2", "/v2/models/iris", "/v2/models/rents", "/v2/nothing"):
        assert alone.get(path).content == client.get(path).content
    assert infer(alone).content == infer(client).content


def test_mounted_in_another_application_it_is_below_that_path(harness: HostHarness) -> None:
    both = Starlette(routes=[Mount("/models/iris", create_routes(SETTINGS, harness.host))])
    client = HttpClient(both)

    assert client.get("/models/iris/v2/models").json() == {"models": ["iris"]}
    assert infer(client, path=f"/models/iris{INFER}").status_code == 200
    assert client.get("/v2").status_code == 404


class TestExperiments:
    @pytest.fixture
    def harness(self, monkeypatch: pytest.MonkeyPatch) -> TrialHarness:
        """A service with v2 beside v1."""
        return TrialHarness(monkeypatch)

    def ask(self, harness: TrialHarness, path: str = INFER, **headers: str) -> tuple[str, Any]:
        """The version that answered, and what the line says of the experiment."""
        response = infer(HttpClient(App(SETTINGS, harness.host)), path=path, **headers)
        return response.json()["model_version"], response.headers.get("x-skylift-variant")

    def test_a_canary_answers_its_share(self, harness: TrialHarness) -> None:
        harness.put_on_trial()

        assert self.ask(harness) == ("v2", "challenger")
        assert self.ask(harness, x_skylift_variant="champion") == ("v1", None)

    def test_a_shadow_scores_as_well(self, harness: TrialHarness, capsys: pytest.CaptureFixture[str]) -> None:
        harness.put_on_trial(mode="shadow")

        assert self.ask(harness) == ("v1", "champion")
        line = json.loads(capsys.readouterr().out.splitlines()[-1])
        assert line["experiment"]["pair"]["rows"] == 1

    def test_a_version_that_is_named_answers(self, harness: TrialHarness) -> None:
        harness.put_on_trial(percent=0)

        assert [self.ask(harness, f"/v2/models/iris/versions/{name}/infer") for name in ("v1", "v2")] == [
            ("v1", None),
            ("v2", None),
        ]

    def test_both_versions_are_listed_and_ready(self, harness: TrialHarness) -> None:
        harness.put_on_trial()
        client = HttpClient(App(SETTINGS, harness.host))

        assert client.get("/v2/models/iris").json()["versions"] == ["v1", "v2"]
        assert client.get("/v2/models/iris/versions/v2/ready").json()["version"] == "v2"


@pytest.mark.parametrize(("path", "is_one"), [("/v2", True), ("/v2/x", True), ("/v2x", False), ("/", False)])
def test_paths_of_the_protocol(path: str, is_one: bool) -> None:
    assert is_v2(path) is is_one
