"""Topics of SNS, and what was published to them."""

from functools import cache
from typing import Any

import boto3
from moto.sns.models import sns_backends

from skylift.aws import sns_client
from tests.support.aws_clients import REGION


@cache
def shared_sns() -> Any:
    """The product's client of SNS: making one costs more than most tests."""
    return sns_client()


def create_topic(name: str = "alarms") -> str:
    """ARN of a new topic."""
    return str(_every_operation().create_topic(Name=name)["TopicArn"])


def published(topic: str) -> list[tuple[str, str]]:
    """Subject and text of each message, oldest first."""
    messages: list[Any] = sns_backends[topic.split(":")[4]][REGION].topics[topic].sent_notifications
    return [(subject, text) for _, text, subject, *_ in messages]


@cache
def _every_operation() -> Any:
    return boto3.client("sns", region_name=REGION, aws_access_key_id="test", aws_secret_access_key="test")
