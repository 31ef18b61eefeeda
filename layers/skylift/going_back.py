"""Going back by itself: whether an alarm of the service is a reason to undo the last promotion.

A pure function of what SSM remembers and what the alarm says. It undoes a step forward, once: whatever led to a
version that the pointer had already come from is a return, and alarms never lead on from there.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from skylift.errors import InvalidReference
from skylift.pointer import Move, way_back
from skylift.references import NOTHING, Reference

ALARMS = ("server-errors", "latency", "model-load-failures", "active-version-unreadable", "live-accuracy")
"""The alarms that a promotion can raise, without the prefix of the stack.

Of the others, throttles, refresh-failures and pointer-stale are about capacity and SSM, new-version-errors is about
code, and drift and captures-missing are about traffic: an earlier version would meet the same.
"""

STALE = timedelta(hours=1)
"""An alarm that fired longer ago, and is only now delivered, says nothing about now."""


CLOCKS_DIFFER = timedelta(seconds=5)
"""The clocks of SSM and CloudWatch need not agree to the second."""


@dataclass(frozen=True, slots=True)
class Alarm:
    """An alarm that fired.

    Parameters
    ----------
    name
        Name of the alarm without the prefix of the stack, for example `server-errors`.
    at
        Time at which it fired, with its zone.
    reason
        CloudWatch's words.
    """

    name: str
    at: datetime
    reason: str = ""


@dataclass(frozen=True, slots=True)
class GoBack:
    """The promotion is to be undone.

    Parameters
    ----------
    to
        Version to return to.
    left
        Version that is active.
    promoted
        The move that made it active.
    """

    to: Reference
    left: Reference
    promoted: Move


@dataclass(frozen=True, slots=True)
class Stay:
    """Nothing is to be done.

    Parameters
    ----------
    why
        The reason, for the log.
    """

    why: str


def decide(moves: Sequence[Move], alarm: Alarm, *, now: datetime, hours: float) -> GoBack | Stay:
    """Whether to undo the last promotion.

    Parameters
    ----------
    moves
        Moves of the pointer, oldest first.
    alarm
        The alarm that fired.
    now
        Time of the decision. It only tells a late delivery: what counts are the times of SSM and CloudWatch, so a clock
        that was set wrong moves nothing.
    hours
        How long after a promotion an alarm is held to be about it; 0 to never go back.

    Returns
    -------
    GoBack or Stay
        Of any sequence of alarms, only one undoes a promotion.
    """
    moves = [move for move in moves if move.before != move.after]
    if why := _why_not_heard(alarm, now=now, hours=hours):
        return Stay(why)
    if not moves:
        return Stay("no version was promoted")
    last = moves[-1]
    try:
        active = Reference.parse(last.after)
    except InvalidReference:
        return Stay("the pointer names no version")
    oldest = replace(moves[0], before=NOTHING, after=moves[0].before)
    # Whatever was said of them: going to a version that is on the way is a return, and leaves what it came from.
    came_by = way_back([replace(move, kind=None) for move in [oldest, *moves[:-1]]])
    if why := _why_not_undone(last, active, came_by, alarm, hours=hours):
        return Stay(why)
    return GoBack(came_by[-1], active, last)


def _why_not_heard(alarm: Alarm, *, now: datetime, hours: float) -> str | None:
    if hours <= 0:
        return "going back is switched off"
    if alarm.name not in ALARMS:
        return f"the alarm {alarm.name} says nothing about a promotion"
    if now - alarm.at > STALE:
        return f"the alarm fired at {alarm.at:%Y-%m-%d %H:%M:%S %Z}, and is only delivered now"
    return None


def _why_not_undone(
    last: Move, active: Reference, came_by: Sequence[Reference], alarm: Alarm, *, hours: float
) -> str | None:
    if last.kind == "rollback" or active in came_by:
        return f"the last move returned to {active.name}, and what it left is not gone back to"
    if alarm.at < last.at - CLOCKS_DIFFER:
        return f"the alarm fired before {active.name} was promoted"
    if alarm.at - last.at > timedelta(hours=hours):
        return f"{active.name} was promoted more than {hours:g} hours before"
    if not came_by:
        return f"no version was active before {active.name}"
    return None
