"""The Lambda entry: API Gateway (HTTP API and REST), function URL and ALB events through Mangum."""

import logging
from collections.abc import Mapping
from functools import cached_property
from typing import Any
from urllib.parse import unquote

from mangum.handlers import APIGateway, HTTPGateway, alb, api_gateway
from mangum.types import Scope
from snapshot_restore_py import register_after_restore, register_before_snapshot

from inference.compose import compose
from inference.events import Adapter

# The access log has written the request already.
logging.getLogger("mangum").setLevel(logging.CRITICAL)


# Mangum fails where the Host header or a forwarded port is not as it expects, and nothing here needs the server.
for module in (alb, api_gateway):
    module.get_server_and_port = lambda _headers: ("lambda", 443)  # type: ignore[attr-defined]


class HttpApi(HTTPGateway):
    """Events of API Gateway's HTTP API and of function URLs, read once: Mangum itself reads each of them twice."""

    @cached_property
    def scope(self) -> Scope:
        """The event as ASGI has it, without the API's prefix."""
        scope = super().scope
        scope["path"] = path_without_prefix(scope["path"], self.event)
        return scope


class RestApi(APIGateway):
    """Events of API Gateway's REST API, read once."""

    @cached_property
    def scope(self) -> Scope:
        """The event as ASGI has it, without the API's prefix."""
        scope = super().scope
        scope["path"] = path_without_prefix(scope["path"], self.event)
        return scope


def path_without_prefix(path: str, event: Mapping[str, Any]) -> str:
    """Leave out of a path what is in front of the API by its event: a named stage, or a base path before `{proxy+}`.

    Examples
    --------
    >>> path_without_prefix("/prod/health", {"version": "2.0", "requestContext": {"stage": "prod"}})
    '/health'
    >>> path_without_prefix("/models/health", {"pathParameters": {"proxy": "health"}})
    '/health'
    """
    rest = (event.get("pathParameters") or {}).get("proxy")
    if rest is not None and path.endswith(below := f"/{unquote(rest)}"):
        return below
    if event.get("resource") == "/":
        return "/"
    stage = f"/{event['requestContext'].get('stage')}"
    if event.get("version") == "2.0" and (path == stage or path.startswith(f"{stage}/")):
        return path.removeprefix(stage) or "/"
    return path


service = compose()
register_before_snapshot(service.before_snapshot)
register_after_restore(service.after_restore)

handler = Adapter(
    service.app,
    custom_handlers=[HttpApi, RestApi],
    lifespan="off",  # "auto" would run a lifespan cycle on every invocation
    text_mime_types=["text/", "application/json", "application/problem+json"],
)
