"""Puts the service together from its settings: the one place that reads the environment."""

from fastapi import FastAPI

from inference.app import create_app
from inference.host import ModelHost
from inference.settings import InferenceSettings
from skylift.aws import s3_client, ssm_client
from skylift.observability import logger
from skylift.pointer import ActivePointer
from skylift.store import VersionStore


def compose() -> FastAPI:
    """The application with its model loaded, as far as S3 and SSM answer."""
    settings = InferenceSettings()
    logger.setLevel(settings.log_level)
    host = ModelHost(
        ActivePointer(settings.stage, settings.model, client=ssm_client()),
        VersionStore(settings.bucket, settings.model, client=s3_client()),
        refresh_seconds=settings.refresh_seconds,
        max_instances=settings.max_instances,
    )
    host.start()
    return create_app(settings, host)
