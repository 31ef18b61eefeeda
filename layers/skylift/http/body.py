"""Reads the body of a request, no further than its declared type, its encoding and its size allow."""

from collections.abc import Collection
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

from skylift.http.errors import BodyTooLarge, ClientGone, WrongContentType
from skylift.http.reply import JSON

if TYPE_CHECKING:
    from starlette.types import Receive, Scope

JSON_TYPES = (JSON, "application/*+json")

MAX_BODY_BYTES = 6 * 2**20
"""Lambda's own limit for a synchronous request."""

_MAX_DIGITS = 100
_MAX_SHOWN = 100


async def read_body(scope: "Scope", receive: "Receive", media_types: Collection[str] = JSON_TYPES) -> bytes:
    """The body of a request, if it is declared to be of a type that is taken, and not too large.

    Parameters
    ----------
    media_types
        Media types in lower case, `*` for any letters; the first one is named to who sends another.

    Raises
    ------
    WrongContentType
        It is declared to be something else, or to be compressed.
    BodyTooLarge
        It has more than `MAX_BODY_BYTES`.
    ClientGone
        The connection ended before the body.
    """
    headers = dict(scope["headers"])
    _check_type(headers.get(b"content-type", b"").decode("latin-1"), media_types)
    encoding = headers.get(b"content-encoding", b"").decode("latin-1").strip().lower()
    if encoding not in {"", "identity"}:
        raise WrongContentType(f"the content encoding is {encoding[:_MAX_SHOWN]!r}", "send the body as it is")
    length = headers.get(b"content-length", b"").decode("latin-1")
    if length.isdecimal() and (len(length) > _MAX_DIGITS or int(length) > MAX_BODY_BYTES):
        raise _too_large()
    chunks, size, more = [], 0, True
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise ClientGone("the connection was closed before the end of the body")
        chunks.append(message.get("body", b""))
        size += len(chunks[-1])
        if size > MAX_BODY_BYTES:
            raise _too_large()
        more = message.get("more_body", False)
    return b"".join(chunks)


def _check_type(declared: str, media_types: Collection[str]) -> None:
    media_type = declared.partition(";")[0].strip().lower()
    if media_type not in media_types and not any(fnmatchcase(media_type, allowed) for allowed in media_types):
        wanted = next(iter(media_types))
        raise WrongContentType(
            f"the content type is {declared[:_MAX_SHOWN]!r}", f"send the header content-type: {wanted}"
        )


def _too_large() -> BodyTooLarge:
    return BodyTooLarge(f"the body has more than {MAX_BODY_BYTES:,} bytes", "send it in several requests")
