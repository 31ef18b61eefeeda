"""All that a rollout reads and writes. Each method is one step of it, and may run twice: it then ends the same."""

from collections.abc import Callable, Sequence
from dataclasses import asdict
from datetime import datetime, timedelta
from typing import Literal, TypedDict

from skylift.errors import ChallengerMoved, ExperimentEnded, InvalidReference, PointerMoved, PromotionRefused
from skylift.experiment.criteria import Criteria
from skylift.experiment.judge import judge
from skylift.experiment.record import Ending, Execution, Look, intervals_of
from skylift.experiment.store import ExperimentStore
from skylift.experiment.trials import Trials
from skylift.experiment.verdict import Verdict
from skylift.notify import Notifier
from skylift.observability import MetricPoint, emit
from skylift.references import NOTHING
from skylift.rollout import RolloutPlan, Step
from skylift.served import ServedParameters

_LONGEST_REASON = 500
_MOST_ALARMS = 20

_NEXT = {
    "promoted": "It is active now. `skylift rollback` makes the version before active again.",
    "rejected": "The champion stays. `skylift judge` shows the counts; a better version can be tried at any time.",
    "inconclusive": "The champion stays. Try it again with more traffic, larger shares, or a longer max_hours.",
    "failed": "The champion stays. Repair what failed, and start it again: `skylift challenge --auto`.",
}


class Begun(TypedDict):
    """Where a rollout began: the time, and the version that was active."""

    time: str
    champion: str


class Found(TypedDict):
    """What a look found.

    Parameters
    ----------
    time
        Time of the look.
    outcome
        What the judge says, or `over` where somebody else ended the experiment or moved the pointer; None to go on.
    reason
        Why, or what it waits for.
    heard
        Whether the version has had a request since its present step began.
    settled
        Whether nothing is open that only the present step can settle: a canary adds no pairs to those of the shadow.
    alarms
        Names of the stack's alarms that fire.
    """

    time: str
    outcome: str | None
    reason: str
    heard: bool
    settled: bool
    alarms: list[str]


class Ramped(TypedDict):
    """When a step began, or why it could not: somebody else ended the experiment."""

    time: str
    over: str | None


class Decision(TypedDict):
    """What is to become of the version, why, and the alarms that fired then."""

    outcome: Ending
    reason: str
    alarms: list[str]


class Ended(TypedDict):
    """How a rollout ended: as the record says, or `elsewhere` where another execution has the experiment."""

    id: str
    outcome: Ending | Literal["elsewhere"]
    reason: str


class Work:
    """The steps of a rollout.

    Parameters
    ----------
    trials, store, served
        Experiments of the model, what is kept of them, and both parameters.
    count
        Function that counts the requests of an experiment from one moment to another.
    held_back
        Time for which lines of requests may still arrive.
    alarms
        Function that names the stack's alarms that fire.
    notifier
        What tells people.
    stage
        Name of the stage.
    clock
        Function that returns the time, UTC.
    """

    def __init__(  # noqa: PLR0913 (what it works with)
        self,
        trials: Trials,
        store: ExperimentStore,
        served: ServedParameters,
        *,
        count: Callable[[str, datetime, datetime], Look],
        held_back: timedelta,
        alarms: Callable[[], Sequence[str]],
        notifier: Notifier,
        stage: str,
        clock: Callable[[], datetime],
    ) -> None:
        self._stage = stage
        self._trials = trials
        self._store = store
        self._served = served
        self._count = count
        self._held_back = held_back
        self._alarms = alarms
        self._notifier = notifier
        self._clock = clock
        self._looks: dict[str, list[Look]] = {}

    def claim(self, experiment: str, execution: str, criteria: Criteria) -> str:
        """Take an experiment for an execution; the ARN of the one that has it."""
        own = Execution(execution=execution, criteria=asdict(criteria))
        return self._store.claim(experiment, own).execution

    def begin(self, plan: RolloutPlan) -> Begun:
        """Put the version on trial, by the first step."""
        first = plan.steps[0]
        challenger = self._trials.begin(
            plan.reference, mode=first.mode, percent=first.percent, key=plan.key, by=plan.by, id=plan.id
        )
        return Begun(time=challenger.started.isoformat(), champion=str(self._served.read().active))

    def ramp(self, plan: RolloutPlan, step: Step) -> Ramped:
        """Give the version the share of a step."""
        try:
            self._trials.ramp(plan.id, step.mode, step.percent)
        except (ExperimentEnded, ChallengerMoved) as error:
            return Ramped(time=self._now(), over=str(error))
        return Ramped(time=self._now(), over=None)

    def look(self, plan: RolloutPlan, criteria: Criteria, step: Step, number: int, begun: Begun) -> Found:
        """Count what came since the look before, and ask the judge.

        Parameters
        ----------
        number
            Number of the look, from 1.
        """
        if over := self._over(plan, begun):
            return Found(time=self._now(), outcome="over", reason=over, heard=False, settled=False, alarms=[])
        looks = self._counted(plan.id, number, datetime.fromisoformat(begun["time"]))
        alarms = list(self._alarms())[:_MOST_ALARMS]
        verdict = judge(intervals_of(looks), criteria, alarms=alarms)
        heard = any(
            counts.counters.challenger.requests
            for look in looks
            for counts in look.steps
            if (counts.mode, counts.percent) == (step.mode, step.percent)
        )
        pairs_wanted = any(finding.of_pairs and finding.state == "open" for finding in verdict.findings)
        return Found(
            time=self._now(),
            outcome=verdict.outcome,
            reason=verdict.reason[:_LONGEST_REASON],
            heard=heard,
            settled=step.mode == "canary" or not pairs_wanted,
            alarms=alarms,
        )

    def ask(self, plan: RolloutPlan, callback: str) -> None:
        """Ask a person to approve the promotion."""
        self._store.ask(plan.id, callback)
        self._notifier.send(
            f"{self._store.model} {plan.version} waits for approval",
            f"The judge would promote {plan.reference}. Until somebody answers, it stays on trial and is judged on.\n\n"
            "Approve it by `skylift approve`, refuse it by `skylift approve --no`.",
        )

    def promote(self, plan: RolloutPlan, criteria: Criteria, decision: Decision) -> Decision:
        """Make the version the active one; the decision that this comes to."""
        try:
            self._trials.promote(plan.id, self._verdict(plan.id, criteria, decision), reason=decision["reason"])
        except PromotionRefused as error:
            return Decision(outcome="rejected", reason=str(error), alarms=[])
        except (ExperimentEnded, ChallengerMoved, PointerMoved) as error:
            return Decision(outcome="inconclusive", reason=str(error), alarms=[])
        return decision

    def refuse(self, why: str) -> None:
        """Say that an event is not the plan of a rollout."""
        self._fail(why)
        self._notifier.send(f"{self._store.model}: a rollout did not begin", why)

    def end(self, plan: RolloutPlan, criteria: Criteria, decision: Decision) -> Ended:
        """End the experiment, if nobody has yet; the ending that stands."""
        outcome = decision["outcome"]
        if outcome == "failed":
            self._fail(decision["reason"])
        try:
            record = self._trials.end(plan.id, outcome, decision["reason"], self._verdict(plan.id, criteria, decision))
        except ExperimentEnded:  # it never began
            return Ended(id=plan.id, outcome=outcome, reason=decision["reason"])
        return Ended(id=plan.id, outcome=record.outcome, reason=record.reason)

    def tell(self, plan: RolloutPlan, ended: Ended) -> None:
        """Tell people how it ended."""
        record = self._store.read(plan.id)
        verdict = [] if record is None or record.verdict is None else ["", *record.verdict.lines()]
        words = [f"{plan.reference}: {ended['outcome']}. {ended['reason']}", "", _NEXT[ended["outcome"]], *verdict]
        self._notifier.send(f"{self._store.model} {plan.version} {ended['outcome']}", "\n".join(words))

    def _fail(self, why: str) -> None:
        emit([MetricPoint("RolloutFailed")], [{"stage": self._stage, "model": self._store.model}], {"why": why})

    def _now(self) -> str:
        return self._clock().isoformat()

    def _over(self, plan: RolloutPlan, begun: Begun) -> str | None:
        """Why the experiment is over; None while it is under way."""
        try:
            served = self._served.read()
        except InvalidReference as error:
            return f"the pointer names nothing any more: {error.message}"
        if served.challenger is None or served.challenger.id != plan.id:
            return f"somebody ended the experiment {plan.id}"
        if str(served.active) != begun["champion"]:
            return f"the pointer was moved from {begun['champion']} to {served.active or NOTHING}"
        return None

    def _counted(self, experiment: str, number: int, begun: datetime) -> list[Look]:
        """All looks up to a number, the last of which is made now, unless it stands already."""
        looks = self._looks.setdefault(experiment, [])
        if len(looks) < number - 1:  # another process made them; they never change, so this one reads them once
            looks[:] = self._store.counts(experiment)
        if len(looks) < number:
            start = looks[-1].end if looks else begun
            end = max(start, self._clock() - self._held_back)
            look = self._count(experiment, start, end)
            looks.append(self._store.write_counts(experiment, number, look))
        return looks[:number]

    def _verdict(self, experiment: str, criteria: Criteria, decision: Decision) -> Verdict | None:
        """What the judge says of all that was counted; None where nothing was."""
        looks = self._looks.get(experiment) or self._store.counts(experiment)
        return judge(intervals_of(looks), criteria, alarms=decision["alarms"]) if looks else None
