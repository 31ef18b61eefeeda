"""What GitHub needs to deploy, as an administrator deploys it; and what no deployment of an API gets through."""

import json
from typing import Any

import pytest
from botocore.exceptions import WaiterError

from tests.e2e.stack import ACCOUNT, LocalAws
from tests.support.paths import ROOT

WAIT = {"Delay": 1, "MaxAttempts": 60}


def create(aws: LocalAws, name: str, template: str, **parameters: str) -> dict[str, str]:
    """Create a stack; its outputs."""
    client = aws.client("cloudformation")
    given = [{"ParameterKey": key, "ParameterValue": value} for key, value in parameters.items()]
    client.create_stack(StackName=name, TemplateBody=template, Parameters=given, Capabilities=["CAPABILITY_IAM"])
    client.get_waiter("stack_create_complete").wait(StackName=name, WaiterConfig=WAIT)
    (stack,) = client.describe_stacks(StackName=name)["Stacks"]
    return {output["OutputKey"]: output["OutputValue"] for output in stack.get("Outputs", [])}


def test_two_stages_of_an_account_share_its_provider(local_aws: LocalAws) -> None:
    template = (ROOT / "bootstrap.yaml").read_text(encoding="utf-8")
    dev = create(local_aws, "skylift-bootstrap-dev", template, Stage="dev", Repository="acme/models")
    provider = f"arn:aws:iam::{ACCOUNT}:oidc-provider/token.actions.githubusercontent.com"
    assert dev["OidcProviderArn"] == provider
    domain = {"DomainName": "iris.example.com", "HostedZoneId": "Z1", "ApiId": "abc123def4"}
    prod = create(
        local_aws, "skylift-bootstrap-prod", template, Stage="prod", Repository="acme/models",
        OidcProviderArn=provider, **domain,
    )  # fmt: skip
    assert dev.keys() == prod.keys()
    assert prod["ImageRepositoryUri"].endswith("/skylift-prod")


@pytest.mark.parametrize("parameter", [{"name": "proxy+", "in": "path", "required": True, "schema": {}}, None])
def test_an_api_of_which_its_importer_warns_is_not_made(local_aws: LocalAws, parameter: Any) -> None:
    operation = {"parameters": [parameter] if parameter else [], "responses": {"default": {"description": "any"}}}
    body = {"openapi": "3.0.1", "info": {"title": "a", "version": "1"}, "paths": {"/{proxy+}": {"get": operation}}}
    api = {"Type": "AWS::ApiGatewayV2::Api", "Properties": {"FailOnWarnings": True, "Body": body}}
    template = json.dumps({"Resources": {"Api": api}})
    if parameter:
        create(local_aws, "complete", template)
        return
    with pytest.raises(WaiterError):
        create(local_aws, "warned-of", template)
