"""`skylift page`: which API it opens, and what it says where it opens none."""

import webbrowser

import pytest

from tests.support.cloudformation import CloudFormation
from tests.support.commands import done, refused
from training.cli import connection, signing_proxy

pytestmark = pytest.mark.usefixtures("own_environment")

URL = "https://a1.execute-api.eu-central-1.amazonaws.com"


@pytest.fixture
def opened(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Addresses that a browser was opened with; the server ends at once."""
    addresses: list[str] = []
    monkeypatch.setattr(webbrowser, "open", addresses.append)
    monkeypatch.setattr(signing_proxy.SigningProxy, "serve_forever", lambda _: None)
    return addresses


def stack(monkeypatch: pytest.MonkeyPatch, auth: str, outputs: dict[str, str] | None = None) -> None:
    known = CloudFormation("shop", outputs={"ApiUrl": URL} if outputs is None else outputs, parameters={"Auth": auth})
    monkeypatch.setattr(connection, "cloudformation_client", lambda: known)


def test_the_page_of_a_signed_api_is_opened_here(monkeypatch: pytest.MonkeyPatch, opened: list[str]) -> None:
    stack(monkeypatch, "AWS_IAM")

    said = done("page", "--stack", "shop", "--port", "18431")

    assert opened[0].startswith("http://127.0.0.1:18431/")
    assert f"The page of {URL}, for you alone: {opened[0]}" in said


def test_a_browser_is_opened_only_if_wanted(monkeypatch: pytest.MonkeyPatch, opened: list[str]) -> None:
    stack(monkeypatch, "AWS_IAM")

    assert "for you alone" in done("page", "--stack", "shop", "--port", "18432", "--no-browser")
    assert opened == []


@pytest.mark.parametrize("auth", ["JWT", "NONE"])
def test_of_an_api_without_signatures_the_address_is_told(
    monkeypatch: pytest.MonkeyPatch, opened: list[str], auth: str
) -> None:
    stack(monkeypatch, auth)

    assert done("page", "--stack", "shop") == f"This API asks for no signature. Its page: {URL}/\n"
    assert opened == []


def test_a_stack_that_is_none_or_has_no_api_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    stack(monkeypatch, "AWS_IAM", {})

    assert "stack shop has no output ApiUrl" in refused("page", "--stack", "shop")
    assert "there is no stack other" in refused("page", "--stack", "other")


def test_without_credentials_the_next_step_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    stack(monkeypatch, "AWS_IAM")
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")

    assert "there are no AWS credentials" in refused("page", "--stack", "shop")
