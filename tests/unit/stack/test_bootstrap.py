"""bootstrap.yaml: which workflow may do what."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
import samcli

from tests.support.paths import ROOT
from tests.support.templates import EVERYTHING, Stack, source, stack_of

STACK_ROLE = "arn:aws:iam::123456789012:role/skylift-prod-"


@pytest.fixture(scope="module")
def prod() -> Stack:
    return stack_of("bootstrap.yaml", Repository="acme/models", Stage="prod")


def statements(stack: Stack, name: str) -> dict[str, dict[str, Any]]:
    """Statements of a role's policies by their name."""
    return {one["Sid"]: one for one in stack.statements(name)}


def test_it_needs_no_transform_and_no_alias() -> None:
    # CloudFormation itself reads no YAML aliases.
    assert "Transform" not in source("bootstrap.yaml")
    lines = (ROOT / "bootstrap.yaml").read_text(encoding="utf-8").splitlines()
    assert not [line for line in lines if line.strip().startswith(("- *", "<<", "&"))]


@pytest.mark.parametrize(
    ("role", "environments"),
    [
        ("DeployRole", "prod"),
        ("TrainRole", "prod-train"),
        ("PromoteRole", ["prod-promote", "prod-rollback"]),
        ("CodeRole", "prod-rollback"),
    ],
)
def test_a_role_is_for_the_environments_of_its_task_in_one_repository(
    prod: Stack, role: str, environments: str | list[str]
) -> None:
    def subject(environment: str) -> str:
        return f"repo:acme/models:environment:{environment}"

    (statement,) = prod.properties(role)["AssumeRolePolicyDocument"]["Statement"]
    assert statement["Action"] == "sts:AssumeRoleWithWebIdentity"
    assert statement["Condition"] == {
        "StringEquals": {
            "token.actions.githubusercontent.com:aud": "sts.amazonaws.com",
            "token.actions.githubusercontent.com:sub": (
                subject(environments) if isinstance(environments, str) else [*map(subject, environments)]
            ),
        }
    }


@pytest.mark.parametrize(
    ("parameter", "value", "allowed"),
    [
        ("Repository", "acme/models", True),
        ("Repository", "acme@123456/models@456789", True),  # as tokens of repositories made since July 2026 name it
        ("Repository", "acme@123456/models", False),
        ("Repository", "acme/models:environment", False),
        ("Repository", "acme/*", False),
        ("Stage", "prod", True),
        ("Stage", "dev-eu", False),  # within the reach of the stage `dev`
        ("Stage", "dev-train", False),  # the environment that publishes for the stage `dev`
        ("Stage", "s" * 21, False),
    ],
)
def test_a_value_that_would_trust_another_is_refused(parameter: str, value: str, allowed: bool) -> None:
    pattern = source("bootstrap.yaml")["Parameters"][parameter]["AllowedPattern"]
    assert (re.fullmatch(pattern, value) is not None) == allowed


def test_no_name_that_policies_go_by_is_shortened() -> None:
    longest = re.findall(r"\d+", source("bootstrap.yaml")["Parameters"]["Stage"]["AllowedPattern"])[-1]
    stack = f"skylift-{'s' * int(longest)}"
    for kind in ("AWS::Lambda::Function", "AWS::IAM::Role", "AWS::S3::Bucket"):
        for name in stack_of(**EVERYTHING).of_type(kind):
            assert len(f"{stack}-{name}-{'x' * 13}") <= (63 if kind == "AWS::S3::Bucket" else 64), name


def test_the_provider_is_made_unless_the_account_has_it() -> None:
    arn = "arn:aws:iam::123456789012:oidc-provider/token.actions.githubusercontent.com"
    assert stack_of("bootstrap.yaml").outputs["OidcProviderArn"] == "GitHubProvider"
    other = stack_of("bootstrap.yaml", OidcProviderArn=arn)
    assert "GitHubProvider" not in other.resources
    (statement,) = other.properties("DeployRole")["AssumeRolePolicyDocument"]["Statement"]
    assert statement["Principal"]["Federated"] == other.outputs["OidcProviderArn"] == arn


def test_images_are_scanned_kept_as_pushed_and_forgotten_at_last(prod: Stack) -> None:
    repository = prod.properties("ImageRepository")
    assert repository["ImageTagMutability"] == "IMMUTABLE"
    assert repository["ImageScanningConfiguration"] == {"ScanOnPush": True}
    (rule,) = json.loads(repository["LifecyclePolicy"]["LifecyclePolicyText"])["rules"]
    assert rule["action"] == {"type": "expire"}


def test_deploying_hands_everything_to_cloudformation(prod: Stack) -> None:
    granted = statements(prod, "DeployRole")
    assert granted["HandOver"]["Resource"] == "CloudFormationRole.Arn"
    assert granted["HandOver"]["Condition"] == {"StringEquals": {"iam:PassedToService": "cloudformation.amazonaws.com"}}
    assert granted["ChangeStack"]["Resource"][0].endswith(":stack/skylift-prod/*")
    assert {sid for sid, one in granted.items() if one["Resource"] == "*"} == {"LogInToRegistry"}


def test_what_deploying_asks_of_cloudformation_is_what_it_and_sam_call(prod: Stack) -> None:
    files = [*(ROOT / "deploy").glob("*.py"), *(Path(samcli.__file__).parent / "lib" / "deploy").glob("*.py")]
    code = "\n".join(file.read_text(encoding="utf-8") for file in files)
    calls = {
        re.sub(r"(?<!^)(?=[A-Z])", "_", action.partition(":")[2]).lower(): action
        for action in statements(prod, "DeployRole")["ChangeStack"]["Action"]
    }
    assert [action for call, action in calls.items() if not re.search(rf"\b{call}\b", code)] == []


def test_deploying_asks_a_canary_golden_requests_stops_it_and_deletes_old_versions_of_the_code(prod: Stack) -> None:
    granted = statements(prod, "DeployRole")

    assert granted["ReadGoldenRequests"]["Action"] == ["s3:GetObject", "ssm:GetParameter"]
    manifests, pointers = granted["ReadGoldenRequests"]["Resource"]
    assert manifests.endswith(":::skylift-prod-*/models/*/manifest.json")
    assert pointers.endswith(":parameter/skylift/prod/*")
    assert granted["StopCanary"]["Action"] == ["codedeploy:ListDeployments", "codedeploy:StopDeployment"]
    assert granted["StopCanary"]["Resource"].endswith(":deploymentgroup:skylift-prod-*")
    assert granted["PruneVersions"]["Action"] == "lambda:DeleteFunction"
    assert granted["PruneVersions"]["Resource"].endswith(":function:skylift-prod-*:*")  # versions, not functions


@pytest.mark.parametrize(("role", "becomes"), [("TrainRole", "PublishRole"), ("PromoteRole", "PromoteRole")])
def test_models_are_changed_by_the_stacks_own_roles(prod: Stack, role: str, becomes: str) -> None:
    granted = statements(prod, role)
    (become, _find) = granted.values()
    assert become["Resource"] == f"{STACK_ROLE}{becomes}-*"
    assert set(granted) == {become["Sid"], "FindStack"}


def test_code_is_rolled_back_by_moving_aliases_and_nothing_else(prod: Stack) -> None:
    granted = statements(prod, "CodeRole")
    assert set(granted) == {"RollBackCode", "FindStack"}
    assert granted["RollBackCode"] == statements(prod, "DeployRole")["RollBackCode"]
    assert {
        action for action in granted["RollBackCode"]["Action"] if not action.startswith(("lambda:Get", "lambda:List"))
    } == {"lambda:UpdateAlias"}
    assert granted["RollBackCode"]["Resource"].endswith(":function:skylift-prod-*")


def test_cloudformation_makes_only_bounded_roles(prod: Stack) -> None:
    granted = statements(prod, "CloudFormationRole")
    making = {"iam:AttachRolePolicy", "iam:CreateRole", "iam:PutRolePermissionsBoundary", "iam:PutRolePolicy"}
    assert set(granted["MakeBoundedRoles"]["Action"]) == making
    assert granted["MakeBoundedRoles"]["Condition"] == {"StringEquals": {"iam:PermissionsBoundary": "RoleBoundary"}}
    for sid in ("MakeBoundedRoles", "KeepRoles", "GiveRoles"):
        assert granted[sid]["Resource"] == f"{STACK_ROLE}*"
    assert not making & set(granted["KeepRoles"]["Action"])
    without_names = {"AccessLogs", "Subscriptions", "ForgetTaskDefinitions"}
    assert {sid for sid, one in granted.items() if one["Resource"] == "*"} == without_names


def test_the_boundary_lets_the_stacks_roles_do_their_work(prod: Stack) -> None:
    stack = stack_of(**EVERYTHING)
    by_policies_of_resources = {"kms:Sign"}
    allowed: set[str] = set()
    for statement in prod.properties("RoleBoundary")["PolicyDocument"]["Statement"]:
        actions = statement["Action"]
        allowed.update([actions] if isinstance(actions, str) else actions)
    assert {action for role in stack.roles() for action in stack.grants(role)} | by_policies_of_resources == allowed


class TestTheApi:
    API = "arn:aws:apigateway:eu-central-1::/apis/"

    def test_once_it_is_known_no_other_may_be_changed_or_called(self) -> None:
        bound = stack_of("bootstrap.yaml", Stage="prod", ApiId="abc123def4")
        resources = statements(bound, "CloudFormationRole")["Api"]["Resource"]
        assert {one for one in resources if one.startswith(self.API)} == {
            f"{self.API}abc123def4",
            f"{self.API}abc123def4/*",
        }
        called = statements(bound, "DeployRole")["SmokeTest"]["Resource"]
        assert called == "arn:aws:execute-api:eu-central-1:123456789012:abc123def4/$default/*"

    def test_before_the_first_deployment_it_has_no_name(self, prod: Stack) -> None:
        assert f"{self.API}*" in statements(prod, "CloudFormationRole")["Api"]["Resource"]

    def test_of_all_domains_only_the_named_one_may_be_changed(self, prod: Stack) -> None:
        domain = {"Domain", "DomainsOwnRole", "DomainRecord", "DomainRecordIsThere"}
        assert not domain & statements(prod, "CloudFormationRole").keys()
        own = stack_of("bootstrap.yaml", Stage="prod", DomainName="iris.example.com", HostedZoneId="Z1")
        granted = statements(own, "CloudFormationRole")
        assert domain <= granted.keys()
        names = {one.rpartition("/domainnames")[2] for one in granted["Domain"]["Resource"]}
        assert names == {"", "/iris.example.com", "/iris.example.com/*"}
        assert granted["DomainRecord"]["Resource"] == "arn:aws:route53:::hostedzone/Z1"
        making = granted["DomainsOwnRole"]["Condition"]
        assert making == {"StringEquals": {"iam:AWSServiceName": "ops.apigateway.amazonaws.com"}}
