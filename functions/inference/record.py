"""What the end of a request has to know of it: made by the access log, filled by whoever answers."""

import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from starlette.types import Scope

_KEY = "skylift.record"


@dataclass(slots=True)
class Record:
    """One request.

    Parameters
    ----------
    request_id
        API Gateway's, else the caller's `x-request-id`, else a new one.
    instances
        How many were scored.
    version
        Which version scored them.
    reason
        The code of the problem, if the request failed.
    status
        Of the response; 500 until one begins, so that what never answers counts as failed.
    """

    request_id: str
    instances: int = 0
    version: str | None = None
    reason: str | None = None
    status: int = 500
    started: float = field(default_factory=time.perf_counter)


def attach(scope: "Scope", record: Record) -> None:
    """Let `record_of` find the record in this ASGI scope."""
    scope[_KEY] = record


def record_of(scope: "Scope") -> Record:
    """The record of the request with this ASGI scope."""
    record: Record = scope[_KEY]
    return record
