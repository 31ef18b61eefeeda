"""SSM's limit on readings, which ministack does not have."""

import json
import time
from collections.abc import Callable
from typing import Any

from benchmarks.token_bucket import TokenBucket

READINGS_PER_SECOND = 40.0
"""AWS's own, for an account and region without higher throughput."""

_READINGS = {
    f"AmazonSSM.{name}".encode()
    for name in ("GetParameter", "GetParameters", "GetParametersByPath", "GetParameterHistory")
}
_REFUSAL = json.dumps({"__type": "ThrottlingException", "message": "Rate exceeded"}).encode()


def limited(served: Any, per_second: float, *, clock: Callable[[], float] = time.monotonic) -> Any:
    """An ASGI application that refuses what another would answer, where it reads parameters and no token is left."""
    bucket = TokenBucket(per_second, clock())

    async def answer(scope: dict[str, Any], receive: Any, send: Any) -> None:
        target = dict(scope.get("headers") or ()).get(b"x-amz-target")
        if target not in _READINGS or bucket.take(clock()):
            await served(scope, receive, send)
            return
        headers = [(b"content-type", b"application/x-amz-json-1.1")]
        await send({"type": "http.response.start", "status": 400, "headers": headers})
        await send({"type": "http.response.body", "body": _REFUSAL})

    return answer


def limit_readings_of_parameters() -> None:
    """Throttle readings as AWS does."""
    import ministack.app as gateway

    gateway.app = limited(gateway.app, READINGS_PER_SECOND)
