"""Starts training on Fargate, for what takes longer than Lambda's 15 minutes."""

from typing import Any

from skylift.aws import aws_errors
from skylift.errors import AwsUnavailable

CONTAINER = "training"
"""Name of the container in the task definition."""


class FargateTasks:
    """Starts one task for each retraining.

    Parameters
    ----------
    cluster, definition
        Cluster, and task definition.
    subnets
        Subnets of the task.
    function
        ARN of the function whose callbacks the task answers.
    client
        Botocore client for ECS.
    """

    def __init__(self, cluster: str, definition: str, subnets: list[str], *, function: str, client: Any) -> None:
        self._cluster = cluster
        self._definition = definition
        self._subnets = subnets
        self._function = function
        self._client = client

    def start(self, id: str, callback: str) -> None:  # noqa: A002
        """Start the task of a retraining; ECS starts one for each id, however often it is asked.

        Raises
        ------
        AwsUnavailable
            ECS failed, or has no place for it now.
        """
        told = {"SKYLIFT_RETRAINING": id, "SKYLIFT_CALLBACK": callback, "SKYLIFT_RETRAIN_FUNCTION": self._function}
        environment = [{"name": name, "value": value} for name, value in told.items()]
        network = {"subnets": self._subnets, "assignPublicIp": "ENABLED"}
        with aws_errors(f"starting the task of {id}"):
            answer = self._client.run_task(
                cluster=self._cluster,
                taskDefinition=self._definition,
                launchType="FARGATE",
                count=1,
                clientToken=id,
                startedBy=id,
                networkConfiguration={"awsvpcConfiguration": network},
                overrides={"containerOverrides": [{"name": CONTAINER, "environment": environment}]},
            )
        if failures := answer.get("failures"):
            reason = failures[0].get("reason", "no reason")
            raise AwsUnavailable(f"starting the task of {id} failed ({reason})", "see the cluster's limits and subnets")
