"""Faults of S3 and SSM, injected into one client by botocore's own event hooks.

`before` and `after` run an action around the calls of an operation; an action that raises makes the call fail with
what it raised, at once: botocore does not retry it. So a test says when AWS throttles, times out, dies or lies,
and what somebody else does in between, without a sleep and without a mock.

    before(ssm, "GetParameter", fails_with(throttled()))                 every read is throttled
    before(s3, "PutObject", kills, only=2)                               the process ends before the second write
    after(s3, "PutObject", fails_with(timeout()), only=1)                the first write happens, its answer is lost
    before(s3, "PutObject", lambda _: rival.publish(...), only=1)        another publisher is quicker
    after(s3, "GetObject", truncates(10))                                the connection breaks after ten bytes
    after(s3, "GetObject", hangs)                                        the headers come, and the body does not
    before(s3, "GetObject", lambda _: gate.wait(5))                      the answer waits for a `threading.Event`
"""

import io
from collections.abc import Callable
from threading import Lock
from typing import Any, Never

from botocore.exceptions import ClientError, EndpointConnectionError, ReadTimeoutError
from botocore.response import StreamingBody
from urllib3.exceptions import ReadTimeoutError as StreamTimeoutError

type Action = Callable[[dict[str, Any]], object]
"""Gets the parameters of a call (`before`) or its answer (`after`), which it may change or refuse by raising."""

_ENDPOINT = "https://aws.test"


_hooks: list[tuple[Any, str, Callable[..., object]]] = []


def hook(client: Any, event: str, action: Callable[..., object]) -> None:
    """Register an action for an event of a client, until `unhook_all`."""
    client.meta.events.register(event, action)
    _hooks.append((client.meta.events, event, action))


def unhook_all() -> None:
    """Make every client what it was: tests share them, because making one costs more than most tests."""
    while _hooks:
        events, event, action = _hooks.pop()
        events.unregister(event, action)


class Killed(BaseException):
    """The process ends here. No `Exception`: nothing may catch it and carry on."""


class Fault:
    """An action hooked into a client.

    Parameters
    ----------
    only
        The call it is for, counted from 1; None for every call.

    Attributes
    ----------
    calls
        How many calls the hook has seen, those without the action included.
    """

    def __init__(self, client: Any, event: str, action: Action, *, only: int | None) -> None:
        self.calls = 0
        self._action = action
        self._only = only
        self._lock = Lock()
        self._events = client.meta.events
        self._event = event
        hook(client, event, self._hook)

    def heal(self) -> None:
        """Let every further call through."""
        self._events.unregister(self._event, self._hook)

    def _hook(self, **event: Any) -> None:
        with self._lock:
            self.calls += 1
            due = self._only in (None, self.calls)
        if due:
            self._action(event["params"] if "params" in event else event["parsed"])


def before(client: Any, operation: str, action: Action, *, only: int | None = None) -> Fault:
    """Run an action before calls of an operation, for example `PutObject`; where it raises, AWS never sees the call."""
    return Fault(client, f"before-parameter-build.{_service(client)}.{operation}", action, only=only)


def after(client: Any, operation: str, action: Action, *, only: int | None = None) -> Fault:
    """Run an action after calls of an operation: AWS has done them, and what it raises loses their answer."""
    return Fault(client, f"after-call.{_service(client)}.{operation}", action, only=only)


def one_at_a_time(*clients: Any) -> None:
    """Make each call of these clients atomic, as AWS does and moto, called from several threads, does not."""
    lock = Lock()

    def acquire(**_: Any) -> None:
        lock.acquire()

    def release(**_: Any) -> None:
        lock.release()

    for client in clients:
        service = _service(client)
        hook(client, f"before-call.{service}", acquire)
        hook(client, f"after-call.{service}", release)
        hook(client, f"after-call-error.{service}", release)


def fails_with(error: BaseException) -> Action:
    """An action that raises."""

    def action(_: dict[str, Any]) -> Never:
        raise error

    return action


def kills(_: dict[str, Any]) -> Never:
    """An action: the process ends."""
    raise Killed


def truncates(keep: int) -> Action:
    """An action for `after` and `GetObject`: the connection breaks after some bytes of the body."""

    def action(answer: dict[str, Any]) -> None:
        if "Body" in answer:
            body = answer["Body"].read()
            answer["Body"] = StreamingBody(io.BytesIO(body[:keep]), content_length=len(body))

    return action


def hangs(answer: dict[str, Any]) -> None:
    """An action for `after` and `GetObject`: the headers come, and the body times out."""

    class Silence(io.RawIOBase):
        def read(self, size: int = -1) -> Never:
            raise StreamTimeoutError(None, _ENDPOINT, "read timed out")  # type: ignore[arg-type]

    if "Body" in answer:
        answer["Body"] = StreamingBody(Silence(), content_length=1)  # type: ignore[arg-type]


def refusal(code: str, status: int = 400, *, message: str = "AWS says no") -> ClientError:
    """What boto3 raises for an error of AWS, for example `ParameterNotFound`."""
    return ClientError(
        {"Error": {"Code": code, "Message": message}, "ResponseMetadata": {"HTTPStatusCode": status}},  # type: ignore[typeddict-item]
        "Operation",
    )


def throttled(code: str = "ThrottlingException") -> ClientError:
    """SSM's throttling; S3 calls it `SlowDown`."""
    return refusal(code, 503 if code == "SlowDown" else 400, message="Rate exceeded")


def denied(code: str = "AccessDenied") -> ClientError:
    """S3's refusal for lack of permissions; SSM calls it `AccessDeniedException`. It names what must stay private."""
    return refusal(code, 403, message="User: arn:aws:sts::123456789012:assumed-role/secret-role is not authorized")


def timeout() -> ReadTimeoutError:
    """AWS does not answer in time."""
    return ReadTimeoutError(endpoint_url=_ENDPOINT)


def refused() -> EndpointConnectionError:
    """Nobody listens at the endpoint."""
    return EndpointConnectionError(endpoint_url=_ENDPOINT)


def _service(client: Any) -> str:
    return str(client.meta.service_model.service_name)
