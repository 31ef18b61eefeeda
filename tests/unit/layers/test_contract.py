"""The contract: what makes one coherent, and how classes are written."""

import unicodedata
from typing import Any

import pytest
from pydantic import ValidationError

from skylift.contract import ClassName, Contract, Target, class_key
from skylift.feature import Feature

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


def test_only_a_category_has_unknown_values() -> None:
    with pytest.raises(ValidationError, match="only a category"):
        _contract(features=(NUMBER.model_copy(update={"unknown": "refuse"}),))


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
