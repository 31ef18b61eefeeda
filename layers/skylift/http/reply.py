"""An HTTP response as plain data: what answers without a web framework."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from starlette.types import Send

JSON = "application/json"

NOSNIFF = (b"x-content-type-options", b"nosniff")
"""A header of every answer: no browser may take it for another type, whatever a caller had echoed in it."""


@dataclass(frozen=True, slots=True)
class Reply:
    """A whole response.

    Parameters
    ----------
    body
        Body of the response.
    status
        HTTP status.
    media_type
        Media type of the body.
    headers
        Further headers by lower-case name.
    """

    body: bytes
    status: int = 200
    media_type: str = JSON
    headers: Mapping[str, str] = field(default_factory=dict)

    @property
    def raw_headers(self) -> list[tuple[bytes, bytes]]:
        """Every header, as ASGI has them."""
        return [
            (b"content-type", self.media_type.encode()),
            (b"content-length", str(len(self.body)).encode()),
            *((name.encode(), value.encode()) for name, value in self.headers.items()),
        ]

    async def send(self, send: "Send") -> None:
        """Send it over ASGI."""
        await send({"type": "http.response.start", "status": self.status, "headers": self.raw_headers})
        await send({"type": "http.response.body", "body": self.body})
