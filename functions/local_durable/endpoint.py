"""What Lambda's API has and the local runner lacks: `Invoke` by name, functions named by ARN, errors by type."""

import json
import logging
from collections.abc import Collection
from dataclasses import dataclass, replace
from threading import Lock
from typing import Self
from uuid import uuid4

from aws_durable_execution_sdk_python_testing.exceptions import (
    AwsApiException,
    InvalidParameterValueException,
    ResourceNotFoundException,
)
from aws_durable_execution_sdk_python_testing.executor import Executor
from aws_durable_execution_sdk_python_testing.model import StartDurableExecutionInput
from aws_durable_execution_sdk_python_testing.web.handlers import EndpointHandler
from aws_durable_execution_sdk_python_testing.web.models import HTTPRequest, HTTPResponse
from aws_durable_execution_sdk_python_testing.web.routes import (
    DEFAULT_ROUTE_TYPES,
    ListDurableExecutionsByFunctionRoute,
    Route,
    Router,
)
from aws_durable_execution_sdk_python_testing.web.server import RequestHandler, WebServer, WebServiceConfig

REGION = "eu-central-1"
ACCOUNT = "123456789012"

LONGEST_SECONDS = 31_622_400
"""What Lambda allows an execution at most: here no other clock ends one."""

_RETENTION_DAYS = 90


class Endpoint(WebServer):
    """The runner's server with what it lacks, at a free port of 127.0.0.1.

    Parameters
    ----------
    executor
        The runner's executor.
    functions
        Names of the functions.
    """

    def __init__(self, executor: Executor, functions: Collection[str]) -> None:
        super().__init__(WebServiceConfig("127.0.0.1", 0, log_level=logging.WARNING), executor)
        self.RequestHandlerClass = _Request
        self.router = Router([InvokeRoute, ByFunctionRoute, *DEFAULT_ROUTE_TYPES])
        listed = self.endpoint_handlers[ListDurableExecutionsByFunctionRoute]
        self.endpoint_handlers |= {InvokeRoute: InvokeHandler(executor, functions), ByFunctionRoute: listed}


class ByFunctionRoute(ListDurableExecutionsByFunctionRoute):
    """GET /2025-12-01/functions/{function}/durable-executions, of a function that may be named by ARN."""

    @classmethod
    def from_route(cls, route: Route) -> Self:
        """The route of a request that is one."""
        return cls(route.raw_path, route.segments, _bare_name(route.segments[2]))


@dataclass(frozen=True)
class InvokeRoute(Route):
    """POST /2015-03-31/functions/{function}/invocations.

    Parameters
    ----------
    function
        Name of the function, without account and alias.
    """

    function: str

    @classmethod
    def is_match(cls, route: Route, method: str) -> bool:
        """Whether a request is one."""
        return method == "POST" and route.matches_pattern(["2015-03-31", "functions", "*", "invocations"])

    @classmethod
    def from_route(cls, route: Route) -> Self:
        """The route of a request that is one."""
        return cls(route.raw_path, route.segments, _bare_name(route.segments[2]))


class InvokeHandler(EndpointHandler):
    """Starts executions of the functions that there are, one under a name.

    Parameters
    ----------
    executor
        The runner's executor.
    functions
        Names of the functions.
    """

    def __init__(self, executor: Executor, functions: Collection[str]) -> None:
        super().__init__(executor)
        self._functions = functions
        self._lock = Lock()

    def handle(self, parsed_route: Route, request: HTTPRequest) -> HTTPResponse:
        """Start an execution, or name the one that the same name and payload started before."""
        assert isinstance(parsed_route, InvokeRoute)  # noqa: S101 (the runner's table pairs them)
        try:
            arn = self._execution(parsed_route.function, request)
        except AwsApiException as error:
            return self._handle_aws_exception(error)
        return HTTPResponse.create_json(202, {}, {"X-Amz-Durable-Execution-Arn": arn})

    def _execution(self, function: str, request: HTTPRequest) -> str:
        headers = {name.lower(): value for name, value in request.headers.items()}
        if function not in self._functions:
            raise ResourceNotFoundException(f"Function not found: {function}")
        if headers.get("x-amz-invocation-type") != "Event":
            raise InvalidParameterValueException("a durable function is started here by InvocationType=Event alone")
        name = headers.get("x-amz-durable-execution-name") or str(uuid4())
        with self._lock:  # between looking for the name and taking it
            return self._started(function, name, request.body) or self._start(function, name, request.body)

    def _started(self, function: str, name: str, payload: object) -> str | None:
        """The execution of a name, if its payload is the same."""
        found = self.executor.list_executions(function_name=function, execution_name=name).durable_executions
        if not found:
            return None
        arn = found[0].durable_execution_arn
        if json.loads(self.executor.get_execution(arn).start_input.input or "null") != payload:
            raise DurableExecutionAlreadyStartedException(f"{name} was started with another payload")
        return arn

    def _start(self, function: str, name: str, payload: object) -> str:
        started = self.executor.start_execution(
            StartDurableExecutionInput(
                account_id=ACCOUNT,
                function_name=function,
                function_qualifier="live",
                execution_name=name,
                execution_timeout_seconds=LONGEST_SECONDS,
                execution_retention_period_days=_RETENTION_DAYS,
                input=json.dumps(payload),
            )
        )
        assert started.execution_arn is not None  # noqa: S101 (for the types: it always has one)
        return started.execution_arn


class DurableExecutionAlreadyStartedException(AwsApiException):
    """Lambda's error for a name that was started with another payload."""

    http_status_code = 409

    def to_dict(self) -> dict[str, str]:
        """The error as Lambda's API has it."""
        return {"Type": type(self).__name__, "Message": str(self)}


class _Request(RequestHandler):
    """Answers one request, an error with the header by which botocore knows its type."""

    def _send_response(self, response: HTTPResponse) -> None:
        if kind := response.body.get("Type") if response.status_code >= 400 else None:
            response = replace(response, headers=response.headers | {"x-amzn-errortype": kind})
        super()._send_response(response)


def _bare_name(named: str) -> str:
    """Name of a function that is named by it or by ARN, with or without an alias."""
    return named.rpartition(":function:")[2].partition(":")[0]
