"""Parameters that name versions: what SSM remembers of them, whichever it is."""

from typing import TYPE_CHECKING

import pytest

from skylift.experiment.parameter import ChallengerParameter
from skylift.parameter import Parameter
from skylift.pointer import ActivePointer
from skylift.references import NOTHING
from tests.conftest import MODEL, STAGE

if TYPE_CHECKING:
    from mypy_boto3_ssm import SSMClient


@pytest.fixture(params=[ActivePointer, ChallengerParameter], ids=["pointer", "challenger"])
def parameter(request: pytest.FixtureRequest, ssm: "SSMClient") -> Parameter:
    """Each of the two."""
    made: Parameter = request.param(STAGE, MODEL, client=ssm)
    return made


def _set(ssm: "SSMClient", parameter: Parameter, value: str, description: str = "") -> None:
    ssm.put_parameter(Name=parameter.name, Value=value, Description=description, Type="String", Overwrite=True)


def test_one_that_does_not_exist_names_nothing_and_has_no_history(parameter: Parameter) -> None:
    assert parameter.value() == NOTHING
    assert parameter.changes() == []


def test_a_new_one_names_nothing(parameter: Parameter) -> None:
    assert parameter.create()
    assert not parameter.create()

    assert parameter.value() == NOTHING


def test_changes_have_the_numbers_and_descriptions_of_ssm(parameter: Parameter, ssm: "SSMClient") -> None:
    _set(ssm, parameter, "one", "why")
    _set(ssm, parameter, "two")

    assert [(change.number, change.before, change.after, change.description) for change in parameter.changes()] == [
        (1, NOTHING, "one", "why"),
        (2, "one", "two", ""),
    ]


def test_what_ssm_has_forgotten_is_not_told(parameter: Parameter, ssm: "SSMClient") -> None:
    for number in range(1, 104):
        _set(ssm, parameter, f"value {number}")

    first, *_, last = parameter.changes()

    assert (last.number, last.before) == (103, "value 102")
    assert (first.number, first.before) == (5, "value 4")


def test_a_value_is_cut_for_people(parameter: Parameter) -> None:
    assert parameter.short("x" * 1000) == "x" * 100
