"""An HTTP client of an application in this process."""

import asyncio
import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import httpx

if TYPE_CHECKING:
    from starlette.types import ASGIApp

PROBLEM = "application/problem+json"
JSON_HEADERS = {"content-type": "application/json"}


class HttpClient:
    """Sends requests to an application in this process, each in an event loop of its own, as Lambda does.

    Attributes
    ----------
    app
        The application.
    """

    def __init__(self, app: "ASGIApp") -> None:
        self.app = app

    def request(
        self, method: str, path: str, *, content: bytes | str | None = None, headers: Mapping[str, str] | None = None
    ) -> httpx.Response:
        async def send() -> httpx.Response:
            transport = httpx.ASGITransport(self.app, raise_app_exceptions=False)
            async with httpx.AsyncClient(transport=transport, base_url="http://service.test") as client:
                return await client.request(method, path, content=content, headers=headers)

        return asyncio.run(send())

    def get(self, path: str, *, headers: Mapping[str, str] | None = None) -> httpx.Response:
        return self.request("GET", path, headers=headers)

    def post(self, content: bytes | str, **headers: str) -> httpx.Response:
        """POST a body as it stands to `/predict`, as JSON unless headers say otherwise (`_` for `-`)."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return self.request("POST", "/predict", content=content, headers=JSON_HEADERS | named)

    def predict(self, document: object, **headers: str) -> httpx.Response:
        """POST a document to `/predict`."""
        return self.post(json.dumps(document), **headers)

    def health(self) -> dict[str, Any]:
        document: dict[str, Any] = self.get("/health").json()
        return document
