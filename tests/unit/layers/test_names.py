"""Names in messages: how many are listed, and which one was meant, whatever was sent."""

import random

import pytest

from skylift import names
from skylift.names import MAX_LISTED, NearestNames, did_you_mean, listed, similarity

IRIS = ["sepal_length", "sepal_width", "petal_length", "petal_width"]


def test_names_are_listed_in_their_order() -> None:
    assert listed(["b", "a"]) == "b, a"
    assert listed(["b", "a"], write=repr) == "'b', 'a'"


def test_of_many_names_the_rest_is_counted() -> None:
    many = [f"c{number}" for number in range(MAX_LISTED + 2)]

    assert listed(many).endswith(f"c{MAX_LISTED - 1} and 2 more")


def test_a_hint_names_the_nearest_one_or_all_of_them() -> None:
    assert did_you_mean("f1", ["accuracy", "f1_macro"]) == "did you mean 'f1_macro'?"
    assert did_you_mean("xyz", IRIS[:2]) == "there are: sepal_length, sepal_width"


@pytest.mark.parametrize(
    ("sent", "meant"),
    [
        ("petal_widht", "petal_width"),
        ("petalwidth", "petal_width"),
        ("Petal Width", "petal_width"),
        ("SepalLengthCm", "sepal_length"),
        ("sepal_lengths", "sepal_length"),
        ("xyz", None),
        ("", None),
        ("_", None),
        ("sepal_width", None),
    ],
)
def test_a_name_is_found_by_its_letters_and_then_by_likeness_but_never_itself(sent: str, meant: str | None) -> None:
    found = NearestNames(IRIS).nearest(sent)

    assert found == meant if sent != "sepal_width" else found != sent


def test_of_names_that_differ_in_case_alone_the_first_is_found() -> None:
    assert NearestNames(["Age", "age"]).nearest("AGE") == "Age"


@pytest.mark.parametrize("sent", ["temperature_17_maen", "temprature_17_mean", "xemperature_17_mean"])
def test_a_misspelt_name_is_found_among_many(sent: str) -> None:
    known = [f"{what}_{number}_mean" for what in ("pressure", "speed", "temperature") for number in range(200)]

    assert NearestNames(known).nearest(sent) == "temperature_17_mean"


def test_many_and_long_names_do_not_raise_the_number_of_comparisons(monkeypatch: pytest.MonkeyPatch) -> None:
    compared: list[int] = []

    def counted(one: str, other: str) -> float:
        compared.append(len(one[: names.MAX_LETTERS]) + len(other[: names.MAX_LETTERS]))
        return similarity(one, other)

    monkeypatch.setattr(names, "similarity", counted)
    source = random.Random(0)
    known = ["".join(source.choices("abcdefghij", k=950)) for _ in range(2000)]

    NearestNames(known).nearest("".join(source.sample(known[0], 950)))

    assert len(compared) <= 32
    assert max(compared) <= 2 * names.MAX_LETTERS


def test_likeness_is_one_for_equal_names_and_zero_for_names_without_a_common_letter() -> None:
    assert similarity("age", "AGE") == 1
    assert similarity("age", "sky") < 0.2
