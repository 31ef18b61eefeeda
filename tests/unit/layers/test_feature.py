"""Features: what follows from a kind, in both directions."""

import math
from datetime import date
from typing import Any, get_args

import pytest
from jsonschema import Draft202012Validator
from pydantic import ValidationError

from skylift.feature import Feature, Kind, Scalar

CATEGORY = Feature(name="city", kind="category", categories=("Bonn", "Köln"), example="Bonn")


def test_a_kind_that_does_not_exist_is_refused() -> None:
    with pytest.raises(ValidationError, match="kind"):
        Feature.model_validate({"name": "wall", "kind": "colour"})


def test_a_category_has_a_code_by_its_place_and_a_missing_one_is_not_a_number() -> None:
    codes = Feature(name="city", kind="category", categories=("Bonn", "Aachen")).codes

    assert (codes["Bonn"], codes["Aachen"]) == (0.0, 1.0)
    assert math.isnan(codes[None])


def test_a_category_that_answers_unknown_values_codes_them_as_missing_and_cleans_texts_first() -> None:
    feature = CATEGORY.model_copy(update={"unknown": "missing"})
    encode: Any = feature.encoder

    assert (encode("Bonn"), encode(" Köln\t")) == (0.0, 1.0)
    assert math.isnan(encode("Aachen"))
    assert math.isnan(encode(" "))
    assert math.isnan(encode(None))
    assert feature.may_be_missing


def test_unknown_values_may_be_a_level_of_their_own_that_no_request_names() -> None:
    feature = CATEGORY.model_copy(update={"unknown": "other"})
    encode = feature.encoder
    assert encode is not None

    known = len(CATEGORY.categories)
    assert [encode(value) for value in (CATEGORY.categories[0], "never seen", "other")] == [0.0, known, known]
    assert feature.decode(known) == "other"
    assert feature.levels == (*CATEGORY.categories, "other")
    assert feature.json_schema["examples"] == list(CATEGORY.categories)
    assert "other" not in feature.expectation
    assert not feature.may_be_missing


def test_the_schema_of_a_category_that_answers_unknown_values_lists_examples_and_refuses_blanks() -> None:
    feature = CATEGORY.model_copy(update={"unknown": "missing"})
    validator = Draft202012Validator(feature.json_schema)

    assert feature.json_schema["examples"] == ["Bonn", "Köln"]
    assert (validator.is_valid("Aachen"), validator.is_valid(" "), validator.is_valid(3)) == (True, False, False)


VALUES: dict[Kind, list[Scalar]] = {
    "number": [2.5, -1.0],
    "integer": [3, -7],
    "boolean": [False, True],
    "category": ["Köln", "Bonn"],
    "text": [" été ", "two words"],
    "datetime": ["2013-12-31T10:00:00.250Z", "0001-01-01T00:00:00Z"],
}


@pytest.mark.parametrize("kind", get_args(Kind))
class TestEveryKind:
    """A kind that is added needs a line in `VALUES`."""

    def test_values_are_decoded_as_they_were_encoded(self, kind: Kind) -> None:
        feature = _feature(kind)
        encode: Any = feature.encoder or float
        if kind == "text":
            assert [feature.describe(encode(value)) for value in VALUES[kind]] == ["3 characters", "9 characters"]
            with pytest.raises(ValueError, match="cannot be told from its length"):
                feature.decode(3)
            return

        decoded = [feature.decode(encode(value)) for value in VALUES[kind]]

        assert [(type(value), value) for value in decoded] == [(type(value), value) for value in VALUES[kind]]

    def test_values_fit_the_json_schema_and_only_an_optional_field_takes_null(self, kind: Kind) -> None:
        required, optional = (Draft202012Validator(_feature(kind, required=flag).json_schema) for flag in (True, False))

        assert all(required.is_valid(value) and optional.is_valid(value) for value in VALUES[kind])
        assert (required.is_valid(None), optional.is_valid(None)) == (False, True)

    def test_levels_stand_in_the_order_of_their_codes(self, kind: Kind) -> None:
        feature = _feature(kind)

        decoded = [feature.decode(code) for code in range(len(feature.levels))]

        assert [str(value).lower() for value in decoded] == [level.lower() for level in feature.levels]

    def test_an_expectation_names_the_unit_and_null(self, kind: Kind) -> None:
        assert _feature(kind, required=False, unit="EUR").expectation.endswith(" (EUR) or null")


def test_a_training_range_is_written_as_values_are() -> None:
    assert Feature(name="age", kind="integer", min=18, max=99).training_range == "18 to 99"
    assert Feature(name="size", kind="number", min=-0.25, max=1e9).training_range == "-0.25 to 1000000000"
    assert _feature("category").training_range is None


def test_what_is_nominal_has_levels_and_what_is_numeric_has_none() -> None:
    nominal = {kind for kind in VALUES if _feature(kind).is_nominal}
    numeric = {kind for kind in VALUES if _feature(kind).is_numeric}
    levelled = {kind for kind in VALUES if _feature(kind).levels}

    assert (nominal, numeric) == ({"category"}, {"number", "integer"})
    assert nominal <= levelled
    assert not numeric & levelled


def _feature(kind: Kind, **fields: Any) -> Feature:
    categories = ("Köln", "Bonn") if kind == "category" else ()
    dated = {"form": "%Y-%m-%dT%H:%M:%S%z", "origin": date(2013, 12, 31)} if kind == "datetime" else {}
    sized = {"max_length": 1_000, "directions": 30} if kind == "text" else {}
    return Feature(name="x", kind=kind, categories=categories, **dated | sized | fields)
