"""The files of the page for people: how they are addressed, kept and who gets them."""

import re

import pytest

from inference.page_files import POLICY, page, prefers_page
from inference.routes import create_routes
from inference.settings import InferenceSettings
from tests.support.asgi_client import HttpClient
from tests.support.fakes import HostHarness

BROWSER = "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,*/*;q=0.8"


@pytest.fixture
def client() -> HttpClient:
    """A client of the routes, without a model."""
    return HttpClient(create_routes(InferenceSettings(bucket="models", model="iris"), HostHarness().host))


@pytest.mark.parametrize("accept", [BROWSER, "text/html", "TEXT/HTML; q=0.5", "application/json;q=0.1, text/html"])
def test_a_browser_gets_the_page(client: HttpClient, accept: str) -> None:
    response = client.get("/", headers={"accept": accept})

    assert (response.status_code, response.headers["content-type"]) == (200, "text/html; charset=utf-8")
    assert response.headers["content-security-policy"] == POLICY
    assert response.headers["vary"] == "accept"
    assert response.text.startswith("<!doctype html>")


@pytest.mark.parametrize(
    "accept", ["*/*", "application/json", "", "text/html;q=0", "text/html;q=x", "text/html;q=0.4, application/json"]
)
def test_a_program_gets_json(client: HttpClient, accept: str) -> None:
    response = client.get("/", headers={"accept": accept})

    assert (response.headers["content-type"], response.headers["vary"]) == ("application/json", "accept")
    assert not prefers_page(accept)


def test_the_policy_allows_nothing_inline_and_nothing_from_elsewhere() -> None:
    assert POLICY.startswith("default-src 'none'; ")
    assert "unsafe" not in POLICY
    assert "http" not in POLICY
    for directive in ("frame-ancestors", "base-uri", "form-action"):
        assert f"{directive} 'none'" in POLICY


def test_every_file_that_the_page_names_is_there_and_kept_for_ever(client: HttpClient) -> None:
    places = re.findall(r'(?:href|src)="(page/[^"]+)"', page()[0])

    assert len(places) == 2
    for place in places:
        response = client.get(f"/{place}")
        assert (response.status_code, response.headers["etag"]) == (200, f'"{place.split("/")[1]}"')
        assert response.headers["cache-control"] == "public, max-age=31536000, immutable"


def test_modules_import_only_modules_that_are_there() -> None:
    files = page()[1]
    for file in files.values():
        if file.media_type.startswith("text/javascript"):
            assert set(re.findall(r"(?:from|import\() ?'\./([^']+)'", file.body.decode())) <= files.keys()


def test_the_type_of_a_file_is_that_of_its_content(client: HttpClient) -> None:
    digest = page()[1]["main.js"].digest

    assert client.get(f"/page/{digest}/main.js").headers["content-type"] == "text/javascript; charset=utf-8"
    assert client.get(f"/page/{digest}/page.css").headers["content-type"] == "text/css; charset=utf-8"


def test_a_file_of_another_release_is_not_kept(client: HttpClient) -> None:
    """While traffic shifts, either release may answer."""
    assert client.get("/page/000000000000/main.js").headers["cache-control"] == "no-store"


@pytest.mark.parametrize(
    "name", ["index.html", "nothing.js", "..%2Froutes.py", "../routes.py", "%2e%2e/docs.html", "main.js/x"]
)
def test_nothing_else_is_sent(client: HttpClient, name: str) -> None:
    assert client.get(f"/page/{page()[1]['main.js'].digest}/{name}").status_code == 404


def test_no_text_becomes_markup_or_code_and_nothing_is_stored() -> None:
    words = "innerHTML|outerHTML|insertAdjacentHTML|document.write|eval|Function|localStorage|sessionStorage|cookie"
    for name, file in page()[1].items():
        assert not re.search(rf"\b({words})\b", file.body.decode()), name


def test_the_page_names_no_other_host() -> None:
    for text in (page()[0], *(file.body.decode() for file in page()[1].values())):
        assert not re.search(r"https?://|//[a-z]+\.[a-z]", text)
