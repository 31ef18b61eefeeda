"""Topics of SNS, and what was published to them."""

from typing import Any

import boto3
from moto.sns.models import sns_backends

from tests.support.aws_clients import REGION


def create_topic(name: str = "alarms") -> str:
    """ARN of a new topic."""
    client: Any = boto3.client("sns", region_name=REGION)
    return str(client.create_topic(Name=name)["TopicArn"])


def published(topic: str) -> list[tuple[str, str]]:
    """Subject and text of each message, oldest first."""
    messages: list[Any] = sns_backends[topic.split(":")[4]][REGION].topics[topic].sent_notifications
    return [(subject, text) for _, text, subject, *_ in messages]
