"""References to versions: `v7@sha256:<64 hex digits of manifest.json>`, as for container images."""

import hashlib
import re
from dataclasses import dataclass
from typing import Self

from skylift.errors import InvalidReference

NOTHING = "none"
"""What the pointer holds before the first promotion."""

_REFERENCE = re.compile(r"v([1-9][0-9]{0,8})@sha256:([0-9a-f]{64})")
_NAME = re.compile(r"v?([1-9][0-9]{0,8})")


@dataclass(frozen=True, slots=True, order=True)
class Reference:
    """A version and the digest that pins all of its bytes.

    Parameters
    ----------
    number
        Number of the version, from 1.
    digest
        SHA-256 of the version's `manifest.json`, 64 lower-case hex digits.
    """

    number: int
    digest: str

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read a reference.

        Raises
        ------
        InvalidReference
            The text is anything else.

        Examples
        --------
        >>> Reference.parse("v7@sha256:" + "0" * 64).name
        'v7'
        """
        if match := _REFERENCE.fullmatch(text):
            return cls(int(match[1]), match[2])
        raise InvalidReference(f"{text[:100]!r} is not a reference", "write it as v7@sha256:<64 hex digits>")

    @property
    def name(self) -> str:
        """The version's name, for example `v7`."""
        return version_name(self.number)

    def __str__(self) -> str:
        return f"{self.name}@sha256:{self.digest}"


def version_name(number: int) -> str:
    """Name of a version by its number, for example `v7`."""
    return f"v{number}"


def parse_version(text: str) -> tuple[int, str | None]:
    """Read a version as a person writes it: `7`, `v7` or a whole reference.

    Returns
    -------
    tuple
        Number of the version, and the digest or None.

    Raises
    ------
    InvalidReference
        The text is none of these.
    """
    if match := _NAME.fullmatch(text):
        return int(match[1]), None
    if "@" not in text:
        raise InvalidReference(f"{text[:100]!r} is not a version", "write it as v7 or v7@sha256:<64 hex digits>")
    reference = Reference.parse(text)
    return reference.number, reference.digest


def sha256(data: bytes) -> str:
    """SHA-256 of bytes, 64 lower-case hex digits."""
    return hashlib.sha256(data).hexdigest()
