"""Pointer and challenger, read by one call: neither's absence or fault hides the other."""

from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest
from botocore.exceptions import BotoCoreError, ClientError

from skylift.challenger import Challenger, challenger_name
from skylift.errors import AwsThrottled, AwsUnavailable, InvalidReference
from skylift.pointer import pointer_name
from skylift.references import NOTHING, Reference
from skylift.served import Served, ServedParameters
from tests.conftest import MODEL, STAGE
from tests.support.faults import before, denied, fails_with, throttled, timeout

if TYPE_CHECKING:
    from mypy_boto3_ssm import SSMClient

V1 = Reference(1, "1" * 64)
CHALLENGER = Challenger(
    id="v2-trial",
    reference=Reference(2, "2" * 64),
    mode="canary",
    percent=5,
    started=datetime(2026, 11, 26, tzinfo=UTC),
    by="anna",
)


@pytest.fixture
def parameters(ssm: "SSMClient") -> ServedParameters:
    return ServedParameters(STAGE, MODEL, client=ssm)


def write(ssm: "SSMClient", *, active: object = None, challenger: object = None) -> None:
    for name, value in ((pointer_name(STAGE, MODEL), active), (challenger_name(STAGE, MODEL), challenger)):
        if value is not None:
            ssm.put_parameter(Name=name, Value=str(value), Type="String", Overwrite=True)


def test_both_are_read_by_one_call(parameters: ServedParameters, ssm: "SSMClient") -> None:
    write(ssm, active=V1, challenger=CHALLENGER)
    calls = [before(ssm, name, lambda _: None) for name in ("GetParameters", "GetParameter")]

    assert parameters.read() == Served(V1, CHALLENGER)
    assert [call.calls for call in calls] == [1, 0]


@pytest.mark.parametrize("challenger", [None, NOTHING], ids=["absent", "none"])
def test_without_a_challenger_the_pointer_is_all(
    parameters: ServedParameters, ssm: "SSMClient", challenger: str | None
) -> None:
    write(ssm, active=V1, challenger=challenger)

    assert parameters.read() == Served(V1)


@pytest.mark.parametrize("active", [None, NOTHING], ids=["absent", "none"])
def test_before_the_first_promotion_no_version_is_active(
    parameters: ServedParameters, ssm: "SSMClient", active: str | None
) -> None:
    write(ssm, active=active)

    assert parameters.read() == Served(None)


def test_a_challenger_that_cannot_be_read_leaves_the_pointer(parameters: ServedParameters, ssm: "SSMClient") -> None:
    write(ssm, active=V1, challenger='{"id": "broken"}')

    served = parameters.read()

    assert (served.active, served.challenger) == (V1, None)
    assert served.fault is not None
    assert served.fault.code == "invalid-challenger"


def test_a_pointer_of_another_form_is_refused(parameters: ServedParameters, ssm: "SSMClient") -> None:
    write(ssm, active="v1", challenger=CHALLENGER)

    with pytest.raises(InvalidReference):
        parameters.read()


@pytest.mark.parametrize(
    ("fault", "error"),
    [(throttled(), AwsThrottled), (denied("AccessDeniedException"), AwsUnavailable), (timeout(), AwsUnavailable)],
    ids=["throttled", "denied", "timed out"],
)
def test_a_fault_of_ssm_names_the_parameter_and_no_secret(
    parameters: ServedParameters,
    ssm: "SSMClient",
    fault: ClientError | BotoCoreError,
    error: type[AwsUnavailable],
) -> None:
    before(ssm, "GetParameters", fails_with(fault))

    with pytest.raises(error, match=pointer_name(STAGE, MODEL)) as caught:
        parameters.read()

    assert caught.value.hint
    assert "secret" not in str(caught.value)
