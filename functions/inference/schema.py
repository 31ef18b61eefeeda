"""The request schema of a contract: reads a body in one of its three forms, or says field by field what is wrong.

    {"instances": [{...}, ...]}     one or more
    {...}                           one
    {"features": [...]}             one, by position

Validation is pydantic-core's, built from the contract at load time. It copies a whole object into the error of each
field that the object lacks, so no error is taken from it: a validator here says yes or no, and `inference.refusal` why.
"""

import re
from codecs import BOM_UTF8
from itertools import chain
from typing import Any, cast

from pydantic_core import CoreSchema, SchemaValidator, ValidationError, core_schema, from_json

from inference.fields import FORMS, Fields, yes_or_no
from inference.refusal import Place, Refusal
from inference.spellings import Spellings
from skylift.contract import Contract, Instance
from skylift.feature import Feature
from skylift.http import nesting
from skylift.http.errors import NotJson, TooManyInstances
from skylift.names import listed

_ENVELOPE = re.compile(rb'\s*\{\s*"(instances|features)"\s*:\s*\[')
_BEGINNING_BYTES = 4096

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
            extra_behavior="allow",  # to forbid them is to make an error of each
        )
        many = core_schema.list_schema(instance, min_length=1, max_length=max_instances, fail_fast=True)
        self._instance = yes_or_no(instance, None)
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
        if not nested and len(body) <= self._one_pass_bytes and (match := _ENVELOPE.match(body)):
            instances = self._in_one_pass(body, match[1].decode())
            if instances is not None:
                return instances
        if not body.strip():
            raise NotJson("the body is empty", f'send {{"instances": [...]}} with {self._names()}')
        body = body.removeprefix(BOM_UTF8)
        if nested:
            self._refuse_nesting(body)
        try:
            document = from_json(body, cache_strings=False)  # a cache that names thrash takes half of the time
        except ValueError as error:
            raise _not_json(error) from None
        return self._checked(document)

    def read(self, instances: list[dict[str, Any]]) -> list[Instance]:
        """Read instances that came in another form than a body of `/predict`, as `parse` reads those.

        Parameters
        ----------
        instances
            Instances, at least one and at most `max_instances`, all with the same names, which are the contract's.

        Raises
        ------
        InvalidInstance
        """
        document = {"instances": instances}
        valid = self._envelopes["instances"].validate_python(document)
        return self._checked(document) if valid is None else cast("list[Instance]", valid["instances"])

    def _in_one_pass(self, body: bytes, form: str) -> list[Instance] | None:
        """The instances of a body that is valid as it stands; None for any other."""
        try:
            document = self._envelopes[form].validate_json(body)
        except ValidationError:  # it is not JSON
            return None
        if document is None:
            return None
        if form == "features":
            return [dict(zip(self._fields.features, document[form], strict=True))]
        instances = cast("list[Instance]", document[form])
        return instances if self._fields.known.issuperset(chain.from_iterable(instances)) else None

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

    def _checked(self, document: Any) -> list[Instance]:
        """The valid instances of a parsed body.

        Raises
        ------
        TooManyInstances, InvalidInstance
        """
        form = self._form_of(document)
        content = document if form is None else document[form]
        if form == "instances" and isinstance(content, list) and len(content) > self.max_instances:
            raise self._too_many()
        refusal, spellings = Refusal(self._fields), Spellings(self._fields.contract)
        features = self._fields.features
        read: list[Instance] = []
        if form == "features":
            if isinstance(content, list) and len(content) == len(features):
                read = self._read(dict(zip(features, content, strict=True)), refusal, spellings, None)
            else:
                refusal.of_positions(content)
        elif form == "instances":
            refusal.of_list(content)
            for number, instance in enumerate(content if isinstance(content, list) else ()):
                if refusal.is_full:
                    refusal.of_rest(content[number:], spellings)
                    break
                read += self._read(instance, refusal, spellings, (form, number))
        elif isinstance(document, list):
            refusal.of_array()
        else:
            read = self._read(document, refusal, spellings, ())
        if form is not None:
            refusal.of_unknown((), (name for name in document if name != form), len(document) - 1)
        if refusal.total:
            raise refusal.error
        return read

    def _read(self, instance: Any, refusal: Refusal, spellings: Spellings, place: Place | None) -> list[Instance]:
        """The valid instance, in a list; an empty one after what is wrong with it was noted.

        Parameters
        ----------
        place
            Place of the instance; None for one by position.
        """
        if (valid := self._valid(instance)) is not None:
            return [valid]
        cleaned = self._cleaned(instance, spellings)  # only now: what is clean pays nothing
        if cleaned is not instance and (valid := self._valid(cleaned)) is not None:
            return [valid]
        if place is None:
            refusal.of_positions(list(cleaned.values()))
        else:
            refusal.of_instance(place, cleaned, instance)
        return []

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

    def _valid(self, instance: Any) -> Instance | None:
        """An instance as the validator gives it back; None for a wrong one."""
        fewest, most = len(self._fields.required), len(self._fields.known)
        if (
            isinstance(instance, dict) and fewest <= len(instance) <= most
        ):  # the validator would note each of the others
            valid: Instance | None = self._instance.validate_python(instance)
            return valid if valid is None or self._fields.known.issuperset(valid) else None
        return None

    def _cleaned(self, instance: Any, spellings: Spellings) -> Any:
        """An instance with names and texts as training reads those of the table."""
        if not instance or not isinstance(instance, dict):
            return instance
        spellings.read(instance)
        fields, renamed = self._fields, spellings.renamed(instance)
        changed = {
            name: cleaned
            for name in fields.features.keys() & renamed.keys()
            if (cleaned := fields.cleaned(name, renamed[name])) is not renamed[name]
        }
        return renamed | changed if changed else renamed

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


def _field_schema(feature: Feature, value: CoreSchema) -> core_schema.TypedDictField:
    """The member of an instance that holds a value: by the name of the feature or of its column."""
    names: list[list[str | int]] | None = None if feature.column is None else [[feature.name], [feature.column]]
    return core_schema.typed_dict_field(value, required=feature.required, validation_alias=names)
