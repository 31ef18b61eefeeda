"""HTTP APIs made of their OpenAPI body."""

import json
from collections.abc import Callable, Iterator
from http import HTTPStatus
from typing import Any

from ministack.services import apigateway
from ministack.services.cloudformation import provisioners
from openapi_spec_validator import OpenAPIV30SpecValidator

from tests.e2e.offline.local_aws.metrics import record_share

type Document = dict[str, Any]

_METHODS = {"get", "put", "post", "delete", "options", "head", "patch", "x-amazon-apigateway-any-method"}


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


def count_requests() -> None:
    """Count the requests, and those that are answered with a 5xx status."""
    execute = apigateway.handle_execute

    async def counted(api_id: str, stage: str, *request: Any, **more: Any) -> Any:
        answer = await execute(api_id, stage, *request, **more)
        record_share("5xx", {"ApiId": api_id, "Stage": stage}, counts=answer[0] >= HTTPStatus.INTERNAL_SERVER_ERROR)
        return answer

    apigateway.handle_execute = counted


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
