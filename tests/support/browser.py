"""A real Chromium on pages of this process, which loads nothing from elsewhere and overlooks nothing that fails."""

import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from importlib.resources import files
from typing import TYPE_CHECKING, Any, Literal

from tests.support.listening import listening
from tests.support.waiting import TIMES_OUT

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page, Playwright
    from starlette.types import ASGIApp, Receive, Scope, Send

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "google-chrome", "chromium-browser"))), None)

PATIENCE = 1000 * TIMES_OUT
"""Milliseconds after which a browser hangs."""

type Scheme = Literal["light", "dark"]

_ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
]
_REPORTS_VIOLATIONS = """addEventListener('securitypolicyviolation', event =>
  console.error(`policy: ${event.effectiveDirective} ${event.blockedURI} ${event.sourceFile}:${event.lineNumber}`))"""
_STATUS_OF_AN_ANSWER = "Failed to load resource: the server responded with a status of"


def launched(playwright: "Playwright") -> "Browser":
    """A Chromium without a window, whose only host is this machine."""
    assert CHROMIUM is not None
    return playwright.chromium.launch(executable_path=CHROMIUM, args=_ARGUMENTS, timeout=PATIENCE)


class Mounted:
    """Applications below the first part of the path, which they do not see.

    Parameters
    ----------
    apps
        Applications by name.
    """

    def __init__(self, apps: Mapping[str, "ASGIApp"]) -> None:
        self._apps = apps

    async def __call__(self, scope: "Scope", receive: "Receive", send: "Send") -> None:
        _, name, rest = scope["path"].split("/", 2)
        await self._apps[name]({**scope, "path": f"/{rest}", "raw_path": f"/{rest}".encode()}, receive, send)


@contextmanager
def serving(app: "ASGIApp") -> Iterator[str]:
    """The address of an application in a thread."""
    with listening(app, lifespan="off") as address:
        yield f"http://{address}"


@dataclass
class Visits:
    """Opens pages, each in a profile of its own, and remembers what browsers complain about.

    Parameters
    ----------
    browser
        A running browser.
    address
        Address that every request has to begin with.
    complaints
        Script errors, violations of the policy and requests to other hosts.
    """

    browser: "Browser"
    address: str
    complaints: list[str] = field(default_factory=list)

    @contextmanager
    def visit(
        self, path: str | None, *, width: int = 1280, scheme: Scheme = "light", **options: Any
    ) -> "Iterator[Page]":
        """A page at a path, or one that is still empty."""
        height = 844 if width < 600 else 900
        context = self.browser.new_context(viewport={"width": width, "height": height}, color_scheme=scheme, **options)
        context.add_init_script(_REPORTS_VIOLATIONS)
        page = context.new_page()
        page.on("pageerror", lambda error: self.complaints.append(f"script: {error}"))
        page.on("console", lambda message: self._hear(message.type, message.text))
        page.on("request", lambda request: self._check(request.url))
        page.set_default_timeout(PATIENCE)
        try:
            if path is not None:
                page.goto(f"{self.address}{path}")
            yield page
        finally:
            context.close()

    def _hear(self, kind: str, text: str) -> None:
        if kind in {"error", "warning"} and not text.startswith(_STATUS_OF_AN_ANSWER):
            self.complaints.append(f"{kind}: {text}")

    def _check(self, url: str) -> None:
        if not url.startswith((self.address, "data:", "blob:")):
            self.complaints.append(f"request: {url}")


def violations(page: "Page") -> list[str]:
    """What axe finds wrong with a page as it stands, with the elements."""
    source = files("axe_playwright_python").joinpath("axe.min.js").read_text(encoding="utf-8")
    page.evaluate(source)
    found: dict[str, Any] = page.evaluate("axe.run({ resultTypes: ['violations'] })")
    return [
        f"{violation['id']}: {node['html'][:150]} {node.get('failureSummary', '')}"
        for violation in found["violations"]
        for node in violation["nodes"]
    ]
