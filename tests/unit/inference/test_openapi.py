"""The OpenAPI document: made from the contract alone."""

import re
from dataclasses import replace
from typing import Any, get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator
from openapi_spec_validator import OpenAPIV31SpecValidator

from inference.beside import LABELS, RETRAIN, RETRAINING
from inference.openapi import openapi_document
from inference.routes import ROUTES
from skylift.background import BACKGROUND_FILE
from skylift.conformal import Margins, Sets
from skylift.contract import Contract, Target, Task
from skylift.feature import Feature, JsonType
from skylift.manifest import Artifact
from tests.support.contracts import contracts, instances, modest
from tests.support.fakes import served
from tests.support.paths import ROOT

SIZE = Feature(name="size", kind="number", min=10, max=90, unit="m2", description="Living area.", example=42.5)
ROOMS = Feature(name="rooms", kind="integer", min=1, max=5, example=2)
AREA = Feature(name="area", kind="category", required=False, categories=("north", "south"), example="north")
LIFT = Feature(name="lift", kind="boolean", example=True)
RENT = Contract(task="regression", features=(SIZE, ROOMS, AREA, LIFT), target=Target(name="rent", unit="EUR per month"))


def test_intervals_are_told_where_a_version_gives_them() -> None:
    margins = Margins(level=0.9, low=(-1.0,), high=(2.0,))

    answer = document_of(RENT.with_target(margins=margins))["components"]["schemas"]["Answer"]

    items = answer["properties"]["predictions"]["items"]
    assert items["required"] == ["value", "low", "high", "level"]
    assert items["properties"]["level"]["enum"] == [0.9]


@pytest.mark.parametrize("sets", [Sets(level=0.9, least=0.2), None])
def test_prediction_sets_are_told_where_they_can_be_asked_for(sets: Sets | None) -> None:
    loan = Contract(task="classification", features=(SIZE,), target=Target(name="y", classes=("a", "b"), sets=sets))

    document = document_of(loan)

    named = [parameter["name"] for parameter in document["paths"]["/predict"]["post"]["parameters"]]
    answer = document["components"]["schemas"]["Answer"]["properties"]["predictions"]["items"]["properties"]
    assert ("set" in named, "set" in answer) == (sets is not None, sets is not None)


@pytest.mark.parametrize("explains", [True, False])
def test_reasons_are_told_where_they_can_be_asked_for(explains: bool) -> None:
    model = served(RENT)
    artifacts = {BACKGROUND_FILE: Artifact(sha256="0" * 64, bytes=1)} if explains else {}

    document = openapi_document(
        replace(model, manifest=model.manifest.model_copy(update={"artifacts": artifacts})), ROUTES
    )

    named = [parameter["name"] for parameter in document["paths"]["/predict"]["post"]["parameters"]]
    answer = document["components"]["schemas"]["Answer"]["properties"]["predictions"]["items"]
    assert ("explain" in named, "explanation" in answer["properties"]) == (explains, explains)
    assert answer["required"] == ["value"]
    if explains:
        contributions = answer["properties"]["explanation"]["properties"]["contributions"]
        assert contributions["required"] == ["size", "rooms", "area", "lift"]


def test_the_label_says_which_probability_it_takes() -> None:
    loan = Contract(
        task="classification",
        features=(SIZE,),
        target=Target(name="default", classes=(False, True), threshold=0.125),
    )

    said = [
        document_of(contract)["components"]["schemas"]["Answer"]["properties"]["predictions"]["items"]["properties"][
            "label"
        ]["description"]
        for contract in (loan, loan.with_target(threshold=None))
    ]

    assert said == ["default: true where its probability is above 0.125, otherwise false", "The most probable default"]


def document_of(contract: Contract, *, max_instances: int = 1000) -> dict[str, Any]:
    return openapi_document(served(contract, max_instances=max_instances), ROUTES)


def validator(document: dict[str, Any], schema: dict[str, Any]) -> Draft202012Validator:
    """A validator of one of the document's schemas, its references resolved."""
    return Draft202012Validator({**schema, "components": document["components"]})


def request_schema(document: dict[str, Any]) -> dict[str, Any]:
    content = document["paths"]["/predict"]["post"]["requestBody"]["content"]
    schema: dict[str, Any] = content["application/json"]["schema"]
    return schema


def examples(document: dict[str, Any]) -> dict[str, Any]:
    content = document["paths"]["/predict"]["post"]["requestBody"]["content"]["application/json"]
    return {name: example["value"] for name, example in content["examples"].items()}


def every_schema(node: Any) -> list[dict[str, Any]]:
    """Every value under a key `schema`, and every component schema."""
    if isinstance(node, list):
        return [schema for item in node for schema in every_schema(item)]
    if not isinstance(node, dict):
        return []
    own = [node["schema"]] if isinstance(node.get("schema"), dict) else []
    return own + [schema for value in node.values() for schema in every_schema(value)]


def test_the_document_has_the_members_that_openapi_3_1_requires() -> None:
    document = document_of(RENT)

    assert document["openapi"].startswith("3.1.")
    assert document["info"].keys() >= {"title", "version"}
    for path, operations in document["paths"].items():
        assert path.startswith("/")
        for operation in operations.values():
            assert operation["responses"], path
            assert all(response["description"] for response in operation["responses"].values()), path


def test_operation_ids_are_unique() -> None:
    paths = document_of(RENT)["paths"].values()
    ids = [operation["operationId"] for operations in paths for operation in operations.values()]

    assert len(ids) == len(set(ids))


@pytest.mark.parametrize("target", [RENT.target, Target(name="area", classes=("north", "south"))])
def test_it_is_a_valid_document_of_openapi(target: Target) -> None:
    task: Task = "classification" if target.classes else "regression"
    document = document_of(Contract(task=task, features=RENT.features, target=target))

    OpenAPIV31SpecValidator(document).validate()


def test_every_schema_is_valid_json_schema() -> None:
    document = document_of(RENT)
    schemas = [*every_schema(document["paths"]), *document["components"]["schemas"].values()]

    assert len(schemas) > 5
    for schema in schemas:
        Draft202012Validator.check_schema(schema)


def test_every_reference_leads_to_a_component() -> None:
    document = document_of(RENT)
    text = str(document)

    for name in document["components"]["schemas"]:
        assert f"'#/components/schemas/{name}'" in text
    assert text.count("'$ref'") == sum(
        text.count(f"'#/components/schemas/{name}'") for name in document["components"]["schemas"]
    )


@pytest.mark.parametrize("form", ["instances", "bare", "features"])
def test_the_request_schema_knows_the_three_forms(form: str) -> None:
    flat = {"size": 42.5, "rooms": 2, "area": "north", "lift": True}
    body = {"instances": {"instances": [flat]}, "bare": flat, "features": {"features": list(flat.values())}}[form]
    document = document_of(RENT)

    assert validator(document, request_schema(document)).is_valid(body)


def test_every_example_fits_the_request_schema() -> None:
    document = document_of(RENT)

    assert len(examples(document)) >= 3
    for name, example in examples(document).items():
        assert validator(document, request_schema(document)).is_valid(example), name


@pytest.mark.parametrize(
    "change",
    [{"size": "42"}, {"size": None}, {"rooms": 2.5}, {"area": "west"}, {"lift": 1}, {"colour": "red"}],
    ids=str,
)
def test_the_instance_schema_refuses_what_the_service_refuses(change: dict[str, Any]) -> None:
    flat = {"size": 42.5, "rooms": 2, "area": "north", "lift": True}
    document = document_of(RENT)

    assert not validator(document, document["components"]["schemas"]["Instance"]).is_valid(flat | change)


def test_an_optional_field_is_not_required_and_may_be_null() -> None:
    instance = document_of(RENT)["components"]["schemas"]["Instance"]

    assert instance["required"] == ["size", "rooms", "lift"]
    assert instance["properties"]["area"]["type"] == ["string", "null"]
    assert instance["properties"]["area"]["enum"] == ["north", "south", None]


def test_a_category_that_answers_unknown_values_is_not_an_enum_and_gives_examples() -> None:
    area = AREA.model_copy(update={"unknown": "missing"})
    instance = document_of(RENT.model_copy(update={"features": (area,)}))["components"]["schemas"]["Instance"]

    assert "enum" not in instance["properties"]["area"]
    assert instance["properties"]["area"]["examples"] == ["north", "south"]
    assert "counts as missing, with a warning" in instance["properties"]["area"]["description"]


def test_unit_description_and_training_range_are_told() -> None:
    size = document_of(RENT)["components"]["schemas"]["Instance"]["properties"]["size"]

    assert size["description"] == "Living area. Expected: a finite number (m2). Training range: 10 to 90."


def test_the_number_of_instances_is_that_of_the_settings() -> None:
    document = document_of(RENT, max_instances=7)

    assert request_schema(document)["oneOf"][0]["properties"]["instances"]["maxItems"] == 7


def test_the_answer_of_a_regression_has_a_value_with_its_unit() -> None:
    prediction = document_of(RENT)["components"]["schemas"]["Answer"]["properties"]["predictions"]["items"]

    assert prediction["properties"]["value"]["description"] == "rent in EUR per month"


def test_the_answer_of_a_classification_lists_its_classes() -> None:
    contract = Contract(task="classification", features=(SIZE,), target=Target(name="sold", classes=(False, True)))

    prediction = document_of(contract)["components"]["schemas"]["Answer"]["properties"]["predictions"]["items"]

    assert prediction["properties"]["label"]["enum"] == [False, True, None]
    assert prediction["properties"]["label"]["type"] == ["boolean", "null"]
    assert prediction["properties"]["probabilities"]["required"] == ["false", "true"]


@modest
@given(st.data())
def test_of_any_contract_the_instance_schema_takes_valid_instances(data: st.DataObject) -> None:
    contract = data.draw(contracts())
    document = document_of(contract)
    instance = data.draw(instances(contract))

    assert validator(document, document["components"]["schemas"]["Instance"]).is_valid(instance)


def test_the_form_of_the_docs_page_reads_a_value_of_every_json_type() -> None:
    page = (ROOT / "functions" / "inference" / "docs.html").read_text(encoding="utf-8")
    readers = re.search(r"const read = \{(.+)\}", page)

    assert readers is not None
    assert set(re.findall(r"(\w+): ", readers[1])) == set(get_args(JsonType))


def test_the_docs_page_writes_what_users_name_or_order_from_arrays() -> None:
    """A JavaScript object would move a field called 2020 to the front."""
    page = (ROOT / "functions" / "inference" / "docs.html").read_text(encoding="utf-8")

    assert "Object.values" not in page
    assert "Object.fromEntries" not in page
    assert not re.search(r"const \w+ = \{\}|\w\[feature\.name\] = ", page)


def test_the_name_of_a_column_is_told_where_it_is_another() -> None:
    size = SIZE.model_copy(update={"column": "SizeInM2"})
    document = document_of(Contract(task="regression", features=(size, ROOMS), target=Target(name="rent")))

    properties = document["components"]["schemas"]["Instance"]["properties"]

    assert properties["size"]["description"].endswith("May also be sent as SizeInM2, its name in the table.")
    assert "May also be sent" not in properties["rooms"]["description"]


@pytest.mark.parametrize("labels", [False, True])
def test_the_id_of_an_answer_is_described_where_answers_have_it(labels: bool) -> None:
    answer = openapi_document(served(RENT), ROUTES, labels=labels)["components"]["schemas"]["Answer"]

    assert ("id" in answer["properties"], "id" in answer["required"]) == (labels, labels)


@pytest.mark.parametrize(
    ("target", "right", "wrong"), [(RENT.target, 850.5, "north"), (Target(name="y", classes=("a", "b")), "a", "c")]
)
def test_labels_are_described_in_the_words_of_the_contract(target: Target, right: object, wrong: object) -> None:
    task = "classification" if target.classes else "regression"
    contract = Contract(task=task, features=(SIZE,), target=target)
    document = openapi_document(served(contract), (*ROUTES, LABELS), labels=True)
    operation = document["paths"]["/labels"]["post"]
    schema = operation["requestBody"]["content"]["application/json"]["schema"]

    def taken(label: object) -> bool:
        return validator(document, schema).is_valid({"labels": [{"id": "mR1tXk3_9aQzLw0E#0", "label": label}]})

    assert (taken(right), taken(wrong)) == (True, False)
    assert (operation["operationId"], min(operation["responses"])) == ("labels", "202")


def test_retrainings_are_described_with_what_a_caller_may_say() -> None:
    document = openapi_document(served(RENT), (*ROUTES, RETRAIN, RETRAINING))
    begin, read = document["paths"]["/retrain"]["post"], document["paths"]["/retrain/{id}"]["get"]
    body = validator(document, begin["requestBody"]["content"]["application/json"]["schema"])

    assert body.is_valid({"reason": "new prices", "rollout": "manual"})
    assert body.is_valid({})
    assert not body.is_valid({"rollout": "now"})
    assert not body.is_valid({"why": "new prices"})
    assert (begin["operationId"], read["operationId"]) == ("retrain", "retraining")
    assert set(begin["responses"]) >= {"202", "409", "422", "503"}
    assert [parameter["name"] for parameter in (*begin["parameters"], *read["parameters"])] == ["Idempotency-Key", "id"]
