"""The OpenAPI 3.1 document of a model: schemas and examples of its contract, paths of the routes."""

from collections.abc import Iterable
from typing import Any

from inference.model import ServedModel
from inference.predict import PATH as PREDICTION_PATH
from inference.route import LABELS_PATH, Route
from skylift.background import BACKGROUND_FILE
from skylift.challenger import VARIANT_HEADER
from skylift.conformal import Margins
from skylift.contract import Contract, Target, class_key
from skylift.feature import Feature
from skylift.http.problems import MEDIA_TYPE as PROBLEM
from skylift.http.reply import JSON

_JSON_TYPES: dict[type, str] = {bool: "boolean", int: "integer", str: "string"}

type Schema = dict[str, Any]


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
                "Instance": _instance(contract),
                "Answer": _answer(contract, labels=labels, explains=explains),
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
    operation["requestBody"] = {"required": True, "content": {JSON: _request(contract, max_instances)}}
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
    types = sorted({_JSON_TYPES[type(name)] for name in target.classes})
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
        "properties": {feature.name: _value(feature) for feature in contract.features}
        | {name: {"description": "Not used by the model."} for name in contract.ignored},
        "example": contract.example,
    }


def _value(feature: Feature) -> Schema:
    sentences = [
        feature.description,
        f"Expected: {feature.expectation}.",
        f"Training range: {feature.training_range}." if feature.training_range else None,
        "Any other text counts as missing, with a warning." if feature.takes_unknown else None,
        f"May also be sent as {feature.column}, its name in the table." if feature.column is not None else None,
    ]
    return {"examples": [feature.example], **feature.json_schema, "description": " ".join(filter(None, sentences))}


def _answer(contract: Contract, *, labels: bool, explains: bool) -> Schema:
    prediction = _prediction(contract)
    if explains:
        prediction["properties"] |= {"explanation": _explanation(contract)}
    named = {"id": {"type": "string", "description": "Id of the answer: a label names the first prediction `{id}#0`"}}
    return {
        "type": "object",
        "required": [*(named if labels else ()), "model", "version", "predictions", "warnings"],
        "properties": {
            **(named if labels else {}),
            "model": {"type": "string"},
            "version": {"type": "string"},
            "predictions": {"type": "array", "items": prediction},
            "warnings": {
                "type": "array",
                "description": "Values outside the training range, unknown categories, unused fields, missing numbers",
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
        value: Schema = {"type": ["number", "null"], "description": f"{target.name}{unit}"}
        properties = {"value": value} | _interval(target.margins)
        return {"type": "object", "required": [*properties], "properties": properties}
    probability = {"type": ["number", "null"], "minimum": 0, "maximum": 1}
    keys = [class_key(name) for name in target.classes]
    types = sorted({_JSON_TYPES[type(name)] for name in target.classes})  # several in versions of older releases
    return {
        "type": "object",
        "required": ["label", "probabilities"],
        "properties": {
            "label": {
                "type": [*types, "null"],
                "enum": [*target.classes, None],
                "description": _label(target),
            },
            "probabilities": {"type": "object", "required": keys, "properties": dict.fromkeys(keys, probability)},
            **_set(target, types),
        },
    }


def _explanation(contract: Contract) -> Schema:
    """The member of an answer that says how each feature moved it away from the typical answer."""
    names = [feature.name for feature in contract.features]
    return {
        "type": "object",
        "description": "With ?explain=true: reasons; base and contributions sum to the output",
        "required": ["output", "base", "contributions"],
        "properties": {
            "output": {"type": "string", "description": "What is explained: `probability of` the label, or `value`"},
            "base": {"type": "number", "description": "The same output for typical rows of training"},
            "contributions": {
                "type": "object",
                "required": names,
                "properties": {name: {"type": "number"} for name in names},
            },
        },
    }


def _interval(margins: Margins | None) -> Schema:
    """Members of an answer that say between what the true value lies; none of a version without intervals."""
    if margins is None:
        return {}
    end = f"end of the interval that holds the true value {margins.level:.6g} of the time"
    return {
        "low": {"type": ["number", "null"], "description": f"Lower {end}"},
        "high": {"type": ["number", "null"], "description": f"Upper {end}"},
        "level": {"type": "number", "enum": [margins.level]},
    }


def _set(target: Target, types: list[str]) -> Schema:
    """The member of an answer that holds its prediction set; none of a version without sets."""
    if target.sets is None:
        return {}
    text = f"With ?set=true: classes of which one is the true one {target.sets.level:.6g} of the time"
    items = {"type": types, "enum": [*target.classes]}
    return {"set": {"type": "array", "minItems": 1, "items": items, "description": text}}


def _label(target: Target) -> str:
    """Which class an answer is labelled with."""
    if target.threshold is None:
        return f"The most probable {target.name}"
    other, positive = target.keys
    return f"{target.name}: {positive} where its probability is above {target.threshold:g}, otherwise {other}"


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
