"""The roles of the stack: who may read, publish, promote and call what."""

import ast
import re
from functools import cache

import pytest

from tests.support.import_graph import closure, modules
from tests.support.templates import EVERYTHING, Stack, stack_of

POINTER = "arn:aws:ssm:eu-central-1:123456789012:parameter/skylift/dev/iris/active"
CHALLENGER = "arn:aws:ssm:eu-central-1:123456789012:parameter/skylift/dev/iris/challenger"
VERSIONS = "ModelBucket.Arn/models/iris/*"
EXPERIMENTS = "ModelBucket.Arn/experiments/iris/*"
LATEST = "ModelBucket.Arn/reports/iris/latest*"

ANYTHING_GOES = {
    # X-Ray knows no resources.
    ("InferenceRole", "WriteTraces"),
    ("ActivePointerRole", "WriteTraces"),
    ("PreTrafficRole", "WriteTraces"),
    ("VersionCheckRole", "WriteTraces"),
    ("MonitorRole", "WriteTraces"),
    ("OperationsRole", "WriteTraces"),
    ("RolloutRole", "WriteTraces"),
    ("AutoRollbackRole", "WriteTraces"),
    ("AuditRole", "WriteTraces"),
    # Nor does CloudWatch for reading metrics.
    ("OperationsRole", "ReadMetrics"),
}


def test_nothing_is_granted_on_everything_but_what_has_no_name(stack: Stack) -> None:
    found = {
        (role, statement["Sid"])
        for role in stack.roles()
        for statement in stack.statements(role)
        if statement["Effect"] == "Allow" and "*" in statement["Resource"]
        if statement["Resource"] == "*" or isinstance(statement["Resource"], list)
    }
    assert found == ANYTHING_GOES


def test_no_action_is_a_wildcard(stack: Stack) -> None:
    for role in stack.roles():
        assert not [action for action in stack.grants(role) if "*" in action]


def test_the_service_reads_its_versions_its_pointer_and_the_latest_report_and_nothing_else(stack: Stack) -> None:
    assert stack.grants("InferenceRole") == {
        "s3:GetObject": {VERSIONS, LATEST},
        "s3:ListBucket": {"ModelBucket.Arn"},
        "ssm:GetParameters": {POINTER, CHALLENGER},
        "logs:CreateLogStream": {"InferenceLogGroup.Arn"},
        "logs:PutLogEvents": {"InferenceLogGroup.Arn"},
        "xray:PutTraceSegments": {"*"},
        "xray:PutTelemetryRecords": {"*"},
    }


def test_only_the_publishing_role_writes_versions(stack: Stack) -> None:
    written = {
        role: stack.grants(role)["s3:PutObject"] for role in stack.roles() if "s3:PutObject" in stack.grants(role)
    }
    assert {role for role, places in written.items() if any("/models/" in place for place in places)} == {"PublishRole"}
    assert written == {
        "PublishRole": {VERSIONS},
        "CaptureRole": {"ModelBucket.Arn/captures/iris/*"},
        "MonitorRole": {"ModelBucket.Arn/reports/iris/*"},
        "OperationsRole": {"ModelBucket.Arn/labels/iris/*"},
        "PromoteRole": {EXPERIMENTS},
        "RolloutRole": {EXPERIMENTS},
        "AutoRollbackRole": {EXPERIMENTS},
        "AuditRole": {"ModelBucket.Arn/audit/iris/*"},
    }
    assert not [role for role in stack.roles() if "s3:DeleteObject" in stack.grants(role)]


def test_only_the_promoting_role_moves_the_pointer(stack: Stack) -> None:
    moved = {role: stack.grants(role).get("ssm:PutParameter") for role in stack.roles()}
    assert {role: parameters for role, parameters in moved.items() if parameters} == {
        "ActivePointerRole": {POINTER},
        "PromoteRole": {POINTER, CHALLENGER},
        "RolloutRole": {POINTER, CHALLENGER},
        "AutoRollbackRole": {POINTER, CHALLENGER},
    }


def test_only_the_publishing_role_signs_and_only_by_the_policy_of_the_key() -> None:
    stack = stack_of(SignVersions="true")
    key = stack.properties("SigningKey")
    assert (key["KeySpec"], key["KeyUsage"]) == ("ECC_NIST_P256", "SIGN_VERIFY")
    account, publisher = key["KeyPolicy"]["Statement"]
    assert publisher["Principal"] == {"AWS": ["PublishRole.Arn"]}
    assert publisher["Action"] == "kms:Sign"
    assert account["Principal"] == {"AWS": "arn:aws:iam::123456789012:root"}
    assert not {"kms:*", "kms:Sign", "kms:Create*", "kms:CreateGrant"} & set(account["Action"])
    assert {role for role in stack.roles() if "kms:Sign" in stack.grants(role)} == set()
    assert stack.resources["SigningKey"]["DeletionPolicy"] == "RetainExceptOnCreate"


def test_only_who_moves_the_pointer_verifies_by_the_keys_that_count() -> None:
    other = "arn:aws:kms:eu-central-1:210987654321:key/1"
    for parameters, keys in (
        ({}, set()),
        ({"SignVersions": "true"}, {"SigningKey.Arn"}),
        ({"TrustedKeyArns": other}, {other}),
        ({"SignVersions": "true", "TrustedKeyArns": other}, {"SigningKey.Arn", other}),
    ):
        stack = stack_of(**parameters)
        for role in ("PromoteRole", "RolloutRole", "AutoRollbackRole"):
            assert stack.grants(role).get("kms:Verify", set()) == keys
        verifying = {role for role in stack.roles() if "kms:Verify" in stack.grants(role)}
        assert verifying == ({"PromoteRole", "RolloutRole", "AutoRollbackRole"} if keys else set())


def test_a_signature_is_required_only_where_a_key_counts() -> None:
    key = "arn:aws:kms:eu-central-1:210987654321:key/1"
    assert stack_of(RequireSignature="true").broken_rules() == {"SignatureCanBeMade"}
    for more in ({"SignVersions": "true"}, {"TrustedKeyArns": key}):
        stack = stack_of(RequireSignature="true", **more)
        assert stack.broken_rules() == set()
        assert stack.outputs["RequireSignature"] == "true"


@pytest.mark.parametrize(
    ("role", "objects", "parameters"),
    [
        ("PublishRole", {"ModelBucket.Arn/audit/iris/*"}, {POINTER, CHALLENGER}),
        (
            "PromoteRole",
            {EXPERIMENTS, "ModelBucket.Arn/audit/iris/*", "ModelBucket.Arn/labels/iris/*"},
            {POINTER, CHALLENGER},
        ),
    ],
)
def test_people_read_what_the_command_line_reads(
    stack: Stack, role: str, objects: set[str], parameters: set[str]
) -> None:
    grants = stack.grants(role)
    assert grants["s3:GetObject"] == {VERSIONS} | objects
    assert grants["ssm:GetParameter"] == grants["ssm:GetParameterHistory"] == parameters
    assert grants["cloudformation:DescribeStacks"] == {
        "arn:aws:cloudformation:eu-central-1:123456789012:stack/skylift/*"
    }


def test_whoever_reads_versions_is_told_of_a_missing_one_that_it_is_missing(stack: Stack) -> None:
    """S3 answers 403 to a reader who may not list, and a read has no prefix that a condition could match."""
    readers = {role for role in stack.roles() if "s3:GetObject" in stack.grants(role)}
    listed = {role: ["models"] for role in ("InferenceRole", "PreTrafficRole", "VersionCheckRole", "OperationsRole")}
    listed |= {"PublishRole": ["models", "audit"], "PromoteRole": ["models", "experiments", "audit", "labels"]}
    listed |= {"MonitorRole": ["models", "captures", "labels", "reports"], "AuditRole": ["audit"]}
    listed |= {"RolloutRole": ["models", "experiments"], "AutoRollbackRole": ["models", "experiments"]}
    assert readers == listed.keys()
    for role, folders in listed.items():
        (listing,) = (one for one in stack.statements(role) if one["Action"] == "s3:ListBucket")
        prefixes = listing["Condition"]["StringLikeIfExists"]["s3:prefix"]
        found = [prefixes] if isinstance(prefixes, str) else prefixes
        assert found == [f"{folder}/iris/*" for folder in folders]


@pytest.mark.parametrize(
    ("role", "parameter"), [("PublishRole", "PublishPrincipalArn"), ("PromoteRole", "PromotePrincipalArn")]
)
def test_who_may_become_them_is_a_parameter(stack: Stack, role: str, parameter: str) -> None:
    def principal(stack: Stack) -> str:
        (statement,) = stack.properties(role)["AssumeRolePolicyDocument"]["Statement"]
        return str(statement["Principal"]["AWS"])

    assert principal(stack) == "arn:aws:iam::123456789012:root"
    named = "arn:aws:iam::123456789012:role/data-science"
    assert principal(stack_of(**{parameter: named})) == named


def test_the_hook_reads_manifests_only(stack: Stack) -> None:
    grants = stack.grants("PreTrafficRole")
    assert grants["s3:GetObject"] == {"ModelBucket.Arn/models/iris/*/manifest.json"}
    assert grants["lambda:InvokeFunction"] == {"InferenceFunction.Arn:*"}


def test_the_check_of_the_active_version_reads_what_the_service_reads(stack: Stack) -> None:
    own = {"logs:CreateLogStream": {"VersionCheckLogGroup.Arn"}, "logs:PutLogEvents": {"VersionCheckLogGroup.Arn"}}
    own |= {"s3:GetObject": {VERSIONS}, "ssm:GetParameter": {POINTER}}
    service = stack.grants("InferenceRole")
    del service["ssm:GetParameters"]
    assert stack.grants("VersionCheckRole") == service | own


def test_every_role_takes_a_boundary() -> None:
    boundary = "arn:aws:iam::123456789012:policy/skylift"
    bounded = stack_of(PermissionsBoundaryArn=boundary)
    assert {role["PermissionsBoundary"] for role in bounded.of_type("AWS::IAM::Role").values()} == {boundary}
    assert not [role for role in stack_of().of_type("AWS::IAM::Role").values() if "PermissionsBoundary" in role]


def test_captures_are_written_by_firehose_alone_which_cloudwatch_feeds(stack: Stack) -> None:
    assert stack.grants("SubscriptionRole") == {
        "firehose:PutRecord": {"CaptureStream.Arn"},
        "firehose:PutRecordBatch": {"CaptureStream.Arn"},
    }
    assert stack.grants("CaptureRole") == {
        "s3:AbortMultipartUpload": {"ModelBucket.Arn/captures/iris/*"},
        "s3:PutObject": {"ModelBucket.Arn/captures/iris/*"},
        "s3:GetBucketLocation": {"ModelBucket.Arn"},
        "s3:ListBucketMultipartUploads": {"ModelBucket.Arn"},
        "logs:PutLogEvents": {"CaptureLogGroup.Arn"},
    }


def test_the_monitor_reads_what_it_judges_and_writes_reports(stack: Stack) -> None:
    folders = ["models", "captures", "labels", "reports"]
    assert stack.grants("MonitorRole") == {
        "s3:GetObject": {f"ModelBucket.Arn/{folder}/iris/*" for folder in folders},
        "s3:ListBucket": {"ModelBucket.Arn"},
        "s3:PutObject": {"ModelBucket.Arn/reports/iris/*"},
        "ssm:GetParameter": {POINTER},
        "logs:CreateLogStream": {"MonitorLogGroup.Arn"},
        "logs:PutLogEvents": {"MonitorLogGroup.Arn"},
        "xray:PutTraceSegments": {"*"},
        "xray:PutTelemetryRecords": {"*"},
    }
    assert stack.grants("MonitorTimerRole") == {"lambda:InvokeFunction": {"MonitorFunction.Arn"}}


def test_labels_are_added_and_never_overwritten(stack: Stack) -> None:
    (adding,) = (one for one in stack.statements("OperationsRole") if one["Action"] == "s3:PutObject")
    assert adding["Condition"] == {"Null": {"s3:if-none-match": "false"}}
    assert stack.grants("OperationsRole")["s3:GetObject"] == {
        "ModelBucket.Arn/models/iris/*/manifest.json",
        LATEST,
    }


@pytest.mark.parametrize("role", ["SubscriptionRole", "CaptureRole", "MonitorTimerRole"])
def test_a_service_of_aws_takes_a_role_on_for_this_account_alone(stack: Stack, role: str) -> None:
    (statement,) = stack.properties(role)["AssumeRolePolicyDocument"]["Statement"]
    assert "123456789012" in str(statement["Condition"])


BY_HAND = {
    "PublishRole": ("training.cli.history", "training.cli.retrain", "training.cli.train", "training.cli.versions"),
    "PromoteRole": ("training.cli.challenge", "training.cli.history", "training.cli.judge", "training.cli.versions"),
    "RetrainTaskRole": ("retrain.task",),
}
"""Modules that work with a role that no function has."""

CALLED_AS = {"s3:ListBucket": "list_objects_v2", "s3:GetObjectVersion": "VersionId", "lambda:InvokeFunction": "invoke"}
"""Words of the code for actions that have another name than the call."""

WITH_OTHERS = (
    *("logs:CreateLogStream", "logs:PutLogEvents", "xray:PutTelemetryRecords", "xray:PutTraceSegments"),
    *("lambda:CheckpointDurableExecution", "lambda:GetDurableExecutionState"),
    "iam:PassRole",
)
"""What Lambda, the SDK of durable functions and `RunTask` do by the role."""


def test_no_role_may_what_none_of_its_code_calls() -> None:
    stack = stack_of(**EVERYTHING)
    unused = {
        (role, action)
        for role, entries in _code(stack).items()
        for action in stack.grants(role).keys() - set(WITH_OTHERS)
        if CALLED_AS.get(action, _call(action)) not in _words(entries)
    }
    # Lambda tells the topic of an event that was given up.
    assert unused == {("AuditRole", "sns:Publish"), ("TriggerRole", "sns:Publish")}


def _code(stack: Stack) -> dict[str, tuple[str, ...]]:
    """Modules in which the code of a role begins."""
    code = dict(BY_HAND)
    for function in stack.of_type("AWS::Lambda::Function").values():
        handler = (
            function.get("Handler") or function.get("ImageConfig", {}).get("Command", ["inference.handler.handler"])[0]
        )
        code[function["Role"].removesuffix(".Arn")] = (handler.rpartition(".")[0],)
    return code


def _call(action: str) -> str:
    """The method of the client for an action: `get_parameter` for `ssm:GetParameter`."""
    return re.sub(r"(?<!^)(?=[A-Z])", "_", action.partition(":")[2]).lower()


@cache
def _words(entries: tuple[str, ...]) -> frozenset[str]:
    """Attributes and texts in modules, and in all that they import."""
    return frozenset().union(*map(_words_of, closure(entries)))


@cache
def _words_of(module: str) -> frozenset[str]:
    nodes = list(ast.walk(ast.parse(modules()[module].read_text("utf-8"))))
    attributes = {node.attr for node in nodes if isinstance(node, ast.Attribute)}
    keywords = {node.arg for node in nodes if isinstance(node, ast.keyword) and node.arg}
    texts = {node.value for node in nodes if isinstance(node, ast.Constant) and isinstance(node.value, str)}
    return frozenset(attributes | keywords | texts)
