"""Starts what an event asks for, or sees to it that what runs already takes the new data in, or the next one does."""

from datetime import datetime, timedelta
from typing import Literal, TypedDict

from skylift.durable import DurableFunction
from skylift.errors import AwsUnavailable, RetrainRunning
from skylift.retraining.start import start
from skylift.retraining.state import Request
from skylift.retraining.store import RetrainStore

_ATTEMPTS = 5
_SKEW = timedelta(seconds=2)
"""How far the clocks of S3 and of Lambda may be apart."""


class Triggered(TypedDict):
    """What became of an event.

    Parameters
    ----------
    id
        Id of the retraining that answers it.
    outcome
        `started`, also before; `running` where what runs will do, or has to; `next` where it begins after that;
        `covered` where the data was taken in before.
    """

    id: str
    outcome: Literal["started", "running", "next", "covered"]


def trigger(request: Request, at: datetime, *, store: RetrainStore, function: DurableFunction) -> Triggered:
    """Start what is asked for.

    New data that a retraining has taken in, or will, needs no other one; what comes while one trains has one of its
    own when that has ended. A schedule or an alarm has got what it asks for where one runs.

    Parameters
    ----------
    at
        Time of the event.

    Raises
    ------
    RetrainKeyReused
        Its id is of another request.
    AwsUnavailable
        S3 or Lambda failed: the event may be handled again.
    """
    of_data = request.collect_until is not None
    for _ in range(_ATTEMPTS):
        lock = store.lock()
        if of_data and lock and lock.data_as_of and at < lock.data_as_of - _SKEW:
            return Triggered(id=request.id, outcome="covered")
        try:
            return Triggered(id=start(request, store=store, function=function).id, outcome="started")
        except RetrainRunning as error:
            running = store.find(error.id)
            if not of_data or (running and running.step in {"queued", "collecting"}):
                return Triggered(id=error.id, outcome="running")
            if store.ask_next(request):
                return Triggered(id=request.id, outcome="next")
    raise AwsUnavailable(f"{request.id} could not be started: others begin and end all the time", "try again")
