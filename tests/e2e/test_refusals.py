"""What AWS lets no deployment through with, and the local AWS neither."""

import io
import json
import zipfile
from typing import Any

import pytest
from botocore.exceptions import ClientError, WaiterError

from tests.e2e.aws import ACCOUNT, LocalAws
from tests.support.docker import DockerFailed, docker

ASSUMED = {"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}


@pytest.mark.parametrize("parameter", [{"name": "proxy+", "in": "path", "required": True, "schema": {}}, None])
def test_an_api_of_which_its_importer_warns_is_not_made(local_aws: LocalAws, parameter: Any) -> None:
    operation = {"parameters": [parameter] if parameter else [], "responses": {"default": {"description": "any"}}}
    body = {"openapi": "3.0.1", "info": {"title": "a", "version": "1"}, "paths": {"/{proxy+}": {"get": operation}}}
    api = {"Type": "AWS::ApiGatewayV2::Api", "Properties": {"FailOnWarnings": True, "Body": body}}
    template = json.dumps({"Resources": {"Api": api}})
    if parameter:
        local_aws.make_stack("complete", template)
        return
    with pytest.raises(WaiterError):
        local_aws.make_stack("warned-of", template)


def test_a_version_is_not_published_again_by_going_back_and_forth(local_aws: LocalAws) -> None:
    local_aws.client("iam").create_role(RoleName="any", AssumeRolePolicyDocument=json.dumps({"Statement": [ASSUMED]}))
    lambdas = local_aws.client("lambda")
    code = io.BytesIO()
    with zipfile.ZipFile(code, "w") as archive:
        archive.writestr("code.py", "def handler(*_): ...")
    made = {"Runtime": "python3.13", "Handler": "code.handler", "Role": f"arn:aws:iam::{ACCOUNT}:role/any"}
    lambdas.create_function(FunctionName="function", Code={"ZipFile": code.getvalue()}, **made)
    published = [lambdas.publish_version(FunctionName="function")["Version"]]
    for seconds in (5, 3, 5):
        lambdas.update_function_configuration(FunctionName="function", Timeout=seconds)
        published.append(lambdas.publish_version(FunctionName="function")["Version"])
    assert published == ["1", "2", "3", "4"]

    lambdas.update_function_configuration(FunctionName="function", Timeout=3)  # as CloudFormation rolls back
    lambdas.update_function_configuration(FunctionName="function", Timeout=5)  # and the same is deployed again
    version = {"Type": "AWS::Lambda::Version", "Properties": {"FunctionName": "function"}}
    with pytest.raises(WaiterError):
        local_aws.make_stack("again", json.dumps({"Resources": {"Version": version}}))
    events = local_aws.client("cloudformation").describe_stack_events(StackName="again")["StackEvents"]
    assert "A version for this Lambda function exists ( 4 )" in " ".join(
        event.get("ResourceStatusReason", "") for event in events
    )
    assert lambdas.publish_version(FunctionName="function")["Version"] == "4"


def test_a_tag_is_pushed_once(local_aws: LocalAws) -> None:
    local_aws.client("ecr").create_repository(repositoryName="once", imageTagMutability="IMMUTABLE")
    image = f"{local_aws.registry}/once:1"
    docker("import", "--message", "nothing in it", "/dev/null", image)
    docker("push", image)
    with pytest.raises(DockerFailed, match="already exists in the 'once' repository and cannot be overwritten"):
        docker("push", image)


def test_codedeploy_is_asked_by_those_who_may(local_aws: LocalAws) -> None:
    reads = {"Effect": "Allow", "Action": "codedeploy:GetDeployment", "Resource": "*"}
    codedeploy = local_aws.client("codedeploy", local_aws.user("reader", reads))
    with pytest.raises(ClientError, match="DeploymentDoesNotExist"):
        codedeploy.get_deployment(deploymentId="d-1")
    with pytest.raises(ClientError, match="AccessDenied"):
        codedeploy.stop_deployment(deploymentId="d-1")
