"""The OpenAPI 3.1 document of a model: its schemas, examples and words come from the contract alone."""

from typing import Any

from inference.model import ServedModel
from skylift.contract import Contract, Feature, class_key

type Schema = dict[str, Any]

_PROBLEMS = {
    "400": "Not JSON",
    "413": "Too many instances or bytes",
    "415": "Not declared to be JSON",
    "422": "Fields break the contract",
    "503": "No model is ready; see Retry-After",
}


def openapi_document(model: ServedModel, max_instances: int) -> Schema:
    """Describe the API of a model.

    Parameters
    ----------
    model
        The one in place.
    max_instances
        How many instances a request may hold.
    """
    contract, name = model.manifest.contract, model.manifest.model
    prediction = {
        "operationId": "predict",
        "summary": f"Predict {contract.target.name}",
        "requestBody": {"required": True, "content": {"application/json": _request(contract, max_instances)}},
        "responses": {
            "200": {
                "description": "One prediction per instance, in their order",
                "headers": {
                    "x-model-version": {"schema": {"type": "string"}, "description": "The version that answered"}
                },
                "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Answer"}}},
            },
            **{status: _problem_response(words) for status, words in _PROBLEMS.items()},
        },
    }
    return {
        "openapi": "3.1.0",
        "info": {
            "title": f"{name}: predict {contract.target.name}",
            "version": model.reference.name,
            "description": f"Model {name} {model.reference}, a {contract.task}.",
        },
        "paths": {
            "/predict": {"post": prediction},
            "/health": {"get": _get("health", "Liveness, readiness and what is wrong", failing="503")},
            "/model-info": {"get": _get("modelInfo", "The active version and its contract")},
            "/openapi.json": {"get": _get("openapi", "This document")},
            "/model-card": {"get": _model_card()},
            "/docs": {"get": _get("docs", "A page to read and to try it", media_type="text/html")},
            "/": {"get": _get("index", "What there is")},
        },
        "components": {
            "schemas": {
                "Instance": _instance(contract),
                "Answer": _answer(contract),
                "Problem": _PROBLEM,
            }
        },
    }


def _request(contract: Contract, max_instances: int) -> Schema:
    example = contract.example
    return {
        "schema": {
            "oneOf": [
                {
                    "title": "Instances",
                    "type": "object",
                    "required": ["instances"],
                    "additionalProperties": False,
                    "properties": {
                        "instances": {
                            "type": "array",
                            "minItems": 1,
                            "maxItems": max_instances,
                            "items": {"$ref": "#/components/schemas/Instance"},
                        }
                    },
                },
                {"$ref": "#/components/schemas/Instance"},
                {
                    "title": "ByPosition",
                    "type": "object",
                    "required": ["features"],
                    "additionalProperties": False,
                    "properties": {
                        "features": {
                            "type": "array",
                            "description": f"In this order: {', '.join(feature.name for feature in contract.features)}",
                            "prefixItems": [_value(feature) for feature in contract.features],
                            "minItems": len(contract.features),
                            "maxItems": len(contract.features),
                        }
                    },
                },
            ]
        },
        "examples": {
            "instances": {"summary": "One or more instances", "value": {"instances": [example]}},
            "instance": {"summary": "One instance", "value": example},
            "features": {"summary": "One instance by position", "value": {"features": list(example.values())}},
        },
    }


def _instance(contract: Contract) -> Schema:
    return {
        "type": "object",
        "required": [feature.name for feature in contract.features if feature.required],
        "additionalProperties": False,
        "properties": {feature.name: _value(feature) for feature in contract.features},
        "example": contract.example,
    }


def _value(feature: Feature) -> Schema:
    words = [feature.description] * bool(feature.description) + [f"Expected: {feature.expectation}."]
    if feature.training_range:
        words.append(f"Training range: {feature.training_range}.")
    return feature.json_schema | {"description": " ".join(map(str, words)), "examples": [feature.example]}


def _answer(contract: Contract) -> Schema:
    return {
        "type": "object",
        "required": ["model", "version", "predictions", "warnings"],
        "properties": {
            "model": {"type": "string"},
            "version": {"type": "string"},
            "predictions": {"type": "array", "items": _prediction(contract)},
            "warnings": {
                "type": "array",
                "description": "What to know of values outside the training range, and of predictions without a number",
                "items": {
                    "type": "object",
                    "properties": {
                        "instance": {"type": ["integer", "null"]},
                        "field": {"type": ["string", "null"]},
                        "message": {"type": "string"},
                    },
                },
            },
        },
    }


def _prediction(contract: Contract) -> Schema:
    target = contract.target
    if contract.task == "regression":
        unit = f" in {target.unit}" if target.unit else ""
        value = {"type": ["number", "null"], "description": f"{target.name}{unit}"}
        return {"type": "object", "required": ["value"], "properties": {"value": value}}
    probability = {"type": ["number", "null"], "minimum": 0, "maximum": 1}
    keys = [class_key(name) for name in target.classes]
    return {
        "type": "object",
        "required": ["label", "probabilities"],
        "properties": {
            "label": {"enum": list(target.classes), "description": f"The most probable {target.name}"},
            "probabilities": {"type": "object", "required": keys, "properties": dict.fromkeys(keys, probability)},
        },
    }


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
                    "reason": {"type": "string"},
                    "message": {"type": "string"},
                },
            },
        },
        "errors_total": {"type": "integer"},
    },
}


def _problem_response(words: str) -> Schema:
    return {
        "description": words,
        "content": {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}},
    }


def _model_card() -> Schema:
    described = _get(
        "modelCard", "What the active version is, how good it is and where its limits are", media_type="text/html"
    )
    described["responses"]["404"] = _problem_response("The version was published without one")
    described["responses"]["503"] = _problem_response(_PROBLEMS["503"])
    return described


def _get(operation: str, summary: str, *, media_type: str = "application/json", failing: str = "") -> Schema:
    responses: Schema = {"200": {"description": summary, "content": {media_type: {}}}}
    if failing:
        responses[failing] = {"description": "No model is ready", "content": {media_type: {}}}
    return {"operationId": operation, "summary": summary, "responses": responses}
