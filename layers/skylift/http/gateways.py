"""A Lambda handler of an ASGI application: events of API Gateway, function URLs and load balancers through Mangum."""

import logging
from functools import cached_property

from mangum.handlers import ALB, APIGateway, HTTPGateway, alb, api_gateway
from mangum.types import Scope

from skylift.http.events import Adapter
from skylift.http.paths import without_prefix
from skylift.http.request_log import Application

# The request log has written the request already.
logging.getLogger("mangum").setLevel(logging.CRITICAL)


# Mangum fails where the Host header or a forwarded port is not as it expects, and nothing here needs the server.
for module in (alb, api_gateway):
    module.get_server_and_port = lambda _headers: ("lambda", 443)  # type: ignore[attr-defined]


class HttpApi(HTTPGateway):
    """Events of API Gateway's HTTP API and of function URLs, read once: Mangum itself reads each of them twice."""

    @cached_property
    def scope(self) -> Scope:
        """The event as ASGI has it, without the API's prefix."""
        return without_prefix(super().scope)


class RestApi(APIGateway):
    """Events of API Gateway's REST API, read once."""

    @cached_property
    def scope(self) -> Scope:
        """The event as ASGI has it, without the API's prefix."""
        return without_prefix(super().scope)


class LoadBalancer(ALB):
    """Events of an application load balancer, read once."""

    @cached_property
    def scope(self) -> Scope:
        """The event as ASGI has it, without the path that leads to the service."""
        return without_prefix(super().scope)


def lambda_handler(app: Application) -> Adapter:
    """The entry of a function that answers HTTP.

    Parameters
    ----------
    app
        Application with its request log outermost.
    """
    return Adapter(
        app,
        custom_handlers=[HttpApi, RestApi, LoadBalancer],
        lifespan="off",  # "auto" would run a lifespan cycle on every invocation
        text_mime_types=["text/", "application/json", "application/problem+json"],
    )
