"""What moto's SSM lacks: a limit on readings, and credentials that expire.

It holds for every client of this process, and for those of others that `tests.support.moto_server` serves.

    limit_readings(monkeypatch, 40)                                            as AWS does without a higher limit
    refuse_readings(monkeypatch, lambda key: "ExpiredTokenException" if key == "OLD" else None)
"""

import time
from collections.abc import Callable
from threading import Lock
from typing import Any

import pytest
from moto.core.exceptions import JsonRESTError
from moto.ssm.responses import SimpleSystemManagerResponse

from benchmarks.token_bucket import TokenBucket

_READINGS = ("get_parameter", "get_parameters", "get_parameters_by_path", "get_parameter_history")
_MESSAGES = {"ThrottlingException": "Rate exceeded", "ExpiredTokenException": "The security token is expired"}


def refuse_readings(monkeypatch: pytest.MonkeyPatch, refusal: Callable[[str], str | None]) -> None:
    """Let SSM refuse readings.

    Parameters
    ----------
    refusal
        Function from the caller's access key to the code of the error; None to answer.
    """
    for name in _READINGS:
        monkeypatch.setattr(SimpleSystemManagerResponse, name, _refusable(name, refusal))


def limit_readings(
    monkeypatch: pytest.MonkeyPatch, per_second: float, *, clock: Callable[[], float] = time.monotonic
) -> None:
    """Let SSM throttle all readings together beyond a rate, as AWS does."""
    bucket, lock = TokenBucket(per_second, clock()), Lock()

    def refusal(_: str) -> str | None:
        with lock:
            return None if bucket.take(clock()) else "ThrottlingException"

    refuse_readings(monkeypatch, refusal)


def _refusable(name: str, refusal: Callable[[str], str | None]) -> Callable[[SimpleSystemManagerResponse], Any]:
    answered: Callable[[SimpleSystemManagerResponse], Any] = getattr(SimpleSystemManagerResponse, name)

    def reading(response: SimpleSystemManagerResponse) -> Any:
        if code := refusal(response.get_access_key()):
            raise JsonRESTError(code, _MESSAGES[code])
        return answered(response)

    return reading
