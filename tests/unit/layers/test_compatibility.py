"""Contracts compared: what one accepts, the other one has to accept, and their answers have to be of one kind."""

from datetime import date
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from skylift.compatibility import differences
from skylift.contract import Contract, Target
from skylift.feature import Feature
from skylift.numerals import Numerals
from skylift.values import fault
from tests.support.contracts import anything, features, modest, values

CLASSES = Target(name="species", classes=("setosa", "virginica"))


def _contract(*fields: Feature, target: Target = CLASSES, ignored: tuple[str, ...] = ()) -> Contract:
    return Contract(
        task="classification" if target.classes else "regression", features=fields, target=target, ignored=ignored
    )


def _number(name: str = "size", **more: Any) -> Feature:
    return Feature(name=name, kind="number", **more)


def _category(*categories: str, **more: Any) -> Feature:
    return Feature(name="colour", kind="category", categories=categories, **more)


SIZE = _contract(_number())


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (SIZE, SIZE),
        (SIZE, _contract(_number(min=0, max=1, mean=0.5, unit="cm"))),
        (SIZE, _contract(_number(), _number("weight", required=False))),
        (SIZE, _contract(_number(required=False))),
        (_contract(_number(), _number("weight")), _contract(_number("weight"), _number())),
        (_contract(Feature(name="size", kind="integer")), SIZE),
        (_contract(_number(), _number("weight")), _contract(_number(), ignored=("weight",))),
        (_contract(_category("red")), _contract(_category("green", "red"))),
        (_contract(_category("red")), _contract(_category("green", unknown="missing"))),
        (SIZE, _contract(_number(numerals=Numerals(unit="%")))),
        (_contract(_number(column="Size in m2")), _contract(_number(column="Size in m2"))),
    ],
)
def test_a_contract_that_takes_all_of_it_does_not_differ(before: Contract, after: Contract) -> None:
    assert differences(before, after) == []


@pytest.mark.parametrize(
    ("before", "after", "words"),
    [
        (SIZE, _contract(_number(), _number("weight")), ["weight: required, and not asked for so far"]),
        (_contract(_number(), _number("weight")), SIZE, ["weight: unknown"]),
        (_contract(_number(required=False)), SIZE, ["size: required, and may be missing so far"]),
        (SIZE, _contract(Feature(name="size", kind="integer")), ["size: of the kind integer, not number"]),
        (SIZE, _contract(Feature(name="size", kind="boolean")), ["size: of the kind boolean, not number"]),
        (_contract(_category("red", "blue")), _contract(_category("red")), ["colour: refuses 'blue'"]),
        (
            _contract(_category("red", unknown="missing")),
            _contract(_category("red", unknown="refuse")),
            ["colour: refuses values that training never saw"],
        ),
        (
            _contract(_number(numerals=Numerals(unit="%"))),
            _contract(_number(numerals=Numerals(decimal=","))),
            ["size: reads other texts as numbers"],
        ),
        (
            _contract(_number(required=False, missing=("gone",))),
            _contract(_number(required=False)),
            ["size: does not take 'gone' for a value"],
        ),
        (SIZE, _contract(_number(missing=("-999",))), ["size: does not take '-999.0' for a value"]),
        (_contract(_number(column="Size in m2")), SIZE, ["Size in m2: unknown"]),
        (_contract(_number(), ignored=("id",)), SIZE, ["id: unknown"]),
        (
            _contract(_number(), ignored=("id",)),
            _contract(_number(), _number("id", required=False)),
            ["id: read, and ignored so far"],
        ),
        (
            _contract(_number(column="a"), _number("weight")),
            _contract(_number(), _number("weight", column="a")),
            ["a: read as weight"],
        ),
        (
            SIZE,
            _contract(_number(), target=Target(name="species", classes=("setosa", "versicolor"))),
            ["species: other classes (new 'versicolor', without 'virginica')"],
        ),
        (
            SIZE,
            _contract(_number(), target=Target(name="species", classes=("virginica", "setosa"))),
            ["species: other classes (in another order)"],
        ),
        (SIZE, _contract(_number(), target=Target(name="y")), ["species: a regression, not a classification"]),
        (
            _contract(_number(), target=Target(name="y", unit="EUR")),
            _contract(_number(), target=Target(name="y", unit="USD")),
            ["y: in USD, not in EUR"],
        ),
        (
            _contract(Feature(name="day", kind="datetime", form="%d-%m-%Y", origin=date(2026, 1, 1))),
            _contract(Feature(name="day", kind="datetime", form="%m-%d-%Y", origin=date(2026, 1, 1))),
            ["day: reads dates as %m-%d-%Y, not as %d-%m-%Y"],
        ),
    ],
)
def test_what_the_other_contract_refuses_is_named(before: Contract, after: Contract, words: list[str]) -> None:
    assert differences(before, after) == words


@modest
@given(st.data())
def test_where_features_do_not_differ_every_value_that_one_takes_the_other_one_takes(data: st.DataObject) -> None:
    before, after = (data.draw(features("x")) for _ in range(2))
    value = data.draw(st.one_of(values(before), anything()))
    target = Target(name="y")

    if not differences(_contract(before, target=target), _contract(after, target=target)) and not fault(before, value):
        assert fault(after, value) is None


@modest
@given(st.data())
def test_a_contract_does_not_differ_from_itself(data: st.DataObject) -> None:
    one = _contract(data.draw(features("x")), data.draw(features("y")), target=Target(name="z"))

    assert differences(one, one) == []
