"""The contract: what makes one coherent, and how classes are written."""

import math
import unicodedata
from typing import Any, get_args

import pytest
from jsonschema import Draft202012Validator
from pydantic import ValidationError

from skylift.contract import ClassName, Contract, Feature, Kind, Scalar, Target, class_key

NUMBER = Feature(name="age", kind="number", example=41.5)
CATEGORY = Feature(name="city", kind="category", categories=("Bonn", "Köln"), example="Bonn")
YES_OR_NO = Target(name="bought", classes=(False, True))


def _contract(**fields: Any) -> Contract:
    return Contract.model_validate(
        {"task": "classification", "features": (NUMBER, CATEGORY), "target": YES_OR_NO} | fields
    )


def test_the_example_of_a_contract_has_every_feature_in_order() -> None:
    assert list(_contract().example.items()) == [("age", 41.5), ("city", "Bonn")]


def test_a_contract_without_features_is_refused() -> None:
    with pytest.raises(ValidationError, match="at least one"):
        _contract(features=())


def test_two_features_of_one_name_are_refused() -> None:
    with pytest.raises(ValidationError, match="a name of its own"):
        _contract(features=(NUMBER, CATEGORY, NUMBER))


def test_a_feature_that_is_ignored_as_well_is_refused() -> None:
    with pytest.raises(ValidationError, match="'age' is ignored"):
        _contract(ignored=("id", "age"))


@pytest.mark.parametrize("column", ["y", "city", "Size"])
def test_a_column_is_of_one_feature_and_has_no_name_of_another(column: str) -> None:
    sizes = (Feature(name="size", column="Size", kind="number"), Feature(name="width", column=column, kind="number"))

    with pytest.raises(ValidationError, match="each column belongs to one feature"):
        _contract(features=(*sizes, CATEGORY), ignored=("y",))


@pytest.mark.parametrize(
    ("name", "known"),
    [
        ("size", "size"),
        ("Size in m2", "size"),
        (" Size in m2\t", "size"),
        ("id", "id"),
        (" ", ""),
        ("SIZE", None),
        (unicodedata.normalize("NFD", "größe"), "größe"),
    ],
)
def test_a_name_is_read_as_a_header_is_and_may_be_that_of_the_column(name: str, known: str | None) -> None:
    size = Feature(name="size", column="Size in m2", kind="number")
    contract = _contract(features=(size, Feature(name="größe", kind="number")), ignored=("id", ""))

    assert contract.known_name(name) == known


def test_a_category_without_its_values_is_refused_by_name() -> None:
    with pytest.raises(ValidationError, match="'town'"):
        _contract(features=(Feature(name="town", kind="category"),))


@pytest.mark.parametrize("kind", ["number", "integer", "boolean"])
def test_only_a_category_may_list_categories(kind: str) -> None:
    with pytest.raises(ValidationError, match="and nothing else"):
        _contract(features=(Feature.model_validate({"name": "x", "kind": kind, "categories": ("a",)}),))


@pytest.mark.parametrize("classes", [(), ("setosa",)])
def test_a_classification_needs_two_classes(classes: tuple[str, ...]) -> None:
    with pytest.raises(ValidationError, match="at least two classes"):
        _contract(target=Target(name="species", classes=classes))


def test_a_regression_needs_no_classes() -> None:
    contract = _contract(task="regression", target=Target(name="price", unit="EUR"))

    assert contract.target.classes == ()


def test_a_kind_that_does_not_exist_is_refused() -> None:
    with pytest.raises(ValidationError, match="kind"):
        Feature.model_validate({"name": "wall", "kind": "colour"})


def test_a_contract_cannot_be_changed() -> None:
    with pytest.raises(ValidationError, match="frozen"):
        _contract().task = "regression"  # type: ignore[misc]


def test_keys_that_a_later_release_adds_are_ignored() -> None:
    later = NUMBER.model_dump() | {"added_later": 1}

    assert Feature.model_validate(later) == NUMBER


@pytest.mark.parametrize("classes", [(False, True), (0, 1), ("0", "1"), ("no", "yes")])
def test_classes_keep_their_type_through_json(classes: tuple[ClassName, ...]) -> None:
    contract = _contract(target=Target(name="bought", classes=classes))

    again = Contract.model_validate_json(contract.model_dump_json())

    assert [(type(name), name) for name in again.target.classes] == [(type(name), name) for name in classes]


@pytest.mark.parametrize(
    ("name", "key"), [(True, "true"), (False, "false"), (3, "3"), (-1, "-1"), ("setosa", "setosa"), ("True", "True")]
)
def test_a_class_is_written_as_json_would(name: ClassName, key: str) -> None:
    assert class_key(name) == key


def test_a_category_has_a_code_by_its_place_and_a_missing_one_is_not_a_number() -> None:
    codes = Feature(name="city", kind="category", categories=("Bonn", "Aachen")).codes

    assert (codes["Bonn"], codes["Aachen"]) == (0.0, 1.0)
    assert math.isnan(codes[None])


def test_only_a_category_has_unknown_values() -> None:
    with pytest.raises(ValidationError, match="only a category"):
        _contract(features=(NUMBER.model_copy(update={"unknown": "refuse"}),))


def test_a_category_that_answers_unknown_values_codes_them_as_missing_and_cleans_texts_first() -> None:
    feature = CATEGORY.model_copy(update={"unknown": "missing"})
    encode: Any = feature.encoder

    assert (encode("Bonn"), encode(" Köln\t")) == (0.0, 1.0)
    assert math.isnan(encode("Aachen"))
    assert math.isnan(encode(" "))
    assert math.isnan(encode(None))
    assert feature.may_be_missing


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
}


@pytest.mark.parametrize("kind", get_args(Kind))
class TestEveryKind:
    """A kind that is added needs a line in `VALUES`."""

    def test_values_are_decoded_as_they_were_encoded(self, kind: Kind) -> None:
        feature = _feature(kind)
        encode: Any = feature.encoder or float

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
    return Feature(name="x", kind=kind, categories=categories, **fields)


def test_classes_are_keys_as_json_would_write_them() -> None:
    assert Target(name="ok", classes=(False, True)).keys == ("false", "true")


def test_what_is_worked_out_of_a_contract_is_not_part_of_it() -> None:
    contract = Contract(
        task="classification",
        features=(Feature(name="city", kind="category", categories=("Bonn",)),),
        target=Target(name="ok", classes=(False, True)),
    )
    before = contract.model_copy(deep=True)

    assert contract.features[0].codes
    assert contract.target.keys

    assert contract == before
    assert contract.model_dump() == before.model_dump()
