"""Deleting the stack leaves what is data: the pointer and the versions."""

from tests.e2e.conftest import Step
from tests.e2e.stack import STACK, Stack


def test_deleting_the_stack_keeps_the_bucket_with_its_versions_and_the_pointer(stack: Stack, step: Step) -> None:
    pointer, bucket = stack.pointer, stack.outputs["ModelBucketName"]
    parameter, function = stack.outputs["ActiveParameterName"], stack.outputs["InferenceFunctionName"]
    kept = stack.objects(bucket)
    assert any(key.endswith("/manifest.json") for key in kept)

    with step("sam delete"):
        stack.delete()

    stacks = stack.aws.client("cloudformation").describe_stacks()["Stacks"]
    assert STACK not in {each["StackName"] for each in stacks if each["StackStatus"] != "DELETE_COMPLETE"}
    names = {each["FunctionName"] for each in stack.aws.client("lambda").list_functions()["Functions"]}
    assert function not in names
    assert stack.objects(bucket) == kept
    assert stack.aws.client("s3").get_bucket_versioning(Bucket=bucket)["Status"] == "Enabled"
    assert stack.aws.client("ssm").get_parameter(Name=parameter)["Parameter"]["Value"] == pointer
