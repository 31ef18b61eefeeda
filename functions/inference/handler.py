"""The Lambda entry: API Gateway (HTTP API and REST), function URL and ALB events through Mangum."""

import logging

from mangum import Mangum

from inference.compose import compose

# The access log has the trace of a failed request already.
logging.getLogger("mangum").setLevel(logging.CRITICAL)

handler = Mangum(
    compose(),
    lifespan="off",  # "auto" would run a lifespan cycle on every invocation
    text_mime_types=["text/", "application/json", "application/problem+json"],
)
