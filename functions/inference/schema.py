"""The request schema of a contract: reads a body in one of its three forms, or says field by field what is wrong.

    {"instances": [{...}, ...]}     one or more
    {...}                           one
    {"features": [...]}             one, by position

Validation is pydantic-core's, built from the contract at load time. It copies a whole object into the error of each
field that the object lacks, so no error is taken from it: a validator here says yes or no, and `inference.refusal` why.
"""

import re
from codecs import BOM_UTF8
from typing import Any, cast

from pydantic_core import CoreSchema, SchemaValidator, ValidationError, core_schema, from_json

from inference import nesting
from inference.fields import FORMS, Fields, yes_or_no
from inference.refusal import Refusal
from skylift.contract import Contract, Feature, Instance, listed
from skylift.errors import NotJson, TooManyInstances
from skylift.values import clean

_ENVELOPE = re.compile(rb'\s*\{\s*"(instances|features)"\s*:\s*\[')
_BEGINNING_BYTES = 4096
_MAX_MORE = 100

_MAX_BYTES_OF_ONE_PASS = 2**20
_MAX_FEATURES_OF_ONE_PASS = 32
"""Beyond these it is faster, and takes less memory, to parse a body before it is checked."""


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
        self.max_instances = max_instances
        self._fields = fields = Fields.of(contract)
        instance = core_schema.typed_dict_schema(
            {name: _field_schema(feature, fields.schemas[name]) for name, feature in fields.features.items()}
            | {
                name: core_schema.typed_dict_field(core_schema.any_schema(), required=False)
                for name in contract.ignored
            },
            extra_behavior="forbid",
        )
        many = core_schema.list_schema(instance, min_length=1, max_length=max_instances, fail_fast=True)
        self._instances = yes_or_no(many, None)
        self._envelopes = {
            "instances": _envelope("instances", many),
            "features": _envelope("features", core_schema.tuple_schema(list(fields.schemas.values()))),
        }
        self._one_pass_bytes = _MAX_BYTES_OF_ONE_PASS if len(fields.features) <= _MAX_FEATURES_OF_ONE_PASS else 0

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
        nested = len(body) > nesting.HARMLESS_BYTES and nesting.at_most(body) > nesting.allowed(self.max_instances)
        match = _ENVELOPE.match(body) if not nested and len(body) <= self._one_pass_bytes else None
        if match:
            instances = self._in_one_pass(body, match[1].decode())
            if instances is not None:
                return instances
        if not body.strip():
            raise NotJson("the body is empty", f'send {{"instances": [...]}} with {self._names()}')
        body = body.removeprefix(BOM_UTF8)
        if nested:
            self._refuse_nesting(body)
        try:
            document = from_json(body)
        except ValueError as error:
            raise _not_json(error) from None
        return self._checked(document, as_sent=match is None)

    def _in_one_pass(self, body: bytes, form: str) -> list[Instance] | None:
        """The instances of a body that is valid as it stands; None for any other."""
        try:
            document = self._envelopes[form].validate_json(body)
        except ValidationError:  # it is not JSON
            return None
        if document is None or form == "instances":
            return document and cast("list[Instance]", document[form])
        return [dict(zip(self._fields.features, document[form], strict=True))]

    def _refuse_nesting(self, body: bytes) -> None:
        """Refuse a body that holds more arrays and objects than a request may, of which only the beginning is parsed.

        Raises
        ------
        NotJson, TooManyInstances, InvalidInstance
        """
        most = nesting.allowed(self.max_instances)
        brackets = nesting.brackets(body)
        if len(brackets) <= 2 * most:
            return  # the others are in texts
        if brackets.replace(b"{}", b"") == b"{[]}":
            raise self._too_many()
        try:
            from_json(body[:_BEGINNING_BYTES].decode(errors="ignore"), allow_partial=True)
        except ValueError as error:
            raise _not_json(error) from None
        refusal = Refusal(self._fields)
        if brackets.startswith(b"["):
            refusal.of_array()
        else:
            refusal.of_shape((), f"it holds more than {most} arrays and objects")
        raise refusal.error

    def _checked(self, document: Any, *, as_sent: bool) -> list[Instance]:
        """The valid instances of a parsed body.

        Parameters
        ----------
        as_sent
            Whether it may be valid as it was sent: no validator has refused it.

        Raises
        ------
        TooManyInstances, InvalidInstance
        """
        form = self._form_of(document)
        content = document if form is None else document[form]
        if form == "instances" and isinstance(content, list) and len(content) > self.max_instances:
            raise self._too_many()
        instances = self._instances_in(form, content)
        may_be_valid = form is None or (len(document) == 1 and (form == "instances" or self._is_whole(content)))
        if may_be_valid and as_sent and (valid := self._valid(instances)):
            return valid
        cleaned = [self._cleaned(instance) for instance in instances]  # only now: a body that is clean pays nothing
        if may_be_valid and not (as_sent and cleaned == instances) and (valid := self._valid(cleaned)):
            return valid
        refusal = Refusal(self._fields)
        if form == "features":
            refusal.of_positions(list(cleaned[0].values()) if cleaned else content)
        elif form == "instances":
            refusal.of_instances(cleaned if isinstance(content, list) else content, instances)
        else:
            refusal.of_body(cleaned[0], content)
        if form is not None:
            refusal.of_unknown((), (name for name in document if name != form), len(document) - 1)
        raise refusal.error

    def _form_of(self, document: Any) -> str | None:
        """The envelope that a document is; None for a bare instance, which may have a column of that name."""
        if not isinstance(document, dict):
            return None
        forms = [
            form
            for form in FORMS
            if form in document and (form not in self._fields.known or isinstance(document[form], list))
        ]
        return next(iter(document)) if len(forms) == 2 and next(iter(document)) in forms else next(iter(forms), None)

    def _instances_in(self, form: str | None, content: Any) -> list[Any]:
        """What a document holds in place of instances."""
        if form is None:
            return [content]
        if not isinstance(content, list):
            return []
        if form == "instances":
            return content
        features = self._fields.features
        return [dict(zip(features, content, strict=False))] if len(content) <= len(features) else []

    def _is_whole(self, content: Any) -> bool:
        return isinstance(content, list) and len(content) == len(self._fields.features)

    def _valid(self, instances: list[Any]) -> list[Instance] | None:
        """The instances as the validator gives them back, if all are valid.

        One that has more or fewer fields than any valid one is not shown to the validator, which would note each.
        """
        fewest, most = len(self._fields.required), len(self._fields.known)
        if not all(isinstance(instance, dict) and fewest <= len(instance) <= most for instance in instances):
            return None
        valid: list[Instance] | None = self._instances.validate_python(instances)
        return valid

    def _cleaned(self, instance: Any) -> Any:
        """An instance with names and texts as training reads those of the table."""
        if not instance or not isinstance(instance, dict):
            return instance
        features, contract = self._fields.features, self._fields.contract
        if len(instance) > 2 * len(contract.spellings) + _MAX_MORE:  # it cannot be valid: only what is known is read
            names, cleaned = list(instance.keys() & contract.spellings.keys()), instance
        else:
            names, cleaned = list(instance), {}
        for sent in names:
            name, value = contract.known_name(sent), instance[sent]
            if name is None or (name != sent and (name in instance or name in cleaned)):
                name = sent
            elif name != sent and cleaned is instance:
                del instance[sent]
            cleaned[name] = _cleaned_value(features[name], value) if name in features else value
        return cleaned

    def _too_many(self) -> TooManyInstances:
        return TooManyInstances(
            f"more than {self.max_instances} instances in one request", "send them in several requests"
        )

    def _names(self) -> str:
        return listed(list(self._fields.features))


def _not_json(error: ValueError) -> NotJson:
    return NotJson(f"the body is not JSON: {error}", "send a JSON object")


def _envelope(key: str, content: CoreSchema) -> SchemaValidator:
    schema = core_schema.typed_dict_schema({key: core_schema.typed_dict_field(content)}, extra_behavior="forbid")
    return yes_or_no(schema, None)


def _cleaned_value(feature: Feature, value: Any) -> Any:
    cleaned = clean(feature, value)
    return value if cleaned is None and feature.required else cleaned  # a blank stays a text if null is refused


def _field_schema(feature: Feature, value: CoreSchema) -> core_schema.TypedDictField:
    """The member of an instance that holds a value: by the name of the feature or of its column."""
    names: list[list[str | int]] | None = None if feature.column is None else [[feature.name], [feature.column]]
    return core_schema.typed_dict_field(value, required=feature.required, validation_alias=names)
