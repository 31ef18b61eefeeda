"""The custom resource: the pointer is made once, never overwritten, and CloudFormation always gets its answer."""

from typing import TYPE_CHECKING, Any

import pytest

from active_pointer import handler as handler_module
from active_pointer.handler import handler
from skylift.pointer import ActivePointer
from skylift.references import NOTHING, Reference
from tests.conftest import MODEL, STAGE
from tests.support.cloudformation_answers import CloudFormationAnswers
from tests.support.faults import before, denied, fails_with

if TYPE_CHECKING:
    from mypy_boto3_ssm import SSMClient

NAME = f"/skylift/{STAGE}/{MODEL}/active"
V1 = Reference(1, "1" * 64)


def event(kind: str, cloudformation: CloudFormationAnswers, **properties: str) -> dict[str, Any]:
    """What CloudFormation sends."""
    return {
        "RequestType": kind,
        "ResponseURL": cloudformation.url,
        "StackId": "arn:aws:cloudformation:eu-central-1:123456789012:stack/skylift/1",
        "RequestId": "request-1",
        "LogicalResourceId": "ActivePointer",
        "ResourceType": "Custom::ActivePointer",
        "ResourceProperties": {"ServiceToken": "arn", "Stage": STAGE, "Model": MODEL, **properties},
    }


def value(ssm: "SSMClient", name: str = NAME) -> str:
    return ssm.get_parameter(Name=name)["Parameter"]["Value"]


def test_a_new_stack_makes_a_pointer_to_nothing(cloudformation: CloudFormationAnswers, ssm: "SSMClient") -> None:
    handler(event("Create", cloudformation))

    assert value(ssm) == NOTHING
    assert cloudformation.answers == [
        {
            "Status": "SUCCESS",
            "Reason": "",
            "PhysicalResourceId": NAME,
            "StackId": "arn:aws:cloudformation:eu-central-1:123456789012:stack/skylift/1",
            "RequestId": "request-1",
            "LogicalResourceId": "ActivePointer",
        }
    ]


@pytest.mark.parametrize("kind", ["Create", "Update", "Delete"])
def test_a_pointer_that_exists_keeps_what_it_names(
    kind: str, cloudformation: CloudFormationAnswers, pointer: ActivePointer
) -> None:
    pointer.move(V1)

    handler(event(kind, cloudformation))

    assert pointer.read() == V1
    assert len(pointer.history()) == 1
    assert cloudformation.answers[0]["Status"] == "SUCCESS"


def test_another_model_is_another_resource(
    cloudformation: CloudFormationAnswers, pointer: ActivePointer, ssm: "SSMClient"
) -> None:
    pointer.move(V1)

    handler(event("Update", cloudformation, Model="wine"))
    handler(event("Delete", cloudformation))  # of the former, as CloudFormation does

    assert value(ssm, f"/skylift/{STAGE}/wine/active") == NOTHING
    assert pointer.read() == V1
    assert [answer["PhysicalResourceId"] for answer in cloudformation.answers] == [
        f"/skylift/{STAGE}/wine/active",
        NAME,
    ]


def test_a_refusal_fails_the_resource_and_says_why(
    cloudformation: CloudFormationAnswers, ssm: "SSMClient", monkeypatch: pytest.MonkeyPatch
) -> None:
    before(ssm, "PutParameter", fails_with(denied("AccessDeniedException")))
    monkeypatch.setattr(handler_module, "ssm_client", lambda: ssm)

    handler(event("Create", cloudformation))

    (answer,) = cloudformation.answers
    assert answer["Status"] == "FAILED"
    assert (
        answer["Reason"]
        == f"making the pointer {NAME} failed (AccessDeniedException): check the role's policy and credentials"
    )
    assert "secret-role" not in answer["Reason"]


def test_an_unexpected_error_is_answered_too(
    cloudformation: CloudFormationAnswers, ssm: "SSMClient", monkeypatch: pytest.MonkeyPatch
) -> None:
    before(ssm, "PutParameter", fails_with(ZeroDivisionError()))
    monkeypatch.setattr(handler_module, "ssm_client", lambda: ssm)

    with pytest.raises(ZeroDivisionError):
        handler(event("Create", cloudformation))

    assert cloudformation.answers[0]["Status"] == "FAILED"
