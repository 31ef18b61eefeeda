"""Puts function and task together from their settings: the one place that reads the environment."""

from datetime import timedelta

from retrain.job import Job
from retrain.settings import RetrainSettings
from retrain.snapshot import Snapshots
from retrain.tasks import FargateTasks
from retrain.work import Work
from skylift.aws import ecs_client, lambda_client, s3_client, sns_client, ssm_client
from skylift.bucket import Bucket
from skylift.durable import DurableFunction
from skylift.experiment.store import ExperimentStore
from skylift.notify import Notifier
from skylift.observability import set_level
from skylift.pointer import ActivePointer
from skylift.retraining.store import RetrainStore
from skylift.store import VersionStore

_ALIAS = "live"


def compose_work(arn: str) -> Work:
    """The steps of the function.

    Parameters
    ----------
    arn
        ARN by which it was called.
    """
    settings = RetrainSettings()
    set_level(settings.log_level)
    bucket = Bucket(settings.bucket, client=s3_client())
    store = RetrainStore(bucket, settings.model)
    client = lambda_client()
    itself = DurableFunction(live(arn), client=client)
    tasks = None
    if settings.task_cluster:
        tasks = FargateTasks(
            settings.task_cluster,
            settings.task_definition,
            settings.task_subnets.split(","),
            function=itself.arn,
            client=ecs_client(),
        )
    return Work(
        store,
        Snapshots(bucket, settings.model),
        compose_job(settings, bucket, store),
        bucket=bucket,
        pointer=ActivePointer(settings.stage, settings.model, client=ssm_client(patient=True)),
        experiments=ExperimentStore(bucket, settings.model),
        itself=itself,
        rollout=DurableFunction(settings.rollout_function, client=client) if settings.rollout_function else None,
        tasks=tasks,
        notifier=Notifier(settings.topic_arn, client=sns_client()),
        stage=settings.stage,
        train_time=timedelta(minutes=settings.train_minutes),
        approval_time=timedelta(hours=settings.approval_hours),
        asks=settings.retrain_rollout == "manual",
    )


def compose_job(settings: RetrainSettings, bucket: Bucket, store: RetrainStore) -> Job:
    """What trains, in the function and in the task."""
    return Job(
        store,
        VersionStore(settings.bucket, settings.model, client=s3_client()),
        Snapshots(bucket, settings.model),
        bucket=bucket,
    )


def live(arn: str) -> str:
    """ARN of a function's alias `live`, whichever version was called.

    Examples
    --------
    >>> live("arn:aws:lambda:eu-central-1:123456789012:function:skylift-dev-retrain:7")
    'arn:aws:lambda:eu-central-1:123456789012:function:skylift-dev-retrain:live'
    """
    return ":".join([*arn.split(":")[:7], _ALIAS])
