"""The page for people in a real Chromium, over services of this process."""

import json
from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import expect, sync_playwright

from skylift.conformal import Margins, Sets
from skylift.contract import Contract, Target
from skylift.feature import Feature
from skylift.http.reply import Reply
from tests.support.browser import CHROMIUM, PATIENCE, Mounted, Visits, launched, serving
from tests.support.drift import report
from tests.support.fakes import MemoryBucket
from tests.support.page_models import EVERY_KIND, classes, contract_of, number, page_service

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Receive, Scope, Send

TOKEN = "a.b.c"
HISTORY = {
    "versions": [f"v{number}" for number in range(30, 0, -1)],
    "moves": [
        {
            "at": "2026-05-01T12:00:00Z",
            "by": "user/ann",
            "from": "none",
            "to": "v1@sha256:" + "0" * 64,
            "kind": "promotion",
            "tool": "skylift promote",
        }
    ],
}
LATEST = "reports/iris/latest.json"

ODD = ("<script>alert(1)</script>", '"><img src=x onerror=alert(1)>', "=1+2", "__proto__", "ab" * 150, "\u202ecba")
CONTRACTS = {
    "one": contract_of(1),
    "four": contract_of(4),
    "forty": contract_of(40, Target(name="yield", unit="kg")),
    "many": contract_of(400, Target(name="kind", classes=classes(30))),
    "every": Contract(
        task="regression",
        features=EVERY_KIND,
        target=Target(name="rent", unit="EUR", margins=Margins(level=0.9, low=(-40.0,), high=(60.0,))),
    ),
    "sets": contract_of(2, Target(name="species", classes=classes(4), sets=Sets(level=0.9, least=0.1))),
    "odd": Contract(
        task="classification",
        features=(
            *(number(name, unit=name, description=name) for name in ODD),
            Feature(name="kind", kind="category", categories=ODD, unknown="refuse", example=ODD[4]),
        ),
        target=Target(name=ODD[4], classes=ODD),
    ),
}


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if CHROMIUM is None and "tests/e2e/page/" in item.nodeid:
            item.add_marker(pytest.mark.skip(reason="needs Chromium: .ci/chromium.sh installs it on Debian"))


@pytest.fixture(scope="session", autouse=True)
def _nothing_is_left() -> None:
    """No container runs for these."""


class Guarded:
    """An application behind an authorizer; the page itself is open.

    Parameters
    ----------
    app
        The application.
    credentials
        What the header `authorization` has to begin with.
    status, body
        The authorizer's answer to whoever has none of these.
    """

    def __init__(self, app: "ASGIApp", credentials: bytes, status: int, body: dict[str, str]) -> None:
        self._app = app
        self._credentials = credentials
        self._refusal = Reply(json.dumps(body).encode(), status)

    async def __call__(self, scope: "Scope", receive: "Receive", send: "Send") -> None:
        is_open = scope["path"] == "/" or scope["path"].startswith("/page/")
        if is_open or dict(scope["headers"]).get(b"authorization", b"").startswith(self._credentials):
            await self._app(scope, receive, send)
        else:
            await self._refusal.send(send)


class Moved:
    """An application beside which `/history` is answered.

    Parameters
    ----------
    app
        The application.
    """

    def __init__(self, app: "ASGIApp") -> None:
        self._app = app

    async def __call__(self, scope: "Scope", receive: "Receive", send: "Send") -> None:
        if scope["path"] == "/history":
            await Reply(json.dumps(HISTORY).encode()).send(send)
        else:
            await self._app(scope, receive, send)


@pytest.fixture(scope="session")
def services() -> Iterator[str]:
    """The address of services, each below its name."""
    apps: dict[str, ASGIApp] = {name: page_service(contract) for name, contract in CONTRACTS.items()}
    apps["drifting"] = page_service(
        CONTRACTS["four"], bucket=MemoryBucket({LATEST: report(longer_petals=1.5).to_bytes()})
    )
    apps["quiet"] = page_service(CONTRACTS["four"], bucket=MemoryBucket({LATEST: report(5).to_bytes()}))
    apps["tokens"] = Guarded(
        page_service(CONTRACTS["four"]), f"Bearer {TOKEN}".encode(), 401, {"message": "Unauthorized"}
    )
    apps["signatures"] = Guarded(page_service(CONTRACTS["four"]), b"AWS4-HMAC-SHA256 ", 403, {"message": "Forbidden"})
    apps["moved"] = Moved(page_service(CONTRACTS["four"]))
    apps["older"] = page_service(CONTRACTS["four"], explains=False)
    apps["small"] = page_service(CONTRACTS["every"], max_instances=7)
    with serving(Mounted(apps)) as address:
        yield address


@pytest.fixture(scope="module")  # it runs an event loop, beside which no other test can run one
def opened(services: str) -> Iterator[Visits]:
    """A browser."""
    expect.set_options(timeout=PATIENCE)
    with sync_playwright() as playwright:
        browser = launched(playwright)
        yield Visits(browser, services)
        browser.close()


@pytest.fixture
def visits(opened: Visits) -> Iterator[Visits]:
    """The same; nothing went wrong in a browser meanwhile."""
    opened.complaints.clear()
    yield opened
    assert opened.complaints == []
