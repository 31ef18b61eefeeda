"""Lambda events to ASGI by Mangum, and an answer for every other event: raising would count as an error.

Whoever may invoke the function can send anything: a warmer's `{}`, a queue's records, a request that was put together
by hand. Alarms on the function's errors roll deployments back, and no event may do that.
"""

from typing import TYPE_CHECKING, Any, cast

from mangum import Mangum
from pydantic_core import from_json

from skylift.http import problems
from skylift.http.cycle import Cycle
from skylift.http.record import record_of

if TYPE_CHECKING:
    from skylift.http.request_log import Application

_UNREADABLE = (AttributeError, LookupError, RuntimeError, TypeError, ValueError)
"""What Mangum raises for an event that has not the form it expects."""

_OF_HTTP = {"requestContext", "httpMethod", "rawPath"}
"""Members that only requests have."""

_HEALTH: dict[str, Any] = {
    "version": "2.0",
    "headers": {},
    "requestContext": {"http": {"method": "GET", "path": "/health", "sourceIp": None}},
}


class Adapter(Mangum):
    """Mangum, which answers every event."""

    def __call__(self, event: Any, context: Any) -> dict[str, Any]:
        """Answer one event.

        Returns
        -------
        The response, in the form that the event's sender expects; for what cannot be read as HTTP, a problem in the
        form that all of them take; for what is not HTTP at all, the document of `/health`.
        """
        try:
            request = self.infer(event, context)
            scope = request.scope
            for text in (scope["method"], scope["path"]):
                text.encode()  # no half of a surrogate pair
            cycle = Cycle(scope, request.body)
        except _UNREADABLE:
            cycle = None
        if cycle is not None:
            return request(cycle(self.app))
        if isinstance(event, dict) and event.keys() & _OF_HTTP:
            return self._unreadable(context)
        document: dict[str, Any] = from_json(self(_HEALTH, context)["body"])
        return document

    def _unreadable(self, context: Any) -> dict[str, Any]:
        record = record_of({"aws.context": context, "headers": ()})
        reply = problems.unreadable(record)
        cast("Application", self.app).write_unreadable(record)
        return {
            "statusCode": reply.status,
            "headers": {"content-type": reply.media_type, "x-request-id": record.request_id},
            "body": reply.body.decode(),
            "isBase64Encoded": False,
        }
