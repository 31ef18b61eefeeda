"""A typed client of one model's prediction API. Written by `skylift client python`; write it again, do not edit it.

    with Client("https://...") as client:
        answer = client.predict([EXAMPLE])

It needs Python 3.11 and nothing else, or botocore where requests to AWS are signed.
"""

import json
import random
import time
import warnings
from collections.abc import Callable, Mapping, Sequence
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from typing import Any, Literal, NotRequired, Self, TypedDict, cast
from urllib.parse import urlsplit

# <constants>
MODEL = "flats"
CONTRACT = "7e5c3a872d94b3afedf8985111c16b4f7359aae9e778f0fb1df7a87215216000"
# </constants>


class Explanation(TypedDict):
    """What each feature adds to an answer: base and contributions sum to it."""

    output: str
    base: float
    contributions: dict[str, float]


# <types>
class Instance(TypedDict):
    """One row to predict."""

    size: float  # a finite number (m2)


Label = Literal["cheap", "dear"]


class Probabilities(TypedDict):
    """Probability of each class."""

    cheap: float | None
    dear: float | None


class Prediction(TypedDict):
    """The answer for one instance."""

    label: Label | None
    probabilities: Probabilities
    explanation: NotRequired[Explanation]


EXAMPLE: Instance = {"size": 55.0}
# </types>


class Warned(TypedDict):
    """What is unusual about an instance: outside what the model was trained on, or not used."""

    instance: int | None
    field: str | None
    message: str


class Answer(TypedDict):
    """The answer to a request: one prediction for each instance, in their order."""

    id: NotRequired[str]
    model: str
    version: str
    predictions: list[Prediction]
    warnings: list[Warned]


class Fault(TypedDict):
    """What is wrong with one field of a request."""

    field: str
    pointer: str
    reason: str
    message: str


class ClientError(Exception):
    """A prediction that could not be had."""


class Unreachable(ClientError):
    """The service did not answer: no connection, or none in time."""


class Refused(ClientError):
    """The service answered with an error (RFC 9457).

    Parameters
    ----------
    status
        Status of the response.
    problem
        Body of the response: `title`, `detail`, `request_id` and, for fields, `errors`.
    """

    def __init__(self, status: int, problem: Mapping[str, Any]) -> None:
        self.status = status
        self.title = str(problem.get("title") or problem.get("message") or "no reason given")
        self.detail = str(problem.get("detail") or "")
        self.request_id = str(problem.get("request_id") or "")
        errors = problem.get("errors")
        self.errors: list[Fault] = [each for each in errors if _is_fault(each)] if isinstance(errors, list) else []
        faults = "; ".join(f"{fault['field']}: {fault['message']}" for fault in self.errors)
        super().__init__(": ".join(part for part in (f"{status} {self.title}", self.detail, faults) if part))


class ContractChanged(UserWarning):
    """The service has another contract than this file was written for."""


class Client:
    """A client of the service, which threads may share; it keeps connections open until it is closed.

    Parameters
    ----------
    url
        Address of the API, with the stage's path if it has one.
    token
        Function that returns a bearer token, for an API that asks for one.
    region
        AWS region to sign requests for, for an API with IAM: by the credentials that botocore finds.
    timeout
        Longest time for one attempt, in seconds.
    attempts
        Number of attempts where the service is busy, starting or not reached: a prediction may be asked for twice.
    """

    def __init__(
        self,
        url: str,
        *,
        token: Callable[[], str] | None = None,
        region: str | None = None,
        timeout: float = 10.0,
        attempts: int = 3,
    ) -> None:
        self._url = urlsplit(url.rstrip("/"))
        if self._url.scheme not in {"http", "https"} or not self._url.hostname or self._url.query:
            raise ValueError(f"not the address of an API: {url!r}")
        self._token, self._sign = token, None if region is None else _signer(region)
        self._timeout, self._attempts = timeout, attempts
        self._idle: list[HTTPConnection] = []
        self._known: set[str] = set()
        self._checked_until = 0.0

    def __enter__(self) -> Self:
        """The client, which is closed at the end."""
        return self

    def __exit__(self, *_: object) -> None:
        """See `close`."""
        self.close()

    def close(self) -> None:
        """Close the connections that are open."""
        while self._idle:
            self._idle.pop().close()

    def predict(self, instances: Sequence[Instance], *, sets: bool = False, explain: bool = False) -> Answer:
        """Predict instances, in one request.

        Parameters
        ----------
        instances
            Rows, as many as the service takes at once: `max_instances` of its `/model-info`.
        sets
            Whether to have prediction sets, where the version makes them.
        explain
            Whether to have the contributions of each feature, for few instances.

        Raises
        ------
        Refused
            The service refuses them, or still has no answer after all attempts.
        Unreachable
            It did not answer.
        ValueError
            A number is NaN or infinite: send None for a missing value.
        """
        query = "&".join(name for name, wanted in (("set=true", sets), ("explain=true", explain)) if wanted)
        body = json.dumps({"instances": list(instances)}, allow_nan=False).encode()
        answer, version = self._ask("POST", f"/predict{query and '?'}{query}", body, attempts=self._attempts)
        self._check_contract(version)
        return cast("Answer", answer)

    def _check_contract(self, version: str) -> None:
        """Warn once for each version with another contract; asked beside the predictions, at most once a minute."""
        if not version or version in self._known or time.monotonic() < self._checked_until:
            return
        self._checked_until = time.monotonic() + 60
        try:
            info, _ = self._ask("GET", "/model-info", None, attempts=1)
        except ClientError:
            return
        self._known.add(str(info.get("version")))
        if (found := info.get("contract_digest")) not in {None, CONTRACT}:
            warnings.warn(
                f"{info.get('model')} {info.get('version')} has the contract {str(found)[:12]}, this client was "
                f"written for {CONTRACT[:12]}: write it again with `skylift client python`",
                ContractChanged,
                stacklevel=3,
            )

    def _ask(self, method: str, path: str, body: bytes | None, *, attempts: int) -> tuple[dict[str, Any], str]:
        """The JSON object and the version that a request is answered with."""
        failure: ClientError = Unreachable(f"{self._url.hostname} was not asked: attempts is {attempts}")
        for attempt in range(attempts):
            pause = 0.2 * 2**attempt * random.uniform(0.5, 1)  # noqa: S311 (no secret)
            headers = self._headers(method, path, body)
            try:
                status, answered, content = self._send(method, path, body, headers)
            except (OSError, HTTPException) as error:
                failure = Unreachable(f"{self._url.hostname} does not answer: {error or type(error).__name__}")
                failure.__cause__ = error
            else:
                document = _object(content)
                if status == 200 and document is not None:
                    return document, answered.get("x-model-version", "")
                failure = Refused(status, document or {"title": "the answer is not a JSON object"})
                if status not in {429, 502, 503, 504}:
                    break
                pause = max(pause, _seconds(answered.get("retry-after", "")))
            if attempt + 1 < attempts:
                time.sleep(pause)
        raise failure

    def _headers(self, method: str, path: str, body: bytes | None) -> dict[str, str]:
        """Headers of one request, with the token or the signature of this moment."""
        headers = {"accept": "application/json"} | ({"content-type": "application/json"} if body else {})
        if self._token is not None:
            headers["authorization"] = f"Bearer {self._token()}"
        if self._sign is not None:
            headers = self._sign(method, f"{self._url.geturl()}{path}", headers, body)
        return headers

    def _send(
        self, method: str, path: str, body: bytes | None, headers: dict[str, str]
    ) -> tuple[int, dict[str, str], bytes]:
        """Send one request over an open connection, or a new one, and read the answer."""
        try:
            connection, used = self._idle.pop(), True
        except IndexError:
            kind = HTTPSConnection if self._url.scheme == "https" else HTTPConnection
            connection = kind(cast("str", self._url.hostname), self._url.port, timeout=self._timeout)
            used = False
        try:
            connection.request(method, f"{self._url.path}{path}", body, headers)
            response = connection.getresponse()
            content = response.read()
        except (OSError, HTTPException) as error:
            connection.close()
            if used and isinstance(error, ConnectionError):  # kept open too long: the service has closed it
                return self._send(method, path, body, headers)
            raise
        self._idle.append(connection)
        return response.status, {name.lower(): value for name, value in response.getheaders()}, content


def _is_fault(error: object) -> bool:
    """Whether an error of a body is one of this service, and not of what stands before it."""
    return isinstance(error, dict) and error.keys() >= {"field", "message"}


def _object(content: bytes) -> dict[str, Any] | None:
    try:
        document = json.loads(content)
    except ValueError:
        return None
    return document if isinstance(document, dict) else None


def _seconds(retry_after: str) -> float:
    """What a service asks to wait, within reason."""
    return min(float(retry_after), 10.0) if retry_after.isdecimal() else 0.0


Signer = Callable[[str, str, dict[str, str], bytes | None], dict[str, str]]


def _signer(region: str) -> Signer:
    """Function that signs a request for API Gateway (AWS Signature Version 4)."""
    from botocore.auth import SigV4Auth
    from botocore.awsrequest import AWSRequest
    from botocore.session import Session

    credentials = Session().get_credentials()
    if credentials is None:
        raise ValueError("there are no AWS credentials to sign with")

    def sign(method: str, url: str, headers: dict[str, str], body: bytes | None) -> dict[str, str]:
        request = AWSRequest(method, url, headers, body)
        SigV4Auth(credentials, "execute-api", region).add_auth(request)
        return dict(request.headers.items())

    return sign
