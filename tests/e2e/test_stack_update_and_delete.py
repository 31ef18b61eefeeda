"""Changing and deleting the stack leaves what is data: the pointer and the versions."""

from pathlib import Path

from skylift.references import NOTHING
from tests.e2e.conftest import Step
from tests.e2e.stack import STACK, SWITCH_SECONDS, Stack
from tests.support.docker import docker
from tests.support.models import IRIS_SETOSA
from tests.support.waiting import wait_until


def objects(stack: Stack, bucket: str) -> set[str]:
    """Keys of everything in a bucket."""
    return {item["Key"] for item in stack.aws.client("s3").list_objects_v2(Bucket=bucket).get("Contents", [])}


def test_an_update_takes_effect_and_keeps_pointer_and_versions(stack: Stack, quick_config: Path, step: Step) -> None:
    if stack.pointer == NOTHING:
        stack.done("Publish", "train", "--config", quick_config)
        stack.done("Promote", "promote", "v1")
    pointer, bucket = stack.pointer, stack.outputs["ModelBucketName"]
    kept = objects(stack, bucket)
    with step("sam deploy, an update"):
        stack.deploy(MaxInstances="2")
    assert (stack.pointer, stack.outputs["ModelBucketName"], objects(stack, bucket)) == (pointer, bucket, kept)
    wait_until(lambda: stack.predict(IRIS_SETOSA).status == 200, seconds=SWITCH_SECONDS, what="it serves")
    assert stack.predict(*[IRIS_SETOSA] * 2).status == 200
    assert stack.predict(*[IRIS_SETOSA] * 3).status == 413


def test_an_alias_that_is_shared_as_in_a_canary_sends_requests_to_both_versions_of_the_code(stack: Stack) -> None:
    lambdas, name = stack.aws.client("lambda"), stack.outputs["InferenceFunctionName"]
    before = "1"  # it takes a thousand instances, and the newest two
    lambdas.update_alias(FunctionName=name, Name="live", RoutingConfig={"AdditionalVersionWeights": {before: 0.5}})
    statuses = [stack.predict(*[IRIS_SETOSA] * 3).status for _ in range(40)]
    lambdas.update_alias(FunctionName=name, Name="live", RoutingConfig={"AdditionalVersionWeights": {}})
    assert set(statuses) == {200, 413}
    assert {stack.predict(*[IRIS_SETOSA] * 3).status for _ in range(20)} == {413}


def test_deleting_the_stack_keeps_the_bucket_with_its_versions_and_the_pointer(stack: Stack, step: Step) -> None:
    pointer, bucket = stack.pointer, stack.outputs["ModelBucketName"]
    parameter, function = stack.outputs["ActiveParameterName"], stack.outputs["InferenceFunctionName"]
    kept = objects(stack, bucket)
    assert any(key.endswith("/manifest.json") for key in kept)

    with step("sam delete"):
        stack.delete()

    stacks = stack.aws.client("cloudformation").describe_stacks()["Stacks"]
    assert STACK not in {each["StackName"] for each in stacks if each["StackStatus"] != "DELETE_COMPLETE"}
    names = {each["FunctionName"] for each in stack.aws.client("lambda").list_functions()["Functions"]}
    assert function not in names
    assert objects(stack, bucket) == kept
    assert stack.aws.client("s3").get_bucket_versioning(Bucket=bucket)["Status"] == "Enabled"
    assert stack.aws.client("ssm").get_parameter(Name=parameter)["Parameter"]["Value"] == pointer


def test_no_container_of_a_deleted_function_is_left(stack: Stack) -> None:
    assert docker("ps", "--quiet", "--filter", f"ancestor={stack.aws.registry}") == ""
