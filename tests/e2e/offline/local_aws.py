r"""An AWS on this machine that deploys template.yaml: ministack, with what it lacks added from outside.

Run as ministack is, in an environment of its own (`requirements.txt` beside this file: its pins fight aws-sam-cli's):

    GATEWAY_PORT=4590 BIND_HOST=127.0.0.1 BRIDGE_HOST=172.17.0.1 AUTH=true LAMBDA_EXECUTOR=docker LAMBDA_STRICT=1 \
        python local_aws.py

Everything is done on private names of the pinned version. It stays a stand-in: CodeDeploy's resources deploy and never
act, what a hook tells it is heard and dropped, and neither throttling nor the memory of a function is applied.
Functions that come as an image run as strictly as Lambda runs them: nothing but /tmp can be written, no capability is
left, and there is no /dev/shm.

It listens on the loopback, and for functions in containers at the engine's bridge (BRIDGE_HOST). Never on more: the
keys of its root user are known to everyone, and it starts containers.
"""

import base64
import json
import os
import random
import threading
import time
from collections.abc import Awaitable, Callable, Iterator
from typing import Any

import hypercorn.asyncio
import ministack.app as gateway
from ministack.core import iam_actions
from ministack.core.responses import get_account_id, get_region, json_response
from ministack.services import apigateway, cloudwatch, cloudwatch_logs, ecr, lambda_svc
from ministack.services.cloudformation import provisioners
from openapi_spec_validator import OpenAPIV30SpecValidator

type Document = dict[str, Any]
type App = Callable[[Document, Any, Any], Awaitable[None]]

_PORT = os.environ.get("GATEWAY_PORT", "4566")
_METHODS = {"get", "put", "post", "delete", "options", "head", "patch", "x-amazon-apigateway-any-method"}
_INERT = (
    "CodeDeploy::Application",
    "CodeDeploy::DeploymentGroup",
    "CodeDeploy::DeploymentConfig",
    "ApplicationAutoScaling::ScalableTarget",
    "ApplicationAutoScaling::ScalingPolicy",
    "Budgets::Budget",
)
_AS_LAMBDA: Document = {
    "user": "993:990",
    "cap_drop": ["ALL"],
    "security_opt": ["no-new-privileges"],
    "mem_limit": "512m",
    "memswap_limit": "512m",
    "ipc_mode": "none",
    "read_only": True,
    "tmpfs": {"/tmp": "rw,size=512m,mode=1777"},
}
_COMPARE: dict[str, Callable[[float, float], bool]] = {
    "GreaterThanOrEqualToThreshold": lambda value, limit: value >= limit,
    "GreaterThanThreshold": lambda value, limit: value > limit,
    "LessThanThreshold": lambda value, limit: value < limit,
    "LessThanOrEqualToThreshold": lambda value, limit: value <= limit,
}


def serve_http_api_bodies() -> None:
    """Make routes, integrations and CORS of an HTTP API's OpenAPI body; with FailOnWarnings it has to be valid."""

    def with_body(handler: Callable[..., Any], *, properties_at: int) -> Callable[..., Any]:
        def wrapped(*args: Any, **kwargs: Any) -> Any:
            if args[properties_at].get("FailOnWarnings") in {True, "true"}:
                _refuse_warnings(args[properties_at].get("Body") or {})
            result = handler(*args, **kwargs)
            if body := args[properties_at].get("Body"):
                _import_body(result[0], body)
            return result

        return wrapped

    handlers = provisioners._RESOURCE_HANDLERS["AWS::ApiGatewayV2::Api"]
    handlers["create"] = with_body(handlers["create"], properties_at=1)
    handlers["update"] = with_body(handlers["update"], properties_at=2)


def _refuse_warnings(body: Document) -> None:
    found = [error.message for error in OpenAPIV30SpecValidator(body).iter_errors()]
    if found:
        raise ValueError(f"Warnings found during import: {'; '.join(found)}")


def _import_body(api_id: str, body: Document) -> None:
    apigateway._routes[api_id] = {}
    apigateway._integrations[api_id] = {}
    api = apigateway._apis[api_id]
    if title := (body.get("info") or {}).get("title"):
        api["name"] = title
    if cors := body.get("x-amazon-apigateway-cors"):
        api["corsConfiguration"] = {key[0].lower() + key[1:]: value for key, value in cors.items()}
    integrations: dict[str, str] = {}
    for path, method, operation in _operations(body):
        integration = operation.get("x-amazon-apigateway-integration") or {}
        key = json.dumps(integration, sort_keys=True, default=str)
        if key not in integrations:
            described = {
                "integrationType": str(integration.get("type", "aws_proxy")).upper(),
                "integrationUri": integration.get("uri", ""),
                "integrationMethod": integration.get("httpMethod", "POST"),
                "payloadFormatVersion": integration.get("payloadFormatVersion", "2.0"),
                "timeoutInMillis": int(integration.get("timeoutInMillis", 30000)),
            }
            integrations[key] = json.loads(apigateway._create_integration(api_id, described)[2])["integrationId"]
        verb = "ANY" if method.startswith("x-") else method.upper()
        route = "$default" if path.lstrip("/") == "$default" else f"{verb} {path}"
        authorization = _authorization(body, operation)
        target = f"integrations/{integrations[key]}"
        apigateway._create_route(api_id, {"routeKey": route, "target": target, "authorizationType": authorization})


def _operations(body: Document) -> Iterator[tuple[str, str, Document]]:
    for path, item in (body.get("paths") or {}).items():
        for method, operation in (item or {}).items():
            if method.lower() in _METHODS:
                yield path, method, operation


def _authorization(body: Document, operation: Document) -> str:
    """What the route asks of a caller: a signature where the body says so; tokens are not checked here."""
    schemes = (body.get("components") or {}).get("securitySchemes") or {}
    for requirement in operation.get("security") or []:
        for name in requirement:
            if (schemes.get(name) or {}).get("x-amazon-apigateway-authtype") == "awsSigv4":
                return "AWS_IAM"
    return "NONE"


def accept_inert_types() -> None:
    """Let what ministack refuses deploy without acting: some types, and alarms on an expression of metrics."""

    def inert(attributes: Callable[[str], Document]) -> Document:
        def create(logical_id: str, properties: Document, stack_name: str) -> tuple[str, Document]:
            name = properties.get("AlarmName") or provisioners._physical_name(stack_name, logical_id, max_len=100)
            return name, attributes(name)

        def update(physical: str, *_: Any) -> tuple[str, Document]:
            return physical, attributes(physical)

        return {"create": create, "update": update, "delete": lambda *_: None}

    def alarm(name: str) -> Document:
        return {"Arn": f"arn:aws:cloudwatch:{get_region()}:{get_account_id()}:alarm:{name}"}

    for kind in _INERT:
        provisioners._RESOURCE_HANDLERS.setdefault(f"AWS::{kind}", inert(lambda _: {}))
    provisioners._RESOURCE_HANDLERS.setdefault("AWS::CloudWatch::CompositeAlarm", inert(alarm))
    handlers = provisioners._RESOURCE_HANDLERS["AWS::CloudWatch::Alarm"]

    def unless_of_expression(acting: Callable[..., Any], resting: Callable[..., Any]) -> Callable[..., Any]:
        def chosen(*args: Any) -> Any:
            of_expression = any(isinstance(each, dict) and "Metrics" in each for each in args)
            return (resting if of_expression else acting)(*args)

        return chosen

    for action in ("create", "update"):
        handlers[action] = unless_of_expression(handlers[action], inert(alarm)[action])


def accept_oidc_providers() -> None:
    """Let a provider of tokens deploy; nobody exchanges a token for a role here."""

    def create(_: str, properties: Document, __: str) -> tuple[str, Document]:
        arn = f"arn:aws:iam::{get_account_id()}:oidc-provider/{properties['Url'].removeprefix('https://')}"
        return arn, {"Arn": arn}

    def update(physical: str, *_: Any) -> tuple[str, Document]:
        return physical, {"Arn": physical}

    handlers = {"create": create, "update": update, "delete": lambda *_: None}
    provisioners._RESOURCE_HANDLERS.setdefault("AWS::IAM::OIDCProvider", handlers)


def weigh_aliases() -> None:
    """Honour the weights of an alias, as API Gateway and Invoke do."""

    def drawn_version(function: Document | None, qualifier: str | None) -> str | None:
        alias = (function or {}).get("aliases", {}).get(qualifier) if qualifier else None
        draw = random.random()
        weights = ((alias or {}).get("RoutingConfig") or {}).get("AdditionalVersionWeights") or {}
        for version, weight in weights.items():
            if draw < float(weight):
                return str(version)
            draw -= float(weight)
        return None

    by_qualifier, invoke = lambda_svc._effective_func_record_for_qualifier, lambda_svc._invoke

    def effective(function: Document, qualifier: str) -> Any:
        version = drawn_version(function, qualifier)
        record = function["versions"].get(version) if version else None
        return (record, record["config"]) if record else by_qualifier(function, qualifier)

    async def weighted_invoke(
        name: str,
        event: Any,
        headers: Any,
        path_qualifier: Any = None,
        query_params: Any = None,
        *rest: Any,
        **more: Any,
    ) -> Any:
        qualifier = path_qualifier or lambda_svc._qp_first(query_params or {}, "Qualifier")
        version = drawn_version(lambda_svc._functions.get(name), qualifier)
        return await invoke(name, event, headers, version or path_qualifier, query_params, *rest, **more)

    lambda_svc._effective_func_record_for_qualifier = effective
    lambda_svc._invoke = weighted_invoke


def run_images_as_lambda_does() -> None:
    """Run functions that come as an image as strictly as Lambda; a zip's layers are copied into a running container."""
    package = threading.local()
    spawn = lambda_svc._spawn_lambda_container

    def spawn_strictly(config: Document, *args: Any, **kwargs: Any) -> Any:
        package.type = config.get("PackageType", "Zip")
        return spawn(config, *args, **kwargs)

    def options(_: str) -> Document:
        return dict(_AS_LAMBDA) if package.type == "Image" else {}

    lambda_svc._spawn_lambda_container = spawn_strictly
    lambda_svc._parse_docker_flags = options
    lambda_svc.LAMBDA_DOCKER_FLAGS = "as Lambda"  # where it is empty, none are asked for


def keep_versions() -> None:
    """Keep a function's versions, which SAM says to retain, and give each containers of its own.

    Two versions of one image may differ in their settings.
    """
    provisioners._RESOURCE_HANDLERS["AWS::Lambda::Version"]["delete"] = lambda *_: None
    of_code = lambda_svc._warm_pool_key
    lambda_svc._warm_pool_key = lambda name, config: f"{of_code(name, config)}:{config.get('Version', '$LATEST')}"


def evaluate_alarms() -> None:
    """Evaluate alarms on one metric by dimensions, datapoints to alarm and missing data, on a timer."""

    def on_timer() -> None:
        while True:
            time.sleep(2)
            cloudwatch._evaluate_all_alarms()

    cloudwatch._evaluate_alarm = _evaluate_alarm
    threading.Thread(target=on_timer, daemon=True).start()


def _evaluate_alarm(alarm: Document) -> None:
    namespace, metric = alarm.get("Namespace"), alarm.get("MetricName")
    if not namespace or not metric:
        return
    dimensions = {item["Name"]: item["Value"] for item in alarm.get("Dimensions", [])}
    points = [
        point
        for (space, name, _), series in cloudwatch._metrics.items()
        for point in series
        if (space, name) == (namespace, metric) and (point.get("Dimensions") or {}) == dimensions
    ]
    period, periods = int(alarm.get("Period", 60)), int(alarm.get("EvaluationPeriods", 1))
    missing_is = alarm.get("TreatMissingData", "missing")
    statistic = alarm.get("ExtendedStatistic") or alarm.get("Statistic", "Average")
    over = _COMPARE[alarm["ComparisonOperator"]]
    breaching = missing = 0
    last, now = None, time.time()
    for index in range(periods):
        start, end = now - (index + 1) * period, now - index * period + (index == 0)
        window = [point for point in points if start <= point["Timestamp"] < end]
        value = cloudwatch._stat_value(cloudwatch._calc_stats(window), statistic, window) if window else None
        if value is None:
            missing += 1
            breaching += missing_is == "breaching"
        else:
            last = value
            breaching += over(value, alarm.get("Threshold", 0))
    old = alarm["StateValue"]
    if breaching >= int(alarm.get("DatapointsToAlarm") or periods):
        new = "ALARM"
    elif missing == periods and missing_is in {"missing", "ignore"}:
        new = "INSUFFICIENT_DATA" if missing_is == "missing" else old
    else:
        new = "OK"
    if new != old:
        reason = f"Threshold Crossed: {last} vs {alarm.get('Threshold')}"
        alarm.update(StateValue=new, StateReason=reason, StateUpdatedTimestamp=int(now))
        cloudwatch._record_history(alarm["AlarmName"], old, new, reason)
        cloudwatch._dispatch_alarm_actions(alarm, old, new, reason)
        cloudwatch._evaluate_parent_alarms(alarm)


def read_embedded_metrics() -> None:
    """Make metrics of the embedded-metric-format lines in what functions write and in PutLogEvents."""
    emit, put = lambda_svc._emit_lambda_logs, cloudwatch_logs._put_log_events

    def emit_and_record(function: Any, request_id: str, text: str, *args: Any, **kwargs: Any) -> Any:
        _record_metrics(text)
        return emit(function, request_id, text, *args, **kwargs)

    def put_and_record(data: Document) -> Any:
        for event in data.get("logEvents", []):
            _record_metrics(event.get("message"))
        return put(data)

    lambda_svc._emit_lambda_logs = emit_and_record
    cloudwatch_logs._put_log_events = put_and_record


def _record_metrics(text: str | None) -> None:
    for line in (text or "").splitlines():
        if '"_aws"' not in line:
            continue
        try:
            document = json.loads(line[line.find("{") :])
        except ValueError:
            continue
        for block in document.get("_aws", {}).get("CloudWatchMetrics", []):
            for names in block.get("Dimensions") or [[]]:
                dimensions = {name: str(document.get(name)) for name in names}
                for metric in block.get("Metrics", []):
                    value, unit = document.get(metric["Name"]), metric.get("Unit", "None")
                    for item in value if isinstance(value, list) else [value]:
                        if isinstance(item, int | float):
                            cloudwatch.record_metric(block["Namespace"], metric["Name"], item, unit, dimensions)


def log_in_to_own_registry() -> None:
    """Have `sam deploy` log in at ministack's own registry."""

    def token(_: Document) -> Any:
        login = {
            "authorizationToken": base64.b64encode(b"AWS:x").decode(),
            "expiresAt": int(time.time()) + 43200,
            "proxyEndpoint": f"http://localhost:{_PORT}",
        }
        return json_response({"authorizationData": [login]})

    ecr._get_authorization_token = token


def listen_for_containers() -> None:
    """Listen at the engine's bridge too."""
    serve = hypercorn.asyncio.serve

    async def serve_both(app: App, config: Any) -> None:
        config.bind = [*config.bind, f"{os.environ['BRIDGE_HOST']}:{_PORT}"]
        await serve(app, config)

    hypercorn.asyncio.serve = serve_both


def stand_behind_tls() -> None:
    """Take requests for encrypted, as behind a proxy that ends TLS, but those that say `x-forwarded-proto: http`."""
    served: App = gateway.app

    async def encrypted(scope: Document, receive: Any, send: Any) -> None:
        await served(scope | {"scheme": "https"} if scope["type"] == "http" else scope, receive, send)

    gateway.app = encrypted


def tell_policies_how_objects_are_written() -> None:
    """Give the policies of buckets the condition keys of conditional writes."""
    known = iam_actions.s3_service_context

    def with_writes(action: str, query: Document | None, path: str = "", headers: Document | None = None) -> Document:
        keys: Document = known(action, query, path, headers)
        if action == "s3:PutObject":
            creates = not {"partNumber", "uploads"} & (query or {}).keys()
            keys = keys | {"s3:ObjectCreationOperation": str(creates).lower()}
            if condition := (headers or {}).get("if-none-match"):
                keys = keys | {"s3:if-none-match": condition}
        return keys

    iam_actions.s3_service_context = with_writes


def hear_codedeploy_hooks() -> None:
    """Answer a hook that tells CodeDeploy how it went; nobody acts on it, and no policy is asked."""
    served: App = gateway.app

    async def answering(scope: Document, receive: Any, send: Any) -> None:
        target = dict(scope.get("headers") or ()).get(b"x-amz-target", b"")
        if target != b"CodeDeploy_20141006.PutLifecycleEventHookExecutionStatus":
            await served(scope, receive, send)
            return
        headers = [(b"content-type", b"application/x-amz-json-1.1")]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": b"{}"})

    gateway.app = answering


if __name__ == "__main__":
    serve_http_api_bodies()
    accept_inert_types()
    accept_oidc_providers()
    weigh_aliases()
    run_images_as_lambda_does()
    keep_versions()
    evaluate_alarms()
    read_embedded_metrics()
    log_in_to_own_registry()
    listen_for_containers()
    stand_behind_tls()
    hear_codedeploy_hooks()
    tell_policies_how_objects_are_written()
    gateway._HEALTH_PATHS = ("/_ministack/health",)  # leave /health to the deployed API
    gateway.main()
