"""Says in plain words what is wrong with a `model.yaml`: the line, the key, what it holds, and what is expected."""

from functools import cache
from typing import Any

from pydantic import BaseModel, ValidationError

from skylift.cells import clean_text
from skylift.names import NearestNames, did_you_mean
from training.config.yaml_core import line_of

_KEYS = "docs/reference.md lists the keys of model.yaml"
_OWN = {"value_error", "unknown_metric"}  # their messages are written here
_TYPES = {"integer": "a whole number", "number": "a number", "boolean": "true or false", "string": "a text"}
_BOUNDS = {
    "minimum": "from {} on",
    "exclusiveMinimum": "above {}",
    "maximum": "up to {}",
    "exclusiveMaximum": "below {}",
}
_SHOWN = 60
_NEAR_ENOUGH = 0.6
"""Similarity of an allowed word from which it was meant: `string` is none of the kinds, though not unlike `integer`."""

type Schema = dict[str, Any]
type Place = tuple[str | int, ...]


def first_fault(error: ValidationError, model: type[BaseModel], document: Any, content: bytes) -> tuple[str, str]:
    """The first fault, and a hint.

    Parameters
    ----------
    model
        Model that the document does not fit.
    document, content
        Document as YAML has it, and the bytes of its file.
    """
    fault = error.errors(include_url=False)[0]
    whole = _schema(model)
    place, value = _found(fault["loc"], document)
    match fault["type"]:
        case "missing":
            place = (*place, fault["loc"][-1])
            problem, hint = "missing", f"write {place[-1]}: {_expected(_at(whole, place), whole)}"
        case "extra_forbidden":
            section = _at(whole, place[:-1])
            kinds = [_resolved(kind, whole) for kind in _kinds(section) or [section]]
            known = [name for kind in kinds for name in kind.get("properties", {})]
            problem, hint = "unknown key", did_you_mean(str(place[-1]), known)
        case own if own in _OWN:
            problem, hint = fault["msg"].removeprefix("Value error, "), _KEYS
        case _:
            schema = _at(whole, place)
            problem, hint = f"{_held(value)}, expected {_expected(schema, whole)}", _meant(value, schema, whole)
    return f"line {line_of(content, place)}: {'.'.join(map(str, place))}: {problem}", hint


@cache
def _schema(model: type[BaseModel]) -> Schema:
    return model.model_json_schema()


def _found(location: Place, document: Any) -> tuple[Place, Any]:
    """The place of a fault in the document, and what is there; a location also names the kinds of a value."""
    place: list[str | int] = []
    for part in location:
        if isinstance(document, dict):
            keys = [key for key in document if (clean_text(str(key)) or "") == str(part)]
        else:
            keys = [part] if isinstance(document, list) and isinstance(part, int) and part < len(document) else []
        if keys:
            place.append(keys[0])
            document = document[keys[0]]
    return tuple(place), document


def _at(whole: Schema, place: Place) -> Schema:
    """The schema of a place; an empty one where any value may be."""
    schema = whole
    for part in place:
        schemas = [_resolved(one, whole) for one in _kinds(schema) or [schema]]
        nested = [
            one["properties"][part]
            if part in one.get("properties", {})
            else one.get("items" if isinstance(part, int) else "additionalProperties")
            for one in schemas
        ]
        schema = _resolved(next((one for one in nested if isinstance(one, dict)), {}), whole)
    return schema


def _kinds(schema: Schema) -> list[Schema]:
    """The schemas of the kinds of value that may be in one place; none if there is only one."""
    return list(schema.get("anyOf") or schema.get("oneOf") or ())


def _resolved(schema: Schema, whole: Schema) -> Schema:
    """A schema in place of its name."""
    if "$ref" not in schema:
        return schema
    beside = {key: value for key, value in schema.items() if key != "$ref"}
    return _resolved(whole["$defs"][schema["$ref"].rpartition("/")[2]], whole) | beside


def _expected(schema: Schema, whole: Schema) -> str:
    """What a schema allows, in words."""
    if words := schema.get("words"):
        return str(words)
    if kinds := _kinds(schema):
        described = (_expected(_resolved(kind, whole), whole) for kind in kinds if kind.get("type") != "null")
        return " or ".join(dict.fromkeys(described))
    if values := schema.get("enum"):
        return f"one of {', '.join(map(repr, values))}"
    match schema.get("type"):
        case "object":
            return f"the keys {', '.join(schema['properties'])}" if "properties" in schema else "names with values"
        case "array":
            item = _expected(_resolved(schema["items"], whole), whole)
            return f"a list, with at least {schema['minItems']}: {item}" if "minItems" in schema else f"a list: {item}"
        case kind:
            bounds = (words.format(schema[key]) for key, words in _BOUNDS.items() if key in schema)
            return " ".join([_TYPES.get(str(kind), "a value"), " and ".join(bounds)]).strip()


def _meant(value: Any, schema: Schema, whole: Schema) -> str:
    """The allowed word that is most like another, as a hint."""
    kinds = [_resolved(kind, whole) for kind in _kinds(schema) or [schema]]
    words = [word for kind in kinds for word in kind.get("enum", ())]
    near = NearestNames(words).nearest(value, at_least=_NEAR_ENOUGH) if isinstance(value, str) and words else None
    return f"did you mean {near!r}?" if near else _KEYS


def _held(value: Any) -> str:
    match value:
        case None:
            return "is empty"
        case dict():
            return "holds keys"
        case list():
            return "holds a list"
        case bool():
            return f"holds {str(value).lower()}"
        case _:
            return f"holds {repr(value)[:_SHOWN]}"
