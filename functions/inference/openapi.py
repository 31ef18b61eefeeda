"""The OpenAPI 3.1 document of a model: paths of the routes, with the schemas and examples of its contract."""

from collections.abc import Iterable

from inference.model import ServedModel
from inference.openapi_schemas import Schema, answer_schema, class_types, instance_schema, request_content
from inference.predict import PATH as PREDICTION_PATH
from inference.route import LABELS_PATH, Route
from skylift.background import BACKGROUND_FILE
from skylift.challenger import VARIANT_HEADER
from skylift.contract import Contract
from skylift.http.problems import MEDIA_TYPE as PROBLEM
from skylift.http.reply import JSON


def openapi_document(model: ServedModel, routes: Iterable[Route], *, labels: bool = False) -> Schema:
    """Describe the API of a model.

    Parameters
    ----------
    model
        Active model.
    routes
        Routes of the API, `PATH` of `predict.py` among them.
    labels
        Whether an answer holds its id, for labels that name it.
    """
    contract, name = model.manifest.contract, model.manifest.model
    paths: dict[str, Schema] = {}
    for route in routes:
        paths.setdefault(route.path, {})[route.method.lower()] = _operation(route)
    explains = BACKGROUND_FILE in model.manifest.artifacts
    _describe_prediction(paths[PREDICTION_PATH]["post"], contract, model.schema.max_instances, explains=explains)
    if LABELS_PATH in paths:
        _describe_labels(paths[LABELS_PATH]["post"], contract)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": f"{name}: predict {contract.target.name}",
            "version": model.reference.name,
            "description": f"Model {name} {model.reference}, a {contract.task}.",
        },
        "paths": paths,
        "components": {
            "schemas": {
                "Instance": instance_schema(contract),
                "Answer": answer_schema(contract, labels=labels, explains=explains),
                "Problem": _PROBLEM,
            }
        },
    }


def _operation(route: Route) -> Schema:
    answers = {route.status: route.summary, **route.statuses}
    return {
        "operationId": route.operation_id,
        "summary": route.summary,
        **route.operation,
        "responses": {
            **{
                str(status): {"description": description, "content": {route.media_type: {}}}
                for status, description in answers.items()
            },
            **{str(status): _problem_response(text) for status, text in route.problems.items()},
        },
    }


def _describe_prediction(operation: Schema, contract: Contract, max_instances: int, *, explains: bool) -> None:
    """Add to the operation of the prediction what only a contract tells."""
    operation["summary"] = f"Predict {contract.target.name}"
    operation["requestBody"] = {"required": True, "content": {JSON: request_content(contract, max_instances)}}
    operation["parameters"] = [
        {
            "name": VARIANT_HEADER,
            "in": "header",
            "required": False,
            "schema": {"type": "string"},
            "example": "champion",
            "description": "`champion` asks for the active version, whatever is on trial; any other value for nothing",
        }
    ]
    operation["parameters"].append(
        _switch("unwatched", "Whether the monitor is not to see these instances, because they are made up")
    )
    if contract.target.sets is not None:
        operation["parameters"].append(_switch("set", "Whether answers hold their prediction sets"))
    if explains:
        operation["parameters"].append(
            _switch("explain", "Whether answers hold their reasons; for 100 instances at most")
        )
    operation["responses"]["200"] = {
        "description": "One prediction per instance, in their order",
        "headers": {
            "x-model-version": {"schema": {"type": "string"}, "description": "The version that answered"},
            VARIANT_HEADER: {
                "schema": {"type": "string", "enum": ["champion", "challenger"]},
                "description": "Whether that is the active version, or one on trial; absent where none is",
            },
            "x-model-problem": {
                "schema": {"type": "string"},
                "description": "Why that may not be the active version, as the code in /health; absent if it is",
            },
        },
        "content": {JSON: {"schema": {"$ref": "#/components/schemas/Answer"}}},
    }


def _switch(name: str, description: str) -> Schema:
    return {
        "name": name,
        "in": "query",
        "required": False,
        "schema": {"type": "boolean"},
        "description": description,
    }


def _describe_labels(operation: Schema, contract: Contract) -> None:
    """Add to the operation of the labels what only a contract tells."""
    target = contract.target
    types = class_types(target)
    value: Schema = {"type": types, "enum": [*target.classes]} if types else {"type": "number"}
    label: Schema = {
        "type": "object",
        "required": ["id", "label"],
        "properties": {
            "id": {
                "type": "string",
                "pattern": "#[0-9]+$",
                "description": "Id of the answer and place of the prediction in it: the first is `{id}#0`",
            },
            "label": {**value, "description": f"The true {target.name}"},
            "observed_at": {
                "type": "string",
                "format": "date-time",
                "description": "When it became known; when it arrived, without it",
            },
        },
    }
    bodies = {
        JSON: {
            "type": "object",
            "required": ["labels"],
            "properties": {"labels": {"type": "array", "minItems": 1, "items": label}},
        },
        "application/x-ndjson": {"type": "string", "description": "One label a line"},
    }
    operation["requestBody"] = {"required": True, "content": {kind: {"schema": body} for kind, body in bodies.items()}}


_PROBLEM: Schema = {
    "type": "object",
    "description": "RFC 9457",
    "required": ["type", "title", "status", "detail", "request_id"],
    "properties": {
        "type": {"type": "string"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string"},
        "request_id": {"type": "string"},
        "errors": {
            "type": "array",
            "items": {
                "type": "object",
                "properties": {
                    "field": {"type": "string"},
                    "pointer": {"type": "string", "description": "JSON pointer of the field (RFC 6901)"},
                    "reason": {"type": "string"},
                    "message": {"type": "string"},
                },
            },
        },
        "errors_total": {"type": "integer"},
    },
}


def _problem_response(description: str) -> Schema:
    return {
        "description": description,
        "content": {PROBLEM: {"schema": {"$ref": "#/components/schemas/Problem"}}},
    }
