"""The protocol's paths in the index and in OpenAPI."""

import re

from inference.routes import create_routes
from inference.settings import InferenceSettings
from inference.v2.described import V2_ROUTES
from tests.support.asgi_client import HttpClient
from tests.support.fakes import HostHarness
from tests.support.models import iris_package
from tests.support.paths import ROOT


def test_the_guide_lists_every_path() -> None:
    rows = re.findall(
        r"^\| `([A-Z]+ /\S*)` \|", (ROOT / "docs" / "v2.md").read_text(encoding="utf-8"), flags=re.MULTILINE
    )

    assert rows == [f"{route.method} {route.path}" for route in V2_ROUTES]


def test_every_path_is_described_and_answered() -> None:
    harness = HostHarness()
    harness.activate(iris_package())
    harness.host.wait_until_loaded()
    client = HttpClient(create_routes(InferenceSettings(bucket="models", model="iris"), harness.host))
    document = client.get("/openapi.json").json()

    for route in V2_ROUTES:
        path = route.path.replace("{model}", "iris").replace("{version}", "v1")
        response = client.request(route.method, path)
        operation = document["paths"][route.path][route.method.lower()]
        assert response.status_code == (400 if route.method == "POST" else 200)
        assert {str(response.status_code), "200"} <= operation["responses"].keys()
    identities = [document["paths"][route.path][route.method.lower()]["operationId"] for route in V2_ROUTES]
    assert len(set(identities)) == len(V2_ROUTES)
