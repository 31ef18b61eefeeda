"""What a training came to: the document by which the job tells whoever started it, `skylift train --json FILE`."""

from typing import Literal

from skylift.documents import Document
from skylift.errors import SkyliftError
from skylift.metrics import Gate
from skylift.retraining.state import Problem

REFUSALS = frozenset({"gate-failed", "data-error"})
"""Codes of what people have to decide about: trying again changes nothing."""


class Outcome(Document):
    """What a training came to.

    Parameters
    ----------
    schema_version
        Version of this document's format.
    outcome
        `published`; `refused` by a gate or for the data; `failed` otherwise.
    model
        Name of the model; None if it is not known.
    reference
        Reference of the published version; None if none was published.
    data_sha256
        SHA-256 of the table; None if it was not read.
    gates
        Judged gates; empty before there was a model.
    problem
        Why nothing was published; None otherwise.
    """

    schema_version: int = 1
    outcome: Literal["published", "refused", "failed"]
    model: str | None = None
    reference: str | None = None
    data_sha256: str | None = None
    gates: tuple[Gate, ...] = ()
    problem: Problem | None = None

    @classmethod
    def of_failure(cls, model: str | None, error: SkyliftError) -> "Outcome":
        """What a training came to that an error ended."""
        outcome: Literal["refused", "failed"] = "refused" if error.code in REFUSALS else "failed"
        return cls(outcome=outcome, model=model, problem=Problem.of(error))
