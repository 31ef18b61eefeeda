"""Log lines on their way to a bucket: subscriptions to Firehose, and Firehose's buffers."""

import gzip
import json
import logging
import threading
import time
import uuid
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

from botocore.exceptions import ClientError
from ministack.core.responses import get_account_id
from ministack.services import cloudwatch, cloudwatch_logs, firehose

from tests.e2e.offline.local_aws.roles import client_of
from tests.support.filter_patterns import matches

type Document = dict[str, Any]

MINUTE_SECONDS = 0.6
"""So that Firehose buffers for seconds."""

_POLL_SECONDS = 0.5
_log = logging.getLogger("captures")


def deliver_lines_to_firehose() -> None:
    """Hand the lines that a subscription asks for to Firehose, by the role of the subscription, as CloudWatch does.

    What may not be handed over is lost, and counted as `DeliveryErrors`.
    """
    fan_out = cloudwatch_logs._fanout_to_subscription_filters
    delivering = ThreadPoolExecutor(1, "subscriptions")

    def fan_out_to_all(group: str, stream: str, events: list[Document]) -> None:
        fan_out(group, stream, events)
        filters = (cloudwatch_logs._log_groups.get(group) or {}).get("subscriptionFilters") or {}
        for each in list(filters.values()):
            if ":firehose:" in each["destinationArn"]:
                lines = [event for event in events if matches(each["filterPattern"], event["message"])]
                if lines:
                    delivering.submit(_hand_over, dict(each), _envelope(group, stream, each["filterName"], lines))

    cloudwatch_logs._fanout_to_subscription_filters = fan_out_to_all


def _envelope(group: str, stream: str, name: str, lines: list[Document]) -> bytes:
    events = [{"id": uuid.uuid4().hex, "timestamp": line["timestamp"], "message": line["message"]} for line in lines]
    document = {
        "messageType": "DATA_MESSAGE",
        "owner": get_account_id(),
        "logGroup": group,
        "logStream": stream,
        "subscriptionFilters": [name],
        "logEvents": events,
    }
    return gzip.compress(json.dumps(document).encode())


def _hand_over(subscription: Document, envelope: bytes) -> None:
    try:
        client_of(subscription["roleArn"], "firehose", actor="logs").put_record(
            DeliveryStreamName=subscription["destinationArn"].rpartition("/")[2], Record={"Data": envelope}
        )
    except ClientError as error:
        _log.warning("a subscription delivers nothing: %s", error)
        dimensions = {
            "LogGroupName": subscription["logGroupName"],
            "DestinationType": "Firehose",
            "FilterName": subscription["filterName"],
        }
        cloudwatch.record_metric("AWS/Logs", "DeliveryErrors", 1, "Count", dimensions)


@dataclass(slots=True)
class _Buffer:
    """What a stream holds for a bucket."""

    config: Document
    begun: float = field(default_factory=time.monotonic)
    records: list[bytes] = field(default_factory=list)


def buffer_in_firehose() -> None:
    """Let Firehose gather records for the interval that a stream names, and write them as one object by its role.

    What it cannot write it keeps and tries again, and says so in the log group that the stream names.
    """
    buffers: dict[str, _Buffer] = {}
    lock = threading.Lock()

    def keep(stream: Document, destination: Document, records: list[tuple[str, bytes]]) -> None:
        with lock:
            buffer = buffers.setdefault(stream["name"], _Buffer(destination["config"]))
            buffer.records += [data for _, data in records]

    def on_timer() -> None:
        while True:
            time.sleep(_POLL_SECONDS)
            for name, buffer in list(buffers.items()):
                seconds = int(buffer.config["BufferingHints"]["IntervalInSeconds"]) / 60 * MINUTE_SECONDS
                if time.monotonic() - buffer.begun >= seconds:
                    with lock:
                        del buffers[name]
                    if not _write(name, buffer):
                        with lock:
                            newer = buffers.get(name)
                            buffer.begun = time.monotonic()
                            buffer.records += newer.records if newer else []
                            buffers[name] = buffer

    firehose._deliver_records_to_s3 = keep
    threading.Thread(target=on_timer, daemon=True).start()


def _write(name: str, buffer: _Buffer) -> bool:
    """Write what a stream holds; whether it was written."""
    now, role = time.gmtime(), buffer.config["RoleARN"]
    key = f"{firehose._evaluate_prefix(buffer.config['Prefix'], now)}{name}-1-{time.strftime('%Y-%m-%d-%H-%M-%S', now)}"
    try:
        client_of(role, "s3", actor="firehose").put_object(
            Bucket=buffer.config["BucketARN"].rpartition(":")[2],
            Key=f"{key}-{uuid.uuid4()}",
            Body=b"".join(buffer.records),
        )
    except ClientError as error:
        _say(buffer.config, str(error))
        return False
    return True


def _say(config: Document, message: str) -> None:
    """Write why nothing was written into the log group of the stream, if its role may."""
    logs, place = client_of(config["RoleARN"], "logs", actor="firehose"), config["CloudWatchLoggingOptions"]
    event = {"timestamp": int(time.time() * 1000), "message": message}
    try:
        logs.put_log_events(logGroupName=place["LogGroupName"], logStreamName=place["LogStreamName"], logEvents=[event])
    except ClientError as error:
        _log.warning("a stream says nothing: %s", error)
