"""The API of the stack: which route needs what, who may call it, what it logs, and its domain."""

import json

import pytest
from openapi_spec_validator import OpenAPIV30SpecValidator

from tests.support.templates import Stack, stack_of

JWT = {"Auth": "JWT", "JwtIssuer": "https://issuer.test", "JwtAudience": "skylift,others"}
OPEN: dict[str, list[str]] = {"GET /health": []}
PAGE: dict[str, list[str]] = {"GET /": [], "GET /page/{digest}/{name}": []}
BY_SIGNATURE = OPEN | {"GET /history": ["AWS_IAM"], "GET /metrics": ["AWS_IAM"], "ANY /$default": ["AWS_IAM"]}
DOMAIN = {"DomainName": "iris.example.com", "CertificateArn": "arn:aws:acm:eu-central-1:123456789012:certificate/1"}


@pytest.mark.parametrize(
    ("parameters", "routes"),
    [
        ({}, BY_SIGNATURE),
        ({"Stage": "prod"}, BY_SIGNATURE),
        (JWT, OPEN | PAGE | {"GET /history": ["JWT"], "GET /metrics": ["JWT"], "ANY /$default": ["JWT"]}),
        ({"Auth": "NONE"}, {"GET /health": [], "GET /history": [], "GET /metrics": [], "ANY /$default": []}),
        ({"CorsOrigins": "https://a.test"}, BY_SIGNATURE | {"OPTIONS /{proxy+}": []}),
        ({"Labels": "true"}, BY_SIGNATURE | {"POST /labels": ["AWS_IAM"]}),
        (
            JWT | {"Labels": "true"},
            {path: ["JWT"] for path in ("GET /history", "GET /metrics", "POST /labels", "ANY /$default")} | OPEN | PAGE,
        ),
    ],
    ids=["default", "prod", "jwt", "none", "cors", "labels", "jwt and labels"],
)
def test_which_route_has_which_authorizer(parameters: dict[str, str], routes: dict[str, list[str]]) -> None:
    body = stack_of(**parameters).properties("Api")["Body"]
    assert {
        f"{'ANY' if method.startswith('x-') else method.upper()} {path}": [
            name for requirement in operation.get("security", []) for name in requirement
        ]
        for path, operations in body["paths"].items()
        for method, operation in operations.items()
    } == routes


@pytest.mark.parametrize("auth", [{}, JWT, {"Auth": "NONE"}], ids=["iam", "jwt", "none"])
@pytest.mark.parametrize("cors", ["", "https://a.test"], ids=["", "cors"])
def test_api_gateway_has_nothing_to_warn_of(auth: dict[str, str], cors: str) -> None:
    """A warning of its importer, which follows the standard, fails the deployment."""
    api = stack_of(**auth, CorsOrigins=cors).properties("Api")
    assert api["FailOnWarnings"] is True
    assert not [error.message for error in OpenAPIV30SpecValidator(api["Body"]).iter_errors()]


def test_signed_requests_are_aws_own(stack: Stack) -> None:
    (scheme,) = stack.properties("Api")["Body"]["components"]["securitySchemes"].values()
    assert scheme["x-amazon-apigateway-authtype"] == "awsSigv4"


def test_tokens_are_checked_against_issuer_and_audience() -> None:
    schemes = stack_of(**JWT).properties("Api")["Body"]["components"]["securitySchemes"]
    authorizer = schemes["JWT"]["x-amazon-apigateway-authorizer"]
    assert (authorizer["type"], authorizer["identitySource"]) == ("jwt", "$request.header.Authorization")
    assert authorizer["jwtConfiguration"] == {"issuer": "https://issuer.test", "audience": ["skylift", "others"]}


def test_every_route_calls_the_alias_but_those_of_operations(stack: Stack) -> None:
    paths = stack_of(Labels="true", Retraining="true").properties("Api")["Body"]["paths"]
    others = {"/history", "/labels", "/metrics", "/retrain", "/retrain/{id}"}
    assert others <= paths.keys()
    for path, operations in paths.items():
        function = "OperationsFunction.Arn" if path in others else "InferenceFunction.Arn:live"
        for operation in operations.values():
            integration = operation["x-amazon-apigateway-integration"]
            assert integration["payloadFormatVersion"] == "2.0"
            assert integration["uri"].endswith(f"functions/{function}/invocations")
    assert stack.properties("OperationsPermission")["FunctionName"] == "OperationsFunction"
    assert stack.properties("InferenceFunctionAliaslive")["Name"] == "live"
    assert stack.properties("ApiPermission")["FunctionName"] == "InferenceFunctionAliaslive"


def test_no_page_may_call_it_by_default(stack: Stack) -> None:
    assert "x-amazon-apigateway-cors" not in stack.properties("Api")["Body"]


def test_named_origins_may_call_it() -> None:
    stack = stack_of(CorsOrigins="https://a.test,https://b.test")
    cors = stack.properties("Api")["Body"]["x-amazon-apigateway-cors"]
    assert cors["allowOrigins"] == ["https://a.test", "https://b.test"]
    assert {
        "inference-header-content-length",
        "location",
        "retry-after",
        "x-model-version",
        "x-skylift-variant",
    } <= set(cors["exposeHeaders"])
    assert {"idempotency-key", "inference-header-content-length"} <= set(cors["allowHeaders"])


def test_requests_are_throttled_and_logged_as_json() -> None:
    stage = stack_of(ThrottlingRate="7", ThrottlingBurst="9").properties("ApiApiGatewayDefaultStage")
    settings = stage["DefaultRouteSettings"]
    assert (settings["ThrottlingRateLimit"], settings["ThrottlingBurstLimit"]) == ("7", "9")
    assert stage["AccessLogSettings"]["DestinationArn"] == "ApiLogGroup.Arn"
    line = json.loads(stage["AccessLogSettings"]["Format"])
    assert {"request_id", "status", "milliseconds", "caller", "route"} <= line.keys()


def test_a_domain_is_made_only_where_one_is_named(stack: Stack) -> None:
    assert not {"Domain", "DomainMapping", "DomainRecord"} & stack.resources.keys()
    assert stack.outputs["ApiUrl"] == "https://Api.execute-api.eu-central-1.amazonaws.com"
    own = stack_of(**DOMAIN)
    assert "DomainRecord" not in own.resources
    assert own.outputs["ApiUrl"] == "https://iris.example.com"
    assert own.properties("Domain")["DomainNameConfigurations"][0]["SecurityPolicy"] == "TLS_1_2"
    (address,) = own.properties("Api")["Body"]["x-amazon-apigateway-endpoint-configuration"].items()
    assert address == ("disableExecuteApiEndpoint", True)
    assert "x-amazon-apigateway-endpoint-configuration" not in stack.properties("Api")["Body"]
    assert "DomainRecord" in stack_of(**DOMAIN, HostedZoneId="Z1").resources
