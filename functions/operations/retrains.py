"""Starts retrainings, and tells how far one is."""

import re
from collections.abc import Callable
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from pydantic_core import ErrorDetails, from_json

from skylift.durable import DurableFunction
from skylift.errors import AwsUnavailable, IntegrityError, RetrainNotFound, RetrainUnavailable
from skylift.http.errors import FieldProblem, InvalidRetrainRequest, NotJson
from skylift.observability import logger
from skylift.retraining.start import TO_ALLOW_ROLLOUTS, id_of_key, new_id, start
from skylift.retraining.state import Request, Retraining, Rollout
from skylift.retraining.store import RetrainStore

MAX_KEY_LENGTH = 255

_ID = re.compile(r"(?!running\Z)[a-z0-9][a-z0-9-]{0,31}\Z")  # beside the documents is the lock, `running.json`
_NO_REASON = "asked for without a reason"
_EXPECTED: dict[str, tuple[str, str]] = {
    "extra_forbidden": ("unknown_field", "unknown field: reason and rollout are known"),
    "string_too_short": ("wrong_length", "expected 1 to 500 characters"),
    "string_too_long": ("wrong_length", "expected 1 to 500 characters"),
    "literal_error": ("unknown_value", 'expected "none", "manual" or "auto"'),
    "string_type": ("wrong_type", "expected a text"),
}
"""Reasons and words by pydantic's name of the fault."""


class Body(BaseModel):
    """What a caller may say.

    Parameters
    ----------
    reason
        Reason in words.
    rollout
        What follows a published version.
    """

    model_config = ConfigDict(extra="forbid", strict=True)

    reason: Annotated[str, Field(min_length=1, max_length=500)] = _NO_REASON
    rollout: Literal["none", "manual", "auto"] = "none"


class Retrains:
    """The retrainings of one model, for callers.

    Parameters
    ----------
    store
        Keeper of the retrainings.
    function
        Function that returns the durable function, which the first retraining needs.
    rollouts
        Whether a rollout may follow.
    """

    def __init__(self, store: RetrainStore, function: Callable[[], DurableFunction], *, rollouts: bool = True) -> None:
        self._store = store
        self._function = function
        self._rollouts = rollouts

    def begin(self, body: bytes, key: str | None, by: str) -> Retraining:
        """Start what a body asks for, or find what the same key started.

        Parameters
        ----------
        body
            Body of the request; empty for one that says nothing.
        key
            The caller's idempotency key: of two requests with the same one, the second starts nothing.
        by
            Caller, by name or ARN.

        Raises
        ------
        NotJson, InvalidRetrainRequest
            It cannot be read, or asks for a rollout where none may follow.
        RetrainRunning, RetrainKeyReused
            Another one runs, or the key belongs to another request.
        RetrainUnavailable
            It cannot be started now. It can be asked for again.
        """
        asked = _read(body, key)
        rollout: Rollout = asked.rollout
        if rollout != "none" and not self._rollouts:
            problem = FieldProblem("rollout", "unknown_value", f'expected "none" here: {TO_ALLOW_ROLLOUTS}', "/rollout")
            raise InvalidRetrainRequest((problem,), 1)
        id = id_of_key(key) if key else new_id(self._store.now())  # noqa: A001 (the document's word)
        request = Request(id=id, reason=asked.reason, rollout=rollout, by=by)
        try:
            return start(request, store=self._store, function=self._function())
        except (AwsUnavailable, IntegrityError) as error:
            logger.warning("a retraining cannot be started", extra={"why": error.message})
            hint = "send the same request again shortly; with an Idempotency-Key it starts once"
            raise RetrainUnavailable(f"the retraining cannot be started now ({error.code})", hint) from error

    def find(self, id: str) -> Retraining:  # noqa: A002
        """A retraining by its id.

        Raises
        ------
        RetrainNotFound
            None has it.
        RetrainUnavailable
            It cannot be read now.
        """
        if not _ID.match(id):
            raise RetrainNotFound(f"no retraining has the id {id[:64]!r}", "use the id that its start answered")
        try:
            return self._store.read(id)
        except (AwsUnavailable, IntegrityError) as error:
            logger.warning("a retraining cannot be read", extra={"why": error.message})
            raise RetrainUnavailable(
                f"the retraining cannot be read now ({error.code})", "try again shortly"
            ) from error


def _read(body: bytes, key: str | None) -> Body:
    if key is not None and not 1 <= len(key) <= MAX_KEY_LENGTH:
        problem = FieldProblem("Idempotency-Key", "wrong_length", f"expected 1 to {MAX_KEY_LENGTH} characters")
        raise InvalidRetrainRequest((problem,), 1)
    if not body.strip():
        return Body()
    try:
        document = from_json(body)
    except ValueError as error:
        raise NotJson("the body is not JSON", str(error)) from error
    try:
        return Body.model_validate(document)
    except ValidationError as error:
        problems = tuple(map(_problem, error.errors(include_url=False)))
        raise InvalidRetrainRequest(problems[:20], len(problems)) from error


def _problem(fault: ErrorDetails) -> FieldProblem:
    if not fault["loc"]:
        return FieldProblem("body", "wrong_type", 'expected an object, for example {"reason": "new prices"}')
    field = str(fault["loc"][0])[:64]
    reason, message = _EXPECTED[fault["type"]]
    pointer = "" if reason == "unknown_field" else f"/{field}"
    return FieldProblem(field, reason, message, pointer)
