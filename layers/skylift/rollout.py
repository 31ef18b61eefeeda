"""The plan of a rollout: the event that starts its durable function, and the name under which it runs once."""

import json
from collections.abc import Mapping
from itertools import pairwise
from typing import Annotated, Self

from pydantic import (
    AwareDatetime,
    BaseModel,
    ConfigDict,
    Field,
    PlainSerializer,
    PlainValidator,
    ValidationError,
    model_validator,
)

from skylift.challenger import BY_REQUEST, Mode
from skylift.documents import first_fault
from skylift.errors import ConfigError, InvalidReference
from skylift.references import Reference

type Limits = dict[str, float | None]
"""Limits of an experiment by their names in `skylift.experiment.criteria.Criteria`."""

MAX_STEPS = 20
MAX_STEP_MINUTES = 7 * 24 * 60.0


def _reference(value: object) -> Reference:
    try:
        return value if isinstance(value, Reference) else Reference.parse(str(value))
    except InvalidReference as error:
        raise ValueError(str(error)) from error


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


class Step(_Part):
    """A share that the challenger has for some time.

    Parameters
    ----------
    mode
        Whether it answers, or scores beside the champion.
    percent
        Share of the requests in per cent.
    minutes
        Time after which the next step begins, if nothing speaks against it.
    """

    mode: Mode
    percent: Annotated[float, Field(gt=0, le=100, allow_inf_nan=False)]
    minutes: Annotated[float, Field(gt=0, le=MAX_STEP_MINUTES, allow_inf_nan=False)]

    def __str__(self) -> str:
        """The step in words: `canary, 5%`."""
        return f"{self.mode}, {self.percent:g}%"


DEFAULT_STEPS = (
    Step(mode="shadow", percent=100, minutes=60),
    Step(mode="canary", percent=5, minutes=60),
    Step(mode="canary", percent=25, minutes=60),
    Step(mode="canary", percent=50, minutes=60),
)


class RolloutPlan(_Part):
    """What a rollout is to do.

    Parameters
    ----------
    id
        Name of the experiment.
    version, reference
        Version on trial, with and without its digest.
    key
        What routing follows; see `skylift.challenger.Challenger`.
    by
        Starter: an ARN, or the name of a workflow.
    steps
        Shares in the order of time: the shadow first, shares that do not fall, and no canary that gets every request.
        After the last one the version is promoted.
    approval
        Whether a person must approve the promotion.
    criteria
        Limits, where they are not the defaults.
    started
        Time of the start, with its zone.
    """

    id: Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_-]{0,63}\z")]
    version: str
    reference: Annotated[Reference, PlainValidator(_reference), PlainSerializer(str)]
    key: str = BY_REQUEST
    by: Annotated[str, Field(min_length=1, max_length=2048)]
    steps: Annotated[tuple[Step, ...], Field(min_length=1, max_length=MAX_STEPS)] = DEFAULT_STEPS
    approval: bool = False
    criteria: Limits = {}
    started: AwareDatetime

    @model_validator(mode="after")
    def _check(self) -> Self:
        if self.version != self.reference.name:
            raise ValueError(f"the version is {self.version}, and the reference names {self.reference.name}")
        if any(step.mode == "canary" and step.percent == 100 for step in self.steps):
            raise ValueError("a canary that gets every request leaves none to compare with")
        for before, after in pairwise(self.steps):
            if before.mode == "canary" and after.mode == "shadow":
                raise ValueError(f"the step {after} comes after {before}: the shadow comes first")
            if before.mode == after.mode and after.percent < before.percent:
                raise ValueError(f"the step {after} comes after {before}: a share may not fall")
        return self

    @classmethod
    def of_event(cls, event: Mapping[str, object]) -> Self:
        """Read the event of the function.

        Raises
        ------
        ConfigError
            It is not the plan of a rollout.
        """
        try:
            return cls.model_validate_json(json.dumps(event))
        except ValidationError as error:
            raise ConfigError(
                f"this event is not the plan of a rollout: {first_fault(error)}",
                "start rollouts by `skylift challenge --auto`, or see docs/rollouts.md",
            ) from error

    def to_event(self) -> dict[str, object]:
        """The event that starts the function."""
        event: dict[str, object] = self.model_dump(mode="json")
        return event


def execution_name(model: str, reference: Reference, ended: int) -> str:
    """Name under which a rollout runs once, however often it is started.

    Parameters
    ----------
    ended
        Number of experiments of this digest that have ended: one that was rejected can be tried again.

    Examples
    --------
    >>> execution_name("iris", Reference.parse("v8@sha256:" + "0" * 64), 1)
    'iris-000000000000000000000000-1'
    """
    return f"{model[:31]}-{reference.digest[:24]}-{ended}"
