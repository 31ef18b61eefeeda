"""What the stand-in for CloudFormation answers is what AWS's description of the service promises."""

from typing import Any

import pytest
from botocore.exceptions import ClientError, WaiterError
from botocore.loaders import create_loader
from botocore.model import ServiceModel
from botocore.validate import ParamValidator

from tests.support.cloudformation import CloudFormation

NAME = {"StackName": "skylift-dev"}


@pytest.fixture(scope="module")
def description() -> ServiceModel:
    return ServiceModel(create_loader().load_service_model("cloudformation", "service-2"))


@pytest.fixture
def stack() -> CloudFormation:
    return CloudFormation(
        outputs={"ApiUrl": "https://api.test"},
        parameters={"Stage": "dev"},
        resources={"ModelBucket": ("AWS::S3::Bucket", "models"), "AlarmTopic": ("AWS::SNS::Topic", "alarms")},
        refuses_to_delete="it is not empty",
    )


def problems(description: ServiceModel, operation: str, answer: dict[str, Any], **question: Any) -> str:
    """Where a question or its answer differs from the description, but for members that the stand-in leaves out."""
    described: Any = description.operation_model(operation)
    reports = [
        ParamValidator().validate(value, shape).generate_report()
        for value, shape in ((question, described.input_shape), (answer, described.output_shape))
    ]
    lines = "\n".join(reports).splitlines()
    return "\n".join(line for line in lines if line and not line.startswith("Missing required parameter"))


class TestAnswers:
    def test_of_a_stack(self, stack: CloudFormation, description: ServiceModel) -> None:
        answer = stack.describe_stacks(**NAME)

        assert problems(description, "DescribeStacks", answer, **NAME) == ""
        assert answer["Stacks"][0]["Outputs"] == [{"OutputKey": "ApiUrl", "OutputValue": "https://api.test"}]

    def test_of_its_template(self, stack: CloudFormation, description: ServiceModel) -> None:
        question = NAME | {"TemplateStage": "Original"}

        assert problems(description, "GetTemplate", stack.get_template(**question), **question) == ""

    def test_of_its_resources_one_page_each(self, stack: CloudFormation, description: ServiceModel) -> None:
        pages = list(stack.get_paginator("list_stack_resources").paginate(**NAME))

        assert [problems(description, "ListStackResources", page, **NAME) for page in pages] == ["", ""]

    def test_of_its_events(self, stack: CloudFormation, description: ServiceModel) -> None:
        pages = list(stack.get_paginator("describe_stack_events").paginate(**NAME))

        assert [problems(description, "DescribeStackEvents", page, **NAME) for page in pages] == [""]

    def test_of_a_change_set(self, stack: CloudFormation, description: ServiceModel) -> None:
        question = {"ChangeSetName": "arn"}
        pages = list(stack.get_paginator("describe_change_set").paginate(**question))

        assert [problems(description, "DescribeChangeSet", page, **question) for page in pages] == ["", ""]


class TestDeleting:
    def test_a_stack_is_gone(self) -> None:
        stack = CloudFormation()

        stack.delete_stack(**NAME)

        stack.get_waiter("stack_delete_complete").wait(**NAME, WaiterConfig={"MaxAttempts": 1})
        with pytest.raises(ClientError, match="does not exist"):
            stack.describe_stacks(**NAME)

    def test_one_that_refuses_stays_as_failed(self, stack: CloudFormation) -> None:
        stack.delete_stack(**NAME)

        with pytest.raises(WaiterError):
            stack.get_waiter("stack_delete_complete").wait(**NAME, WaiterConfig={"MaxAttempts": 1})
        assert stack.status == "DELETE_FAILED"
