"""Gives a version its shares one after the other, and looks at it until there is a decision."""

import json
from collections.abc import Callable
from datetime import datetime, timedelta

from aws_durable_execution_sdk_python import CallbackExternalError, DurableContext, ParallelBranch
from aws_durable_execution_sdk_python.config import CompletionConfig, Duration, ParallelConfig, WaitForCallbackConfig

from rollout.plan import APPROVAL, pause
from rollout.work import Begun, Decision, Found, Work
from skylift.durable_steps import HALF_AN_HOUR, step
from skylift.experiment.criteria import Criteria
from skylift.experiment.record import Ending
from skylift.rollout import RolloutPlan, Step

_ENDINGS: dict[str | None, Ending] = {"reject": "rejected", "inconclusive": "inconclusive", "over": "inconclusive"}
"""Endings by what a look found; the others do not end anything by themselves."""

_LONGEST_NAME = 200

_EITHER = ParallelConfig(completion_config=CompletionConfig(min_successful=1, tolerated_failure_count=0))


class Watch:
    """A version on trial. It begins where this is made.

    Parameters
    ----------
    plan, criteria, work, context
        See `rollout.flow.roll_out`.

    Raises
    ------
    DurableOperationError
        A step failed for good; so do the methods.
    """

    def __init__(self, plan: RolloutPlan, criteria: Criteria, work: Work, context: DurableContext) -> None:
        self._plan = plan
        self._criteria = criteria
        self._work = work
        self._context = context
        self._begun: Begun = step(context, "begin", work.begin, plan)
        self._time = self._began = datetime.fromisoformat(self._begun["time"])
        self._looks = 0

    def decision(self) -> Decision:
        """What becomes of the version, after all shares or before."""
        *earlier, last = self._plan.steps
        for share in earlier:
            if decision := self._bake(share, lambda _: True):
                return decision
        if decision := self._bake(last, lambda found: found["outcome"] == "promote"):
            return decision
        return self._approval(last) if self._plan.approval else _PROMOTION

    def _bake(self, share: Step, done: Callable[[Found], bool]) -> Decision | None:
        """Give the version a share for its time, and then until it is done; the decision, if one was made meanwhile.

        A share is not left in silence, nor during an alarm: nothing would speak for the next one. Nor is the shadow
        before its pairs are enough, as nothing later adds any.
        """
        ramped = step(self._context, f"ramp: {share}", self._work.ramp, self._plan, share)
        if ramped["over"]:
            return Decision(outcome="inconclusive", reason=ramped["over"], alarms=[])
        ends = datetime.fromisoformat(ramped["time"]) + timedelta(minutes=share.minutes)
        while True:
            found = self._look(share, self._context)
            if decision := _decision(found):
                return decision
            heard = found["heard"] and found["settled"] and not found["alarms"]
            if self._time >= ends and heard and done(found):
                return None

    def _look(self, share: Step, context: DurableContext) -> Found:
        self._looks += 1
        number, wait = self._looks, pause(self._time - self._began, share)
        context.wait(Duration.from_seconds(wait.total_seconds()), f"wait {number}")
        arguments = (self._plan, self._criteria, share, number, self._begun)
        found = step(context, f"look {number}", self._work.look, *arguments)
        self._time = datetime.fromisoformat(found["time"])
        return found

    def _approval(self, share: Step) -> Decision:
        """What a person says, or the judge before that: it looks on meanwhile, until the time is up."""
        ends = max(self._began + timedelta(hours=self._criteria.max_hours), self._time + APPROVAL)
        branches: list[ParallelBranch[Decision]] = [
            ParallelBranch(self._answer, "answer"),
            ParallelBranch(lambda context: self._watch(share, ends, context), "watch"),
        ]
        batch = self._context.parallel(branches, "approval", _EITHER)
        batch.throw_if_error()
        decisions: list[Decision] = batch.get_results()
        return min(decisions, key=lambda decision: decision["outcome"] == "promoted")

    def _answer(self, context: DurableContext) -> Decision:
        """What a person says."""
        config = WaitForCallbackConfig(retry_strategy=HALF_AN_HOUR.retry_strategy)
        work, plan = self._work, self._plan
        try:
            answer = context.wait_for_callback(lambda callback, _: work.ask(plan, callback), "person", config)
        except CallbackExternalError as error:
            return Decision(outcome="rejected", reason=error.message or "a person refused it", alarms=[])
        return Decision(outcome="promoted", reason=f"approved by {_person(answer)}", alarms=[])

    def _watch(self, share: Step, ends: datetime, context: DurableContext) -> Decision:
        """Look on until there is a reason not to promote."""
        while self._time < ends:
            if decision := _decision(self._look(share, context)):
                return decision
        return Decision(outcome="inconclusive", reason=f"nobody approved it until {ends:%Y-%m-%d %H:%M} UTC", alarms=[])


_PROMOTION = Decision(outcome="promoted", reason="traffic enough, and every limit is kept for certain", alarms=[])


def _person(answer: str) -> str:
    """Who answered, as far as the answer says: anybody with the right may send any text."""
    try:
        return str(json.loads(answer)["by"])[:_LONGEST_NAME]
    except (ValueError, KeyError, TypeError):
        return "a person"


def _decision(found: Found) -> Decision | None:
    """The decision that a look makes by itself."""
    if (outcome := _ENDINGS.get(found["outcome"])) is None:
        return None
    return Decision(outcome=outcome, reason=found["reason"], alarms=found["alarms"])
