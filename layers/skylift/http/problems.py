"""Turns every failure into an RFC 9457 problem: the only place that knows HTTP status codes of errors."""

from collections.abc import Mapping

from pydantic_core import to_json

from skylift.errors import (
    ModelCardAbsent,
    ModelCardUnavailable,
    ModelNotReady,
    NoActiveVersion,
    ReportAbsent,
    ReportUnavailable,
    RetrainKeyReused,
    RetrainNotFound,
    RetrainRunning,
    RetrainUnavailable,
    SkyliftError,
)
from skylift.http.errors import (
    AnswerTooLarge,
    BodyTooLarge,
    ClientGone,
    ExplanationTooSlow,
    HistoryNotRead,
    InvalidInstance,
    InvalidLabels,
    InvalidQuery,
    InvalidRetrainRequest,
    InvalidTensors,
    LabelsNotKept,
    MetricsNotRead,
    NotJson,
    Overloaded,
    ReasonsUnavailable,
    RequestError,
    TooManyInstances,
    TooManyLabels,
    UnknownModel,
    WrongContentType,
)
from skylift.http.record import Record
from skylift.http.reply import Reply

MEDIA_TYPE = "application/problem+json"
_RETRY_AFTER_SECONDS = 2
_RETRY_AFTER_RETRAINING = 30
_MAX_SHOWN = 200
_MAX_FIELDS = 3

_STATUS: dict[type[SkyliftError], tuple[int, str]] = {
    NotJson: (400, "The body is not JSON"),
    InvalidQuery: (400, "The query cannot be answered"),
    InvalidTensors: (400, "The body is not a request of the V2 protocol"),
    UnknownModel: (404, "No such model or version"),
    WrongContentType: (415, "The body is not declared to be JSON"),
    ClientGone: (499, "The client closed the connection"),
    BodyTooLarge: (413, "The body is too large"),
    TooManyInstances: (413, "Too many instances"),
    ExplanationTooSlow: (413, "The explanation would take too long"),
    ReasonsUnavailable: (503, "Answers cannot be explained now"),
    Overloaded: (503, "The server has too much to do"),
    TooManyLabels: (413, "Too many labels"),
    AnswerTooLarge: (413, "The answer is too large"),
    InvalidInstance: (422, "Fields break the contract"),
    InvalidLabels: (422, "Entries are not labels"),
    InvalidRetrainRequest: (422, "The request for a retraining cannot be read"),
    RetrainKeyReused: (422, "The key belongs to another request"),
    RetrainRunning: (409, "A retraining runs already"),
    RetrainNotFound: (404, "No such retraining"),
    RetrainUnavailable: (503, "Retrainings cannot be started or read now"),
    LabelsNotKept: (503, "Labels cannot be kept now"),
    HistoryNotRead: (503, "The history cannot be read now"),
    MetricsNotRead: (503, "Metrics cannot be read now"),
    RequestError: (400, "The request cannot be answered"),
    ModelCardAbsent: (404, "The version has no model card"),
    ModelCardUnavailable: (503, "The model card cannot be read now"),
    ReportAbsent: (404, "The monitor has written no report"),
    ReportUnavailable: (503, "The monitor's report cannot be read now"),
    NoActiveVersion: (503, "No model is ready"),
    ModelNotReady: (503, "No model is ready"),
}
"""Statuses and titles by class; a subclass takes those of its nearest ancestor here."""

_HTTP_TITLES = {
    404: ("not-found", "No such path"),
    405: ("method-not-allowed", "Method not allowed"),
    414: ("query-too-long", "The query is too long"),
}


def problem(
    record: Record,
    status: int,
    code: str,
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
        Record of the request; receives the code as its reason.
    code
        Stable code: the end of `type`, and the reason in metrics and logs.
    title
        Title that all problems of this type share.
    detail
        What happened in this request; the title if empty.
    members
        Further members of the document.
    """
    record.reason = code
    document = {
        "type": f"urn:skylift:problem:{code}",
        "title": title,
        "status": status,
        "detail": detail or title,
        "request_id": record.request_id,
        **members,
    }
    return Reply(to_json(document), status, MEDIA_TYPE, headers or {})


def of_error(error: SkyliftError, record: Record) -> Reply:
    """The problem of one of Skylift's errors; its `type` ends with the error's code.

    Raises
    ------
    SkyliftError
        The error itself, if no request should meet it: it is then answered like any unexpected error.
    """
    kind = next((kind for kind in type(error).__mro__ if kind in _STATUS), None)
    if kind is None:
        raise error
    status, title = _STATUS[kind]
    members: dict[str, object] = {}
    if isinstance(error, InvalidInstance | InvalidLabels | InvalidRetrainRequest):
        named = dict.fromkeys(entry.feature for entry in error.problems if entry.feature is not None)
        record.fields = tuple(named)[:_MAX_FIELDS]
        members["errors"] = [
            {"field": entry.field, "pointer": entry.pointer, "reason": entry.reason, "message": entry.message}
            for entry in error.problems
        ]
        if error.total > len(error.problems):
            members["errors_total"] = error.total
    headers = {"retry-after": str(_RETRY_AFTER_SECONDS)} if status == 503 else {}
    if isinstance(error, RetrainRunning):
        headers = {"location": f"retrain/{error.id}", "retry-after": str(_RETRY_AFTER_RETRAINING)}
    return problem(record, status, error.code, title, detail=str(error), headers=headers, **members)


def of_status(
    status: int, method: str, path: str, record: Record, *, title: str = "", headers: Mapping[str, str] | None = None
) -> Reply:
    """The problem of a path or a method that does not exist.

    Parameters
    ----------
    status
        HTTP status, for example 404.
    title
        Title for a status without one in this module.
    """
    code, title = _HTTP_TITLES.get(status, (f"http-{status}", title))
    detail = f"{method[:_MAX_SHOWN]} {path[:_MAX_SHOWN]}: GET / lists the paths"
    return problem(record, status, code, title, detail=detail, headers=headers)


def unreadable(record: Record) -> Reply:
    """The problem of what cannot be read as an HTTP request."""
    return problem(record, 400, "broken-request", "The request is not HTTP")


def internal(record: Record) -> Reply:
    """The problem of an unexpected error."""
    return problem(record, 500, "internal", "Internal error", detail="see the logs of this request")
