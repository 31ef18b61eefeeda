"""The request schema of a contract: reads a body in one of its three forms, or says field by field what is wrong.

    {"instances": [{...}, ...]}     one or more
    {...}                           one
    {"features": [...]}             one, by position

Validation is pydantic-core's, built from the contract at load time: a body is parsed and checked in one pass.
"""

import difflib
import re
from codecs import BOM_UTF8
from functools import partial
from typing import Any, assert_never

from pydantic_core import CoreSchema, ErrorDetails, SchemaValidator, ValidationError, core_schema, from_json, to_json

from skylift.contract import LARGEST_NUMBER, NOT_BLANK, Contract, Feature, Instance, listed
from skylift.errors import FieldProblem, InvalidInstance, NotJson, TooManyInstances
from skylift.values import Fault, clean, fault

_ENVELOPE = re.compile(rb'\s*\{\s*"(instances|features)"\s*:\s*\[')
_MAX_PROBLEMS = 20
_MAX_COMPARED = 100
_MAX_FOREIGN_NAME = 200
_MAX_FOREIGN_POINTER = 1000  # bytes of JSON

_STRUCTURAL = {"extra_forbidden", "too_long", "too_short", "tuple_type", "list_type", "dict_type"}


class RequestSchema:
    """Reads request bodies by a contract.

    Parameters
    ----------
    contract
        Contract of the model.
    max_instances
        Largest number of instances in a body.
    """

    def __init__(self, contract: Contract, max_instances: int) -> None:
        self._features = {feature.name: feature for feature in contract.features}
        self._contract = contract
        self._known = contract.spellings
        self._max_instances = max_instances
        values = {name: _value_schema(feature) for name, feature in self._features.items()}
        instance = core_schema.typed_dict_schema(
            {name: _field_schema(feature, values[name]) for name, feature in self._features.items()}
            | {
                name: core_schema.typed_dict_field(core_schema.any_schema(), required=False)
                for name in contract.ignored
            },
            extra_behavior="forbid",
        )
        many = core_schema.list_schema(instance, min_length=1, max_length=max_instances)
        self._instance = SchemaValidator(instance)
        self._envelopes = {
            "instances": _envelope("instances", many),
            "features": _envelope("features", core_schema.tuple_schema(list(values.values()))),
        }

    def parse(self, body: bytes) -> list[Instance]:
        """Read a body.

        Returns
        -------
        At least one valid instance; a field that may be missing can be absent, and columns that the contract ignores
        are left in.

        Raises
        ------
        NotJson
            The body is not JSON.
        TooManyInstances
            It holds more than `max_instances`.
        InvalidInstance
            Fields break the contract.
        """
        if not body.strip():
            raise NotJson("the body is empty", f'send {{"instances": [...]}} with {self._names()}')
        if match := _ENVELOPE.match(body):
            form: str | None = match[1].decode()
        else:
            body = body.removeprefix(BOM_UTF8)
            form = self._unusual_form(body)
        try:
            return self._validated(body, form)
        except ValidationError as error:
            failure = error
        if cleaned := self._cleaned(body, form):  # only now: a body that is clean pays nothing
            try:
                return self._validated(cleaned, form)
            except ValidationError as error:
                failure = error
        raise self._explained(failure) from failure

    def _validated(self, body: bytes, form: str | None) -> list[Instance]:
        if form is None:
            return [self._instance.validate_json(body)]
        content = self._envelopes[form].validate_json(body)[form]
        return content if form == "instances" else [dict(zip(self._features, content, strict=True))]

    def _cleaned(self, body: bytes, form: str | None) -> bytes | None:
        """The body with names and texts as training reads those of the table; None if not JSON or no other."""
        try:
            document = from_json(body)
            if form is None:
                cleaned = self._cleaned_instance(document)
                return None if cleaned == document else to_json(cleaned)
            content = document[form]
            if isinstance(content, list) and len(content) > self._max_instances and form == "instances":
                return None
            if isinstance(content, list) and form == "instances":
                content = [self._cleaned_instance(instance) for instance in content]
            elif isinstance(content, list) and len(content) == len(self._features):
                content = list(map(_cleaned_value, self._features.values(), content))
            return None if content == document[form] else to_json(document | {form: content})
        except ValueError:
            return None

    def _cleaned_instance(self, instance: Any) -> Any:
        if not isinstance(instance, dict):
            return instance
        cleaned: dict[str, Any] = {}
        for name, value in instance.items():
            known = self._contract.known_name(name)
            if known is not None and (known == name or known not in instance.keys() | cleaned.keys()):
                cleaned[known] = _cleaned_value(self._features[known], value) if known in self._features else value
            else:
                cleaned[name] = value
        return cleaned

    def _unusual_form(self, body: bytes) -> str | None:
        """The envelope of a body whose first key does not show it."""
        try:
            document = from_json(body)
        except ValueError:
            return None  # validation says what is wrong with it
        if isinstance(document, dict):
            for form in self._envelopes:
                if form in document and form not in self._known:
                    return form
        return None

    def _explained(self, error: ValidationError) -> NotJson | TooManyInstances | InvalidInstance:
        details = error.errors(include_url=False)
        kind, place = details[0]["type"], details[0]["loc"]
        if kind == "json_invalid":
            return NotJson(f"the body is not JSON: {details[0]['ctx']['error']}", "send a JSON object")
        if (kind, place) == ("too_long", ("instances",)):
            return TooManyInstances(
                f"more than {self._max_instances} instances in one request", "send them in several requests"
            )
        problems = tuple(self._problem(detail) for detail in details[:_MAX_PROBLEMS])
        return InvalidInstance(problems, len(details))

    def _problem(self, detail: ErrorDetails) -> FieldProblem:
        place = detail["loc"]
        positional = len(place) == 2 and place[0] == "features"
        last = list(self._features)[int(place[1])] if positional else place[-1] if place else ""
        feature = self._features.get(self._known.get(last, "")) if isinstance(last, str) else None
        if feature and detail["type"] not in _STRUCTURAL:
            reason, message = _of_value(feature, detail)
        else:
            reason, message = self._of_structure(detail, str(last))
        pointer = _pointer(place)
        if place and isinstance(last, str) and last not in self._known:  # the caller's, which may be of any length
            if len(to_json(pointer)) > _MAX_FOREIGN_POINTER:
                pointer = _pointer(place[:-1])  # of the object that holds it
            place = (*place[:-1], last[:_MAX_FOREIGN_NAME])
        return FieldProblem(_dotted(place), reason, message, pointer)

    def _of_structure(self, detail: ErrorDetails, last: str) -> tuple[str, str]:
        """Reason and message of a fault that is not in the value of a feature."""
        kind, place = detail["type"], detail["loc"]
        reason = "wrong_length" if kind in {"too_long", "too_short"} else "wrong_type"
        match kind:
            case "extra_forbidden" if (known := self._contract.known_name(last)) is not None:
                reason, message = "repeated_field", f"{known!r} is there under another name as well: send one"
            case "extra_forbidden":
                reason = "unknown_field"
                message = f"unknown field{self._nearest(last)}"
            case "too_long" | "tuple_type" if place == ("features",):
                reason = "wrong_length"
                message = f"expected {len(self._features)} values in this order: {self._names()}"
            case "too_short":
                message = "expected at least one instance"
            case "missing" | "list_type":
                message = "expected an array of instances"
            case "dict_type" if not place and isinstance(detail["input"], list):
                message = 'expected an object: wrap the array as {"instances": [...]}'
            case "dict_type":
                message = f"expected an object with {self._names()}"
            case _:
                message = detail["msg"]
        return reason, message

    def _nearest(self, name: str) -> str:
        others = [other for other in (*self._features, *self._envelopes) if other != name]
        if near := difflib.get_close_matches(name[:_MAX_COMPARED], others, n=1):
            return f"; did you mean {near[0]!r}?"
        return f"; known are {self._names()}"

    def _names(self) -> str:
        return listed(list(self._features))


def _of_value(feature: Feature, detail: ErrorDetails) -> tuple[str, str]:
    """Reason and message of a fault in the value of a feature."""
    if detail["type"] == "missing":
        return "missing_field", f"missing: expected {feature.expectation}"
    found = fault(feature, detail["input"]) or Fault("wrong_type", detail["msg"])
    return found.reason, found.message


def _dotted(place: tuple[int | str, ...]) -> str:
    """Write a place as `instances[3].petal_width`."""
    text = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in place)
    return text.removeprefix(".") or "body"


def _pointer(place: tuple[int | str, ...]) -> str:
    """Write a place as a JSON pointer (RFC 6901), `/instances/3/petal_width`; the whole body is the empty one."""
    return "".join("/" + str(part).replace("~", "~0").replace("/", "~1") for part in place)


def _envelope(key: str, content: CoreSchema) -> SchemaValidator:
    return SchemaValidator(
        core_schema.typed_dict_schema({key: core_schema.typed_dict_field(content)}, extra_behavior="forbid")
    )


def _cleaned_value(feature: Feature, value: Any) -> Any:
    cleaned = clean(feature, value)
    return value if cleaned is None and feature.required else cleaned  # a blank stays a text if null is refused


def _field_schema(feature: Feature, value: CoreSchema) -> core_schema.TypedDictField:
    """The member of an instance that holds a value: by the name of the feature or of its column."""
    names: list[list[str | int]] | None = None if feature.column is None else [[feature.name], [feature.column]]
    return core_schema.typed_dict_field(value, required=feature.required, validation_alias=names)


def _value_schema(feature: Feature) -> CoreSchema:
    number: dict[str, Any] = {"strict": True, "allow_inf_nan": False, "ge": -LARGEST_NUMBER, "le": LARGEST_NUMBER}
    schema: CoreSchema
    match feature.kind:
        case "number":
            schema = core_schema.float_schema(**number)
        case "integer":  # 5 and 5.0 are the same integer in JSON
            schema = core_schema.float_schema(multiple_of=1, **number)
        case "boolean":
            schema = core_schema.bool_schema(strict=True)
        case "category":
            if feature.takes_unknown:
                schema = core_schema.str_schema(strict=True, pattern=NOT_BLANK if feature.required else None)
            else:
                schema = core_schema.literal_schema(list(feature.categories))
        case _:
            assert_never(feature.kind)
    schema = schema if feature.required else core_schema.nullable_schema(schema)
    if feature.missing is None:
        return schema
    return core_schema.no_info_before_validator_function(partial(_known_value, feature), schema)


def _known_value(feature: Feature, value: Any) -> Any:
    """A value, or None for what the table calls missing, though it has the type of others."""
    cleaned = clean(feature, value)
    if cleaned is None and feature.required:
        raise ValueError("missing")  # pydantic's error then has the value as it was sent
    return cleaned
