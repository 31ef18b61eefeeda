"""A change set is executed and watched to its end, whatever CloudFormation answers meanwhile."""

from typing import Any, cast

import pytest

from deploy import changes
from deploy.changes import Change, ChangeSet, in_short
from deploy.stack import Stack, StackFailed
from skylift.errors import AwsUnavailable
from tests.support.cloudformation import CloudFormation

ARN = "arn:aws:cloudformation:eu-central-1:123456789012:changeSet/samcli-deploy1764/1a2b"


@pytest.fixture(autouse=True)
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(changes, "_POLL_SECONDS", 0)


def change_set(client: CloudFormation) -> ChangeSet:
    return ChangeSet(ARN, Stack("skylift-dev", client=cast("Any", client)), client=cast("Any", client))


def test_what_changes_is_told_by_resource_and_in_short() -> None:
    found = change_set(CloudFormation()).changes()

    assert found[0] == Change("Modify", "InferenceFunction", "AWS::Lambda::Function", "")
    assert in_short(found) == "1 Modify, 1 Add"
    assert in_short([]) == "no resource"


class TestExecute:
    def test_the_end_is_waited_for(self) -> None:
        client = CloudFormation()
        statuses = iter(["UPDATE_IN_PROGRESS", "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS", "UPDATE_COMPLETE"])

        def describe(**_: object) -> dict[str, Any]:
            client.status = next(statuses, "UPDATE_COMPLETE")
            return {"Stacks": [{"StackStatus": client.status}]}

        client.describe_stacks = describe  # type: ignore[method-assign]

        change_set(client).execute()

        assert client.status == "UPDATE_COMPLETE"

    def test_the_state_of_before_is_not_taken_for_the_end(self) -> None:
        client = CloudFormation(status="UPDATE_COMPLETE")
        before = client.events[0]
        events = iter([[before], [before], [before]])
        real = client._events

        def late(*, StackName: str) -> Any:  # noqa: N803 (boto3's own spelling)
            found = next(events, None)
            return real(StackName=StackName) if found is None else iter([{"StackEvents": found}])

        client._events = late  # type: ignore[method-assign]
        client.executing = lambda: setattr(client, "status", "UPDATE_ROLLBACK_COMPLETE")

        with pytest.raises(StackFailed, match="ended in UPDATE_ROLLBACK_COMPLETE"):
            change_set(client).execute()

        assert next(events, None) is None

    def test_the_first_reason_is_told_and_not_those_that_follow_or_are_old(self) -> None:
        client = CloudFormation()
        client.happens("Api", "UPDATE_FAILED", "last year")

        def executing() -> None:
            client.happens("Alias", "UPDATE_FAILED", "the hook failed")
            client.happens("Topic", "UPDATE_FAILED", "Resource update cancelled")
            client.happens("skylift-dev", "UPDATE_ROLLBACK_FAILED", "the alias did not go back")
            client.status = "UPDATE_ROLLBACK_FAILED"

        client.executing = executing

        with pytest.raises(StackFailed, match=r"ended in UPDATE_ROLLBACK_FAILED \(Alias: the hook failed\)"):
            change_set(client).execute()

    def test_a_failure_without_a_reason_says_so(self) -> None:
        client = CloudFormation()
        client.executing = lambda: setattr(client, "status", "UPDATE_ROLLBACK_COMPLETE")

        with pytest.raises(StackFailed, match=r"\(no reason given\)"):
            change_set(client).execute()

    def test_a_cloudformation_that_does_not_answer_for_a_while_is_asked_again(self) -> None:
        self._execute(failures=3)

    def test_one_that_stays_silent_ends_the_watching_with_the_command_that_goes_on(self) -> None:
        with pytest.raises(StackFailed, match=r"cannot be watched") as caught:
            self._execute(failures=100)

        assert "aws cloudformation describe-stack-events --stack-name skylift-dev" in caught.value.hint

    def test_a_deployment_that_takes_too_long_goes_on_unwatched(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(changes, "WAIT_SECONDS", 0)

        with pytest.raises(StackFailed, match="takes more than 0 minutes") as caught:
            change_set(CloudFormation()).execute()

        assert "CloudFormation goes on" in caught.value.hint

    @staticmethod
    def _execute(failures: int) -> None:
        client = CloudFormation()
        real, left = client._events, iter(range(failures))

        def failing(*, StackName: str) -> Any:  # noqa: N803 (boto3's own spelling)
            if client.executed and next(left, None) is not None:
                raise AwsUnavailable("no network")
            return real(StackName=StackName)

        client._events = failing  # type: ignore[method-assign]
        change_set(client).execute()
