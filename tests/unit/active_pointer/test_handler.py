"""The custom resource: the pointer is made once, never overwritten, and CloudFormation always gets its answer."""

import json
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Thread
from typing import TYPE_CHECKING, Any

import pytest

from active_pointer import handler as handler_module
from active_pointer import reply as reply_module
from active_pointer.handler import handler
from active_pointer.reply import ATTEMPTS
from skylift.errors import AwsUnavailable
from skylift.pointer import ActivePointer
from skylift.references import NOTHING, Reference
from tests.conftest import MODEL, STAGE
from tests.support.faults import before, denied, fails_with

if TYPE_CHECKING:
    from mypy_boto3_ssm import SSMClient

NAME = f"/skylift/{STAGE}/{MODEL}/active"
V1 = Reference(1, "1" * 64)


class CloudFormation:
    """Where answers are put.

    Attributes
    ----------
    answers
        Answers received, with their declared content type.
    refusals
        How many more puts are refused.
    """

    def __init__(self) -> None:
        self.answers: list[dict[str, Any]] = []
        self.content_types: list[str | None] = []
        self.refusals = 0
        self.puts = 0
        cloudformation = self

        class Handler(BaseHTTPRequestHandler):
            def do_PUT(self) -> None:
                body = self.rfile.read(int(self.headers["content-length"]))
                cloudformation.puts += 1
                refused = cloudformation.refusals > 0
                if refused:
                    cloudformation.refusals -= 1
                else:
                    cloudformation.answers.append(json.loads(body))
                    cloudformation.content_types.append(self.headers["content-type"])
                self.send_response(503 if refused else 200)
                self.send_header("content-length", "0")
                self.end_headers()

            def log_message(self, *_: object) -> None:
                """Say nothing."""

        self.server = HTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}/answer?X-Amz-Signature=1"


@pytest.fixture
def cloudformation(monkeypatch: pytest.MonkeyPatch) -> Iterator[CloudFormation]:
    """CloudFormation's side of the address in its event."""
    monkeypatch.setattr(reply_module, "_PAUSE_SECONDS", 0.0)
    place = CloudFormation()
    thread = Thread(target=place.server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    yield place
    place.server.shutdown()
    thread.join()
    place.server.server_close()


def event(kind: str, cloudformation: CloudFormation, **properties: str) -> dict[str, Any]:
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


def test_a_new_stack_makes_a_pointer_to_nothing(cloudformation: CloudFormation, ssm: "SSMClient") -> None:
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


def test_the_answer_is_put_as_its_address_was_signed(cloudformation: CloudFormation, ssm: "SSMClient") -> None:
    handler(event("Create", cloudformation))

    assert cloudformation.content_types == [""]


@pytest.mark.parametrize("kind", ["Create", "Update", "Delete"])
def test_a_pointer_that_exists_keeps_what_it_names(
    kind: str, cloudformation: CloudFormation, pointer: ActivePointer
) -> None:
    pointer.move(V1)

    handler(event(kind, cloudformation))

    assert pointer.read() == V1
    assert len(pointer.history()) == 1
    assert cloudformation.answers[0]["Status"] == "SUCCESS"


def test_another_model_is_another_resource(
    cloudformation: CloudFormation, pointer: ActivePointer, ssm: "SSMClient"
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
    cloudformation: CloudFormation, ssm: "SSMClient", monkeypatch: pytest.MonkeyPatch
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


def test_a_failure_nobody_foresaw_is_answered_too(
    cloudformation: CloudFormation, ssm: "SSMClient", monkeypatch: pytest.MonkeyPatch
) -> None:
    before(ssm, "PutParameter", fails_with(ZeroDivisionError()))
    monkeypatch.setattr(handler_module, "ssm_client", lambda: ssm)

    with pytest.raises(ZeroDivisionError):
        handler(event("Create", cloudformation))

    assert cloudformation.answers[0]["Status"] == "FAILED"


def test_an_answer_that_is_refused_is_put_again(cloudformation: CloudFormation, ssm: "SSMClient") -> None:
    cloudformation.refusals = ATTEMPTS - 1

    handler(event("Create", cloudformation))

    assert [answer["Status"] for answer in cloudformation.answers] == ["SUCCESS"]


def test_an_answer_that_is_always_refused_fails_the_function(cloudformation: CloudFormation, ssm: "SSMClient") -> None:
    cloudformation.refusals = 99

    with pytest.raises(AwsUnavailable, match="answering CloudFormation"):
        handler(event("Create", cloudformation))

    assert cloudformation.puts == ATTEMPTS
    assert value(ssm) == NOTHING
