"""What follows from a plan without any reading: its limits, and when to look."""

from dataclasses import asdict, fields
from datetime import timedelta

from skylift.errors import ConfigError
from skylift.experiment.criteria import Criteria
from skylift.names import did_you_mean
from skylift.rollout import RolloutPlan, Step

MAX_HOURS = 24 * 14.0
"""Longest experiment: the function's `ExecutionTimeout` also has to hold the approval and a long outage at the end."""

APPROVAL = timedelta(hours=24)
"""Time that a person has to approve, at least."""


def criteria_of(plan: RolloutPlan) -> Criteria:
    """The limits of a rollout.

    Raises
    ------
    ConfigError
        A limit is not known or not possible, or the steps take longer than the experiment may.
    """
    known = [each.name for each in fields(Criteria)]
    if unknown := [name for name in plan.criteria if name not in known]:
        raise ConfigError(f"{unknown[0]} is not a limit of an experiment", did_you_mean(unknown[0], known))
    given = asdict(Criteria()) | plan.criteria
    if missing := [name for name, value in given.items() if value is None and name != "max_disagreement"]:
        raise ConfigError(f"the limit {missing[0]} needs a number", "leave it out for its default")
    criteria = Criteria(**given)
    if not (0 < criteria.alpha < 1 and 0 < criteria.beta < 1):
        raise ConfigError("alpha and beta are probabilities", "take numbers above 0 and below 1")
    if not 0 < criteria.max_hours <= MAX_HOURS:
        raise ConfigError(
            f"an experiment of {criteria.max_hours:g} hours is too short or too long", f"take at most {MAX_HOURS:g}"
        )
    if (needed := sum(step.minutes for step in plan.steps)) > criteria.max_minutes:
        raise ConfigError(
            f"the steps take {needed:g} minutes, and the experiment ends after {criteria.max_hours:g} hours",
            "take shorter steps, or a longer max_hours",
        )
    return criteria


def pause(elapsed: timedelta, step: Step) -> timedelta:
    """Time to wait before the next look, in whole seconds.

    A minute, or a hundredth of the time since the rollout began where that is longer: what is found is found at most
    one per cent later than it could be, and the number of looks grows with the logarithm of the time, to some 480 in 72
    hours. A step shorter than a minute is looked at when it ends.

    Parameters
    ----------
    elapsed
        Time since the rollout began.
    """
    seconds = max(min(60.0, 60 * step.minutes), elapsed.total_seconds() / 100, 1.0)
    return timedelta(seconds=round(seconds))
