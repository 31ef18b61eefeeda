"""Both stand-ins for SSM throttle as AWS does: by a bucket of tokens, all readings together."""

import asyncio
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ClientError

from skylift.pointer import ActivePointer
from tests.e2e.offline.local_aws.parameters import limited
from tests.support.fakes import Clock
from tests.support.ssm_limits import limit_readings

if TYPE_CHECKING:
    from mypy_boto3_ssm import SSMClient


def test_motos_ssm_answers_as_many_readings_as_there_are_tokens(
    monkeypatch: pytest.MonkeyPatch, pointer: ActivePointer, ssm: "SSMClient"
) -> None:
    clock = Clock()
    pointer.create()
    limit_readings(monkeypatch, 2, clock=clock)
    monkeypatch.setattr("botocore.endpoint.time", SimpleNamespace(sleep=lambda _: None))  # the client tries twice

    for read in (ssm.get_parameter, ssm.get_parameter_history):
        read(Name=pointer.name)
    with pytest.raises(ClientError, match="ThrottlingException"):
        ssm.get_parameter(Name=pointer.name)
    clock.advance(0.5)
    ssm.get_parameter(Name=pointer.name)


def test_the_local_aws_refuses_readings_without_a_token_and_nothing_else() -> None:
    sent: list[Any] = []

    async def served(_: Any, __: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})

    async def send(message: Any) -> None:
        sent.append(message)

    app = limited(served, 1, clock=Clock())
    for operation in ("GetParameter", "GetParameter", "PutParameter", "GetParameterHistory"):
        asyncio.run(app({"headers": [(b"x-amz-target", f"AmazonSSM.{operation}".encode())]}, None, send))

    assert [message["status"] for message in sent if "status" in message] == [200, 400, 200, 400]
    assert b"ThrottlingException" in sent[2]["body"]
