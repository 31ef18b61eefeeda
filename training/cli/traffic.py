"""The newest labelled traffic of a registry, for the gate of a retraining."""

import os
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from skylift.aws import s3_client
from skylift.bucket import Bucket
from skylift.contract import Contract
from skylift.monitoring.label_store import LabelStore
from skylift.monitoring.labelled_rows import LabelledRow, labelled_rows
from skylift.monitoring.sources import Captures, LogFile
from skylift.settings import RegistrySettings

type Traffic = Callable[[Contract, Contract], list[LabelledRow]]
"""Gives the newest labelled rows that a contract and that of the active version take."""


def newest_traffic(settings: RegistrySettings) -> Traffic:
    """Labelled rows from the captures in the bucket; under `skylift up` from the log of the service.

    Raises
    ------
    AwsUnavailable
        A client cannot be made.
    """
    bucket = Bucket(settings.bucket, client=s3_client())
    log = os.environ.get("SKYLIFT_SERVICE_LOG")
    source = LogFile(Path(log)) if log else Captures(bucket, settings.model)
    labels = LabelStore(bucket, settings.model)
    return lambda contract, active: labelled_rows(source, labels, contract, active, datetime.now(UTC))
