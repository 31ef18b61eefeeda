"""The name that a caller may have meant, whatever was sent."""

import random

import pytest

from inference import nearest
from inference.nearest import NearestNames, similarity

IRIS = ["sepal_length", "sepal_width", "petal_length", "petal_width"]


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
    names = [f"{what}_{number}_mean" for what in ("pressure", "speed", "temperature") for number in range(200)]

    assert NearestNames(names).nearest(sent) == "temperature_17_mean"


def test_many_and_long_names_do_not_raise_the_number_of_comparisons(monkeypatch: pytest.MonkeyPatch) -> None:
    compared: list[int] = []

    def counted(one: str, other: str) -> float:
        compared.append(len(one[: nearest.MAX_LETTERS]) + len(other[: nearest.MAX_LETTERS]))
        return similarity(one, other)

    monkeypatch.setattr(nearest, "similarity", counted)
    source = random.Random(0)
    names = ["".join(source.choices("abcdefghij", k=950)) for _ in range(2000)]

    NearestNames(names).nearest("".join(source.sample(names[0], 950)))

    assert len(compared) <= 32
    assert max(compared) <= 2 * nearest.MAX_LETTERS


def test_likeness_is_one_for_equal_names_and_zero_for_names_without_a_common_letter() -> None:
    assert similarity("age", "AGE") == 1
    assert similarity("age", "sky") < 0.2
