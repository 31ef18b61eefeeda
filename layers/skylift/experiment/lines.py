"""Counts from the lines of requests: what each says of an experiment, and looks at a time of it.

The member `experiment` of a line names the side that a request was assigned to, and what became of the challenger:

    canary      every request of the scope; `failed` or `refused` where the champion answered for the challenger
    shadow      the sampled requests; both sides were asked, and `pair` compares them if both answered

Counts add up: those of a time are the sum of those of its parts, however it is cut.
"""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any, Protocol

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from skylift.challenger import Mode
from skylift.experiment.counters import EDGES_MS, Arm, Counters, Pairs
from skylift.experiment.record import Look, StepCounts
from skylift.monitoring.records import Record

type Right = Callable[[Record], tuple[int, int]]
"""Function from a line to the numbers of its labelled rows that the challenger, and the champion, alone has right."""


class Lines(Protocol):
    """What keeps the lines of the service.

    Attributes
    ----------
    held_back
        Time for which lines may still arrive: a look ends so long ago.
    """

    @property
    def held_back(self) -> timedelta:
        """See `Lines`."""

    def read(self, id: str, start: datetime, end: datetime, add: Callable[[Record], None]) -> datetime:  # noqa: A002
        """Give the lines of an experiment from `start` to before `end`, each once, to a function.

        Returns
        -------
        datetime
            The first moment of which no line was read: `end`, or earlier if there are more than is read at once.
        """


def count(
    lines: Lines,
    id: str,  # noqa: A002
    start: datetime,
    end: datetime,
    *,
    every: timedelta | None = None,
    right: Right | None = None,
) -> list[Look]:
    """Count the requests of an experiment in a time.

    Parameters
    ----------
    lines
        Keeper of the service's lines.
    start, end
        First moment, and the first one after it, with their zone.
    every
        Time from look to look; None for one look.
    right
        What labels say of a line; None without labels.

    Returns
    -------
    list of Look
        At least one, in the order of time. Those between them that saw nothing are left out. The last one ends where
        the next reading has to begin: before `end` for more lines than are read at once.

    Raises
    ------
    AwsUnavailable
        CloudWatch failed.
    OSError
        The log file cannot be read.
    """
    length = every or max(end - start, timedelta(milliseconds=1))
    tallies: dict[int, Tally] = {}

    def add(record: Record) -> None:
        place = max((datetime.fromtimestamp(record.at, UTC) - start) // length, 0)
        if place not in tallies:
            tallies[place] = Tally(id, right)
        tallies[place].add(record)

    reached = lines.read(id, start, end, add)
    last = max(-((start - reached) // length) - 1, 0)
    found: dict[int, list[StepCounts]] = {last: []}
    for place, tally in sorted(tallies.items()):
        found.setdefault(min(place, last), []).extend(tally.steps())  # later ones by clocks that differ
    return [
        Look(
            start=start + place * length,
            end=reached if place == last else start + (place + 1) * length,
            steps=tuple(steps),
        )
        for place, steps in sorted(found.items())
    ]


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore", strict=True)


class _Pair(_Part):
    rows: Annotated[int, Field(ge=0)]
    other: Annotated[int, Field(ge=0)]
    bin: Annotated[int, Field(ge=0, le=len(EDGES_MS))]


class _Member(_Part):
    """The member `experiment`; what is unknown in it is of later releases."""

    id: str
    mode: Mode
    percent: Annotated[float, Field(gt=0, le=100, allow_inf_nan=False)]
    arm: str
    failed: str | None = None
    refused: str | None = None
    pair: _Pair | None = None


@dataclass(slots=True)
class _Side:
    requests: int = 0
    errors: int = 0
    refusals: Counter[str] = field(default_factory=Counter)

    def add(self, *, failed: bool, refused: str | None) -> None:
        self.requests += 1
        if failed:
            self.errors += 1
        elif refused:
            self.refusals[refused] += 1

    def counted(self) -> Arm:
        return Arm(self.requests, self.errors, dict(sorted(self.refusals.items())))


@dataclass(slots=True)
class _Step:
    first: float
    challenger: _Side = field(default_factory=_Side)
    champion: _Side = field(default_factory=_Side)
    rows: int = 0
    other: int = 0
    differences: Counter[int] = field(default_factory=Counter)
    challenger_right: int = 0
    champion_right: int = 0

    def counted(self) -> Counters:
        differences = dict(sorted(self.differences.items()))
        pairs = Pairs(self.rows, self.other, differences, self.challenger_right, self.champion_right)
        return Counters(self.challenger.counted(), self.champion.counted(), pairs)


class Tally:
    """Counts of lines, in any order.

    Parameters
    ----------
    id
        Name of the experiment; lines of others, and of none, count nothing.
    right
        What labels say of a line; None without labels.

    Attributes
    ----------
    unreadable
        Number of lines whose member could not be read.
    """

    def __init__(self, id: str, right: Right | None = None) -> None:  # noqa: A002
        self.unreadable = 0
        self._id = id
        self._right = right
        self._steps: dict[tuple[Mode, float], _Step] = {}

    def add(self, record: Record) -> None:
        """Count a line."""
        told: Any = record.document.get("experiment")
        if not isinstance(told, dict) or told.get("id") != self._id:
            return
        try:
            member = _Member.model_validate(told)
        except ValidationError:
            self.unreadable += 1
            return
        step = self._steps.setdefault((member.mode, member.percent), _Step(record.at))
        step.first = min(step.first, record.at)
        self._count(step, member, record)

    def steps(self) -> tuple[StepCounts, ...]:
        """The counts by step, in the order in which the steps began."""
        return tuple(
            StepCounts(mode=mode, percent=percent, counters=step.counted())
            for (mode, percent), step in sorted(self._steps.items(), key=lambda item: item[1].first)
        )

    def _count(self, step: _Step, member: _Member, record: Record) -> None:
        failed = record.status >= 500
        refused = record.reason if 400 <= record.status < 500 else None
        if member.mode == "shadow":
            step.champion.add(failed=failed, refused=refused)
            step.challenger.add(failed=member.failed is not None, refused=member.refused)
        elif member.arm == "challenger":  # the status is the champion's where that answered for it
            own = member.failed is None and member.refused is None
            step.challenger.add(
                failed=member.failed is not None or (own and failed), refused=refused if own else member.refused
            )
        else:
            step.champion.add(failed=failed, refused=refused)
        if member.pair is not None:
            step.rows += member.pair.rows
            step.other += member.pair.other
            step.differences[member.pair.bin] += 1
            if self._right is not None:
                challenger, champion = self._right(record)
                step.challenger_right += challenger
                step.champion_right += champion
