"""Durable functions: AWS's own runner is the service (`durable_service.py` beside this folder).

An Invoke of a version or an alias starts an execution there. The runner invokes the version of the function until the
execution ends, also after its container was killed. What the SDK in the function calls, and who answers a callback,
is asked for by policies against the ARN of the execution, and handed to the runner.
"""

import base64
import json
import os
import re
import urllib.error
import urllib.request
import uuid
from typing import Any
from urllib.parse import quote, unquote, urlencode

from ministack.core import iam_actions
from ministack.core.responses import error_response_json, get_account_id, get_region
from ministack.services import lambda_durable, lambda_svc
from ministack.services.cloudformation import provisioners

type Document = dict[str, Any]
type Response = tuple[int, Document, bytes]

BY_RUNNER = "x-dex-handler-invoke"
"""Header of the runner's own invocations."""

_SECONDS = 30
_EXECUTION = re.compile(r"/2025-12-01/durable-executions/(arn:.+?/durable-execution/[^/]+/[^/]+)(?:/(\w+))?")
_CALLBACK = re.compile(r"/2025-12-01/durable-execution-callbacks/(.+)/(succeed|fail|heartbeat)")
_LIST = re.compile(r"/2025-12-01/functions/(.+)/durable-executions")
_ACTIONS = {
    None: "GetDurableExecution",
    "checkpoint": "CheckpointDurableExecution",
    "state": "GetDurableExecutionState",
    "history": "GetDurableExecutionHistory",
    "stop": "StopDurableExecution",
    "succeed": "SendDurableExecutionCallbackSuccess",
    "fail": "SendDurableExecutionCallbackFailure",
    "heartbeat": "SendDurableExecutionCallbackHeartbeat",
}


def run_durable_functions() -> None:
    """Start executions where durable functions are invoked, and hand calls about executions to the runner."""
    _keep_configurations()
    _start_where_invoked()
    lambda_durable.try_route = _hand_over
    _ask_policies()


def _keep_configurations() -> None:
    """Let CloudFormation make functions durable."""
    handlers = provisioners._RESOURCE_HANDLERS["AWS::Lambda::Function"]
    create = handlers["create"]

    def create_durable(logical_id: str, properties: Document, stack_name: str) -> Any:
        created = create(logical_id, properties, stack_name)
        if durable := properties.get("DurableConfig"):
            lambda_svc._functions[created[0]]["config"]["DurableConfig"] = durable
        return created

    handlers["create"] = create_durable


def _start_where_invoked() -> None:
    invoke = lambda_svc._invoke
    started: dict[tuple[str, str], tuple[Document, str]] = {}

    async def invoke_or_start(
        name: str, event: Any, headers: Document, path_qualifier: Any = None, query_params: Any = None, *rest: Any
    ) -> Any:
        function = lambda_svc._functions.get(name) or {}
        durable = function.get("config", {}).get("DurableConfig")
        if not durable or BY_RUNNER in headers:
            return await invoke(name, event, headers, path_qualifier, query_params, *rest)
        version = _version(function, path_qualifier or lambda_svc._qp_first(query_params or {}, "Qualifier"))
        if not version:
            unqualified = "You cannot invoke a durable function using an unqualified ARN."
            return _refusal("InvalidParameterValueException", unqualified)
        if headers.get("x-amz-invocation-type") != "Event":
            waiting = "This AWS starts durable functions without waiting for them: InvocationType=Event."
            return _refusal("InvalidParameterValueException", waiting)
        execution = headers.get("x-amz-durable-execution-name") or str(uuid.uuid4())
        known, arn = started.get((name, execution), (event, ""))
        if known != event:
            return _refusal("DurableExecutionAlreadyStartedException", f"{execution} was already started", 409)
        if not arn:
            arn = _start(name, version, execution, durable, event)
            started[name, execution] = (event, arn)
        return 202, {"X-Amz-Executed-Version": version, "X-Amz-Durable-Execution-Arn": arn}, b""

    lambda_svc._invoke = invoke_or_start


def _version(function: Document, qualifier: str | None) -> str | None:
    """The version that a qualifier names, which an execution keeps; None where it names none."""
    alias = function["aliases"].get(qualifier)
    version = alias["FunctionVersion"] if alias else qualifier
    return version if version == "$LATEST" or version in function["versions"] else None


def _start(name: str, version: str, execution: str, durable: Document, event: Any) -> str:
    request = {
        "AccountId": get_account_id(),
        "FunctionName": name,
        "FunctionQualifier": version,
        "ExecutionName": execution,
        "ExecutionTimeoutSeconds": int(durable["ExecutionTimeout"]),
        "ExecutionRetentionPeriodDays": int(durable.get("RetentionPeriodInDays") or 14),
        "Input": json.dumps(event),
    }
    status, _, body = _call("POST", "/start-durable-execution", json.dumps(request).encode())
    if status != 201:
        raise RuntimeError(f"the runner starts nothing: {body!r}")
    return str(json.loads(body)["ExecutionArn"])


def _hand_over(method: str, path: str, body: bytes, query_params: Document, **_: Any) -> Response | None:
    """The runner's answer to a call about executions; None for any other call."""
    path = unquote(path)
    if found := _EXECUTION.fullmatch(path):
        arn, rest = found.groups()
        place = f"durable-executions/{quote(arn, safe='')}{f'/{rest}' if rest else ''}"
    elif found := _CALLBACK.fullmatch(path):
        place = f"durable-execution-callbacks/{quote(found[1], safe='')}/{found[2]}"
    elif found := _LIST.fullmatch(path):
        place = f"functions/{lambda_svc._resolve_name(found[1])}/durable-executions"
    else:
        return None
    query = f"?{urlencode(query_params, doseq=True)}" if query_params else ""
    return _call(method, f"/2025-12-01/{place}{query}", body)


def _call(method: str, place: str, body: bytes) -> Response:
    request = urllib.request.Request(f"{os.environ['DURABLE_SERVICE']}{place}", body or None, method=method)
    try:
        with urllib.request.urlopen(request, timeout=_SECONDS) as response:
            return response.status, {"Content-Type": "application/json"}, response.read()
    except urllib.error.HTTPError as error:
        refused = json.loads(error.read())
        return _refusal(refused.get("Type", "ServiceException"), str(refused), error.code)


def _refusal(code: str, message: str, status: int = 400) -> Response:
    refused: Response = error_response_json(code, message, status)
    return refused


def _ask_policies() -> None:
    """Ask policies for calls about executions, with the ARN of the execution."""
    action_of, resource_of = iam_actions._lambda_action, iam_actions.extract_resource_arn

    def action(method: str, path: str) -> Any:
        path = unquote(path)
        if found := _EXECUTION.fullmatch(path) or _CALLBACK.fullmatch(path):
            return _ACTIONS[found[2]]
        return "ListDurableExecutionsByFunction" if _LIST.fullmatch(path) else action_of(method, path)

    def resource(service: str, method: str, path: str, *request: Any) -> Any:
        plain = unquote(path)
        if found := _EXECUTION.fullmatch(plain):
            return found[1]
        if found := _CALLBACK.fullmatch(plain):
            return _execution_of(found[1])
        if (found := _LIST.fullmatch(plain)) and service == "lambda":
            name = lambda_svc._resolve_name(found[1])
            return f"arn:aws:lambda:{get_region()}:{get_account_id()}:function:{name}"
        return resource_of(service, method, path, *request)

    iam_actions._lambda_action = action
    iam_actions.extract_resource_arn = resource


def _execution_of(callback: str) -> str:
    """ARN of the execution that waits for a callback; the runner's ids tell it."""
    try:
        return str(json.loads(base64.b64decode(callback))["arn"])
    except ValueError:
        return "*"
