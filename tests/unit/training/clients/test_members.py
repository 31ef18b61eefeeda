"""What a contract means for the types of a client."""

from datetime import date

import pytest

from skylift.contract import Contract, Target
from skylift.feature import MAX_COUNTED, Feature
from training.clients.members import example, instance_members, label_values, one_line


def contract(*features: Feature) -> Contract:
    return Contract(task="regression", features=features, target=Target(name="y"))


def test_a_category_lists_its_values_only_where_others_are_refused() -> None:
    values = ("north", "south")
    refusing = Feature(name="area", kind="category", categories=values, unknown="refuse")
    taking = refusing.model_copy(update={"name": "zone", "unknown": "missing"})
    many = refusing.model_copy(update={"name": "code", "categories": tuple(map(str, range(MAX_COUNTED + 1)))})
    assert [member.values for member in instance_members(contract(refusing, taking, many))] == [values, (), ()]


def test_what_may_be_missing_may_be_absent_or_null() -> None:
    (member,) = instance_members(contract(Feature(name="size", kind="number", required=False)))
    assert (member.types, member.optional) == (("number", "null"), True)


def test_a_date_of_digits_may_be_a_number() -> None:
    seconds = Feature(name="at", kind="datetime", form="%s", origin=date(2000, 1, 1))
    (member,) = instance_members(contract(seconds))
    assert member.types == ("string", "number")


def test_a_comment_says_what_training_saw() -> None:
    size = Feature(name="size", kind="number", unit="m2", description="of the flat", min=20, max=90)
    (member,) = instance_members(contract(size))
    assert member.comment == "of the flat: a finite number (m2), 20 to 90 in training"


def test_more_classes_than_a_type_can_list_are_any_text() -> None:
    classes = tuple(f"c{number}" for number in range(MAX_COUNTED + 1))
    many = Contract(
        task="classification", features=(Feature(name="x", kind="number"),), target=Target(name="y", classes=classes)
    )
    assert label_values(many) == ()


def test_the_example_leaves_out_what_may_be_absent() -> None:
    features = Feature(name="x", kind="number", example=1.5), Feature(name="z", kind="number", required=False)
    assert example(contract(*features)) == {"x": 1.5}


@pytest.mark.parametrize(
    ("text", "line"), [("a\nb", "a b"), ("a\u2028b", "a b"), ("\x00a", "a"), ("é" * 300, "é" * 197 + "...")]
)
def test_a_comment_is_one_printable_line(text: str, line: str) -> None:
    assert one_line(text) == line
