"""The page for people at `GET /`: its files, their addresses, and who is answered with it.

The page reads `/model-info` and calls `/predict`: it holds nothing of a model, so that one page serves every version.
Its files are in the folder `page` and at `page/{digest}/{name}`, where the digest is that of all of them: browsers keep
each as long as they like, and modules of two releases never meet.
"""

import hashlib
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from importlib.resources.abc import Traversable

FILES_PATH = "/page/{digest}/{name}"

POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' data:; "
    "frame-ancestors 'none'; base-uri 'none'; form-action 'none'; require-trusted-types-for 'script'; "
    "trusted-types 'none'"
)
"""Nothing from elsewhere, nothing inline, and no text that becomes markup or a script."""

_HTML = "index.html"
_TYPES = {".css": "text/css; charset=utf-8", ".js": "text/javascript; charset=utf-8"}
_ADDRESS = "page/"
_FOREVER = "public, max-age=31536000, immutable"


@dataclass(frozen=True, slots=True)
class PageFile:
    """A file of the page as it is sent.

    Parameters
    ----------
    body
        Bytes of the file.
    media_type
        Media type of the bytes, with its charset.
    digest
        Digest of the page that it belongs to.
    """

    body: bytes
    media_type: str
    digest: str

    def headers(self, asked: str) -> dict[str, str]:
        """Headers of the answer to a request.

        Parameters
        ----------
        asked
            The digest in its address: where two releases answer in turn it may be that of the other one.
        """
        return {"etag": f'"{self.digest}"', "cache-control": _FOREVER if asked == self.digest else "no-store"}


@cache
def page() -> tuple[str, dict[str, PageFile]]:
    """The page with the addresses of its files, and these files by name."""
    found = {file.name: file.read_bytes() for file in sorted(_folder(), key=lambda file: file.name)}
    digest = hashlib.sha256(b"".join(name.encode() + b"\0" + body for name, body in found.items())).hexdigest()[:12]
    html = found.pop(_HTML).decode().replace(f'"{_ADDRESS}', f'"{_ADDRESS}{digest}/')
    return html, {name: PageFile(body, _TYPES[name[name.index(".") :]], digest) for name, body in found.items()}


def prefers_page(accept: str) -> bool:
    """Whether who accepts these media types is a browser, and not a program.

    Examples
    --------
    >>> prefers_page("text/html,application/xhtml+xml,*/*;q=0.8"), prefers_page("*/*"), prefers_page("application/json")
    (True, False, False)
    """
    wanted = dict(map(_quality, accept.split(",")))
    html = wanted.get("text/html", 0.0)
    return html > 0 and html >= wanted.get("application/json", 0.0)


def _quality(part: str) -> tuple[str, float]:
    """A media type and how much it is wanted, 0 to 1; 0 for a number that is none."""
    media_type, *parameters = (each.strip().lower() for each in part.split(";"))
    weights = [each.removeprefix("q=").strip() for each in parameters if each.startswith("q=")]
    try:
        return media_type, float(weights[0]) if weights else 1.0
    except ValueError:
        return media_type, 0.0


def _folder() -> list[Traversable]:
    return [
        file
        for file in (files("inference") / "page").iterdir()
        if file.name == _HTML or file.name.endswith((".css", ".js"))
    ]
