"""The stack's alarms, as CloudWatch knows them now."""

from typing import Any

from skylift.aws import aws_errors


def firing_alarms(prefix: str, *, client: Any) -> list[str]:
    """Names of the alarms that are in ALARM.

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
        ]
