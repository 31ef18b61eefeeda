"""CloudFormation gets its answer as it asks for it, also where it refuses it at first."""

import pytest

from active_pointer.reply import ATTEMPTS, reply
from skylift.errors import AwsUnavailable
from tests.support.cloudformation_answers import CloudFormationAnswers

EVENT = {"StackId": "arn:stack", "RequestId": "request-1", "LogicalResourceId": "ActivePointer"}


def answer(cloudformation: CloudFormationAnswers, failure: str | None = None) -> list[float]:
    """Answer an event; the pauses that this took, none of which is waited for."""
    pauses: list[float] = []
    reply(EVENT | {"ResponseURL": cloudformation.url}, physical_id="/a/name", failure=failure, pause=pauses.append)
    return pauses


@pytest.mark.parametrize(
    ("failure", "status", "reason"), [(None, "SUCCESS", ""), ("it was denied", "FAILED", "it was denied")]
)
def test_an_answer_names_its_request_and_how_it_went(
    cloudformation: CloudFormationAnswers, failure: str | None, status: str, reason: str
) -> None:
    assert answer(cloudformation, failure) == []

    assert cloudformation.answers == [
        EVENT | {"Status": status, "Reason": reason, "PhysicalResourceId": "/a/name"},
    ]


def test_it_is_put_without_a_content_type_as_its_address_was_signed(cloudformation: CloudFormationAnswers) -> None:
    answer(cloudformation)

    assert cloudformation.content_types == [""]


def test_one_that_is_refused_is_put_again_after_a_pause(cloudformation: CloudFormationAnswers) -> None:
    cloudformation.refusals = ATTEMPTS - 1

    pauses = answer(cloudformation)

    assert [document["Status"] for document in cloudformation.answers] == ["SUCCESS"]
    assert len(pauses) == ATTEMPTS - 1


def test_one_that_is_always_refused_is_given_up(cloudformation: CloudFormationAnswers) -> None:
    cloudformation.refusals = 99

    with pytest.raises(AwsUnavailable, match=r"answering CloudFormation failed \(HTTPError\)"):
        answer(cloudformation)

    assert cloudformation.puts == ATTEMPTS
