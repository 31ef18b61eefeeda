"""Words for people: a topic of SNS, and the log."""

from typing import Any

from skylift.aws import aws_errors
from skylift.observability import logger

_LONGEST_SUBJECT = 100
"""SNS's limit, in characters of ASCII."""


class Notifier:
    """Tells people what happened.

    Parameters
    ----------
    topic_arn
        ARN of the topic; empty to write into the log alone.
    client
        Botocore client for SNS.
    """

    def __init__(self, topic_arn: str, *, client: Any) -> None:
        self._topic_arn = topic_arn
        self._client = client

    def send(self, subject: str, text: str) -> None:
        """Write a warning into the log, and publish it to the topic, if any.

        Parameters
        ----------
        subject
            One line; the topic gets its first hundred characters, and `?` for those that are not printable ASCII.
        text
            What happened, why, and what to do next.

        Raises
        ------
        AwsUnavailable
            SNS failed; the line is written. Sending again may tell people twice.
        """
        logger.warning(subject, extra={"text": text, "topic": self._topic_arn or None})
        if self._topic_arn:
            with aws_errors(f"notifying {self._topic_arn}"):
                self._client.publish(TopicArn=self._topic_arn, Subject=_subject(subject), Message=text)


def _subject(text: str) -> str:
    return "".join(one if " " <= one <= "~" else "?" for one in text)[:_LONGEST_SUBJECT]
