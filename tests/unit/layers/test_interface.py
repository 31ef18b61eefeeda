"""Contracts that are one and the same to a typed client."""

import pytest

from skylift.contract import Contract, Target
from skylift.feature import Feature
from skylift.interface import contract_digest

SIZE = Feature(name="size", kind="number", min=20, max=90, mean=50, example=55)
AREA = Feature(name="area", kind="category", categories=("north", "south"), unknown="refuse")
CONTRACT = Contract(task="classification", features=(SIZE, AREA), target=Target(name="price", classes=("low", "high")))


def changed(feature: Feature, **fields: object) -> Contract:
    features = tuple(
        each.model_copy(update=fields) if each.name == feature.name else each for each in CONTRACT.features
    )
    return CONTRACT.model_copy(update={"features": features})


@pytest.mark.parametrize("fields", [{"min": 0.0}, {"mean": 1.0}, {"example": 3}, {"description": "of the flat"}])
def test_what_training_learns_of_values_changes_nothing_for_a_client(fields: dict[str, object]) -> None:
    assert contract_digest(changed(SIZE, **fields)) == contract_digest(CONTRACT)


@pytest.mark.parametrize("fields", [{"kind": "integer"}, {"required": False}, {"unit": "m2"}, {"name": "area_m2"}])
def test_what_a_field_may_hold_does(fields: dict[str, object]) -> None:
    assert contract_digest(changed(SIZE, **fields)) != contract_digest(CONTRACT)


def test_a_new_value_concerns_a_client_only_where_others_are_refused() -> None:
    more = ("north", "south", "west")
    assert contract_digest(changed(AREA, categories=more)) != contract_digest(CONTRACT)
    one, other = changed(AREA, unknown="missing"), changed(AREA, unknown="missing", categories=more)
    assert contract_digest(one) == contract_digest(other)


def test_another_class_does_and_another_threshold_does_not() -> None:
    assert contract_digest(CONTRACT.with_target(classes=("low", "mid", "high"))) != contract_digest(CONTRACT)
    assert contract_digest(CONTRACT.with_target(threshold=0.3)) == contract_digest(CONTRACT)
