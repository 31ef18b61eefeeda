"""What the end of a request has to know of it: made by the access log, filled by whoever answers."""

import os
import time
import uuid
from base64 import urlsafe_b64encode
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from starlette.types import Scope

    from skylift.feature import Scalar
    from skylift.monitoring.profile import Member

_KEY = "skylift.record"
_MAX_ID = 128
_ID_BYTES = 12


@dataclass(slots=True)
class Record:
    """One request.

    Parameters
    ----------
    request_id
        API Gateway's id of the request, else the caller's `x-request-id`, else a new one.
    instances
        Number of instances that were scored.
    unknown_categories
        Number of values in them that training never saw.
    profile
        Profile of the instances; None where the version or the setting has none.
    answers
        What each instance was answered, where labels may come; see `skylift.monitoring.answers`.
    rows
        Values of each instance by the name of the feature, where they are captured; None elsewhere.
    rows_left_out
        Number of instances that should be captured and would be too long.
    prediction_id
        Id of the answer, which the caller has no part in; empty where nothing refers to it.
    experiment
        What it was in an experiment, where it is in the scope of one; see `inference.trial`.
    labels
        Number of labels that were kept.
    protocol
        Protocol in which it asks for predictions; empty for other requests, and for those of `/predict`.
    version
        Name of the version that scored them.
    reason
        Code of the problem, if the request failed.
    fields
        Some of the contract's features that it is about.
    status
        HTTP status of the response; 500 until one begins, so that what never answers counts as failed.
    started
        Time at which the request arrived, in seconds of `time.perf_counter`.
    """

    request_id: str
    instances: int = 0
    unknown_categories: int = 0
    profile: "Member | None" = None
    answers: list[int] | list[float | None] | None = None
    rows: "list[dict[str, Scalar]] | None" = None
    rows_left_out: int = 0
    prediction_id: str = ""
    experiment: dict[str, object] | None = None
    labels: int = 0
    protocol: str = ""
    version: str | None = None
    reason: str | None = None
    fields: tuple[str, ...] = ()
    status: int = 500
    started: float = field(default_factory=time.perf_counter)

    def forget_rows(self) -> None:
        """Keep nothing of the instances but their number, so that neither monitor nor labels see them."""
        self.profile = self.answers = self.rows = None
        self.rows_left_out, self.prediction_id = 0, ""


def new_prediction_id() -> str:
    """An id that nobody can guess, 16 characters that may stand in a URL."""
    return urlsafe_b64encode(os.urandom(_ID_BYTES)).decode()


def record_of(scope: "Scope") -> Record:
    """The record of the request with this ASGI scope; a new one the first time."""
    record: Record | None = scope.get(_KEY)
    if record is None:
        record = scope[_KEY] = Record(_request_id(scope))
    return record


def _request_id(scope: "Scope") -> str:
    event: dict[str, Any] = scope.get("aws.event") or {}
    context = event.get("requestContext")
    if isinstance(context, dict) and _harmless(from_gateway := context.get("requestId")):
        return str(from_gateway)
    if (lambda_context := scope.get("aws.context")) is not None:
        return str(lambda_context.aws_request_id)
    for name, value in scope["headers"]:
        if name == b"x-request-id" and _harmless(text := value.decode("latin-1")):
            return str(text)
    return str(uuid.uuid4())


def _harmless(value: object) -> bool:
    """Whether a value that came from outside may stand in a header and in the log."""
    return isinstance(value, str) and 0 < len(value) <= _MAX_ID and value.isascii() and value.isprintable()
