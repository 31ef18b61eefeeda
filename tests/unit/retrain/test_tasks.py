"""A task on Fargate is started once for each retraining, with what it has to know."""

import pytest
from botocore.stub import Stubber

from retrain.tasks import FargateTasks
from skylift.aws import ecs_client
from skylift.errors import AwsUnavailable

FUNCTION = "arn:aws:lambda:eu-central-1:123456789012:function:skylift-dev-retrain:live"
EXPECTED = {
    "cluster": "arn:aws:ecs:eu-central-1:123456789012:cluster/retrain",
    "taskDefinition": "retrain:3",
    "launchType": "FARGATE",
    "count": 1,
    "clientToken": "one",
    "startedBy": "one",
    "networkConfiguration": {"awsvpcConfiguration": {"subnets": ["subnet-1", "subnet-2"], "assignPublicIp": "ENABLED"}},
    "overrides": {
        "containerOverrides": [
            {
                "name": "training",
                "environment": [
                    {"name": "SKYLIFT_RETRAINING", "value": "one"},
                    {"name": "SKYLIFT_CALLBACK", "value": "callback-1"},
                    {"name": "SKYLIFT_RETRAIN_FUNCTION", "value": FUNCTION},
                ],
            }
        ]
    },
}


@pytest.fixture
def stubbed() -> tuple[FargateTasks, Stubber]:
    client = ecs_client()
    tasks = FargateTasks(
        str(EXPECTED["cluster"]), "retrain:3", ["subnet-1", "subnet-2"], function=FUNCTION, client=client
    )
    return tasks, Stubber(client)


def test_one_is_started_with_its_id_as_token(stubbed: tuple[FargateTasks, Stubber]) -> None:
    tasks, stub = stubbed
    stub.add_response("run_task", {"tasks": [], "failures": []}, EXPECTED)
    with stub:
        tasks.start("one", "callback-1")
    stub.assert_no_pending_responses()


def test_no_place_for_it_is_tried_again(stubbed: tuple[FargateTasks, Stubber]) -> None:
    tasks, stub = stubbed
    stub.add_response("run_task", {"tasks": [], "failures": [{"reason": "Capacity is unavailable"}]}, EXPECTED)
    with stub, pytest.raises(AwsUnavailable, match="Capacity is unavailable"):
        tasks.start("one", "callback-1")
