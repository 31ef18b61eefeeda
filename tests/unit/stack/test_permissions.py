"""The roles of the stack: who may read, publish, promote and call what."""

import pytest

from tests.support.templates import Stack

POINTER = "arn:aws:ssm:eu-central-1:123456789012:parameter/skylift/dev/iris/active"
VERSIONS = "ModelBucket.Arn/models/iris/*"


ANYTHING_GOES = {
    # X-Ray knows no resources.
    ("InferenceRole", "WriteTraces"),
    ("ActivePointerRole", "WriteTraces"),
    ("PreTrafficRole", "WriteTraces"),
    ("VersionCheckRole", "WriteTraces"),
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


def test_the_service_reads_its_versions_and_its_pointer_and_nothing_else(stack: Stack) -> None:
    assert stack.grants("InferenceRole") == {
        "s3:GetObject": {VERSIONS},
        "s3:ListBucket": {"ModelBucket.Arn"},
        "ssm:GetParameter": {POINTER},
        "logs:CreateLogStream": {"InferenceLogGroup.Arn"},
        "logs:PutLogEvents": {"InferenceLogGroup.Arn"},
        "xray:PutTraceSegments": {"*"},
        "xray:PutTelemetryRecords": {"*"},
    }


def test_only_the_publishing_role_writes_versions(stack: Stack) -> None:
    writers = {role for role in stack.roles() if {"s3:PutObject", "s3:DeleteObject"} & stack.grants(role).keys()}
    assert writers == {"PublishRole"}
    assert stack.grants("PublishRole")["s3:PutObject"] == {VERSIONS}


def test_only_the_promoting_role_moves_the_pointer(stack: Stack) -> None:
    movers = {role for role in stack.roles() if "ssm:PutParameter" in stack.grants(role)}
    assert movers == {"PromoteRole", "ActivePointerRole"}
    assert stack.grants("PromoteRole")["ssm:PutParameter"] == {POINTER}


@pytest.mark.parametrize("role", ["PublishRole", "PromoteRole"])
def test_people_read_what_the_command_line_reads(stack: Stack, role: str) -> None:
    grants = stack.grants(role)
    assert grants["s3:GetObject"] == {VERSIONS}
    assert grants["ssm:GetParameter"] == grants["ssm:GetParameterHistory"] == {POINTER}
    assert grants["cloudformation:DescribeStacks"] == {
        "arn:aws:cloudformation:eu-central-1:123456789012:stack/skylift/*"
    }


def test_whoever_reads_versions_is_told_of_a_missing_one_that_it_is_missing(stack: Stack) -> None:
    """S3 answers 403 to a reader who may not list, and a read has no prefix that a condition could match."""
    readers = {role for role in stack.roles() if "s3:GetObject" in stack.grants(role)}
    assert readers == {"InferenceRole", "PublishRole", "PromoteRole", "PreTrafficRole", "VersionCheckRole"}
    for role in readers:
        (listing,) = (one for one in stack.statements(role) if one["Action"] == "s3:ListBucket")
        assert listing["Condition"] == {"StringLikeIfExists": {"s3:prefix": "models/iris/*"}}


@pytest.mark.parametrize(
    ("role", "parameter"), [("PublishRole", "PublishPrincipalArn"), ("PromoteRole", "PromotePrincipalArn")]
)
def test_who_may_become_them_is_a_parameter(stack: Stack, role: str, parameter: str) -> None:
    def principal(stack: Stack) -> str:
        (statement,) = stack.properties(role)["AssumeRolePolicyDocument"]["Statement"]
        return str(statement["Principal"]["AWS"])

    assert principal(stack) == "arn:aws:iam::123456789012:root"
    named = "arn:aws:iam::123456789012:role/data-science"
    assert principal(Stack(**{parameter: named})) == named


def test_the_hook_reads_manifests_only(stack: Stack) -> None:
    grants = stack.grants("PreTrafficRole")
    assert grants["s3:GetObject"] == {"ModelBucket.Arn/models/iris/*/manifest.json"}
    assert grants["lambda:InvokeFunction"] == {"InferenceFunction.Arn:*"}


def test_the_check_of_the_active_version_reads_what_the_service_reads(stack: Stack) -> None:
    own = {"logs:CreateLogStream": {"VersionCheckLogGroup.Arn"}, "logs:PutLogEvents": {"VersionCheckLogGroup.Arn"}}
    assert stack.grants("VersionCheckRole") == stack.grants("InferenceRole") | own


def test_every_role_takes_a_boundary() -> None:
    boundary = "arn:aws:iam::123456789012:policy/skylift"
    bounded = Stack(PermissionsBoundaryArn=boundary)
    assert {role["PermissionsBoundary"] for role in bounded.of_type("AWS::IAM::Role").values()} == {boundary}
    assert not [role for role in Stack().of_type("AWS::IAM::Role").values() if "PermissionsBoundary" in role]
