"""A change set: what CloudFormation would change, and changing it while somebody watches."""

import time
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

from deploy.progress import doing
from deploy.stack import Event, Stack, StackFailed
from skylift.aws import aws_errors
from skylift.errors import AwsUnavailable

if TYPE_CHECKING:
    from mypy_boto3_cloudformation import CloudFormationClient

WAIT_SECONDS = 80 * 60
"""A canary takes up to a quarter of an hour, and one that is rolled back as long again."""

_POLL_SECONDS = 5.0
_MISSED_POLLS = 12
_DONE = {"CREATE_COMPLETE", "UPDATE_COMPLETE"}


@dataclass(frozen=True, slots=True)
class Change:
    """A change of one resource.

    Parameters
    ----------
    action
        `Add`, `Modify` or `Remove`.
    resource
        Logical name.
    kind
        Resource type, for example `AWS::S3::Bucket`.
    replaced
        Whether the resource is made again: `True`, `False`, `Conditional` while CloudFormation does not know, or empty.
    """

    action: str
    resource: str
    kind: str
    replaced: str


class ChangeSet:
    """A change set of a stack.

    Parameters
    ----------
    arn
        ARN of the change set.
    stack
        Stack that it changes.
    client
        CloudFormation client.
    """

    def __init__(self, arn: str, stack: Stack, *, client: "CloudFormationClient") -> None:
        self._arn = arn
        self._stack = stack
        self._client = client

    def changes(self) -> list[Change]:
        """Changes of resources, in CloudFormation's order."""
        found = []
        with aws_errors(f"reading what changes in stack {self._stack.name}"):
            for page in self._client.get_paginator("describe_change_set").paginate(ChangeSetName=self._arn):
                found += [each["ResourceChange"] for each in page["Changes"] if "ResourceChange" in each]
        return [
            Change(each["Action"], each["LogicalResourceId"], each["ResourceType"], each.get("Replacement", ""))
            for each in found
        ]

    def discard(self) -> None:
        """Delete it: nothing is changed."""
        with aws_errors(f"deleting the change set of stack {self._stack.name}"):
            self._client.delete_change_set(ChangeSetName=self._arn)

    def execute(self) -> None:
        """Change the stack, and wait for the end.

        Raises
        ------
        StackFailed
            CloudFormation undid the changes, with its first reason; or the end was not seen.
        """
        newest = self._stack.newest_event()
        with aws_errors(f"changing stack {self._stack.name}"):
            self._client.execute_change_set(ChangeSetName=self._arn)
        status = self._wait(newest)
        if status not in _DONE:
            raise StackFailed(
                f"stack {self._stack.name} ended in {status} ({self._stack.first_failure(newest)})",
                "docs/runbooks/deploy-failed.md says what to do",
            )

    def _wait(self, before: Event | None) -> str | None:
        """The state at the end of what began after an event: until the next one, it is the state of before."""
        deadline = time.monotonic() + WAIT_SECONDS
        missed = 0
        with doing(f"changing {self._stack.name}") as say:
            while time.monotonic() < deadline:
                try:
                    event = self._stack.newest_event()
                    if event and event != before:
                        say(event.what)
                        if not self._stack.is_changing():
                            return self._stack.status()
                    missed = 0
                except AwsUnavailable as error:
                    missed += 1
                    if missed > _MISSED_POLLS:
                        raise StackFailed(
                            f"stack {self._stack.name} cannot be watched ({error.message})",
                            f"CloudFormation goes on: {self._stack.watch_command}",
                        ) from error
                time.sleep(_POLL_SECONDS)
        raise StackFailed(
            f"stack {self._stack.name} takes more than {WAIT_SECONDS // 60} minutes",
            f"CloudFormation goes on: {self._stack.watch_command}",
        )


def in_short(changes: list[Change]) -> str:
    """How many resources change, by what happens to them."""
    counted = Counter(change.action for change in changes)
    return ", ".join(f"{number} {action}" for action, number in counted.items()) or "no resource"
