"""Turns every failure into an RFC 9457 problem: the only place that knows HTTP status codes of errors."""

from collections.abc import Mapping

from pydantic_core import to_json

from inference.record import Record
from inference.reply import Reply
from skylift.errors import (
    BodyTooLarge,
    ClientGone,
    InvalidInstance,
    ModelCardAbsent,
    ModelCardUnavailable,
    ModelNotReady,
    NoActiveVersion,
    NotJson,
    SkyliftError,
    TooManyInstances,
    WrongContentType,
)

MEDIA_TYPE = "application/problem+json"
_RETRY_AFTER_SECONDS = 2

_STATUS: dict[type[SkyliftError], tuple[int, str, str]] = {
    NotJson: (400, "not-json", "The body is not JSON"),
    WrongContentType: (415, "wrong-content-type", "The body is not declared to be JSON"),
    ClientGone: (499, "client-gone", "The client closed the connection"),
    BodyTooLarge: (413, "body-too-large", "The body is too large"),
    TooManyInstances: (413, "too-many-instances", "Too many instances"),
    InvalidInstance: (422, "invalid-instance", "Fields break the contract"),
    ModelCardAbsent: (404, "no-model-card", "The version has no model card"),
    ModelCardUnavailable: (503, "no-model-card-now", "The model card cannot be read now"),
    NoActiveVersion: (503, "no-model", "No model is ready"),
    ModelNotReady: (503, "no-model", "No model is ready"),
}
_HTTP_TITLES = {404: ("not-found", "No such path"), 405: ("method-not-allowed", "Method not allowed")}


def problem(
    record: Record,
    status: int,
    slug: str,
    title: str,
    *,
    detail: str = "",
    headers: Mapping[str, str] | None = None,
    **members: object,
) -> Reply:
    """Make a problem document.

    Parameters
    ----------
    record
        Of the request; it is told the reason.
    slug
        Short stable code: the end of `type`, and the reason in metrics and logs.
    title
        The same for every problem of this type.
    detail
        This one's own words.
    members
        Further members of the document.
    """
    record.reason = slug
    document = {
        "type": f"urn:skylift:problem:{slug}",
        "title": title,
        "status": status,
        "detail": detail or title,
        "request_id": record.request_id,
        **members,
    }
    return Reply(to_json(document), status, MEDIA_TYPE, headers or {})


def of_error(error: SkyliftError, record: Record) -> Reply:
    """The problem of a foreseen failure.

    Raises
    ------
    SkyliftError
        The same, where no request should meet it: it is answered as any failure that nobody foresaw.
    """
    if type(error) not in _STATUS:
        raise error
    status, slug, title = _STATUS[type(error)]
    members: dict[str, object] = {}
    if isinstance(error, InvalidInstance):
        members["errors"] = [
            {"field": entry.field, "reason": entry.reason, "message": entry.message} for entry in error.problems
        ]
        if error.total > len(error.problems):
            members["errors_total"] = error.total
    headers = {"retry-after": str(_RETRY_AFTER_SECONDS)} if status == 503 else None
    return problem(record, status, slug, title, detail=str(error), headers=headers, **members)


def of_status(
    status: int, method: str, path: str, record: Record, *, words: str = "", headers: Mapping[str, str] | None = None
) -> Reply:
    """The problem of a request for what there is not.

    Parameters
    ----------
    status
        404, 405 or another.
    words
        The title where the status has none here.
    """
    slug, title = _HTTP_TITLES.get(status, (f"http-{status}", words))
    return problem(record, status, slug, title, detail=f"{method} {path}: see / for what there is", headers=headers)


def internal(record: Record) -> Reply:
    """The problem of a failure that nobody foresaw."""
    return problem(record, 500, "internal", "Internal error", detail="see the logs of this request")
