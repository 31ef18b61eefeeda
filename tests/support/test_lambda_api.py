"""The stand-in for Lambda and CodeDeploy answers, refuses and hangs as it is told."""

import json
import urllib.error
import urllib.request
from typing import Any

import pytest

from tests.support.lambda_api import THROTTLED, Fault, LambdaApi
from tests.support.waiting import TIMES_OUT

INVOCATION = "/2015-03-31/functions/inference/invocations"


def post(api: LambdaApi, *, timeout: float = TIMES_OUT) -> Any:
    request = urllib.request.Request(api.url + INVOCATION, json.dumps({"x": 1}).encode())
    with urllib.request.urlopen(request, timeout=timeout) as response:
        return json.load(response)


def test_a_function_is_invoked_with_the_event() -> None:
    with LambdaApi(lambda event: event["x"] + 1) as api:
        assert post(api) == 2
        assert (api.events, api.invoked) == ([{"x": 1}], ["inference"])


def test_a_refusal_comes_instead_of_the_answer() -> None:
    with LambdaApi(lambda _: 1, invoke_faults=[THROTTLED]) as api:
        with pytest.raises(urllib.error.HTTPError, match="429"):
            post(api)
        assert post(api) == 1


def test_one_call_that_hangs_leaves_the_next_alone() -> None:
    with LambdaApi(lambda _: 1, invoke_faults=[Fault(hangs=True)]) as api:
        with pytest.raises(TimeoutError):
            post(api, timeout=0.1)
        assert post(api) == 1
