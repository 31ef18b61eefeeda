"""Who calls AWS, and the deployed service as they call it."""

import os
from collections.abc import Mapping

from botocore.credentials import Credentials
from botocore.session import Session

from deploy.calls import DeployedApi
from deploy.progress import print_facts
from deploy.stack import Stack, required_output
from skylift.aws import aws_errors, sts_client
from skylift.errors import ConfigError
from training.cli.console import err


def check_credentials(stack: str) -> str:
    """Say who is about to do what where; the region.

    Raises
    ------
    AwsUnavailable
        There are no credentials, or AWS refuses them.
    """
    client = sts_client()
    with aws_errors("asking AWS who you are"):
        identity = client.get_caller_identity()
    region = client.meta.region_name
    print_facts(
        [("account", identity["Account"]), ("as", identity["Arn"]), ("region", region), ("stack", stack)], console=err
    )
    return region


def url_of(outputs: Mapping[str, str], stack: str) -> str:
    """Where the API of a stack answers: at the local AWS, if `AWS_ENDPOINT_URL` names one.

    Raises
    ------
    ConfigError
        The stack has no API.
    """
    url = required_output(outputs, "ApiUrl", stack)
    if endpoint := os.environ.get("AWS_ENDPOINT_URL"):  # local AWSes serve the APIs that they host under this path
        return f"{endpoint.rstrip('/')}/_aws/execute-api/{required_output(outputs, 'ApiId', stack)}/$default"
    return url


def deployed_api(stack: Stack) -> DeployedApi:
    """The API of a stack, with what its authorizer wants.

    Raises
    ------
    ConfigError
        It needs a token, and none is set; or there are no credentials.
    """
    url, auth = url_of(stack.outputs(), stack.name), stack.parameters().get("Auth", "AWS_IAM")
    region = sts_client().meta.region_name
    if auth == "JWT":
        if not (token := os.environ.get("SKYLIFT_TOKEN")):
            raise ConfigError("the API wants a token of its issuer", "put one into SKYLIFT_TOKEN")
        return DeployedApi(url, region=region, token=token)
    return DeployedApi(url, region=region, credentials=_credentials() if auth == "AWS_IAM" else None)


def _credentials() -> Credentials:
    with aws_errors("reading credentials"):
        credentials = Session().get_credentials()
    if credentials is None:
        raise ConfigError("there are no credentials", "set AWS_PROFILE, or AWS_ACCESS_KEY_ID and its secret")
    return credentials
