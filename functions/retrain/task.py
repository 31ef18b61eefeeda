"""The entry of training on Fargate: `python -m retrain.task`, started by the function, which waits for its answer."""

import sys
from datetime import timedelta
from threading import Event, Thread

from retrain.compose import compose_job
from retrain.job import Job
from retrain.settings import RetrainSettings
from skylift.aws import lambda_client, s3_client
from skylift.bucket import Bucket
from skylift.durable import DurableFunction
from skylift.errors import AwsUnavailable, CallbackClosed, SkyliftError
from skylift.observability import logger, set_level
from skylift.retraining.state import Retraining
from skylift.retraining.store import RetrainStore

HEARTBEAT_SECONDS = 60.0


class TaskSettings(RetrainSettings):
    """Settings of the task, which the function sets for each.

    Parameters
    ----------
    retraining
        Id of the retraining.
    callback
        Id of the callback that the function waits for.
    retrain_function
        ARN of the function.
    """

    retraining: str
    callback: str
    retrain_function: str


def run(job: Job, retraining: Retraining, function: DurableFunction, callback: str, *, time: timedelta) -> None:
    """Train, and answer the function; meanwhile it hears every minute that training goes on.

    Raises
    ------
    AwsUnavailable
        S3 failed, or the answer could not be given; the function finds what was published.
    """
    done = Event()
    beating = Thread(target=_beat, args=(function, callback, done), daemon=True)
    beating.start()
    try:
        outcome = job.run(retraining, time.total_seconds())
    except SkyliftError as error:
        function.fail(callback, str(error))
        raise
    finally:
        done.set()
        beating.join()
    function.succeed(callback, {"outcome": outcome.outcome})


def main() -> int:
    """Train for the retraining that the environment names; the exit code."""
    settings = TaskSettings()
    set_level(settings.log_level)
    bucket = Bucket(settings.bucket, client=s3_client())
    store = RetrainStore(bucket, settings.model)
    function = DurableFunction(settings.retrain_function, client=lambda_client())
    job = compose_job(settings, bucket, store)
    time = timedelta(minutes=settings.train_minutes)
    try:
        run(job, store.read(settings.retraining), function, settings.callback, time=time)
    except SkyliftError as error:
        logger.exception("training did not end", extra={"retraining": settings.retraining, "why": str(error)})
        return 1
    return 0


def _beat(function: DurableFunction, callback: str, done: Event) -> None:
    """Tell the function that training goes on, until it is done; in a long silence it takes it for lost."""
    while not done.wait(HEARTBEAT_SECONDS):
        try:
            function.heartbeat(callback)
        except CallbackClosed:
            return
        except AwsUnavailable as error:
            logger.warning("a heartbeat was not taken", extra={"why": str(error)})


if __name__ == "__main__":
    sys.exit(main())
