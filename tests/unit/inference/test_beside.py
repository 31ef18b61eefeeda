"""What is described of the other function's routes is what that function has."""

import pytest

from inference import route
from inference.beside import beside
from inference.settings import InferenceSettings
from operations import routes
from operations.retrains import MAX_KEY_LENGTH, Body
from operations.routes import LABELS_PATH, RETRAIN_PATH

SETTINGS = InferenceSettings(bucket="models", model="iris")
RETRAINING = {f"POST {RETRAIN_PATH}", f"GET {RETRAIN_PATH}/{{id}}"}


@pytest.mark.parametrize(
    ("on", "described"),
    [
        ({}, set()),
        ({"labels": True}, {f"POST {LABELS_PATH}"}),
        ({"retraining": True}, RETRAINING),
        ({"labels": True, "retraining": True}, {f"POST {LABELS_PATH}"} | RETRAINING),
    ],
)
def test_the_routes_that_are_on_are_those_of_the_function(on: dict[str, bool], described: set[str]) -> None:
    described_routes = beside(SETTINGS.model_copy(update=on))

    assert {f"{each.method} {each.path}" for each in described_routes} == described


def test_the_described_body_and_key_are_those_that_the_function_reads() -> None:
    first = next(iter(beside(SETTINGS.model_copy(update={"retraining": True}))))
    body: dict[str, dict[str, object]] = first.operation["requestBody"]["content"]["application/json"]["schema"]  # type: ignore[index]
    parameters: list[dict[str, dict[str, object]]] = first.operation["parameters"]  # type: ignore[assignment]
    read = Body.model_json_schema()["properties"]

    rules = ("type", "enum", "minLength", "maxLength")
    assert {name: {rule: of.get(rule) for rule in rules} for name, of in body["properties"].items()} == {  # type: ignore[attr-defined]
        name: {rule: of.get(rule) for rule in rules} for name, of in read.items()
    }
    assert parameters[0]["schema"]["maxLength"] == MAX_KEY_LENGTH


def test_a_plain_server_has_the_history_of_the_function_at_its_path() -> None:
    assert route.HISTORY_PATH == routes.HISTORY_PATH
