"""The stack as it is used: who may do what, train, publish, promote, call, switch under load, roll back.

The tests tell one story: each finds what those before it left.
"""

import json
import time
from concurrent.futures import ThreadPoolExecutor
from itertools import groupby
from pathlib import Path

import pytest
from botocore.credentials import Credentials
from botocore.exceptions import ClientError

from skylift.references import NOTHING
from tests.e2e.conftest import Say, Step
from tests.e2e.life import traffic
from tests.e2e.stack import Stack
from tests.support.models import IRIS_SETOSA
from tests.support.waiting import wait_until

CALLERS = 3


def test_a_new_stack_serves_no_version_and_says_so(stack: Stack) -> None:
    assert stack.pointer == NOTHING
    health = stack.ask("/health")
    assert (health.status, health.body["ready"]) == (503, False)
    assert stack.predict(IRIS_SETOSA).body["type"] == "urn:skylift:problem:no-model"


def test_a_canary_asks_the_hook_then_gives_new_code_a_tenth_then_all(stack: Stack, step: Step) -> None:
    seen = [stack.code.shares]
    with step("a canary"), ThreadPoolExecutor(1) as pool:
        deploying = pool.submit(stack.deploy, DeploymentPreference="Canary10Percent5Minutes")
        while not deploying.done():
            time.sleep(0.2)
            seen.append(stack.code.shares)
        deploying.result()
    seen.append(stack.code.shares)
    assert [shares for shares, _ in groupby(seen)] == [("1", {}), ("1", {"2": 0.1}), ("2", {})]
    assert "no version is active" in stack.code.found()


def test_everything_but_health_is_only_for_those_who_may_call_it(stack: Stack) -> None:
    stranger = stack.aws.user("stranger", {"Effect": "Allow", "Action": "s3:ListAllMyBuckets", "Resource": "*"})
    forged = Credentials(stack.caller.access_key, "another secret")
    for keys in (None, stranger, forged):
        for path in ("/model-info", "/docs", "/openapi.json", "/"):
            assert stack.ask(path, keys=keys).status == 403
        assert stack.ask("/predict", {"instances": [IRIS_SETOSA]}, keys=keys).status == 403


def test_the_publishing_role_trains_and_publishes(stack: Stack, step: Step) -> None:
    with step("skylift train --stack"):
        printed = stack.done("Publish", "train")
    assert "Published v1@sha256:" in printed
    assert stack.pointer == NOTHING


def test_the_publishing_role_moves_no_pointer(stack: Stack) -> None:
    assert "moving the pointer" in (line := stack.refused("Publish", "promote", "v1"))
    assert "AccessDenied" in line


def test_the_promoting_role_writes_no_version(stack: Stack, quick_config: Path) -> None:
    line = stack.refused("Promote", "train", "--config", quick_config)
    assert "writing model.joblib" in line
    assert "AccessDenied" in line


def test_the_promoting_role_makes_a_version_live(stack: Stack) -> None:
    stack.done("Promote", "promote", "v1")
    assert stack.pointer.startswith("v1@sha256:")
    wait_until(lambda: stack.ask("/health").status == 200, what="v1 serves")


def test_the_api_answers_a_signed_request(stack: Stack) -> None:
    answer = stack.predict(IRIS_SETOSA)
    assert (answer.status, answer.version) == (200, "v1")
    assert answer.body["predictions"][0]["label"] == "setosa"


def test_the_hook_lets_code_take_traffic_that_answers_as_in_training(stack: Stack) -> None:
    assert stack.code.hook() == {"status": "Succeeded", "found": "3 golden requests of v1 are answered as in training"}


def test_a_switch_under_load_fails_no_request(stack: Stack, quick_config: Path, step: Step, say: Say) -> None:
    stack.done("Publish", "train", "--config", quick_config)
    with step("a switch under load"), traffic(stack, callers=CALLERS) as answers:
        wait_until(lambda: len(answers) > 50, what="load")
        stack.done("Promote", "promote", "v2")
        moved = len(answers)
        wait_until(
            lambda: {answer.version for answer in answers[moved:][-20 * CALLERS :]} == {"v2"},
            what="all serve v2",
        )
        time.sleep(1)
    say(f"  {len(answers)} requests were answered meanwhile")
    assert {answer.status for answer in answers} == {200}
    assert {answer.version for answer in answers} == {"v1", "v2"}
    assert answers[-1].version == "v2"


def test_the_promoting_role_rolls_back(stack: Stack) -> None:
    stack.done("Promote", "rollback")
    assert stack.pointer.startswith("v1@sha256:")
    wait_until(lambda: stack.predict(IRIS_SETOSA).version == "v1", what="v1 serves again")


def test_history_and_versions_tell_what_was_done(stack: Stack) -> None:
    changes = json.loads(stack.done("Publish", "history", "--json"))
    moves = [change["after"] for change in changes if change["parameter"].endswith("/active")]
    assert [after[:2] for after in moves if after != NOTHING] == ["v1", "v2", "v1"]
    rows = [line.split() for line in stack.done("Publish", "versions").splitlines()[1:] if line.strip()]
    assert [row[0] for row in rows] == ["*", "v2"]
    assert rows[0][1] == "v1"


def test_the_function_runs_as_strictly_as_its_image_was_tested(stack: Stack) -> None:
    running = [each for each in stack.aws.containers() if each.document["Config"]["Image"] == stack.image]
    for container in running:
        config, host = container.document["Config"], container.document["HostConfig"]
        assert (host["ReadonlyRootfs"], host["IpcMode"], config["User"]) == (True, "none", "993:990")
        assert host["Memory"] == int(container.environment["AWS_LAMBDA_FUNCTION_MEMORY_SIZE"]) * 2**20
    assert stack.physical("InferenceFunction") in {each.function for each in running}


def test_the_bucket_is_read_over_tls_only(stack: Stack) -> None:
    s3 = stack.aws.client("s3", stack.assume("Publish"))
    where = {"Bucket": stack.outputs["ModelBucketName"], "Key": "models/iris/v1/manifest.json"}
    assert s3.get_object(**where)["ContentLength"] > 0

    def unencrypted(request: object, **_: object) -> None:
        request.headers["x-forwarded-proto"] = "http"  # type: ignore[attr-defined]

    s3.meta.events.register("before-send.s3", unencrypted)
    with pytest.raises(ClientError, match="AccessDenied"):
        s3.get_object(**where)
