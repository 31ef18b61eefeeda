"""New code that is stopped, and code that is rolled back: what answers meanwhile, and that it can be deployed again.

The tests tell one story: each finds what those before it left.
"""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from skylift.references import NOTHING
from tests.e2e.conftest import Step
from tests.e2e.sam import environment
from tests.e2e.stack import STACK, Stack
from tests.support.aws_cli import aws
from tests.support.commands import failure_lines
from tests.support.models import IRIS_SETOSA
from tests.support.runbooks import section_of
from tests.support.stand_ins import Outcome, run_script
from tests.support.waiting import wait_until

ALARM = f"{STACK}-server-errors"
LOOK, STOP, DEPLOY = section_of("deploy-failed.md", "Canary stopped")


@pytest.fixture(scope="module", autouse=True)
def _a_model_and_two_versions_of_the_code(stack: Stack, quick_config: Path) -> Iterator[None]:
    if stack.pointer == NOTHING:
        stack.done("Publish", "train", "--config", quick_config)
        stack.done("Promote", "promote", "v1")
    if stack.code.live == "1":
        stack.deploy(DeploymentPreference="Canary10Percent5Minutes")
    yield
    set_alarm(stack, "OK")


def set_alarm(stack: Stack, state: str) -> None:
    """Put an alarm of the stack into a state."""
    stack.aws.client("cloudwatch").set_alarm_state(AlarmName=ALARM, StateValue=state, StateReason="drill")


def status(stack: Stack) -> str:
    """State of the stack."""
    [described] = stack.aws.client("cloudformation").describe_stacks(StackName=STACK)["Stacks"]
    return str(described["StackStatus"])


def test_an_alarm_stops_a_canary_and_all_requests_get_the_old_code(stack: Stack, step: Step) -> None:
    assert stack.code.live == "2"
    with step("a canary that an alarm stops"), ThreadPoolExecutor(1) as pool:
        deploying = pool.submit(stack.up)
        wait_until(lambda: stack.code.shares[1] == {"3": 0.1}, what="the canary has a tenth")
        set_alarm(stack, "ALARM")
        done = deploying.result()
    assert done.returncode == 1
    assert "docs/runbooks/deploy-failed.md" in failure_lines(done.stderr)
    assert (stack.code.shares, status(stack)) == (("2", {}), "UPDATE_ROLLBACK_COMPLETE")
    stopped = stack.code.newest("Failed", "Stopped")
    assert stopped is not None
    assert stopped["errorInformation"]["code"] == "ALARM_ACTIVE"
    assert ALARM in stopped["errorInformation"]["message"]


def test_an_alarm_that_fires_lets_no_code_through(stack: Stack) -> None:
    info = stack.code.ended(stack.code.start("2", "1"))
    assert (info["status"], info["errorInformation"]["code"]) == ("Stopped", "ALARM_ACTIVE")
    assert stack.code.shares == ("2", {})
    set_alarm(stack, "OK")


def test_the_runbook_says_what_stopped_it(stack: Stack, tmp_path: Path) -> None:
    set_alarm(stack, "ALARM")
    printed = follow(stack, LOOK, tmp_path)
    assert "Stopped" in printed
    assert "ALARM_ACTIVE" in printed
    assert f"{ALARM}\tdrill" in printed


def test_the_runbook_stops_a_canary(stack: Stack, tmp_path: Path) -> None:
    set_alarm(stack, "OK")
    deployment = stack.code.start("2", "3")
    wait_until(lambda: stack.code.shares[1] == {"3": 0.1}, what="the canary has a tenth")
    follow(stack, STOP, tmp_path)
    info = stack.code.ended(deployment)
    assert (info["status"], info["errorInformation"]["code"]) == ("Stopped", "MANUAL_STOP")
    assert stack.code.shares == ("2", {})


def test_the_runbook_deploys_while_an_alarm_fires_and_watches_it_again(stack: Stack, tmp_path: Path) -> None:
    set_alarm(stack, "ALARM")
    follow(stack, DEPLOY, tmp_path, make=lambda: stack.code.ended(stack.code.start("2", "3")))
    assert stack.code.shares == ("3", {})
    assert stack.code.ended(stack.code.start("3", "2"))["status"] == "Stopped"
    set_alarm(stack, "OK")
    stack.code.move("2")


def follow(stack: Stack, script: str, folder: Path, *, make: Callable[[], object] = lambda: None) -> str:
    """Run a part of the runbook with a stand-in of the AWS CLI; what it printed."""

    def made(_: list[str]) -> Outcome:
        make()
        return Outcome(0)

    variables = environment(AWS_ENDPOINT_URL=stack.aws.url)
    done = run_script(script, folder, variables, {"aws": aws, "make": made})
    assert done.code == 0, done.stdout
    return done.stdout


def test_code_is_rolled_back_at_once(stack: Stack) -> None:
    done = stack.deploy_command("rollback-code", "--stage", "dev", "--yes")
    assert done.returncode == 0, done.stderr
    assert stack.code.live == "1"
    assert f"{STACK} still has version 2" in done.stdout


def test_a_deployment_over_code_that_was_rolled_back_is_refused_as_codedeploy_would_refuse_it(stack: Stack) -> None:
    done = stack.up()
    assert done.returncode == 1
    assert "CodeDeploy would refuse" in failure_lines(done.stderr)
    info = stack.code.ended(stack.code.start("2", "3"))  # as CloudFormation, which knows only the version it has
    assert info["errorInformation"]["code"] == "INVALID_LAMBDA_CONFIGURATION"
    assert "does not match the current version in AppSpec file" in info["errorInformation"]["message"]
    assert stack.code.live == "1"


def test_the_release_that_was_stopped_is_deployed_over_it_and_keeps_pointer_and_versions(
    stack: Stack, step: Step
) -> None:
    pointer, bucket = stack.pointer, stack.outputs["ModelBucketName"]
    kept = stack.objects(bucket)
    with step("a deployment after a rollback"):
        stack.deploy("--after-rollback", MaxInstances="2")
    assert (stack.code.shares, status(stack)) == (("4", {}), "UPDATE_COMPLETE")
    assert (stack.pointer, stack.outputs["ModelBucketName"], stack.objects(bucket)) == (pointer, bucket, kept)


def test_a_changed_setting_takes_effect(stack: Stack) -> None:
    wait_until(lambda: stack.predict(IRIS_SETOSA).status == 200, what="it serves")
    assert stack.predict(*[IRIS_SETOSA] * 2).status == 200
    assert stack.predict(*[IRIS_SETOSA] * 3).status == 413


def test_an_alias_that_is_shared_sends_requests_to_both_versions_of_the_code(stack: Stack) -> None:
    newest = stack.code.live
    stack.code.move(newest, **{"1": 0.5})  # version 1 takes a thousand instances, and the newest two
    statuses = [stack.predict(*[IRIS_SETOSA] * 3).status for _ in range(40)]
    stack.code.move(newest)
    assert set(statuses) == {200, 413}
    assert {stack.predict(*[IRIS_SETOSA] * 3).status for _ in range(20)} == {413}
