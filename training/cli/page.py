"""`skylift page`: the page of a deployed API whose requests have to be signed, on this machine."""

import webbrowser
from typing import Annotated

import typer

from skylift.errors import ConfigError
from training.cli.console import out
from training.cli.options import PortOption


def page(
    stack: Annotated[str, typer.Option("--stack", envvar="SKYLIFT_STACK", help="CloudFormation stack of the API.")],
    port: PortOption = 8001,
    browser: Annotated[bool, typer.Option("--browser/--no-browser", help="Open it in a browser.")] = True,
) -> None:
    """Open the page of a deployed API here, and sign its requests with your AWS credentials until Ctrl-C.

    An API without signatures needs none of this: its page is at its own address, which is printed then.
    """
    from botocore.session import Session

    from skylift.aws import aws_errors
    from training.cli.connection import existing_stack, outputs_of
    from training.cli.signing_proxy import SignedApi, SigningProxy

    description = existing_stack(stack)
    if (url := outputs_of(description).get("ApiUrl")) is None:
        raise ConfigError(f"stack {stack} has no output ApiUrl", "name the stack that template.yaml made")
    parameters = {each["ParameterKey"]: each["ParameterValue"] for each in description.get("Parameters", [])}
    if parameters.get("Auth", "AWS_IAM") != "AWS_IAM":
        out.print(f"This API asks for no signature. Its page: {url}/", markup=False, soft_wrap=True)
        return
    session = Session()
    with aws_errors("looking for credentials"):
        credentials = session.get_credentials()
    if credentials is None:
        raise ConfigError("there are no AWS credentials", "log in, or name a profile in AWS_PROFILE")
    api = SignedApi(url, session.get_config_variable("region"), credentials)
    try:
        proxy = SigningProxy(api, port)
    except OSError as error:
        raise ConfigError(f"port {port} cannot be used ({error.strerror})", "take another one: --port 8002") from error
    with proxy:
        out.print(f"The page of {url}, for you alone: {proxy.address}", markup=False, soft_wrap=True)
        out.print("Requests are signed with your AWS credentials. Ctrl-C ends it.")
        if browser:
            webbrowser.open(proxy.address)
        proxy.serve_forever()
