"""CloudFormation as far as Skylift asks it. moto's needs the descriptions of every AWS service."""

from collections.abc import Callable, Iterator
from types import SimpleNamespace
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


def event(number: str, resource: str, status: str, reason: str = "") -> dict[str, str]:
    """An event as CloudFormation describes it."""
    named = {"EventId": number, "LogicalResourceId": resource, "ResourceStatus": status}
    return named | ({"ResourceStatusReason": reason} if reason else {})


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

    Attributes
    ----------
    executing
        What happens when a change set is executed; nothing by default.
    executed, discarded
        ARNs of change sets.
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
        self.executing: Callable[[], object] = lambda: None
        self.executed: list[str] = []
        self.discarded: list[str] = []
        self.events = [event("0", name, status or "REVIEW_IN_PROGRESS")]
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

    def get_paginator(self, operation: str) -> SimpleNamespace:
        pages: dict[str, Callable[..., Iterator[dict[str, Any]]]] = {
            "describe_change_set": self._changes,
            "describe_stack_events": self._events,
            "list_stack_resources": self._summaries,
        }
        return SimpleNamespace(paginate=pages[operation])

    def execute_change_set(self, *, ChangeSetName: str) -> None:  # noqa: N803
        self.executed.append(ChangeSetName)
        self.happens(self.name, "UPDATE_IN_PROGRESS")
        self.status = "UPDATE_COMPLETE"
        self.executing()

    def delete_change_set(self, *, ChangeSetName: str) -> None:  # noqa: N803
        self.discarded.append(ChangeSetName)

    def happens(self, resource: str, status: str, reason: str = "") -> None:
        """Add an event."""
        self.events.insert(0, event(str(len(self.events)), resource, status, reason))

    def _changes(self, *, ChangeSetName: str) -> Iterator[dict[str, Any]]:  # noqa: N803
        assert ChangeSetName
        for action, name in (("Modify", "InferenceFunction"), ("Add", "InferenceFunctionVersion")):
            change = {"Action": action, "LogicalResourceId": name, "ResourceType": "AWS::Lambda::Function"}
            yield {"Changes": [{"Type": "Resource", "ResourceChange": change}]}

    def _events(self, *, StackName: str) -> Iterator[dict[str, Any]]:  # noqa: N803
        assert StackName == self.name
        for each in self.events:
            yield {"StackEvents": [each]}

    def _summaries(self, *, StackName: str) -> Iterator[dict[str, Any]]:  # noqa: N803
        assert StackName == self.name
        for logical, (kind, physical) in self._resources.items():
            summary = {"LogicalResourceId": logical, "PhysicalResourceId": physical, "ResourceType": kind}
            summary |= {"ResourceStatus": "UPDATE_COMPLETE"}
            yield {"StackResourceSummaries": [summary]}

    def delete_stack(self, *, StackName: str) -> None:  # noqa: N803
        assert StackName == self.name
        self.status = "DELETE_FAILED" if self._refusal else None
        if self._refusal:
            self.happens(self.name, "DELETE_IN_PROGRESS")
            self.happens("Domain", "DELETE_FAILED", self._refusal)
            self.happens(self.name, "DELETE_FAILED", "a resource failed")

    def get_waiter(self, name: str) -> "CloudFormation":
        assert name == "stack_delete_complete"
        return self

    def wait(self, *, StackName: str, WaiterConfig: dict[str, int]) -> None:  # noqa: N803
        assert WaiterConfig["MaxAttempts"] < 1000
        if self.status is not None:
            raise WaiterError("StackDeleteComplete", "it is in DELETE_FAILED", {})
