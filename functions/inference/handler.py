"""The Lambda entry: API Gateway (HTTP API and REST), function URL and ALB events through Mangum."""

import logging
from functools import cached_property

from mangum import Mangum
from mangum.handlers import HTTPGateway
from mangum.types import Scope
from snapshot_restore_py import register_after_restore, register_before_snapshot

from inference.compose import compose

# The access log has written the request already.
logging.getLogger("mangum").setLevel(logging.CRITICAL)


class HttpApi(HTTPGateway):
    """Events of API Gateway's HTTP API and of function URLs, read once: Mangum itself reads each of them twice."""

    @cached_property
    def scope(self) -> Scope:
        """The event as ASGI has it."""
        return super().scope


service = compose()
register_before_snapshot(service.before_snapshot)
register_after_restore(service.after_restore)

handler = Mangum(
    service.app,
    custom_handlers=[HttpApi],
    lifespan="off",  # "auto" would run a lifespan cycle on every invocation
    text_mime_types=["text/", "application/json", "application/problem+json"],
)
