"""JSON Schemas of what a model takes and answers, by its contract."""

from typing import Any

from skylift.conformal import Margins
from skylift.contract import Contract, Target, class_key
from skylift.feature import Feature, Unknown

type Schema = dict[str, Any]

_OF_UNKNOWN: dict[Unknown | None, str] = {
    "missing": "Any other text counts as missing, with a warning.",
    "other": "Any other text is answered as one that is unknown, with a warning.",
}
_JSON_TYPES: dict[type, str] = {bool: "boolean", int: "integer", str: "string"}


def class_types(target: Target) -> list[str]:
    """JSON types of the classes: one, or several in versions of older releases."""
    return sorted({_JSON_TYPES[type(name)] for name in target.classes})


def request_content(contract: Contract, max_instances: int) -> Schema:
    """Schema and examples of a body: instances, one instance by name, or one by position."""
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


def instance_schema(contract: Contract) -> Schema:
    """Schema of one instance by name."""
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
        _OF_UNKNOWN.get(feature.unknown),
        f"May also be sent as {feature.column}, its name in the table." if feature.column is not None else None,
    ]
    return {"examples": [feature.example], **feature.json_schema, "description": " ".join(filter(None, sentences))}


def answer_schema(contract: Contract, *, labels: bool, explains: bool) -> Schema:
    """Schema of an answer.

    Parameters
    ----------
    labels
        Whether it holds its id, for labels that name it.
    explains
        Whether the version can tell reasons.
    """
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
    types = class_types(target)
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
