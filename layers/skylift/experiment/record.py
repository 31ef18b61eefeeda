"""What is kept of an experiment: its record, and the counts of each look."""

from collections.abc import Sequence
from datetime import datetime
from typing import Literal

from pydantic import AwareDatetime, Field

from skylift.challenger import Mode
from skylift.documents import Document, ReferenceText
from skylift.experiment.counters import Counters, Interval
from skylift.experiment.verdict import Verdict
from skylift.rollout import Limits

_EVEN = 0.5

type Ending = Literal["promoted", "rejected", "inconclusive", "failed"]
"""How an experiment ended: `inconclusive` where nothing was certain, `failed` where it could not be carried on."""


class Experiment(Document):
    """The record of an experiment, written once, at its end: `experiments/{model}/{id}.json`.

    Parameters
    ----------
    id
        Name of the experiment.
    model
        Name of the model.
    challenger, champion
        Versions that were compared; no champion where SSM forgot the pointer of that time.
    mode, percent
        Mode and percentage of the last step.
    started, ended
        Times of its beginning and end, with their zone.
    by
        Starter: an ARN, or the name of a workflow.
    outcome
        How it ended.
    reason
        Why, in words.
    verdict
        What the judge said last; None where nobody asked.
    """

    schema_version: Literal[1] = 1
    id: str
    model: str
    challenger: ReferenceText
    champion: ReferenceText | None = None
    mode: Mode
    percent: float
    started: AwareDatetime
    by: str
    ended: AwareDatetime
    outcome: Ending
    reason: str
    verdict: Verdict | None = None


class Approval(Document):
    """What waits for a person: `experiments/{model}/{id}/approval.json`.

    Parameters
    ----------
    callback
        Id of the callback of a durable function.
    """

    callback: str


class Execution(Document):
    """Who carries a rollout out: `experiments/{model}/{id}/execution.json`.

    Parameters
    ----------
    execution
        ARN of the durable execution that has the experiment.
    criteria
        Limits by which it is judged; none in a document of an earlier release.
    """

    execution: str
    criteria: Limits = Field(default_factory=dict)


class StepCounts(Document):
    """Counts of the requests of one step.

    Parameters
    ----------
    mode, percent
        The step, as the lines of the requests name it.
    counters
        Counts of both sides.
    """

    mode: Mode
    percent: float
    counters: Counters

    @property
    def share(self) -> float:
        """Probability that a request is the challenger's; see `Interval`."""
        return _EVEN if self.mode == "shadow" else self.percent / 100


class Look(Document):
    """What was counted from one look to the next: `experiments/{model}/{id}/counts-00001.json`.

    Parameters
    ----------
    start, end
        First moment, and the first one after it, with their zone.
    steps
        Counts by step, in the order in which the steps began: two where the share changed meanwhile, none without a
        request.
    """

    schema_version: Literal[1] = 1
    start: AwareDatetime
    end: AwareDatetime
    steps: tuple[StepCounts, ...] = ()


def intervals_of(looks: Sequence[Look]) -> list[Interval]:
    """Looks as the judge reads them.

    Parameters
    ----------
    looks
        Looks in the order of time, from the beginning of the experiment.

    Returns
    -------
    list of Interval
        The time of a look without a request goes to the next one that has some: its share would be nobody's.
    """
    intervals: list[Interval] = []
    told = looks[0].start if looks else None
    for look in looks:
        for place, step in enumerate(look.steps):
            minutes = _minutes(told, look.end) if place == len(look.steps) - 1 else 0.0
            intervals.append(Interval(minutes, step.share, step.counters))
        if look.steps:
            told = look.end
    if looks and (silence := _minutes(told, looks[-1].end)):
        share = intervals[-1].share if intervals else _EVEN
        intervals.append(Interval(silence, share, Counters()))
    return intervals


def _minutes(start: datetime | None, end: datetime) -> float:
    return 0.0 if start is None else max((end - start).total_seconds() / 60, 0.0)
