"""What the stack keeps of models: the bucket of versions, and the pointer to the active one."""

import json
import re
from typing import Any

from tests.support.templates import Stack, stack_of

POINTER = "arn:aws:ssm:eu-central-1:123456789012:parameter/skylift/dev/iris/active"


def guards(stack: Stack) -> dict[str, dict[str, Any]]:
    """Statements of the bucket's policy by their name."""
    return {one["Sid"]: one for one in stack.properties("ModelBucketPolicy")["PolicyDocument"]["Statement"]}


def test_the_bucket_is_versioned_encrypted_and_private(stack: Stack) -> None:
    bucket = stack.properties("ModelBucket")
    assert bucket["VersioningConfiguration"] == {"Status": "Enabled"}
    assert bucket["BucketEncryption"]["ServerSideEncryptionConfiguration"]
    assert set(bucket["PublicAccessBlockConfiguration"].values()) == {True}
    assert len(bucket["PublicAccessBlockConfiguration"]) == 4


def test_the_bucket_outlives_the_stack(stack: Stack) -> None:
    for name in ("ModelBucket", "ModelBucketPolicy"):
        resource = stack.resources[name]
        policies = (resource["DeletionPolicy"], resource["UpdateReplacePolicy"])
        assert policies == ("RetainExceptOnCreate", "Retain"), "a creation that fails leaves no bucket behind"


def test_a_bucket_that_was_kept_is_adopted_with_all_that_refers_to_it() -> None:
    adopting = stack_of(ModelBucketName="skylift-dev-modelbucket-abc")
    assert not {"ModelBucket", "ModelBucketPolicy"} & adopting.resources.keys()
    assert adopting.outputs["ModelBucketName"] == "skylift-dev-modelbucket-abc"
    rest = json.dumps([adopting.resources, adopting.outputs])
    assert not re.findall(r"\bModelBucket\b", rest), "a resource that is not made has no name"
    arn = "arn:aws:s3:::skylift-dev-modelbucket-abc"
    for role, folders in {"VersionCheckRole": ["models"], "PublishRole": ["audit", "models"]}.items():
        assert adopting.grants(role)["s3:GetObject"] == {f"{arn}/{folder}/iris/*" for folder in folders}
        assert adopting.grants(role)["s3:ListBucket"] == {arn}


def test_the_bucket_forgets_only_what_is_not_a_version(stack: Stack) -> None:
    rules = stack.properties("ModelBucket")["LifecycleConfiguration"]["Rules"]
    acts = {key for rule in rules if "Prefix" not in rule for key in rule} - {"Id", "Status"}
    assert acts == {"NoncurrentVersionExpiration", "AbortIncompleteMultipartUpload"}
    assert {rule["Prefix"] for rule in rules if "Prefix" in rule} == {
        "captures/",
        "reports/",
        "retrains/",
        "snapshots/",
    }


def test_the_bucket_forgets_captures_and_keeps_the_last_of_each_report() -> None:
    stack = stack_of(CaptureRetentionDays="60")
    rules = {rule.get("Prefix"): rule for rule in stack.properties("ModelBucket")["LifecycleConfiguration"]["Rules"]}
    assert rules["captures/"]["ExpirationInDays"] == "60"
    assert "ExpirationInDays" not in rules["reports/"]


def test_the_bucket_refuses_plain_http(stack: Stack) -> None:
    statement = guards(stack)["TlsOnly"]
    assert (statement["Effect"], statement["Principal"]) == ("Deny", "*")
    assert statement["Condition"] == {"Bool": {"aws:SecureTransport": "false"}}
    assert statement["Resource"] == ["ModelBucket.Arn", "ModelBucket.Arn/*"]


ONCE = ["ModelBucket.Arn/models/*", "ModelBucket.Arn/audit/*"]


def test_nobody_writes_a_file_of_a_version_or_of_the_audit_twice(stack: Stack) -> None:
    statement = guards(stack)["WriteOnce"]
    assert (statement["Effect"], statement["Principal"], statement["Action"]) == ("Deny", "*", "s3:PutObject")
    assert statement["Resource"] == ONCE
    assert statement["Condition"] == {
        "Null": {"s3:if-none-match": "true"},
        "Bool": {"s3:ObjectCreationOperation": "true"},
    }


def test_nobody_deletes_a_file_of_a_version_or_of_the_audit(stack: Stack) -> None:
    statement = guards(stack)["KeepVersions"]
    assert (statement["Effect"], statement["Principal"]) == ("Deny", "*")
    assert statement["Action"] == ["s3:DeleteObject", "s3:DeleteObjectVersion"]
    assert statement["Resource"] == ONCE
    assert "Condition" not in statement


def test_cloudformation_never_writes_the_pointer(stack: Stack) -> None:
    assert not stack.of_type("AWS::SSM::Parameter")
    pointer = stack.properties("ActivePointer")
    assert (pointer["Stage"], pointer["Model"]) == ("dev", "iris")
    name = stack.version_of("InferenceFunction")
    assert stack.resources["InferenceFunction"]["DependsOn"] == "ActivePointer"
    assert name not in json.dumps(stack.raw["ActivePointer"])


def test_the_role_that_makes_the_pointer_may_not_move_it(stack: Stack) -> None:
    (denied,) = (one for one in stack.statements("ActivePointerRole") if one["Effect"] == "Deny")
    assert (denied["Action"], denied["Resource"]) == ("ssm:PutParameter", POINTER)
    assert denied["Condition"] == {"StringEquals": {"ssm:Overwrite": "true"}}
