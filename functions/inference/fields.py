"""What a contract allows in the fields of an instance, as pydantic-core's validators check it."""

from dataclasses import dataclass
from functools import partial
from typing import Any, Self, assert_never

from pydantic_core import CoreSchema, SchemaValidator, core_schema

from skylift.contract import Contract
from skylift.date_encoding import DateEncoder
from skylift.dates import LONGEST, DateForm
from skylift.encoding import date_encoder
from skylift.feature import LARGEST_NUMBER, Feature
from skylift.names import NearestNames
from skylift.values import clean, has_missing_number, is_too_long

FORMS = ("instances", "features")
"""Keys of a body beside which there is nothing else."""

_NOT_BLANK = r"[^\s\x1c-\x1f]"
"""What is not blank to Python: four separators beside what is to regular expressions."""

REFUSED = object()
"""What the validator of a value returns for one that is refused."""


@dataclass(frozen=True, slots=True)
class Fields:
    """The fields of an instance.

    Parameters
    ----------
    contract
        The contract.
    features
        Features by name, in the order of the contract.
    known
        Names of features, and of columns that the contract ignores.
    required
        Names that it must have.
    schemas
        Schema of a value by the name of its feature.
    validators
        Validator of a value by the name of its feature, which returns `REFUSED` for a wrong one; none for a category
        that takes listed values only.
    names
        The names that a caller may have meant by another.
    """

    contract: Contract
    features: dict[str, Feature]
    known: frozenset[str]
    required: frozenset[str]
    schemas: dict[str, CoreSchema]
    validators: dict[str, SchemaValidator]
    names: NearestNames

    @classmethod
    def of(cls, contract: Contract) -> Self:
        """The fields of a contract."""
        features = {feature.name: feature for feature in contract.features}
        schemas = {name: _value_schema(feature) for name, feature in features.items()}
        made: dict[tuple[object, ...], SchemaValidator] = {}
        validators = {}
        for name, feature in features.items():
            if not feature.categories or feature.takes_unknown:
                kind = (
                    feature.kind,
                    feature.required,
                    feature.missing,
                    feature.numerals,
                    feature.form,
                    feature.max_length,
                )
                validators[name] = made[kind] = made.get(kind) or yes_or_no(schemas[name], REFUSED)
        return cls(
            contract,
            features,
            frozenset(features).union(contract.ignored),
            frozenset(name for name, feature in features.items() if feature.required),
            schemas,
            validators,
            NearestNames([*features, *FORMS]),
        )

    def holds(self, name: str, value: object) -> bool:
        """Whether a feature allows a value as it is."""
        if validator := self.validators.get(name):
            return validator.validate_python(value) is not REFUSED
        feature = self.features[name]
        return value in feature.codes if isinstance(value, str) else value is None and not feature.required

    def cleaned(self, name: str, value: object) -> object:
        """The value of a feature, a text as training reads a cell; a blank stays a text where null is refused."""
        feature = self.features[name]
        if is_too_long(feature, value):
            return value  # however much of it is blank
        cleaned = clean(feature, value)
        return value if cleaned is None and feature.required else cleaned


def yes_or_no(schema: CoreSchema, no: object) -> SchemaValidator:
    """A validator that returns `no` for what is not valid, and makes no errors of it."""
    return SchemaValidator(core_schema.with_default_schema(schema, default=no, on_error="default"))


def _value_schema(feature: Feature) -> CoreSchema:
    number: dict[str, Any] = {"strict": True, "allow_inf_nan": False, "ge": -LARGEST_NUMBER, "le": LARGEST_NUMBER}
    schema: CoreSchema
    match feature.kind:
        case "number":
            schema = core_schema.float_schema(**number)
        case "integer":  # 5 and 5.0 are the same integer in JSON
            schema = core_schema.no_info_after_validator_function(_whole, core_schema.float_schema(**number))
        case "boolean":
            schema = core_schema.bool_schema(strict=True)
        case "category":
            if feature.takes_unknown:
                schema = core_schema.str_schema(strict=True, pattern=_NOT_BLANK if feature.required else None)
            else:
                schema = core_schema.literal_schema(list(feature.texts))
        case "text":
            pattern = _NOT_BLANK if feature.required else None
            schema = core_schema.str_schema(strict=True, pattern=pattern, max_length=feature.max_length)
        case "datetime":
            if feature.dates[0].is_digits:
                schema = core_schema.no_info_plain_validator_function(partial(_number_or_date, feature.dates[0]))
            else:
                text = core_schema.str_schema(strict=True, max_length=LONGEST)
                schema = core_schema.no_info_after_validator_function(partial(_date, date_encoder(feature)), text)
        case _:
            assert_never(feature.kind)
    schema = schema if feature.required else core_schema.nullable_schema(schema)
    if not _may_stand_for_missing(feature):
        return schema
    return core_schema.no_info_before_validator_function(partial(_known_value, feature), schema)


def _whole(number: float) -> float:
    """An integer; pydantic-core's `multiple_of` takes what is near one as well."""
    if not number.is_integer():
        raise ValueError("no integer")
    return number


def _date(encoder: DateEncoder, value: str) -> str:
    """A date as it was sent; the encoder remembers it until rows are encoded, of which not every one is valid."""
    if encoder.row(value) is encoder.missing:
        raise ValueError("no date")
    return value


def _number_or_date(form: DateForm, value: Any) -> Any:
    """The same of a form that may be sent as a number."""
    if form.moment(value) is None:
        raise ValueError("no date")
    return value


def _may_stand_for_missing(feature: Feature) -> bool:
    """Whether a value that has the type of others may be one that the table calls missing."""
    any_text = feature.takes_unknown or feature.kind in {"datetime", "text"}
    return bool(feature.missing) and (any_text or has_missing_number(feature))


def _known_value(feature: Feature, value: Any) -> Any:
    """A value, or None for what the table calls missing, though it has the type of others."""
    if is_too_long(feature, value):
        raise ValueError("too long")
    cleaned = clean(feature, value)
    if cleaned is None and feature.required:
        raise ValueError("missing")
    return cleaned
