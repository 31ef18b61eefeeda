"""template.yaml, as CloudFormation gets it: who may call, who may change what, what is kept, which alarms fire."""

import asyncio
import contextlib
import io
import json
import re
import tomllib
from collections.abc import Iterator
from typing import Any, get_args

import pytest

from inference.access_log import AccessLog
from inference.record import record_of
from inference.settings import InferenceSettings
from pre_traffic.settings import PreTrafficSettings
from skylift.observability import NAMESPACE, MetricName, MetricPoint
from tests.support.fakes import HostHarness
from tests.support.models import iris_package
from tests.support.paths import ROOT
from tests.support.templates import Stack, source
from training.cli.connection import STACK_OUTPUTS

JWT = {"Auth": "JWT", "JwtIssuer": "https://issuer.test", "JwtAudience": "skylift,others"}
DOMAIN = {"DomainName": "iris.example.com", "CertificateArn": "arn:aws:acm:eu-central-1:123456789012:certificate/1"}

POINTER = "arn:aws:ssm:eu-central-1:123456789012:parameter/skylift/dev/iris/active"
VERSIONS = "ModelBucket.Arn/models/iris/*"

ANYTHING_GOES = {
    # X-Ray knows no resources.
    ("InferenceRole", "WriteTraces"),
    ("ActivePointerRole", "WriteTraces"),
    ("PreTrafficRole", "WriteTraces"),
}

type Sets = set[frozenset[str]]


@pytest.fixture(scope="module")
def stack() -> Stack:
    return Stack()


def test_every_parameter_is_described_and_has_a_default() -> None:
    for name, parameter in source()["Parameters"].items():
        assert len(parameter["Description"]) > 20, name
        assert "Default" in parameter, name
        assert set(parameter) & {"AllowedValues", "AllowedPattern", "MinValue"} or name == "JwtAudience", name


def test_every_parameter_is_used_and_in_a_group() -> None:
    text = (ROOT / "template.yaml").read_text(encoding="utf-8")
    groups = source()["Metadata"]["AWS::CloudFormation::Interface"]["ParameterGroups"]
    assert sorted(source()["Parameters"]) == sorted(name for group in groups for name in group["Parameters"])
    for name in source()["Parameters"]:
        assert f"!Ref {name}" in text or f"${{{name}}}" in text, name


class TestRules:
    @pytest.mark.parametrize(
        ("parameters", "broken"),
        [
            ({}, set()),
            ({"Stage": "prod"}, set()),
            ({"Auth": "NONE"}, set()),
            ({"Auth": "NONE", "Stage": "prod"}, {"OpenOnlyInDev"}),
            ({"Auth": "NONE", "Stage": "staging"}, {"OpenOnlyInDev"}),
            (JWT | {"Stage": "prod"}, set()),
            (JWT | {"JwtIssuer": ""}, {"JwtIsComplete"}),
            (JWT | {"JwtAudience": ""}, {"JwtIsComplete"}),
            (DOMAIN, set()),
            (DOMAIN | {"CertificateArn": ""}, {"DomainIsComplete"}),
        ],
    )
    def test_what_must_not_be_deployed_is_refused(self, parameters: dict[str, str], broken: set[str]) -> None:
        assert Stack(**parameters).broken_rules() == broken


class TestApi:
    @pytest.mark.parametrize(
        ("parameters", "routes"),
        [
            ({}, {"GET /health": [], "ANY /$default": ["AWS_IAM"]}),
            ({"Stage": "prod"}, {"GET /health": [], "ANY /$default": ["AWS_IAM"]}),
            (JWT, {"GET /health": [], "ANY /$default": ["JWT"]}),
            ({"Auth": "NONE"}, {"GET /health": [], "ANY /$default": []}),
            (
                {"CorsOrigins": "https://a.test"},
                {"GET /health": [], "ANY /$default": ["AWS_IAM"], "OPTIONS /{proxy+}": []},
            ),
        ],
        ids=["default", "prod", "jwt", "none", "cors"],
    )
    def test_which_route_has_which_authorizer(self, parameters: dict[str, str], routes: dict[str, list[str]]) -> None:
        body = Stack(**parameters).properties("Api")["Body"]
        assert {
            f"{'ANY' if method.startswith('x-') else method.upper()} {path}": [
                name for requirement in operation.get("security", []) for name in requirement
            ]
            for path, operations in body["paths"].items()
            for method, operation in operations.items()
        } == routes

    def test_signed_requests_are_aws_own(self, stack: Stack) -> None:
        (scheme,) = stack.properties("Api")["Body"]["components"]["securitySchemes"].values()
        assert scheme["x-amazon-apigateway-authtype"] == "awsSigv4"

    def test_tokens_are_checked_against_issuer_and_audience(self) -> None:
        schemes = Stack(**JWT).properties("Api")["Body"]["components"]["securitySchemes"]
        authorizer = schemes["JWT"]["x-amazon-apigateway-authorizer"]
        assert (authorizer["type"], authorizer["identitySource"]) == ("jwt", "$request.header.Authorization")
        assert authorizer["jwtConfiguration"] == {"issuer": "https://issuer.test", "audience": ["skylift", "others"]}

    def test_every_route_calls_the_alias(self, stack: Stack) -> None:
        paths = stack.properties("Api")["Body"]["paths"]
        for operations in paths.values():
            for operation in operations.values():
                integration = operation["x-amazon-apigateway-integration"]
                assert integration["payloadFormatVersion"] == "2.0"
                assert integration["uri"].endswith("functions/InferenceFunction.Arn:live/invocations")
        assert stack.properties("InferenceFunctionAliaslive")["Name"] == "live"
        assert stack.properties("ApiPermission")["FunctionName"] == "InferenceFunctionAliaslive"

    def test_no_page_may_call_it_by_default(self, stack: Stack) -> None:
        assert "x-amazon-apigateway-cors" not in stack.properties("Api")["Body"]

    def test_named_origins_may_call_it(self) -> None:
        stack = Stack(CorsOrigins="https://a.test,https://b.test")
        cors = stack.properties("Api")["Body"]["x-amazon-apigateway-cors"]
        assert cors["allowOrigins"] == ["https://a.test", "https://b.test"]
        assert "x-model-version" in cors["exposeHeaders"]

    def test_requests_are_throttled_and_logged_as_json(self) -> None:
        stage = Stack(ThrottlingRate="7", ThrottlingBurst="9").properties("ApiApiGatewayDefaultStage")
        settings = stage["DefaultRouteSettings"]
        assert (settings["ThrottlingRateLimit"], settings["ThrottlingBurstLimit"]) == ("7", "9")
        assert stage["AccessLogSettings"]["DestinationArn"] == "ApiLogGroup.Arn"
        line = json.loads(stage["AccessLogSettings"]["Format"])
        assert {"request_id", "status", "milliseconds", "caller", "route"} <= line.keys()

    def test_a_domain_is_made_only_where_one_is_named(self, stack: Stack) -> None:
        assert not {"Domain", "DomainMapping", "DomainRecord"} & stack.resources.keys()
        assert stack.outputs["ApiUrl"] == "https://Api.execute-api.eu-central-1.amazonaws.com"
        own = Stack(**DOMAIN)
        assert "DomainRecord" not in own.resources
        assert own.outputs["ApiUrl"] == "https://iris.example.com"
        assert own.properties("Domain")["DomainNameConfigurations"][0]["SecurityPolicy"] == "TLS_1_2"
        assert "DomainRecord" in Stack(**DOMAIN, HostedZoneId="Z1").resources


class TestFunctions:
    def test_the_service_is_an_image_for_arm_behind_an_alias(self, stack: Stack) -> None:
        function = stack.properties("InferenceFunction")
        assert (function["PackageType"], function["Architectures"]) == ("Image", ["arm64"])
        assert function["ImageConfig"] == {"Command": ["inference.handler.handler"]}
        assert function["TracingConfig"] == {"Mode": "Active"}
        metadata = source()["Resources"]["InferenceFunction"]["Metadata"]
        assert (metadata["Dockerfile"], metadata["DockerContext"]) == ("functions/inference/Dockerfile", ".")

    @pytest.mark.parametrize(("parameter", "applied"), [("true", "PublishedVersions"), ("false", "None")])
    def test_snapshots_are_a_parameter(self, parameter: str, applied: str) -> None:
        function = Stack(SnapStart=parameter).properties("InferenceFunction")
        assert function["SnapStart"] == {"ApplyOn": applied}

    def test_concurrency_is_reserved_where_a_number_is_named(self, stack: Stack) -> None:
        assert "ReservedConcurrentExecutions" not in stack.properties("InferenceFunction")
        stopped = Stack(ReservedConcurrency="0").properties("InferenceFunction")
        assert stopped["ReservedConcurrentExecutions"] == "0"

    def test_memory_and_architecture_are_parameters(self) -> None:
        stack = Stack(MemorySize="512", Architecture="x86_64")
        assert stack.properties("InferenceFunction")["MemorySize"] == "512"
        for function in stack.of_type("AWS::Lambda::Function").values():
            assert function["Architectures"] == ["x86_64"]
        (layer,) = stack.of_type("AWS::Lambda::LayerVersion").values()
        assert layer["CompatibleArchitectures"] == ["x86_64"]

    @pytest.mark.parametrize(
        ("function", "settings"),
        [("InferenceFunction", InferenceSettings), ("PreTrafficFunction", PreTrafficSettings)],
    )
    def test_the_environment_holds_what_the_code_reads(
        self, stack: Stack, function: str, settings: type[InferenceSettings | PreTrafficSettings]
    ) -> None:
        variables = stack.properties(function)["Environment"]["Variables"]
        assert set(variables) == {f"SKYLIFT_{name.upper()}" for name in settings.model_fields}
        settings(**{name.removeprefix("SKYLIFT_").lower(): value for name, value in variables.items()})

    def test_a_changed_parameter_makes_another_version(self, stack: Stack) -> None:
        (name,) = stack.of_type("AWS::Lambda::Version")
        description = stack.properties(name)["Description"]
        function = json.dumps(stack.raw["InferenceFunction"]["Properties"])
        alternatives = {"Architecture": "x86_64", "SnapStart": "false", "LogLevel": "DEBUG"}
        for parameter, value in stack.parameters.items():
            conditions = [
                name for name, test in source()["Conditions"].items() if f'"Ref": "{parameter}"' in json.dumps(test)
            ]
            read = f'"Ref": "{parameter}"' in function or any(f'"{name}"' in function for name in conditions)
            # Neither is part of a version: Lambda refuses to publish one that differs in nothing.
            if read and parameter != "ReservedConcurrency":
                other = Stack(**{parameter: alternatives.get(parameter, f"{value}1")}).properties(name)["Description"]
                assert other != description, parameter
        longest = Stack(Stage="s" * 63, ModelName="m" * 63).properties(name)["Description"]
        assert len(longest) <= 256

    def test_a_version_that_is_replaced_stays_as_the_way_back(self, stack: Stack) -> None:
        (name,) = stack.of_type("AWS::Lambda::Version")
        version = stack.resources[name]
        assert (version["DeletionPolicy"], version["UpdateReplacePolicy"]) == ("Retain", "Retain")

    def test_every_function_logs_to_a_group_that_forgets(self) -> None:
        stack = Stack(LogRetentionDays="7")
        groups = stack.of_type("AWS::Logs::LogGroup")
        assert all(group["RetentionInDays"] == "7" for group in groups.values())
        for function in stack.of_type("AWS::Lambda::Function").values():
            assert function["LoggingConfig"]["LogFormat"] == "JSON"
            assert function["LoggingConfig"]["LogGroup"] in groups

    @pytest.mark.parametrize("level", ["DEBUG", "INFO", "WARNING", "ERROR"])
    def test_lambda_never_drops_the_lines_of_metrics(self, level: str) -> None:
        function = Stack(LogLevel=level).properties("InferenceFunction")
        assert function["LoggingConfig"]["ApplicationLogLevel"] in {"DEBUG", "INFO"}


class TestDeployment:
    @pytest.mark.parametrize("preference", ["AllAtOnce", "Canary10Percent5Minutes"])
    def test_traffic_moves_as_the_parameter_says(self, preference: str) -> None:
        group = Stack(DeploymentPreference=preference).properties("InferenceFunctionDeploymentGroup")
        assert group["DeploymentConfigName"] == f"CodeDeployDefault.Lambda{preference}"

    def test_the_hook_asks_the_new_version(self, stack: Stack) -> None:
        (version,) = stack.of_type("AWS::Lambda::Version")
        policy = stack.resources["InferenceFunctionAliaslive"]["UpdatePolicy"]["CodeDeployLambdaAliasUpdate"]
        assert policy["BeforeAllowTrafficHook"] == "PreTrafficFunction"
        variables = stack.properties("PreTrafficFunction")["Environment"]["Variables"]
        assert variables["SKYLIFT_NEW_VERSION"] == version

    def test_every_alarm_rolls_back(self, stack: Stack) -> None:
        group = stack.properties("InferenceFunctionDeploymentGroup")
        assert {alarm["Name"] for alarm in group["AlarmConfiguration"]["Alarms"]} == set(
            stack.of_type("AWS::CloudWatch::Alarm")
        )
        assert "DEPLOYMENT_STOP_ON_ALARM" in group["AutoRollbackConfiguration"]["Events"]

    def test_codedeploy_may_see_the_alarms(self, stack: Stack) -> None:
        # Refusals name all alarms, whichever were asked for; without this right each deployment stops.
        assert _grants(stack, "DeploymentRole")["cloudwatch:DescribeAlarms"] == {
            "arn:aws:cloudwatch:eu-central-1:123456789012:alarm:*"
        }

    @pytest.mark.parametrize("name", ["PreTrafficFunction", "ActivePointerFunction"])
    def test_zip_functions_use_the_layer(self, stack: Stack, name: str) -> None:
        (layer,) = stack.of_type("AWS::Lambda::LayerVersion")
        assert stack.properties(name)["Layers"] == [layer]
        assert stack.properties(name)["Runtime"] == "python3.13"

    def test_the_hook_has_no_model_libraries(self) -> None:
        names = {
            line.partition("==")[0]
            for line in (ROOT / "layers" / "requirements.txt").read_text(encoding="utf-8").splitlines()
            if "==" in line
        }
        assert {"pydantic", "boto3", "aws-lambda-powertools"} <= names
        assert not names & {"numpy", "scikit-learn", "onnxruntime", "fastapi"}


class TestModels:
    def test_the_bucket_is_versioned_encrypted_and_private(self, stack: Stack) -> None:
        bucket = stack.properties("ModelBucket")
        assert bucket["VersioningConfiguration"] == {"Status": "Enabled"}
        assert bucket["BucketEncryption"]["ServerSideEncryptionConfiguration"]
        assert set(bucket["PublicAccessBlockConfiguration"].values()) == {True}
        assert len(bucket["PublicAccessBlockConfiguration"]) == 4

    def test_the_bucket_outlives_the_stack(self, stack: Stack) -> None:
        for name in ("ModelBucket", "ModelBucketPolicy"):
            resource = stack.resources[name]
            assert (resource["DeletionPolicy"], resource["UpdateReplacePolicy"]) == ("Retain", "Retain")

    def test_the_bucket_forgets_only_what_is_not_a_version(self, stack: Stack) -> None:
        rules = stack.properties("ModelBucket")["LifecycleConfiguration"]["Rules"]
        acts = {key for rule in rules for key in rule} - {"Id", "Status"}
        assert acts == {"NoncurrentVersionExpiration", "AbortIncompleteMultipartUpload"}

    def test_the_bucket_refuses_plain_http(self, stack: Stack) -> None:
        (statement,) = stack.properties("ModelBucketPolicy")["PolicyDocument"]["Statement"]
        assert (statement["Effect"], statement["Principal"]) == ("Deny", "*")
        assert statement["Condition"] == {"Bool": {"aws:SecureTransport": "false"}}
        assert statement["Resource"] == ["ModelBucket.Arn", "ModelBucket.Arn/*"]

    def test_cloudformation_never_writes_the_pointer(self, stack: Stack) -> None:
        assert not stack.of_type("AWS::SSM::Parameter")
        pointer = stack.properties("ActivePointer")
        assert (pointer["Stage"], pointer["Model"]) == ("dev", "iris")
        (name,) = stack.of_type("AWS::Lambda::Version")
        assert stack.resources["InferenceFunction"]["DependsOn"] == "ActivePointer"
        assert name not in json.dumps(stack.raw["ActivePointer"])

    def test_the_role_that_makes_the_pointer_may_not_move_it(self, stack: Stack) -> None:
        (denied,) = (one for one in _statements(stack, "ActivePointerRole") if one["Effect"] == "Deny")
        assert (denied["Action"], denied["Resource"]) == ("ssm:PutParameter", POINTER)
        assert denied["Condition"] == {"StringEquals": {"ssm:Overwrite": "true"}}


def _roles(stack: Stack) -> list[str]:
    return list(stack.of_type("AWS::IAM::Role"))


def _statements(stack: Stack, role: str) -> list[dict[str, Any]]:
    properties = stack.properties(role)
    assert "ManagedPolicyArns" not in properties
    return [one for policy in properties["Policies"] for one in policy["PolicyDocument"]["Statement"]]


def _grants(stack: Stack, role: str) -> dict[str, set[str]]:
    """What a role may do, to what."""
    grants: dict[str, set[str]] = {}
    for statement in _statements(stack, role):
        if statement["Effect"] == "Allow":
            actions, resources = statement["Action"], statement["Resource"]
            for action in [actions] if isinstance(actions, str) else actions:
                grants.setdefault(action, set()).update([resources] if isinstance(resources, str) else resources)
    return grants


class TestAccess:
    def test_every_role_is_written_here(self, stack: Stack) -> None:
        assert set(_roles(stack)) == {
            "ActivePointerRole",
            "DeploymentRole",
            "InferenceRole",
            "PreTrafficRole",
            "PromoteRole",
            "PublishRole",
        }

    def test_nothing_is_granted_on_everything_but_what_has_no_name(self, stack: Stack) -> None:
        found = {
            (role, statement["Sid"])
            for role in _roles(stack)
            for statement in _statements(stack, role)
            if statement["Effect"] == "Allow" and "*" in statement["Resource"]
            if statement["Resource"] == "*" or isinstance(statement["Resource"], list)
        }
        assert found == ANYTHING_GOES

    def test_no_action_is_a_wildcard(self, stack: Stack) -> None:
        for role in _roles(stack):
            assert not [action for action in _grants(stack, role) if "*" in action]

    def test_the_service_reads_its_versions_and_its_pointer_and_nothing_else(self, stack: Stack) -> None:
        assert _grants(stack, "InferenceRole") == {
            "s3:GetObject": {VERSIONS},
            "s3:ListBucket": {"ModelBucket.Arn"},
            "ssm:GetParameter": {POINTER},
            "logs:CreateLogStream": {"InferenceLogGroup.Arn"},
            "logs:PutLogEvents": {"InferenceLogGroup.Arn"},
            "xray:PutTraceSegments": {"*"},
            "xray:PutTelemetryRecords": {"*"},
        }

    def test_only_the_publishing_role_writes_versions(self, stack: Stack) -> None:
        writers = {role for role in _roles(stack) if {"s3:PutObject", "s3:DeleteObject"} & _grants(stack, role).keys()}
        assert writers == {"PublishRole"}
        assert _grants(stack, "PublishRole")["s3:PutObject"] == {VERSIONS}

    def test_only_the_promoting_role_moves_the_pointer(self, stack: Stack) -> None:
        movers = {role for role in _roles(stack) if "ssm:PutParameter" in _grants(stack, role)}
        assert movers == {"PromoteRole", "ActivePointerRole"}
        assert _grants(stack, "PromoteRole")["ssm:PutParameter"] == {POINTER}

    @pytest.mark.parametrize("role", ["PublishRole", "PromoteRole"])
    def test_people_read_what_the_command_line_reads(self, stack: Stack, role: str) -> None:
        grants = _grants(stack, role)
        assert grants["s3:GetObject"] == {VERSIONS}
        assert grants["ssm:GetParameter"] == grants["ssm:GetParameterHistory"] == {POINTER}
        assert grants["cloudformation:DescribeStacks"] == {
            "arn:aws:cloudformation:eu-central-1:123456789012:stack/skylift/*"
        }

    def test_whoever_reads_versions_is_told_of_a_missing_one_that_it_is_missing(self, stack: Stack) -> None:
        """S3 answers 403 to a reader who may not list, and a read has no prefix that a condition could match."""
        readers = {role for role in _roles(stack) if "s3:GetObject" in _grants(stack, role)}
        assert readers == {"InferenceRole", "PublishRole", "PromoteRole", "PreTrafficRole"}
        for role in readers:
            (listing,) = (one for one in _statements(stack, role) if one["Action"] == "s3:ListBucket")
            assert listing["Condition"] == {"StringLikeIfExists": {"s3:prefix": "models/iris/*"}}

    @pytest.mark.parametrize(
        ("role", "parameter"), [("PublishRole", "PublishPrincipalArn"), ("PromoteRole", "PromotePrincipalArn")]
    )
    def test_who_may_become_them_is_a_parameter(self, stack: Stack, role: str, parameter: str) -> None:
        def principal(stack: Stack) -> str:
            (statement,) = stack.properties(role)["AssumeRolePolicyDocument"]["Statement"]
            return str(statement["Principal"]["AWS"])

        assert principal(stack) == "arn:aws:iam::123456789012:root"
        named = "arn:aws:iam::123456789012:role/data-science"
        assert principal(Stack(**{parameter: named})) == named

    def test_the_hook_reads_manifests_only(self, stack: Stack) -> None:
        grants = _grants(stack, "PreTrafficRole")
        assert grants["s3:GetObject"] == {"ModelBucket.Arn/models/iris/*/manifest.json"}
        assert grants["lambda:InvokeFunction"] == {"InferenceFunction.Arn:*"}

    def test_every_role_takes_a_boundary(self) -> None:
        boundary = "arn:aws:iam::123456789012:policy/skylift"
        bounded = Stack(PermissionsBoundaryArn=boundary)
        assert {role["PermissionsBoundary"] for role in bounded.of_type("AWS::IAM::Role").values()} == {boundary}
        assert not [role for role in Stack().of_type("AWS::IAM::Role").values() if "PermissionsBoundary" in role]


async def _answering(scope: Any, _receive: Any, send: Any) -> None:
    record = record_of(scope)
    record.reason, record.unknown_categories = scope["test.reason"], 1
    await send({"type": "http.response.start", "status": scope["test.status"], "headers": []})
    await send({"type": "http.response.body", "body": b""})


async def _receive() -> dict[str, Any]:
    return {"type": "http.request", "body": b"", "more_body": False}


async def _send(_: Any) -> None:
    """Forget the answer."""


@pytest.fixture(scope="module")
def emitted() -> dict[str, Sets]:
    """Sets of dimensions by metric, as requests that succeed and fail, loads and refreshes really write them."""
    harness = HostHarness()
    harness.activate(iris_package())
    harness.host.wait_until_loaded()
    log = AccessLog(_answering, harness.host, stage="dev", model="iris")
    out = io.StringIO()
    with contextlib.redirect_stdout(out):
        harness.host._events.extend([MetricPoint("ModelLoadFailures"), MetricPoint("RefreshFailures")])
        for status, reason in ((200, None), (422, "invalid-instance")):
            scope: Any = {"type": "http", "method": "POST", "path": "/predict", "headers": []}
            asyncio.run(log(scope | {"test.status": status, "test.reason": reason}, _receive, _send))
    found: dict[str, Sets] = {}
    for line in out.getvalue().splitlines():
        document = json.loads(line)
        for directive in document.get("_aws", {}).get("CloudWatchMetrics", []):
            assert directive["Namespace"] == NAMESPACE
            for metric in directive["Metrics"]:
                found.setdefault(metric["Name"], set()).update(frozenset(names) for names in directive["Dimensions"])
    return found


class TestAlarms:
    def test_the_alarms_are_these(self, stack: Stack) -> None:
        assert set(stack.of_type("AWS::CloudWatch::Alarm")) == {
            "LatencyAlarm",
            "ModelLoadFailuresAlarm",
            "NewVersionErrorsAlarm",
            "RefreshFailuresAlarm",
            "ServerErrorsAlarm",
            "ThrottlesAlarm",
        }

    def test_every_metric_of_ours_is_written_with_these_dimensions(
        self, stack: Stack, emitted: dict[str, Sets]
    ) -> None:
        assert set(emitted) == set(get_args(MetricName.__value__))
        ours = [
            alarm for alarm in stack.of_type("AWS::CloudWatch::Alarm").values() if alarm.get("Namespace") == NAMESPACE
        ]
        assert {alarm["MetricName"] for alarm in ours} == {"ModelLoadFailures", "RefreshFailures"}
        for alarm in ours:
            assert {item["Name"] for item in alarm["Dimensions"]} in emitted[alarm["MetricName"]]
            assert {item["Value"] for item in alarm["Dimensions"]} == {"dev", "iris"}

    def test_every_alarm_reaches_the_topic_and_takes_silence_for_health(self, stack: Stack) -> None:
        for alarm in stack.of_type("AWS::CloudWatch::Alarm").values():
            assert alarm["AlarmActions"] == alarm["OKActions"] == ["AlarmTopic"]
            assert alarm["TreatMissingData"] == "notBreaching"
            assert alarm["AlarmName"].startswith("skylift-")

    def test_an_alarm_fires_within_a_canary_of_five_minutes(self, stack: Stack) -> None:
        for alarm in stack.of_type("AWS::CloudWatch::Alarm").values():
            period = alarm.get("Period") or alarm["Metrics"][0]["MetricStat"]["Period"]
            assert period * alarm["EvaluationPeriods"] <= 180

    def test_the_error_rate_is_a_share_of_the_requests(self, stack: Stack) -> None:
        alarm = stack.properties("ServerErrorsAlarm")
        errors, requests, rate = alarm["Metrics"]
        assert errors["MetricStat"]["Metric"]["MetricName"] == "5xx"
        assert requests["MetricStat"]["Metric"]["MetricName"] == "Count"
        assert (rate["Expression"], rate["ReturnData"]) == ("IF(requests > 0, 100 * errors / requests, 0)", True)
        assert alarm["Threshold"] == "1"

    def test_a_mail_is_sent_where_an_address_is_named(self, stack: Stack) -> None:
        assert "AlarmSubscription" not in stack.resources
        subscription = Stack(AlarmEmail="ops@example.com").properties("AlarmSubscription")
        assert (subscription["Protocol"], subscription["Endpoint"]) == ("email", "ops@example.com")


class TestDashboards:
    @pytest.fixture(params=["OverviewDashboard", "DetailsDashboard"])
    def widgets(self, request: pytest.FixtureRequest, stack: Stack) -> list[dict[str, Any]]:
        document = json.loads(stack.properties(request.param)["DashboardBody"])
        widgets: list[dict[str, Any]] = document["widgets"]
        return widgets

    @staticmethod
    def _ours(widgets: list[dict[str, Any]]) -> Iterator[tuple[str, tuple[str, ...]]]:
        for widget in widgets:
            for metric in widget["properties"].get("metrics", []):
                if metric[0] == NAMESPACE:
                    yield metric[1], tuple(metric[2:6:2])
                elif isinstance(metric[0], dict) and NAMESPACE in metric[0]["expression"]:
                    (names,) = re.findall(r"\{Skylift,([a-z,]+)\}", metric[0]["expression"])
                    (name,) = re.findall(r'MetricName="(\w+)"', metric[0]["expression"])
                    yield name, tuple(names.split(","))

    def test_every_metric_of_ours_is_written_with_these_dimensions(
        self, widgets: list[dict[str, Any]], emitted: dict[str, Sets]
    ) -> None:
        ours = list(self._ours(widgets))
        assert ours
        for name, dimensions in ours:
            assert set(dimensions) in emitted[name], name

    def test_widgets_do_not_overlap(self, widgets: list[dict[str, Any]]) -> None:
        taken: set[tuple[int, int]] = set()
        for widget in widgets:
            x, y = widget["x"], widget["y"]
            cells = {(x + i, y + j) for i in range(widget["width"]) for j in range(widget["height"])}
            assert max(column for column, _ in cells) < 24
            assert not cells & taken
            taken |= cells

    def test_both_together_show_every_metric_of_ours(self, stack: Stack) -> None:
        bodies = [json.loads(one["DashboardBody"]) for one in stack.of_type("AWS::CloudWatch::Dashboard").values()]
        shown = {name for body in bodies for name, _ in self._ours(body["widgets"])}
        assert shown == set(get_args(MetricName.__value__))

    def test_the_overview_shows_every_alarm(self, stack: Stack) -> None:
        (widget,) = [
            widget
            for widget in json.loads(stack.properties("OverviewDashboard")["DashboardBody"])["widgets"]
            if widget["type"] == "alarm"
        ]
        shown = {arn.removesuffix(".Arn") for arn in widget["properties"]["alarms"]}
        assert shown == set(stack.of_type("AWS::CloudWatch::Alarm"))

    @pytest.mark.parametrize(("architecture", "price"), [("arm64", "0.0000133334"), ("x86_64", "0.0000166667")])
    def test_the_cost_goes_by_memory_and_architecture(self, architecture: str, price: str) -> None:
        body = Stack(Architecture=architecture, MemorySize="512").properties("OverviewDashboard")["DashboardBody"]
        assert f"duration / 1000 * 512 / 1024 * {price} " in body


class TestOutputs:
    def test_the_command_line_finds_what_it_reads(self, stack: Stack) -> None:
        assert set(STACK_OUTPUTS.values()) <= stack.outputs.keys()
        assert (stack.outputs["Stage"], stack.outputs["ModelName"]) == ("dev", "iris")
        assert stack.outputs["ModelBucketName"] == "ModelBucket"

    def test_every_output_is_described(self) -> None:
        assert all(output["Description"] for output in source()["Outputs"].values())

    def test_people_find_what_they_need(self, stack: Stack) -> None:
        assert {
            "ActiveParameterName",
            "AlarmTopicArn",
            "ApiUrl",
            "DetailsDashboardUrl",
            "InferenceFunctionAliasArn",
            "InferenceFunctionName",
            "InferenceLogGroupName",
            "OverviewDashboardUrl",
            "PromoteRoleArn",
            "PublishRoleArn",
        } <= stack.outputs.keys()


class TestStages:
    @pytest.fixture
    def config(self) -> dict[str, Any]:
        return tomllib.loads((ROOT / "samconfig.toml").read_text(encoding="utf-8"))

    @pytest.mark.parametrize("stage", ["dev", "prod"])
    def test_a_stage_is_a_stack_of_its_own(self, config: dict[str, Any], stage: str) -> None:
        deploy = config[stage]["deploy"]["parameters"]
        assert deploy["stack_name"] == f"skylift-{stage}"
        assert deploy["capabilities"] == "CAPABILITY_IAM"
        assert deploy["resolve_s3"] is True
        assert deploy["fail_on_empty_changeset"] is False
        assert deploy["confirm_changeset"] is (stage == "prod")

    @pytest.mark.parametrize(("stage", "preference"), [("dev", "AllAtOnce"), ("prod", "Canary10Percent5Minutes")])
    def test_its_parameters_are_the_templates(self, config: dict[str, Any], stage: str, preference: str) -> None:
        overrides = dict(one.split("=", 1) for one in config[stage]["deploy"]["parameters"]["parameter_overrides"])
        assert overrides["Stage"] == stage
        stack = Stack(**overrides)
        assert not stack.broken_rules()
        group = stack.properties("InferenceFunctionDeploymentGroup")
        assert group["DeploymentConfigName"] == f"CodeDeployDefault.Lambda{preference}"
