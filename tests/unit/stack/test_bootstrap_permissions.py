"""What CloudFormation's handlers do for the types of the stack, against what bootstrap.yaml lets its role do."""

import json
from fnmatch import fnmatchcase

import pytest

from tests.support.paths import ROOT
from tests.support.templates import EVERYTHING, Stack, stack_of

HANDLERS: dict[str, dict[str, list[str]]] = json.loads(
    (ROOT / "tests/fixtures/cloudformation/handlers.json").read_text(encoding="utf-8")
)["types"]

WITHOUT_HANDLERS = {
    "AWS::Route53::RecordSet": [
        "route53:ChangeResourceRecordSets",
        "route53:GetChange",
        "route53:GetHostedZone",
        "route53:ListResourceRecordSets",
    ],
    "Custom::ActivePointer": ["lambda:InvokeFunction"],
}
"""Types of which AWS publishes no handlers, with what their documentation names."""

NEVER_DONE = {
    "the cluster has no settings, and no capacity but Fargate's": {
        "ecs:PutAccountSetting*",
        "ecs:PutClusterCapacityProviders",
        "ecs:UpdateClusterSettings",
    },
    "no function is in a VPC or mounts a file system": {
        "ec2:Describe*",
        "elasticfilesystem:DescribeMountTargets",
        "s3files:ListMountTargets",
    },
    "nothing is encrypted with a key of its own": {"kms:*", "logs:AssociateKmsKey", "logs:DisassociateKmsKey"},
    "no role may lose its boundary": {"iam:DeleteRolePermissionsBoundary"},
    "log groups have a name, a retention and tags": {
        "firehose:TagDeliveryStream",
        "logs:*IndexPolicy",
        "logs:DeleteResourcePolicy",
        "logs:PutBearerTokenAuthentication",
        "logs:PutDataProtectionPolicy",
        "logs:PutLogGroupDeletionProtection",
        "s3:REST.PUT.OBJECT",
    },
    "the bucket has none of these settings": {
        "s3:*BucketMetadata*TableConfiguration",
        "s3:DeleteBucket?*",
        "s3:PutAccelerateConfiguration",
        "s3:PutAnalyticsConfiguration",
        "s3:PutIntelligentTieringConfiguration",
        "s3:PutInventoryConfiguration",
        "s3:PutMetricsConfiguration",
        "s3:PutObject*",
        "s3:PutReplicationConfiguration",
        "s3tables:*",
    },
    "no object goes with the bucket": {"s3:DeleteObject"},
}
"""What handlers would do for settings that no resource of the stack has."""


def _any(action: str, patterns: set[str]) -> bool:
    return any(fnmatchcase(action.lower(), pattern.lower()) for pattern in patterns)


@pytest.fixture(scope="module")
def whole() -> Stack:
    """The stack with everything that a parameter adds, but for the key, which an administrator makes."""
    certificate = "arn:aws:acm:eu-central-1:123456789012:certificate/1"
    domain = {"DomainName": "iris.example.com", "CertificateArn": certificate, "HostedZoneId": "Z1"}
    return stack_of(**EVERYTHING | domain | {"AlarmEmail": "ops@example.com", "SignVersions": "false"})


@pytest.fixture(scope="module")
def granted() -> set[str]:
    """Actions of CloudFormation's role where the stack has a domain."""
    return set(
        stack_of("bootstrap.yaml", Stage="prod", DomainName="iris.example.com", HostedZoneId="Z1").grants(
            "CloudFormationRole"
        )
    )


def test_cloudformation_may_do_what_its_handlers_do(whole: Stack, granted: set[str]) -> None:
    never = {pattern for patterns in NEVER_DONE.values() for pattern in patterns}
    missing: dict[str, set[str]] = {}
    for kind in {resource["Type"] for resource in whole.resources.values()}:
        handlers = {"all": WITHOUT_HANDLERS[kind]} if kind in WITHOUT_HANDLERS else HANDLERS[kind]
        for handler, actions in handlers.items():
            lacks = {action for action in actions if not _any(action, granted) and not _any(action, never)}
            if lacks:
                missing[f"{kind} {handler}"] = lacks
    assert not missing


def test_no_boundary_can_be_taken_off(granted: set[str]) -> None:
    assert not _any("iam:DeleteRolePermissionsBoundary", granted)


def test_the_excerpt_names_the_types_of_the_stack_and_no_other(whole: Stack) -> None:
    kinds = {resource["Type"] for resource in whole.resources.values()}
    assert kinds == HANDLERS.keys() | WITHOUT_HANDLERS.keys()
