"""Clients of this AWS that act by a role, as its services do: policies are asked."""

import os
from typing import Any

import boto3
from botocore.config import Config
from ministack.core import lambda_runtime
from ministack.core.responses import get_account_id, get_region

_TRIES = Config(retries={"total_max_attempts": 1})  # who calls it says what failed, and tries again


def client_of(role: str, service: str, *, actor: str) -> Any:
    """A client by a role.

    Parameters
    ----------
    role
        ARN of the role.
    service
        Service that is called.
    actor
        Service that acts.
    """
    config = {"FunctionArn": f"arn:aws:lambda:{get_region()}:{get_account_id()}:function:{actor}", "Role": role}
    keys = lambda_runtime.execution_credentials(config)
    return boto3.client(
        service,  # type: ignore[call-overload]
        endpoint_url=f"http://localhost:{os.environ['GATEWAY_PORT']}",
        region_name=get_region(),
        aws_access_key_id=keys["AWS_ACCESS_KEY_ID"],
        aws_secret_access_key=keys["AWS_SECRET_ACCESS_KEY"],
        aws_session_token=keys["AWS_SESSION_TOKEN"],
        config=_TRIES,
    )
