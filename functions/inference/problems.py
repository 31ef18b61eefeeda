"""Turns every failure into an RFC 9457 problem: the only place that knows HTTP status codes of errors."""

from collections.abc import Mapping
from typing import cast

from fastapi import FastAPI, Request, Response
from pydantic_core import to_json
from starlette.exceptions import HTTPException

from inference.access_log import record_of
from skylift.errors import (
    BodyTooLarge,
    ClientGone,
    InvalidInstance,
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
    NoActiveVersion: (503, "no-model", "No model is ready"),
}
_HTTP_TITLES = {404: ("not-found", "No such path"), 405: ("method-not-allowed", "Method not allowed")}


def problem(
    request: Request,
    status: int,
    slug: str,
    title: str,
    *,
    detail: str = "",
    headers: Mapping[str, str] | None = None,
    **members: object,
) -> Response:
    """Make a problem document.

    Parameters
    ----------
    slug
        Short stable code: the end of `type`, and the reason in metrics and logs.
    title
        The same for every problem of this type.
    detail
        This one's own words.
    members
        Further members of the document.
    """
    record = record_of(request.scope)
    record.reason = slug
    document = {
        "type": f"urn:skylift:problem:{slug}",
        "title": title,
        "status": status,
        "detail": detail or title,
        "request_id": record.request_id,
        **members,
    }
    return Response(to_json(document), status, headers, MEDIA_TYPE)


async def _on_skylift_error(request: Request, error: Exception) -> Response:
    error = cast("SkyliftError", error)
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
    return problem(request, status, slug, title, detail=str(error), headers=headers, **members)


async def _on_http_exception(request: Request, error: Exception) -> Response:
    error = cast("HTTPException", error)
    slug, title = _HTTP_TITLES.get(error.status_code, (f"http-{error.status_code}", error.detail))
    detail = f"{request.method} {request.url.path}: see / for what there is"
    return problem(request, error.status_code, slug, title, detail=detail, headers=error.headers)


async def _on_unexpected(request: Request, _error: Exception) -> Response:
    # This answer does not pass the access log, which gives all others their id.
    headers = {"x-request-id": record_of(request.scope).request_id}
    return problem(request, 500, "internal", "Internal error", detail="see the logs of this request", headers=headers)


def install(app: FastAPI) -> None:
    """Answer every failure of an application with a problem."""
    app.add_exception_handler(SkyliftError, _on_skylift_error)
    app.add_exception_handler(HTTPException, _on_http_exception)
    app.add_exception_handler(Exception, _on_unexpected)
