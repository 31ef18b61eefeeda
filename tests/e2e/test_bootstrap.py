"""What GitHub needs to deploy, as an administrator deploys it."""

from tests.e2e.aws import ACCOUNT, LocalAws
from tests.support.paths import ROOT


def test_two_stages_of_an_account_share_its_provider(local_aws: LocalAws, bootstrap: dict[str, str]) -> None:
    provider = f"arn:aws:iam::{ACCOUNT}:oidc-provider/token.actions.githubusercontent.com"
    assert bootstrap["OidcProviderArn"] == provider
    domain = {"DomainName": "iris.example.com", "HostedZoneId": "Z1", "ApiId": "abc123def4"}
    template = (ROOT / "bootstrap.yaml").read_text(encoding="utf-8")
    prod = local_aws.make_stack(
        "skylift-bootstrap-prod", template, Stage="prod", Repository="acme/models", OidcProviderArn=provider, **domain
    )
    assert bootstrap.keys() == prod.keys()
    assert prod["ImageRepositoryUri"].endswith("/skylift-prod")
