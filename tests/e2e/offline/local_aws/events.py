"""Events of this AWS's services on the default bus of EventBridge, and how Lambda takes them."""

import json
import random
import time
import uuid
from collections import defaultdict
from contextvars import ContextVar
from datetime import UTC, datetime
from threading import Semaphore
from typing import Any

from ministack.core import iam_evaluator
from ministack.core.responses import get_account_id, get_region
from ministack.services import cloudwatch, eventbridge, lambda_svc, ssm

type Document = dict[str, Any]

_CREATED = 1
_AT_ONCE = 2
"""Events that a function takes at a time: each may start a container, and this machine has two processors."""

_APART_SECONDS = 0.2
"""Longest time by which an event is late, so that a later one may come before it."""


def tell_changes_of_parameters() -> None:
    """Tell of each change of a parameter, and keep who made it."""
    put, delete = ssm._put_parameter, ssm._delete_parameter

    def put_and_tell(data: Document) -> Any:
        answer = put(data)
        if answer[0] == 200:
            name, version = data["Name"], json.loads(answer[2])["Version"]
            ssm._parameter_history[name][-1]["LastModifiedUser"] = iam_evaluator.caller_arn()
            _tell_of(name, "Create" if version == _CREATED else "Update")
        return answer

    def delete_and_tell(data: Document) -> Any:
        answer = delete(data)
        if answer[0] == 200:
            _tell_of(data["Name"], "Delete")
        return answer

    ssm._put_parameter, ssm._delete_parameter = put_and_tell, delete_and_tell


def _tell_of(name: str, operation: str) -> None:
    arn = f"arn:aws:ssm:{get_region()}:{get_account_id()}:parameter/{name.lstrip('/')}"
    _tell("aws.ssm", "Parameter Store Change", arn, {"operation": operation, "name": name, "type": "String"})


def tell_changes_of_alarms() -> None:
    """Tell of each change of an alarm's state."""
    act = cloudwatch._dispatch_alarm_actions

    def act_and_tell(alarm: Document, old: str, new: str, reason: str) -> None:
        act(alarm, old, new, reason)
        name, now = alarm["AlarmName"], datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "+0000"
        detail = {
            "alarmName": name,
            "state": {"value": new, "reason": reason, "timestamp": now},
            "previousState": {"value": old, "reason": "", "timestamp": now},
            "configuration": {},
        }
        arn = f"arn:aws:cloudwatch:{get_region()}:{get_account_id()}:alarm:{name}"
        _tell("aws.cloudwatch", "CloudWatch Alarm State Change", arn, detail)

    cloudwatch._dispatch_alarm_actions = act_and_tell


def _tell(source: str, kind: str, resource: str, detail: Document) -> None:
    eventbridge._dispatch_event(
        {
            "EventId": str(uuid.uuid4()),
            "Source": source,
            "DetailType": kind,
            "Detail": json.dumps(detail),
            "EventBusName": "default",
            "Time": datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
            "Resources": [resource],
            "Account": get_account_id(),
            "Region": get_region(),
        }
    )


def try_events_again() -> None:
    """Have Lambda try an event of EventBridge again where the function fails, as it does with each event."""

    def dispatch(arn: str, payload: str) -> None:
        function, config, _ = lambda_svc._get_func_record_for_ref(arn)
        lambda_svc.invoke_async_with_retry(
            lambda_svc._execution_record_for_config(function, config), json.loads(payload)
        )

    eventbridge._dispatch_to_lambda = dispatch


def queue_events() -> None:
    """Have events wait in a queue of each function, which takes few at a time and in any order.

    So does Lambda with what is invoked asynchronously, where a function's concurrency is reserved.
    """
    from_queue = ContextVar("from_queue", default=False)
    places: dict[str, Semaphore] = defaultdict(lambda: Semaphore(_AT_ONCE))
    put, execute = lambda_svc.invoke_async_with_retry, lambda_svc._execute_function_docker

    def put_into_queue(function: Document, event: Any) -> None:
        mark = from_queue.set(True)  # the thread that takes it gets a copy
        put(function, event)
        from_queue.reset(mark)

    def execute_in_turn(function: Document, event: Any, *rest: Any) -> Any:
        if not from_queue.get():
            return execute(function, event, *rest)
        time.sleep(random.uniform(0, _APART_SECONDS))
        with places[(function.get("config") or function)["FunctionName"]]:
            return execute(function, event, *rest)

    lambda_svc.invoke_async_with_retry = put_into_queue
    lambda_svc._execute_function_docker = execute_in_turn
