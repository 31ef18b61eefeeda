"""The stack in CloudFormation: its state, what it put out, what deleting it leaves, and deleting it."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import takewhile
from typing import TYPE_CHECKING, Any

from botocore.exceptions import WaiterError

from deploy.parameters import load_template
from skylift.aws import aws_errors
from skylift.errors import ConfigError, SkyliftError
from training.cli.connection import describe_stack, outputs_of

if TYPE_CHECKING:
    from mypy_boto3_cloudformation import CloudFormationClient
    from mypy_boto3_cloudformation.type_defs import StackResourceSummaryTypeDef, StackTypeDef
    from mypy_boto3_s3 import S3Client

_POLL_SECONDS = 5
_DELETE_POLLS = 360
_MANY_OBJECTS = 10_000
_NEVER_MADE = {"ROLLBACK_COMPLETE", "ROLLBACK_FAILED", "CREATE_FAILED", "DELETE_FAILED"}


class StackFailed(SkyliftError):
    """The stack is in a state that the command cannot work on, or did not reach the one it should."""

    code = "stack-failed"


@dataclass(frozen=True, slots=True)
class Kept:
    """Something that stays when its stack is deleted.

    Parameters
    ----------
    kind
        Resource type, for example `AWS::S3::Bucket`.
    name
        Physical name.
    note
        Short description of the content; empty if unknown.
    """

    kind: str
    name: str
    note: str = ""

    def __str__(self) -> str:
        return f"{self.kind}  {self.name}{f'  ({self.note})' if self.note else ''}"


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened to a resource of a stack.

    Parameters
    ----------
    id
        Identifier of the event.
    resource
        Logical name of the resource.
    status
        State of the resource as CloudFormation names it.
    reason
        Reason for the state; empty where it needs none.
    """

    id: str
    resource: str
    status: str
    reason: str

    @property
    def what(self) -> str:
        """Resource and state."""
        return f"{self.resource} {self.status}"


class Stack:
    """One CloudFormation stack.

    Parameters
    ----------
    name
        Name of the stack.
    client
        CloudFormation client.
    """

    def __init__(self, name: str, *, client: "CloudFormationClient") -> None:
        self.name = name
        self._client = client

    def status(self) -> str | None:
        """State of the stack as CloudFormation names it; None if it does not exist."""
        description = self._describe()
        return description["StackStatus"] if description else None

    def outputs(self) -> dict[str, str]:
        """Outputs by name; empty if the stack does not exist."""
        description = self._describe()
        return outputs_of(description) if description else {}

    def parameters(self) -> dict[str, str]:
        """Parameter values by name; empty if the stack does not exist."""
        found = self._describe()
        return {each["ParameterKey"]: each["ParameterValue"] for each in found.get("Parameters", [])} if found else {}

    @property
    def watch_command(self) -> str:
        """Command of the AWS CLI that shows what CloudFormation does now."""
        return (
            f"aws cloudformation describe-stack-events --stack-name {self.name} --max-items 10 --output text "
            "--query 'StackEvents[].[Timestamp, LogicalResourceId, ResourceStatus, ResourceStatusReason]'"
        )

    def newest_event(self) -> Event | None:
        """The last thing that happened; None in a new stack."""
        return next(self._events(), None)

    def first_failure(self, since: Event | None) -> str:
        """The first reason for a failure that CloudFormation gives; others follow from it.

        Parameters
        ----------
        since
            The last event before; None in a new stack.
        """
        failed = [
            event
            for event in takewhile(lambda each: each != since, self._events())
            if event.status.endswith("_FAILED") and not event.reason.endswith("cancelled")
        ]
        return f"{failed[-1].resource}: {failed[-1].reason or 'no reason given'}" if failed else "no reason given"

    def is_changing(self) -> bool:
        """Whether CloudFormation works on it, or waits for CodeDeploy."""
        status = self.status()
        return status is not None and status.endswith("_IN_PROGRESS") and status != "REVIEW_IN_PROGRESS"

    def resources(self) -> dict[str, list[str]]:
        """Physical names of the resources that it has, by type."""
        found: dict[str, list[str]] = {}
        with aws_errors(f"listing the resources of stack {self.name}"):
            for summary in self._summaries():
                found.setdefault(summary["ResourceType"], []).append(summary["PhysicalResourceId"])
        return found

    def check_deployable(self) -> None:
        """Refuse a state in which CloudFormation would refuse a change set, and a stack of other origin.

        Raises
        ------
        StackFailed
            With the way out of it.
        """
        status = self.status()
        if status in _NEVER_MADE:
            raise StackFailed(
                f"stack {self.name} is in {status}: it cannot be updated",
                f"delete it and deploy again: aws cloudformation delete-stack --stack-name {self.name}",
            )
        if status == "UPDATE_ROLLBACK_FAILED":
            raise StackFailed(
                f"stack {self.name} is in {status}",
                f"aws cloudformation continue-update-rollback --stack-name {self.name}",
            )
        if self.is_changing():
            raise StackFailed(f"stack {self.name} is in {status}", "wait for whoever deploys to it now")
        if status not in {None, "REVIEW_IN_PROGRESS"} and "InferenceFunctionName" not in self.outputs():
            raise StackFailed(
                f"stack {self.name} was not made from template.yaml: its resources would be replaced",
                "choose another stack_name in samconfig.toml",
            )

    def kept(self, *, s3: "S3Client") -> list[Kept]:
        """What stays when it is deleted: what its template retains, and the pointer."""
        with aws_errors(f"reading the template of stack {self.name}"):
            body: object = self._client.get_template(StackName=self.name, TemplateStage="Original")["TemplateBody"]
            resources: Mapping[str, Any] = _document(body).get("Resources", {})
            retained = {
                name
                for name, resource in resources.items()
                if str(resource.get("DeletionPolicy", "")).startswith("Retain")
            }
            found = [
                (summary["ResourceType"], summary["PhysicalResourceId"])
                for summary in self._summaries()
                if summary["LogicalResourceId"] in retained
            ]
        outputs = self.outputs()
        bucket = ("AWS::S3::Bucket", outputs.get("ModelBucketName", ""))
        if bucket[1] and bucket not in found:  # adopted: another stack made it
            found.append(bucket)
        kept = [Kept(kind, name, _bucket_note(name, s3) if kind == "AWS::S3::Bucket" else "") for kind, name in found]
        if pointer := outputs.get("ActiveParameterName"):
            kept.append(Kept("AWS::SSM::Parameter", pointer, "names the active version"))
        return kept

    def delete(self) -> None:
        """Delete it and wait until it is gone.

        Not `sam delete`: that deletes images as well, and another stage may run the same image.

        Raises
        ------
        StackFailed
            It is still there, with the first reason that CloudFormation gives.
        """
        newest = self.newest_event()
        with aws_errors(f"deleting stack {self.name}"):
            self._client.delete_stack(StackName=self.name)
            try:
                self._client.get_waiter("stack_delete_complete").wait(
                    StackName=self.name, WaiterConfig={"Delay": _POLL_SECONDS, "MaxAttempts": _DELETE_POLLS}
                )
            except WaiterError as error:
                raise StackFailed(
                    f"stack {self.name} was not deleted ({self.first_failure(newest)})",
                    "fix the reason and run this again: what is deleted stays deleted",
                ) from error

    def _summaries(self) -> "Iterator[StackResourceSummaryTypeDef]":
        """Resources that exist; CloudFormation also lists those that it deleted or gave up."""
        for page in self._client.get_paginator("list_stack_resources").paginate(StackName=self.name):
            for summary in page["StackResourceSummaries"]:
                if "PhysicalResourceId" in summary and not summary["ResourceStatus"].startswith("DELETE_"):
                    yield summary

    def _events(self) -> Iterator[Event]:
        """What happened, the newest first."""
        with aws_errors(f"reading the events of stack {self.name}"):
            for page in self._client.get_paginator("describe_stack_events").paginate(StackName=self.name):
                for each in page["StackEvents"]:
                    yield Event(
                        each["EventId"],
                        each.get("LogicalResourceId", "?"),
                        each.get("ResourceStatus", "?"),
                        each.get("ResourceStatusReason", ""),
                    )

    def _describe(self) -> "StackTypeDef | None":
        return describe_stack(self.name, client=self._client)


def required_output(outputs: Mapping[str, str], name: str, stack: str) -> str:
    """An output that the stack must have.

    Raises
    ------
    ConfigError
        It has none of this name.
    """
    if name not in outputs:
        raise ConfigError(f"stack {stack} has no output {name}", "deploy template.yaml to it, or name another stack")
    return outputs[name]


def _document(body: object) -> Mapping[str, Any]:
    """A template as CloudFormation returns it: botocore reads JSON and leaves YAML as text."""
    if isinstance(body, str):
        return load_template(body)
    document: Mapping[str, Any] = json.loads(json.dumps(body))
    return document


def _bucket_note(bucket: str, s3: "S3Client") -> str:
    """How much is in a bucket, without counting for minutes."""
    count = 0
    with aws_errors(f"listing {bucket}"):
        for page in s3.get_paginator("list_objects_v2").paginate(Bucket=bucket):
            count += len(page.get("Contents", []))
            if count >= _MANY_OBJECTS:
                return f"{_MANY_OBJECTS:,} objects or more, and what they replaced"
    return f"{count:,} objects, and what they replaced"
