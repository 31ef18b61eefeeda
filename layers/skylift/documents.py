"""Documents that are stored with a version, and what is wrong with one that cannot be read."""

from collections.abc import Mapping
from typing import Annotated, Any, ClassVar, Self

from pydantic import BaseModel, ConfigDict, PlainSerializer, PlainValidator, ValidationError

from skylift.errors import IntegrityError, InvalidReference
from skylift.references import Reference

_AGAIN = "publish the version again, or upgrade Skylift"
_FAULTS = {"extra_forbidden": "unknown key", "missing": "missing"}
"""Plain words for what pydantic says about keys."""


def _reference(value: object) -> Reference:
    if isinstance(value, Reference):
        return value
    if not isinstance(value, str):
        raise ValueError("a reference is a text")  # noqa: TRY004 (pydantic tells it of the field)
    try:
        return Reference.parse(value)
    except InvalidReference as error:
        raise ValueError(str(error)) from error


ReferenceText = Annotated[Reference, PlainValidator(_reference), PlainSerializer(str)]
"""A reference in a document: the text that names it."""


class Document(BaseModel):
    """Base of everything stored with a version: immutable, and tolerant of keys that later releases add."""

    # Deferred: the parts are built once, with the manifest that holds them, and not each on its own at import.
    model_config = ConfigDict(defer_build=True, frozen=True, extra="ignore", ser_json_inf_nan="strings")

    indent: ClassVar[int] = 2
    """Spaces per level in the stored JSON."""

    def model_copy(self, *, update: Mapping[str, Any] | None = None, deep: bool = False) -> Self:
        """A copy with other values, which does not keep what the original has cached."""
        copied = super().model_copy(update=update, deep=deep)
        for name in copied.__dict__.keys() - type(self).model_fields.keys():
            del copied.__dict__[name]
        return copied

    def to_bytes(self) -> bytes:
        """Canonical JSON: the bytes that are stored and that digests name."""
        return self.model_dump_json(indent=self.indent, exclude_none=True).encode() + b"\n"

    @classmethod
    def from_bytes(cls, data: bytes, *, source: str, hint: str = _AGAIN) -> Self:
        """Read stored bytes.

        Parameters
        ----------
        source
            Name of what holds them, for the error.
        hint
            Next step if they cannot be read.

        Raises
        ------
        IntegrityError
            They are no such document, or one of a later release.
        """
        try:
            return cls.model_validate_json(data)
        except ValidationError as error:
            raise IntegrityError(f"{source} cannot be read: {first_fault(error)}", hint) from error


def first_fault(error: ValidationError) -> str:
    """The first thing that is wrong with a stored document, and where."""
    first = error.errors(include_url=False, include_input=False)[0]
    place = ".".join(str(part) for part in first["loc"]) or "the document"
    return f"{place}: {_FAULTS.get(first['type'], first['msg'])}"
