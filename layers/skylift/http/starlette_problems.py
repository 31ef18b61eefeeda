"""Problems of applications made with FastAPI or Starlette. Only they import this module: the layer needs neither."""

from typing import cast

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from skylift.errors import SkyliftError
from skylift.http import problems
from skylift.http.record import record_of
from skylift.http.reply import Reply


def answer_with_problems(app: Starlette) -> None:
    """Answer every failure of an application with a problem."""
    app.add_exception_handler(SkyliftError, _on_skylift_error)
    app.add_exception_handler(HTTPException, _on_http_exception)
    app.add_exception_handler(Exception, _on_unexpected_error)


def as_response(reply: Reply) -> Response:
    """A reply as a route returns it."""
    return Response(reply.body, reply.status, reply.headers, reply.media_type)


async def _on_skylift_error(request: Request, error: Exception) -> Response:
    return as_response(problems.of_error(cast("SkyliftError", error), record_of(request.scope)))


async def _on_http_exception(request: Request, error: Exception) -> Response:
    error = cast("HTTPException", error)
    record = record_of(request.scope)
    reply = problems.of_status(
        error.status_code, request.method, request.scope["path"], record, title=error.detail, headers=error.headers
    )
    return as_response(reply)


async def _on_unexpected_error(request: Request, _error: Exception) -> Response:
    return as_response(problems.internal(record_of(request.scope)))
