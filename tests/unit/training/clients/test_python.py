"""The client in Python, as it is written."""

import ast
from pathlib import Path
from types import ModuleType

import pytest
from hypothesis import given

from skylift.conformal import Margins, Sets
from skylift.contract import Contract, Target
from skylift.feature import Feature
from skylift.interface import contract_digest
from tests.support.contracts import contracts
from training.clients import template as client_module
from training.clients.members import example
from training.clients.python import python_client

SMALL = Contract(
    task="classification",
    features=(Feature(name="size", kind="number", unit="m2", example=55.0),),
    target=Target(name="price", classes=("cheap", "dear")),
)
STATEMENTS = (ast.Import, ast.ImportFrom, ast.ClassDef, ast.FunctionDef, ast.Assign, ast.AnnAssign)


def module(text: str) -> ModuleType:
    """What the text of a client defines."""
    made = ModuleType("made")
    exec(compile(text, "made", "exec"), made.__dict__)
    return made


def test_the_template_is_the_client_of_a_small_contract() -> None:
    template = Path(client_module.__file__).read_text(encoding="utf-8")
    marks = [f"# <{mark}{name}>\n" for name in ("constants", "types") for mark in ("", "/")]
    for mark in marks:
        template = template.replace(mark, "")
    assert python_client("flats", SMALL) == template


@given(contracts())
def test_a_client_holds_definitions_alone_whatever_is_in_the_contract(contract: Contract) -> None:
    text = python_client("flats", contract)
    assert all(isinstance(statement, STATEMENTS) for statement in ast.parse(text).body[1:])
    made = module(text)
    assert example(contract) == made.EXAMPLE
    assert set(made.Instance.__annotations__) == {feature.name for feature in contract.features}
    assert contract_digest(contract) == made.CONTRACT


def test_names_and_values_cannot_end_the_text_that_they_are_in() -> None:
    evil = '"""\nimport os  # \'\\'
    contract = Contract(
        task="classification",
        features=(
            Feature(name=evil, kind="category", categories=(evil, "b"), unknown="refuse", description=evil),
            Feature(name="__proto__", kind="number", required=False, unit=f"m\u2028{evil}"),
        ),
        target=Target(name=evil, classes=(evil, "__proto__")),
    )
    made = module(python_client(evil, contract))
    assert evil in made.Instance.__annotations__
    assert made.Label.__args__ == (evil, "__proto__")


@pytest.mark.parametrize("name", ["class", "size m2", "größe", "__private", "float", "Literal", "1st"])
def test_a_key_that_cannot_be_an_attribute_is_still_a_key(name: str) -> None:
    contract = Contract(task="regression", features=(Feature(name=name, kind="number"),), target=Target(name="rent"))
    assert set(module(python_client("flats", contract)).Instance.__annotations__) == {name}


def test_what_a_version_answers_is_typed() -> None:
    def members(contract: Contract) -> set[str]:
        return set(module(python_client("flats", contract)).Prediction.__annotations__)

    regression = Contract(task="regression", features=SMALL.features, target=Target(name="rent"))
    margins = Margins(level=0.9, low=(-1.0,), high=(1.0,))
    assert members(SMALL) == {"label", "probabilities", "explanation"}
    assert members(SMALL.with_target(sets=Sets(level=0.9, least=0.2))) - members(SMALL) == {"set"}
    assert members(regression) == {"value", "explanation"}
    assert members(regression.with_target(margins=margins)) - members(regression) == {"low", "high", "level"}
