"""Leaves out of the path of an event what is in front of the API: a stage, a base path, a load balancer's path."""

import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import unquote

from mangum.types import Scope

_V2 = re.compile(
    r".*?(/v2(?:/health/(?:live|ready)|/models(?:/[^/]+(?:/versions/[^/]+)?(?:/(?:ready|infer))?)?)?)/?", re.DOTALL
)
"""The paths of the Open Inference Protocol, wherever they begin."""

READINESS = frozenset({"/health", "/v2/health/ready"})
"""Paths by whose answer a server is given traffic, or not."""

_AWS_DOMAINS = (".amazonaws.com", ".amazonaws.com.cn", ".on.aws")


def without_prefix(scope: Scope) -> Scope:
    """The scope of an event, with the path as the API has it."""
    scope["path"] = path_in_api(scope["path"], scope["aws.event"])
    return scope


def path_in_api(path: str, event: Mapping[str, Any]) -> str:
    """The path that the API has for the path of an event.

    The event names the route that it took, or what it matched of `{proxy+}`, or a stage; a load balancer, and a custom
    domain whose API has no routes of its own, leave only the path: then its last part counts, as each path of the API
    has one part, or two below `/retrain`, or three below `/page`, or is one of the Open Inference Protocol.

    Examples
    --------
    >>> path_in_api("/prod/health", {"version": "2.0", "requestContext": {"stage": "prod"}})
    '/health'
    >>> path_in_api("/models/health", {"pathParameters": {"proxy": "health"}, "requestContext": {}})
    '/health'
    >>> path_in_api("/models/iris/predict", {"requestContext": {"elb": {}}})
    '/predict'
    >>> path_in_api("/prod/retrain/r-1", {"routeKey": "GET /retrain/{id}", "pathParameters": {"id": "r-1"}})
    '/retrain/r-1'
    >>> path_in_api("/iris/v2/models/iris/infer", {"requestContext": {"elb": {}}})
    '/v2/models/iris/infer'
    """
    route = _route(event)
    if route is not None and (path.endswith(route) or route == "/"):
        return route
    context = event["requestContext"]
    stage = f"/{context.get('stage')}"
    if "version" in event and (path == stage or path.startswith(f"{stage}/")):
        return path.removeprefix(stage) or "/"
    domain = context.get("domainName") or ""
    if "elb" in context or ("." in domain and not domain.endswith(_AWS_DOMAINS)):
        if match := _V2.fullmatch(path):
            return match[1]
        above, _, last = path.rpartition("/")
        if above.endswith("/retrain"):
            return f"/retrain/{last}"
        higher, _, digest = above.rpartition("/")
        return f"/page/{digest}/{last}" if higher.endswith("/page") else f"/{last}"
    return path


def path_of_caller(scope: Mapping[str, Any]) -> str | None:
    """The path that a caller asked, with what is in front of the API; None where no event tells it.

    Parameters
    ----------
    scope
        ASGI scope of the request.
    """
    event = scope.get("aws.event") or {}
    path = event.get("rawPath") or (event.get("requestContext") or {}).get("path") or event.get("path")
    return None if path is None else str(path)


def _route(event: Mapping[str, Any]) -> str | None:
    """The path of the route that an event took; None where it does not tell."""
    parameters = event.get("pathParameters") or {}
    if (rest := parameters.get("proxy")) is not None:
        return f"/{unquote(rest)}"
    route = event.get("resource") or str(event.get("routeKey")).partition(" ")[2]
    for name, value in parameters.items():
        route = route.replace(f"{{{name}}}", unquote(value))
    return route if route and "{" not in route else None
