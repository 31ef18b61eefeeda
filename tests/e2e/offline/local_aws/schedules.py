"""Schedules of EventBridge Scheduler."""

import json
import logging
from datetime import UTC, datetime
from typing import Any

from botocore.exceptions import ClientError
from ministack.services import eventbridge, scheduler

from tests.e2e.offline.local_aws.roles import client_of

type Document = dict[str, Any]

_TIME = "<aws.scheduler.scheduled-time>"
_log = logging.getLogger("schedules")


def call_by_role() -> None:
    """Let a schedule call its function by its role, with its time where asked for, and again when it is changed."""
    invoke = eventbridge._invoke_target

    def invoke_by_role(target: Document, event: Document, *rest: Any) -> None:
        if event.get("Source") != "aws.scheduler":
            invoke(target, event, *rest)
            return
        now = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        payload = target.get("Input", json.dumps({})).replace(_TIME, now)
        try:
            client_of(target["RoleArn"], "lambda", actor="scheduler").invoke(
                FunctionName=target["Arn"], InvocationType="Event", Payload=payload
            )
        except ClientError as error:
            _log.warning("a schedule calls nothing: %s", error)

    update = scheduler._update_schedule

    def update_and_forget(name: str, body: Document) -> Any:
        for key in [each for each in scheduler._schedule_last_fired if each[-1].endswith(f"/{name}")]:
            del scheduler._schedule_last_fired[key]
        return update(name, body)

    eventbridge._invoke_target = invoke_by_role
    scheduler._update_schedule = update_and_forget
    scheduler._SCHEDULE_TICK_INTERVAL = 1
