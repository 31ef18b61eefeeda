"""Puts the function together from its settings: the one place that reads the environment."""

from functools import cache
from typing import TYPE_CHECKING

from operations.active import ActiveVersion
from operations.cloudwatch import CloudWatch
from operations.fleet import Fleet
from operations.history import History
from operations.labels import Labels
from operations.retrains import Retrains
from operations.routes import create_routes
from operations.settings import OperationsSettings
from skylift.aws import cloudwatch_client, lambda_client, s3_client, ssm_client
from skylift.bucket import Bucket
from skylift.durable import DurableFunction
from skylift.http.record import Record
from skylift.http.request_log import RequestLog, Told
from skylift.monitoring.label_store import LabelStore
from skylift.monitoring.report_store import ReportStore
from skylift.observability import set_level
from skylift.pointer import ActivePointer
from skylift.retraining.store import RetrainStore
from skylift.store import VersionStore

if TYPE_CHECKING:
    from starlette.types import Scope


class OperationsLog(RequestLog):
    """The request log, with the number of labels that were kept."""

    def told(self, scope: "Scope", record: Record, milliseconds: float) -> Told:
        """See `RequestLog.told`."""
        del scope, milliseconds
        return Told({"labels": record.labels} if record.labels else {})


def compose() -> OperationsLog:
    """The application with its request log."""
    settings = OperationsSettings()
    set_level(settings.log_level)
    s3 = s3_client()
    pointer = ActivePointer(settings.stage, settings.model, client=ssm_client())
    store = VersionStore(settings.bucket, settings.model, client=s3)
    active = ActiveVersion(pointer, store)
    bucket = Bucket(settings.bucket, client=s3)
    labels = Labels(lambda: active().manifest.contract.target, LabelStore(bucket, settings.model))
    fleet = Fleet(
        CloudWatch(cloudwatch_client()),
        settings.stage,
        settings.model,
        active=active,
        reports=ReportStore(bucket, settings.model),
    )
    arn = settings.retrain_function
    retrains = Retrains(
        RetrainStore(bucket, settings.model),
        cache(lambda: DurableFunction(arn, client=lambda_client())),
        rollouts=settings.retrain_rollout != "none",
    )
    return OperationsLog(
        create_routes(labels, fleet, History(pointer, store), retrains if arn else None),
        stage=settings.stage,
        model=settings.model,
        release=settings.release,
        image_digest=settings.image_digest,
    )
