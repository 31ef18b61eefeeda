"""The stack's alarms, as CloudWatch knows them now."""

from typing import Any

from skylift.aws import aws_errors

ABOUT_THE_ACTIVE_VERSION = ("drift", "live-accuracy")
"""Alarms that end with another version, and so do not hold it up; without the prefix of the stack."""


def firing_alarms(prefix: str, *, client: Any) -> list[str]:
    """Names of the alarms in which no version is to be promoted.

    An alarm that fires already would not notice a bad version. But for those that say that the world has changed, or
    that the active version is no longer good enough: training again on them would never come to an end.

    Parameters
    ----------
    prefix
        Beginning of the names of a stack's alarms; empty without a stack.
    client
        Botocore client for CloudWatch.

    Raises
    ------
    AwsUnavailable
        CloudWatch failed.
    """
    if not prefix:
        return []
    with aws_errors(f"reading the alarms {prefix}*"):
        pages = client.get_paginator("describe_alarms").paginate(
            AlarmNamePrefix=prefix, StateValue="ALARM", AlarmTypes=["MetricAlarm", "CompositeAlarm"]
        )
        return [
            str(alarm["AlarmName"])
            for page in pages
            for kind in ("MetricAlarms", "CompositeAlarms")
            for alarm in page.get(kind, [])
            if alarm["StateValue"] == "ALARM"  # a local AWS gives all of a prefix
            and alarm["AlarmName"].removeprefix(prefix) not in ABOUT_THE_ACTIVE_VERSION
        ]
