"""AWS: clients that cannot hang, and errors that say what to do."""

from collections.abc import Callable, Iterator
from types import SimpleNamespace
from typing import Any

import boto3
import pytest
from botocore.awsrequest import AWSResponse
from botocore.compat import HTTPHeaders
from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    ConnectTimeoutError,
    CredentialRetrievalError,
    IncompleteReadError,
    LoginTokenLoadError,
    NoAuthTokenError,
    NoCredentialsError,
    NoRegionError,
    ParamValidationError,
    PartialCredentialsError,
    ProfileNotFound,
    SSLError,
    SSOTokenLoadError,
    TokenRetrievalError,
    UnauthorizedSSOTokenError,
)
from botocore.parsers import ResponseParserError
from urllib3.exceptions import ProtocolError

from skylift.aws import aws_errors, cloudformation_client, error_code, s3_client, ssm_client
from skylift.errors import AwsRefused, AwsThrottled, AwsUnavailable
from tests.support.faults import denied, refusal, refused, throttled, timeout


class RawBody:
    """A body as urllib3 streams it."""

    def __init__(self, content: bytes) -> None:
        self._content = content

    def stream(self, **_options: object) -> Iterator[bytes]:
        yield self._content


CLIENTS = [s3_client, ssm_client, cloudformation_client]

CREDENTIALS = "check the role's policy and credentials"
CLOCK = "check the clock of this machine"
LATER = "try again; see the AWS status page if it stays"
NETWORK = "check the network, the region and AWS_ENDPOINT_URL"
LOGIN = "log in again: aws login"
SSO_LOGIN = "log in again: aws sso login"
EXPIRED = "the credentials have expired: get new ones, where they come from SSO by aws sso login"
CONFIGURATION = "set AWS_DEFAULT_REGION and credentials, or name a profile in AWS_PROFILE"


@pytest.fixture
def _fresh_session(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(boto3, "DEFAULT_SESSION", None)
    monkeypatch.setenv("AWS_CONFIG_FILE", "/dev/null")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", "/dev/null")


@pytest.mark.parametrize("make", CLIENTS)
def test_a_call_that_nobody_answers_ends_within_ten_seconds(make: Callable[[], Any]) -> None:
    config = make().meta.config

    assert (config.connect_timeout + config.read_timeout) * config.retries["total_max_attempts"] <= 10


@pytest.mark.parametrize("make", CLIENTS)
def test_the_environment_names_the_endpoint(make: Callable[[], Any], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:5000")

    assert make().meta.endpoint_url == "http://127.0.0.1:5000"


def test_the_bucket_is_not_part_of_the_host_so_a_local_aws_needs_no_name_of_its_own() -> None:
    url = s3_client().generate_presigned_url("get_object", Params={"Bucket": "models", "Key": "a"})

    assert "/models/a?" in url


@pytest.mark.usefixtures("_fresh_session")
@pytest.mark.parametrize("make", CLIENTS)
class TestMisconfigured:
    def test_an_endpoint_that_is_not_a_url_is_refused(
        self, make: Callable[[], Any], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("AWS_ENDPOINT_URL", "no url")

        with pytest.raises(AwsUnavailable, match=r"creating the .* client failed") as caught:
            make()

        assert "AWS_ENDPOINT_URL" in caught.value.hint

    def test_a_profile_that_does_not_exist_is_named_as_the_cause(
        self, make: Callable[[], Any], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("AWS_PROFILE", "nobody")

        with pytest.raises(AwsUnavailable, match="ProfileNotFound") as caught:
            make()

        assert "AWS_PROFILE" in caught.value.hint


@pytest.mark.usefixtures("_fresh_session")
@pytest.mark.parametrize("make", [ssm_client, cloudformation_client])
def test_without_a_region_the_setting_is_named(make: Callable[[], Any], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AWS_REGION")
    monkeypatch.delenv("AWS_DEFAULT_REGION")

    with pytest.raises(AwsUnavailable, match="NoRegionError") as caught:
        make()

    assert "AWS_DEFAULT_REGION" in caught.value.hint


@pytest.mark.parametrize(
    ("error", "hint"),
    [
        (denied("AccessDenied"), CREDENTIALS),
        (denied("AccessDeniedException"), CREDENTIALS),
        (refusal("ExpiredToken"), EXPIRED),
        (refusal("ExpiredTokenException"), EXPIRED),
        (refusal("InvalidAccessKeyId"), CREDENTIALS),
        (refusal("SignatureDoesNotMatch"), CREDENTIALS),
        (refusal("UnrecognizedClientException"), CREDENTIALS),
        (refusal("AuthorizationError", 403), CREDENTIALS),
        (refusal("KMSAccessDeniedException"), CREDENTIALS),
        (throttled("ThrottlingException"), LATER),
        (throttled("SlowDown"), LATER),
        (refusal("RequestTimeTooSkewed", 403), CLOCK),
        (refusal("RequestExpired"), CLOCK),
        (refusal("InvalidToken"), CREDENTIALS),
        (ProtocolError("connection broken"), NETWORK),
        (refusal("InternalError", 500), LATER),
        (refused(), NETWORK),
        (timeout(), NETWORK),
        (ConnectTimeoutError(endpoint_url="https://aws.test"), NETWORK),
        (SSLError(endpoint_url="https://aws.test", error=OSError("bad certificate")), NETWORK),
        (IncompleteReadError(actual_bytes=1, expected_bytes=2), NETWORK),
        (ResponseParserError("unable to parse <html>"), NETWORK),
        (NoRegionError(), CONFIGURATION),
        (NoCredentialsError(), CONFIGURATION),
        (PartialCredentialsError(provider="env", cred_var="aws_secret_access_key"), CONFIGURATION),
        (CredentialRetrievalError(provider="sso", error_msg="expired"), CONFIGURATION),
        (ProfileNotFound(profile="nobody"), CONFIGURATION),
        (SSOTokenLoadError(error_msg="no token"), SSO_LOGIN),
        (UnauthorizedSSOTokenError(), SSO_LOGIN),
        (NoAuthTokenError(), SSO_LOGIN),
        (TokenRetrievalError(provider="sso", error_msg="expired"), SSO_LOGIN),
        (LoginTokenLoadError(error_msg="no token"), LOGIN),
    ],
    ids=lambda value: value.response["Error"]["Code"] if isinstance(value, ClientError) else type(value).__name__,
)
def test_every_error_of_aws_becomes_one_of_storage_with_the_step_that_helps(error: Exception, hint: str) -> None:
    with pytest.raises(AwsUnavailable) as caught, aws_errors("reading the pointer"):
        raise error

    assert caught.value.message.startswith("reading the pointer failed (")
    assert caught.value.hint == hint
    assert caught.value.__cause__ is error


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (denied("AccessDenied"), AwsRefused),
        (denied("AccessDeniedException"), AwsRefused),
        (refusal("AuthorizationError", 403), AwsRefused),
        (refusal("UnrecognizedClientException"), AwsRefused),
        (refusal("ExpiredToken"), AwsUnavailable),
        (throttled("SlowDown"), AwsThrottled),
        (refusal("InternalError", 500), AwsUnavailable),
        (timeout(), AwsUnavailable),
    ],
)
def test_what_is_not_allowed_is_told_from_what_may_pass(error: Exception, kind: type[AwsUnavailable]) -> None:
    with pytest.raises(AwsUnavailable) as caught, aws_errors("reading the pointer"):
        raise error

    assert type(caught.value) is kind


@pytest.mark.parametrize(
    ("error", "command"),
    [
        (SSOTokenLoadError(error_msg="no token"), "aws sso login --profile work"),
        (LoginTokenLoadError(error_msg="no token"), "aws login --profile work"),
        (refusal("ExpiredToken"), "aws sso login --profile work"),
    ],
)
def test_who_is_logged_out_is_told_the_command_with_their_profile(
    error: Exception, command: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_PROFILE", "work")

    with pytest.raises(AwsUnavailable) as caught, aws_errors("reading the pointer"):
        raise error

    assert caught.value.hint.endswith(command)


@pytest.mark.parametrize("error", [refusal("NoSuchBucket", 404), ParamValidationError(report="Invalid bucket name")])
def test_a_bucket_that_cannot_be_is_put_down_to_its_name(error: ClientError | BotoCoreError) -> None:
    with pytest.raises(AwsUnavailable) as caught, aws_errors("listing"):
        raise error

    assert "bucket" in caught.value.hint.lower()


def test_an_error_of_aws_is_told_by_its_code_and_not_by_its_message() -> None:
    with pytest.raises(AwsUnavailable) as caught, aws_errors("reading"):
        raise denied()

    assert str(caught.value) == f"reading failed (AccessDenied): {CREDENTIALS}"


def test_an_error_without_a_code_is_told_as_such() -> None:
    error = ClientError({}, "GetObject")

    with pytest.raises(AwsUnavailable, match="no error code"), aws_errors("reading"):
        raise error

    assert error_code(error) == ""


@pytest.mark.parametrize("error", [KeyError("Parameter"), ZeroDivisionError(), KeyboardInterrupt()])
def test_a_fault_of_our_own_is_not_blamed_on_aws(error: BaseException) -> None:
    with pytest.raises(type(error)), aws_errors("reading"):
        raise error


class TestPatience:
    """SSM behind a counter: it refuses a number of calls before they leave, and botocore's own retries run."""

    @pytest.fixture
    def pauses(self, monkeypatch: pytest.MonkeyPatch) -> list[float]:
        """What botocore, and no other thread of this process, slept between attempts."""
        slept: list[float] = []
        monkeypatch.setattr("botocore.endpoint.time", SimpleNamespace(sleep=slept.append))
        return slept

    def refusing(self, client: Any, times: int) -> list[int]:
        calls: list[int] = []

        def answer(**_event: object) -> AWSResponse:
            calls.append(1)
            refused = len(calls) <= times
            body = b'{"__type": "ThrottlingException"}' if refused else b'{"Parameter": {"Value": "none"}}'
            return AWSResponse("https://aws.test", 400 if refused else 200, HTTPHeaders(), RawBody(body))

        client.meta.events.register("before-send.ssm", answer)
        return calls

    def test_a_patient_client_tries_ten_times_within_a_minute_when_it_is_throttled(self, pauses: list[float]) -> None:
        client = ssm_client(patient=True)
        calls = self.refusing(client, 9)

        assert client.get_parameter(Name="/a")["Parameter"]["Value"] == "none"
        assert len(calls) == 10
        assert sum(pauses) < 60

    def test_a_patient_client_gives_up_as_throttled(self, pauses: list[float]) -> None:
        client = ssm_client(patient=True)
        calls = self.refusing(client, 99)

        with pytest.raises(AwsThrottled), aws_errors("reading"):
            client.get_parameter(Name="/a")

        assert (len(calls), len(pauses)) == (10, 9)

    def test_the_client_of_the_service_tries_twice(self, pauses: list[float]) -> None:
        client = ssm_client()
        calls = self.refusing(client, 99)

        with pytest.raises(AwsThrottled), aws_errors("reading"):
            client.get_parameter(Name="/a")

        assert len(calls) == 2
