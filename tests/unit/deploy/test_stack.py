"""The stack: in which states it is deployed to, what stays when it is deleted, and how that fails."""

from typing import TYPE_CHECKING, Any, cast

import pytest

from deploy.stack import Stack, StackFailed, required_output
from skylift.errors import ConfigError
from tests.conftest import BUCKET
from tests.support.cloudformation import TEMPLATE, CloudFormation

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

RESOURCES = {"ModelBucket": ("AWS::S3::Bucket", BUCKET), "AlarmTopic": ("AWS::SNS::Topic", "arn:topic")}


def stack(client: CloudFormation) -> Stack:
    return Stack("skylift-dev", client=cast("Any", client))


class TestState:
    def test_a_stack_that_is_not_there_has_no_status_and_no_outputs(self) -> None:
        absent = stack(CloudFormation(status=None))

        assert (absent.status(), absent.outputs(), absent.parameters()) == (None, {}, {})

    def test_outputs_and_parameters_are_by_name(self) -> None:
        there = stack(CloudFormation(outputs={"ApiUrl": "https://x"}, parameters={"Auth": "JWT"}))

        assert (there.outputs(), there.parameters()) == ({"ApiUrl": "https://x"}, {"Auth": "JWT"})

    @pytest.mark.parametrize("status", [None, "CREATE_COMPLETE", "UPDATE_ROLLBACK_COMPLETE", "REVIEW_IN_PROGRESS"])
    def test_a_state_that_takes_a_change_set_is_accepted(self, status: str | None) -> None:
        stack(CloudFormation(status=status, outputs={"InferenceFunctionName": "f"})).check_deployable()

    @pytest.mark.parametrize("outputs", [{}, {"QueueUrl": "https://x"}])
    def test_a_stack_of_another_template_is_refused(self, outputs: dict[str, str]) -> None:
        with pytest.raises(StackFailed, match=r"was not made from template\.yaml"):
            stack(CloudFormation(outputs=outputs)).check_deployable()

    @pytest.mark.parametrize(
        ("status", "hint"),
        [
            ("ROLLBACK_COMPLETE", "aws cloudformation delete-stack --stack-name skylift-dev"),
            ("UPDATE_ROLLBACK_FAILED", "aws cloudformation continue-update-rollback --stack-name skylift-dev"),
            ("UPDATE_IN_PROGRESS", "wait"),
        ],
    )
    def test_another_state_is_refused_with_the_way_out(self, status: str, hint: str) -> None:
        with pytest.raises(StackFailed, match=f"is in {status}") as caught:
            stack(CloudFormation(status=status)).check_deployable()

        assert hint in caught.value.hint

    def test_an_output_that_is_missing_is_named(self) -> None:
        with pytest.raises(ConfigError, match="stack s has no output ApiUrl"):
            required_output({}, "ApiUrl", "s")


class TestKept:
    @pytest.mark.parametrize(
        "template", [TEMPLATE, {"Resources": {"ModelBucket": {"DeletionPolicy": "RetainExceptOnCreate"}}}]
    )
    def test_retained_resources_are_named_with_what_is_in_them(self, s3: "S3Client", template: object) -> None:
        s3.put_object(Bucket=BUCKET, Key="models/iris/v1/manifest.json", Body=b"{}")

        (bucket,) = stack(CloudFormation(resources=RESOURCES, template=template)).kept(s3=s3)

        assert str(bucket) == f"AWS::S3::Bucket  {BUCKET}  (1 objects, and what they replaced)"

    def test_an_adopted_bucket_is_among_them(self, s3: "S3Client") -> None:
        (bucket,) = stack(CloudFormation(outputs={"ModelBucketName": BUCKET})).kept(s3=s3)

        assert str(bucket).startswith(f"AWS::S3::Bucket  {BUCKET}")

    def test_the_pointer_is_among_them(self, s3: "S3Client") -> None:
        name = "/skylift/dev/iris/active"

        (pointer,) = stack(CloudFormation(outputs={"ActiveParameterName": name})).kept(s3=s3)

        assert str(pointer).startswith(f"AWS::SSM::Parameter  {name}")


class TestDelete:
    def test_it_is_gone(self) -> None:
        client = CloudFormation()

        stack(client).delete()

        assert client.status is None

    def test_the_first_reason_for_which_it_is_not_is_told(self) -> None:
        with pytest.raises(StackFailed, match=r"was not deleted \(Domain: it is in use\)"):
            stack(CloudFormation(refuses_to_delete="it is in use")).delete()
