"""The rollout as plain Python, which Lambda runs again from its checkpoints.

    claim -> begin -> ramp -> wait -> look -> ... -> approval -> promote -> end -> tell
                        ^       ^------'                                     ^
                        '--- the next share         whatever else ends it ---'

All of it is decided by the plan and by what the steps gave back, so that another run decides the same. Clocks and AWS
are in the steps alone (`rollout.work`).
"""

from aws_durable_execution_sdk_python import DurableContext
from aws_durable_execution_sdk_python.exceptions import DurableOperationError

from rollout.watch import Watch
from rollout.work import Decision, Ended, Work
from skylift.durable_steps import A_DAY, step
from skylift.experiment.criteria import Criteria
from skylift.rollout import RolloutPlan


def roll_out(plan: RolloutPlan, criteria: Criteria, work: Work, context: DurableContext) -> Ended:
    """Roll a version out, to its promotion or to whatever ends it before.

    Parameters
    ----------
    plan, criteria
        The rollout and its limits.
    work
        What the steps do.
    context
        Context of the execution.

    Returns
    -------
    Ended
        The ending that stands.
    """
    own = context.execution_context.durable_execution_arn
    holder = step(context, "claim", work.claim, plan.id, own, criteria, config=A_DAY)
    if holder != own:
        return Ended(id=plan.id, outcome="elsewhere", reason=f"{holder} runs it")
    try:
        decision = Watch(plan, criteria, work, context).decision()
        if decision["outcome"] == "promoted":
            decision = step(context, "promote", work.promote, plan, criteria, decision)
    except DurableOperationError as error:  # tried often enough, or another attempt would change nothing
        decision = Decision(outcome="failed", reason=error.message or str(error), alarms=[])
    ended = step(context, "end", work.end, plan, criteria, decision, config=A_DAY)
    step(context, "tell", work.tell, plan, ended, config=A_DAY)
    return ended
