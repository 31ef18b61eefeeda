"""Calls to the deployed service over HTTPS, signed as API Gateway's `AWS_IAM` authorizer wants it."""

import http.client
import json
import shlex
import time
import urllib.error
import urllib.request
from dataclasses import dataclass
from typing import Any

from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from skylift.aws import aws_errors
from skylift.challenger import VARIANT_HEADER
from skylift.errors import NoActiveVersion, SkyliftError

_SERVICE = "execute-api"
_TIMEOUT_SECONDS = 30
_ATTEMPTS = 5
_PAUSE_SECONDS = 3.0
_TRANSIENT = {429, 500, 502, 503, 504}


class CallFailed(SkyliftError):
    """The service did not answer as it should."""

    code = "call-failed"


@dataclass(frozen=True, slots=True)
class HttpAnswer:
    """An HTTP answer.

    Parameters
    ----------
    status
        HTTP status code.
    headers
        Response headers by lower-case name.
    body
        Parsed JSON body; None if the body is not JSON.
    """

    status: int
    headers: dict[str, str]
    body: Any


class DeployedApi:
    """The deployed service.

    Parameters
    ----------
    url
        Address of the API; a slash at the end is ignored.
    region
        AWS region of the API.
    credentials
        AWS credentials that sign each request; not used with a token.
    token
        Bearer token, for an API with a JWT authorizer.
    """

    def __init__(
        self, url: str, *, region: str, credentials: Credentials | None = None, token: str | None = None
    ) -> None:
        self.url = url.rstrip("/")
        self._region = region
        self._credentials = credentials
        self._token = token

    def ask(self, path: str, body: object = None, *, attempts: int = _ATTEMPTS) -> HttpAnswer:
        """GET a path, or POST JSON to it.

        Parameters
        ----------
        path
            Path of the route.
        body
            Document to post; GET by default.
        attempts
            How often it is tried while the failure may pass.

        Raises
        ------
        CallFailed
            The service did not answer.
        """
        for attempt in range(1, attempts + 1):
            last = attempt == attempts
            try:
                answer = self._once(path, body)
            except (OSError, http.client.HTTPException) as error:  # no connection, too slow, or cut off
                if last:
                    raise CallFailed(
                        f"{self.url}{path} does not answer ({error})", "check the URL, and the network from here to it"
                    ) from error
            else:
                if last or answer.status not in _TRANSIENT or _waits_for_a_promotion(answer.body):
                    return answer
            time.sleep(_PAUSE_SECONDS)
        raise AssertionError("unreachable")

    def _once(self, path: str, body: object) -> HttpAnswer:
        data = None if body is None else json.dumps(body).encode()
        headers = {"content-type": "application/json", VARIANT_HEADER: "champion"} if data else {}
        signed = AWSRequest("GET" if data is None else "POST", self.url + path, data=data, headers=headers)
        if self._token:
            signed.headers["authorization"] = f"Bearer {self._token}"
        elif self._credentials:
            with aws_errors("signing a request"):
                SigV4Auth(self._credentials, _SERVICE, self._region).add_auth(signed)
        request = urllib.request.Request(self.url + path, data, dict(signed.headers.items()))  # noqa: S310 (our API)
        try:
            with urllib.request.urlopen(request, timeout=_TIMEOUT_SECONDS) as response:  # noqa: S310
                return _answer(response)
        except urllib.error.HTTPError as error:
            with error:
                return _answer(error)


def smoke(service: DeployedApi) -> str:
    """Call the service as a client does, and say the result in a sentence.

    Raises
    ------
    CallFailed
        It does not answer as its own description promises.
    """
    health = service.ask("/health")
    if health.status == 503 and _waits_for_a_promotion(health.body):
        return "no model is active: /health answers, and nothing else can be asked before `skylift promote`"
    _expect(health, 200, "/health")
    description = service.ask("/openapi.json")
    _expect(description, 200, "/openapi.json")
    instance = service.ask("/predict", example_of(description.body))
    _expect(instance, 200, "/predict")
    version = instance.headers.get("x-model-version")
    if not instance.body.get("predictions") or version is None:
        raise CallFailed("/predict answered without a prediction or a version", "look at the log line of the request")
    return f"{version} answers: {json.dumps(instance.body['predictions'][0], ensure_ascii=False)}"


def example_of(description: dict[str, Any]) -> object:
    """A body for `/predict`, out of the service's OpenAPI document."""
    request = description["paths"]["/predict"]["post"]["requestBody"]["content"]["application/json"]
    example: object = request["examples"]["instances"]["value"]
    return example


def curl(url: str, *, region: str, body: object, auth: str = "AWS_IAM") -> str:
    """A call for a shell, as the API's `Auth` wants it: it names the variables with credentials, never their values."""
    credentials = {
        "AWS_IAM": [
            f"--aws-sigv4 {shlex.quote(f'aws:amz:{region}:{_SERVICE}')}",
            '--user "$AWS_ACCESS_KEY_ID:$AWS_SECRET_ACCESS_KEY"',
            # Two words, each by itself: zsh does not split what a variable gives.
            '${AWS_SESSION_TOKEN:+-H} ${AWS_SESSION_TOKEN:+"x-amz-security-token: $AWS_SESSION_TOKEN"}',
        ],
        "JWT": ['-H "authorization: Bearer $SKYLIFT_TOKEN"'],
        "NONE": [],
    }
    return " \\\n  ".join(
        [
            "curl --fail-with-body",
            *credentials[auth],
            f"-H 'content-type: application/json' -d {shlex.quote(json.dumps(body))}",
            shlex.quote(f"{url.rstrip('/')}/predict"),
        ]
    )


def _waits_for_a_promotion(health: Any) -> bool:
    problem = health.get("problem") if isinstance(health, dict) else None
    return problem is not None and problem.get("code") == NoActiveVersion.code


def _expect(answer: HttpAnswer, status: int, path: str) -> None:
    if answer.status != status:
        hint = (
            "may these credentials call the API?" if answer.status in {401, 403} else "look at the service's log lines"
        )
        raise CallFailed(f"{path} answered {answer.status} ({json.dumps(answer.body)[:300]})", hint)


def _answer(response: Any) -> HttpAnswer:
    body = response.read()
    try:
        document = json.loads(body)
    except ValueError:
        document = None
    return HttpAnswer(response.status, {name.lower(): value for name, value in response.headers.items()}, document)
