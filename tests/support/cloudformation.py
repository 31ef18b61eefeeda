"""CloudFormation as far as Skylift asks it. moto's needs the descriptions of every AWS service."""

from collections.abc import Iterator
from typing import Any

from botocore.exceptions import ClientError, WaiterError

TEMPLATE = """
Resources:
  ModelBucket:
    Type: AWS::S3::Bucket
    DeletionPolicy: Retain
    Properties: {BucketName: !Ref Name}
  AlarmTopic: {Type: AWS::SNS::Topic}
"""


class CloudFormation:
    """Knows one stack, or none.

    Parameters
    ----------
    name
        Name of the stack.
    outputs, parameters
        Values by name.
    status
        State of the stack; None before it exists.
    resources
        Logical to physical names.
    template
        What was deployed.
    refuses_to_delete
        Why deleting it fails; empty where it does not.
    """

    def __init__(
        self,
        name: str = "skylift-dev",
        *,
        outputs: dict[str, str] | None = None,
        parameters: dict[str, str] | None = None,
        status: str | None = "CREATE_COMPLETE",
        resources: dict[str, tuple[str, str]] | None = None,
        template: object = TEMPLATE,
        refuses_to_delete: str = "",
    ) -> None:
        self.name, self.status, self.template = name, status, template
        self._outputs, self._parameters = outputs or {}, parameters or {}
        self._resources = resources or {}
        self._refusal = refuses_to_delete

    def describe_stacks(self, *, StackName: str) -> dict[str, Any]:  # noqa: N803 (boto3's own spelling)
        if StackName != self.name or self.status is None:
            message = f"Stack with id {StackName} does not exist"
            raise ClientError({"Error": {"Code": "ValidationError", "Message": message}}, "DescribeStacks")
        outputs = [{"OutputKey": key, "OutputValue": value} for key, value in self._outputs.items()]
        parameters = [{"ParameterKey": key, "ParameterValue": value} for key, value in self._parameters.items()]
        return {"Stacks": [{"StackStatus": self.status, "Outputs": outputs, "Parameters": parameters}]}

    def get_template(self, *, StackName: str, TemplateStage: str) -> dict[str, Any]:  # noqa: N803
        assert (StackName, TemplateStage) == (self.name, "Original")
        return {"TemplateBody": self.template}

    def get_paginator(self, operation: str) -> "CloudFormation":
        assert operation == "list_stack_resources"
        return self

    def paginate(self, *, StackName: str) -> Iterator[dict[str, Any]]:  # noqa: N803
        for logical, (kind, physical) in self._resources.items():
            summary = {"LogicalResourceId": logical, "PhysicalResourceId": physical, "ResourceType": kind}
            summary |= {"ResourceStatus": "UPDATE_COMPLETE"}
            yield {"StackResourceSummaries": [summary]}

    def delete_stack(self, *, StackName: str) -> None:  # noqa: N803
        assert StackName == self.name
        self.status = "DELETE_FAILED" if self._refusal else None

    def get_waiter(self, name: str) -> "CloudFormation":
        assert name == "stack_delete_complete"
        return self

    def wait(self, *, StackName: str, WaiterConfig: dict[str, int]) -> None:  # noqa: N803
        assert WaiterConfig["MaxAttempts"] < 1000
        if self.status is not None:
            raise WaiterError("StackDeleteComplete", "it is in DELETE_FAILED", {})

    def describe_stack_events(self, *, StackName: str) -> dict[str, Any]:  # noqa: N803
        failed = {"ResourceStatus": "DELETE_FAILED", "ResourceStatusReason": self._refusal}
        return {
            "StackEvents": [
                failed | {"LogicalResourceId": StackName, "ResourceStatusReason": "a resource failed"},
                failed | {"LogicalResourceId": "Domain"},
                {"ResourceStatus": "DELETE_IN_PROGRESS", "LogicalResourceId": StackName},
            ]
        }
