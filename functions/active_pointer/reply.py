"""The answer to CloudFormation: a document put where its event says."""

import http.client
import time
import urllib.request
from collections.abc import Callable
from typing import Any

from pydantic_core import to_json

from skylift.errors import AwsUnavailable

ATTEMPTS = 3
_TIMEOUT_SECONDS = 5.0
_PAUSE_SECONDS = 1.0


def reply(
    event: dict[str, Any], *, physical_id: str, failure: str | None, pause: Callable[[float], None] = time.sleep
) -> None:
    """Tell CloudFormation how it went.

    Parameters
    ----------
    event
        CloudFormation's event.
    physical_id
        Physical id of the resource; a new id makes CloudFormation delete the old resource.
    failure
        Reason of the failure; None after a success.
    pause
        Function that waits the given number of seconds.

    Raises
    ------
    AwsUnavailable
        The answer could not be put. CloudFormation gives up when the resource's `ServiceTimeout` is over.
    """
    document = {
        "Status": "FAILED" if failure else "SUCCESS",
        "Reason": failure or "",
        "PhysicalResourceId": physical_id,
        **{name: event[name] for name in ("StackId", "RequestId", "LogicalResourceId")},
    }
    body = to_json(document)
    for left in reversed(range(ATTEMPTS)):
        try:
            _put(event["ResponseURL"], body)
        except (OSError, http.client.HTTPException) as error:
            if not left:
                raise AwsUnavailable(
                    f"answering CloudFormation failed ({type(error).__name__})", "try the deployment again"
                ) from error
            pause(_PAUSE_SECONDS)
        else:
            return


def _put(url: str, body: bytes) -> None:
    # The address is signed for a request without a content type.
    request = urllib.request.Request(url, body, {"content-type": ""}, method="PUT")  # noqa: S310 (CloudFormation's own)
    with urllib.request.urlopen(request, timeout=_TIMEOUT_SECONDS):  # noqa: S310
        pass
