"""What the state machine asks of the function."""

from typing import Annotated

from pydantic import Field, ValidationError

from skylift.bulk.plan import Part
from skylift.documents import Document, first_fault
from skylift.errors import ConfigError


class Task(Document):
    """One part to score, or a run to end.

    Parameters
    ----------
    run
        Run that it is of.
    reference
        Version that scores: `v7@sha256:...`.
    explain
        Whether answers get the contributions of each feature.
    output
        Address of the place that is written to: `s3://bucket/prefix`.
    part
        Part to score; None to write the manifest of the run, all parts of which are done.
    """

    run: str
    reference: str
    explain: bool = False
    output: Annotated[str, Field(pattern="^s3://")]
    part: Part | None = None

    @classmethod
    def of(cls, event: object) -> "Task":
        """Read an event.

        Raises
        ------
        ConfigError
            It is not one of the state machine.
        """
        try:
            return cls.model_validate(event)
        except ValidationError as error:
            raise ConfigError(
                f"this event names nothing to score: {first_fault(error)}", "start a run by `skylift batch`"
            ) from error
