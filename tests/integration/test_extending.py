"""docs/extending.md: its code runs as it is written."""

import asyncio
import re
import warnings
from collections.abc import Iterator
from typing import Any

import pytest

from skylift.registry import Registry
from tests.conftest import BUCKET, MODEL, STAGE
from tests.support.models import iris_package
from tests.support.paths import ROOT
from tests.support.stored import promoted

PAGE = ROOT / "docs" / "extending.md"


@pytest.fixture
def namespace(registry: Registry, monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, Any]]:
    """What the code of the page defines, run from top to bottom with iris v1 active."""
    promoted(iris_package())
    for name, value in {"BUCKET": BUCKET, "MODEL": MODEL, "STAGE": STAGE}.items():
        monkeypatch.setenv(f"SKYLIFT_{name}", value)
    blocks = re.findall(r"^```python\n(.*?)^```", PAGE.read_text(encoding="utf-8"), flags=re.MULTILINE | re.DOTALL)
    defined: dict[str, Any] = {}
    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)  # Mangum wants one, as the Lambda runtime has it
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Using `httpx` with `starlette.testclient`")
        for block in blocks:
            exec(compile(block, str(PAGE), "exec"), defined)
    yield defined
    asyncio.set_event_loop(None)
    loop.close()


def test_the_code_of_the_page_runs_and_its_assertions_hold(namespace: dict[str, Any]) -> None:
    assert {"app", "logged", "client", "handler"} <= namespace.keys()


def test_the_mounted_service_answers_every_path_below_its_prefix(namespace: dict[str, Any]) -> None:
    index = namespace["client"].get("/models/iris/").json()

    for name in index["paths"]:
        method, path = name.split()
        answer = namespace["client"].request(method, f"/models/iris{path}")
        assert not re.search("urn:skylift:problem:(not-found|method-not-allowed)", answer.text), name


def test_an_error_of_skylift_in_an_own_route_is_a_problem(namespace: dict[str, Any]) -> None:
    namespace["host"].model = None
    namespace["host"]._due = float("inf")

    response = namespace["client"].get("/classes")

    assert (response.status_code, response.headers["content-type"]) == (503, "application/problem+json")
