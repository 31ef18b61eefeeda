"""The one way to start a retraining: a trigger, a route and the command line all ask here."""

import secrets
from datetime import datetime, timedelta

from skylift.durable import DurableFunction
from skylift.errors import AwsUnavailable, RetrainKeyReused
from skylift.references import sha256
from skylift.retraining.state import Request, Retraining
from skylift.retraining.store import RetrainStore

BEGIN_WITHIN = timedelta(minutes=30)
"""How long a queued retraining holds the lock: a function that Lambda throttles begins late."""

TO_ALLOW_ROLLOUTS = "deploy the stack with Rollouts=true, and RetrainRollout=manual or auto"
"""What to do where no rollout may follow a training."""

_MODEL_LENGTH = 31


def new_id(now: datetime) -> str:
    """An id that nobody else has.

    Examples
    --------
    `20261126t043000-1a2b3c4d`
    """
    return f"{stamp(now)}-{secrets.token_hex(4)}"


def id_of_key(key: str) -> str:
    """The id of whatever is asked for with an idempotency key: the same for the same key.

    Examples
    --------
    >>> id_of_key("order-7")
    'key-df8cf80227ec3237922df0ec'
    """
    return f"key-{sha256(key.encode())[:24]}"


def stamp(moment: datetime) -> str:
    """A moment to the second as ids have it, for example `20261126t043000`."""
    return moment.strftime("%Y%m%dt%H%M%S")


def start(request: Request, *, store: RetrainStore, function: DurableFunction) -> Retraining:
    """Start a retraining, or find the one that was started by the same request.

    It may be called again after any failure, and by several at once: one execution begins.

    Parameters
    ----------
    request
        What is asked. Its id makes two requests the same: `id_of_key` for one that may be sent twice, else `new_id`.

    Returns
    -------
    Retraining
        Queued; or as far as it is by now.

    Raises
    ------
    RetrainRunning
        Another one of the model runs.
    RetrainKeyReused
        The id is of another request.
    AwsUnavailable
        S3 failed, or Lambda did: then the same request may be sent again.
    """
    found = store.stored(request.id)
    if found is None:
        store.hold(request.id, BEGIN_WITHIN)  # before there is a document: one that is refused leaves none
        found = store.create(request)
    if not found.request.same_as(request):
        raise RetrainKeyReused(
            f"{request.id} was asked for with the reason {found.request.reason!r} and the rollout "
            f"{found.request.rollout}",
            "send the same request, or another key",
        )
    if found.state != "queued":
        return store.read(request.id)
    store.hold(request.id, BEGIN_WITHIN)
    try:
        function.start(execution_name(store.model, request.id), {"id": request.id})
    except AwsUnavailable:
        store.release(request.id)  # it runs nevertheless if what failed was Lambda's answer, and takes the lock again
        raise
    return found


def execution_name(model: str, id: str) -> str:  # noqa: A002
    """Name of the execution of a retraining: at most 64 characters, of which Lambda begins one."""
    return f"{model[:_MODEL_LENGTH]}-{id}"
