"""The Lambda entry: one event of the schedule, of S3 or of an alarm."""

from datetime import timedelta
from typing import Any

from retrain_trigger.requests import request_of, time_of
from retrain_trigger.settings import TriggerSettings
from retrain_trigger.trigger import Triggered, trigger
from skylift.aws import lambda_client, s3_client
from skylift.bucket import Bucket
from skylift.durable import DurableFunction
from skylift.observability import logger, set_level
from skylift.retraining.store import RetrainStore


def handler(event: dict[str, Any], _context: object = None) -> Triggered | None:
    """Start training again; see `request_of` for the events, and `trigger` for what happens.

    Returns
    -------
    Triggered or None
        What became of it; None if it asks for nothing.
    """
    settings = TriggerSettings()
    set_level("INFO")
    window = timedelta(seconds=settings.retrain_window_seconds)
    request = request_of(event, rollout=settings.retrain_rollout, window=window)
    if request is None:
        return None
    store = RetrainStore(Bucket(settings.bucket, client=s3_client()), settings.model)
    triggered = trigger(
        request,
        time_of(event),
        store=store,
        function=DurableFunction(settings.retrain_function, client=lambda_client()),
    )
    logger.info("retraining", extra={"reason": request.reason, **triggered})
    return triggered
