"""The Lambda entry: API Gateway (HTTP API and REST), function URL and ALB events through Mangum."""

import logging

from mangum import Mangum
from snapshot_restore_py import register_after_restore, register_before_snapshot

from inference.compose import compose

# The access log has the trace of a failed request already.
logging.getLogger("mangum").setLevel(logging.CRITICAL)

service = compose()
register_before_snapshot(service.before_snapshot)
register_after_restore(service.after_restore)

handler = Mangum(
    service.app,
    lifespan="off",  # "auto" would run a lifespan cycle on every invocation
    text_mime_types=["text/", "application/json", "application/problem+json"],
)
