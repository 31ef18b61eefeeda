"""Takes the labels of a body, all of them or none."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import TypedDict

from skylift.contract import Target
from skylift.errors import AwsUnavailable, IntegrityError, InvalidReference, VersionNotFound
from skylift.http.errors import FieldProblem, InvalidLabels, LabelsNotKept, NotJson, TooManyLabels
from skylift.monitoring.label_store import LabelStore
from skylift.monitoring.labels import Problem, parse
from skylift.observability import logger

MAX_PROBLEMS = 20
"""How many problems a caller is told."""


class Taken(TypedDict):
    """The answer to a body.

    Parameters
    ----------
    labels
        Number of labels that are kept.
    """

    labels: int


class Labels:
    """Takes labels of the active version.

    Parameters
    ----------
    target
        Function that returns the target of the active version.
    store
        Keeper of the labels.
    clock
        Function that returns the time, UTC.
    """

    def __init__(
        self,
        target: Callable[[], Target],
        store: LabelStore,
        *,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._target = target
        self._store = store
        self._clock = clock

    def take(self, body: bytes) -> Taken:
        """Keep the labels of a body.

        Raises
        ------
        NotJson, TooManyLabels, InvalidLabels
            The body is not one of labels. None of them is kept.
        NoActiveVersion, LabelsNotKept
            It cannot be checked, or not be written. It can be sent again.
        """
        arrived = self._clock()
        try:
            parsed = parse(body, self._target(), arrived)
            if parsed.problems:
                raise _refusal(parsed.problems)
            if parsed.labels:
                self._store.keep(body, parsed.labels, arrived)
        except (AwsUnavailable, IntegrityError, InvalidReference, VersionNotFound) as error:
            logger.warning("labels cannot be kept", extra={"why": error.message})
            raise LabelsNotKept(f"the labels cannot be kept now ({error.code})", "send them again shortly") from error
        return {"labels": len(parsed.labels)}


def _refusal(problems: tuple[Problem, ...]) -> NotJson | TooManyLabels | InvalidLabels:
    first = problems[0]
    if first.place == "body" and first.reason == "not_json":
        return NotJson("the body is not JSON", first.message)
    if first.reason == "too_many":
        return TooManyLabels("the body has too many labels", first.message)
    told = tuple(
        FieldProblem(problem.place, problem.reason, problem.message, _pointer(problem.place))
        for problem in problems[:MAX_PROBLEMS]
    )
    return InvalidLabels(told, len(problems))


def _pointer(place: str) -> str:
    """The place as a JSON pointer; a line is a document of its own."""
    return "/" + place.replace("[", "/").removesuffix("]") if place.startswith("labels[") else ""
