"""The Lambda entry: whichever event comes, both parameters are written down."""

import json
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import boto3
import pytest
from botocore.exceptions import ClientError

from audit import handler as handler_module
from audit.handler import handler
from skylift.audit import AuditTrail
from skylift.bucket import Bucket
from skylift.challenger import Challenger
from skylift.errors import AwsUnavailable
from skylift.experiment.parameter import ChallengerParameter
from skylift.pointer import ActivePointer
from skylift.references import NOTHING, Reference
from tests.conftest import BUCKET, MODEL, STAGE
from tests.support.aws_clients import every_operation
from tests.support.faults import before, denied, fails_with
from tests.support.paths import ROOT
from tests.support.waiting import TIMES_OUT

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_ssm import SSMClient

FOLDER = ROOT / "events" / "eventbridge"
CHANGED: dict[str, Any] = json.loads((FOLDER / "parameter_store_change.json").read_text(encoding="utf-8"))
SCHEDULED: dict[str, Any] = json.loads((FOLDER / "scheduled.json").read_text(encoding="utf-8"))
V1 = Reference(1, "1" * 64)


@pytest.fixture
def trail(s3: "S3Client") -> AuditTrail:
    return AuditTrail(Bucket(BUCKET, client=s3), MODEL)


@pytest.fixture
def changed(pointer: ActivePointer, ssm: "SSMClient") -> None:
    """The pointer was moved, and a version put on trial."""
    pointer.move(V1, tool="skylift promote")
    trial = Challenger(id="e1", reference=V1, mode="shadow", percent=5, started=datetime.now(UTC), by="ann")
    ChallengerParameter(STAGE, MODEL, client=ssm).write(trial, seen=NOTHING, tool="begun by skylift challenge")


@pytest.mark.parametrize("event", [CHANGED, SCHEDULED], ids=["change", "schedule"])
@pytest.mark.usefixtures("changed")
def test_both_parameters_are_written_down(trail: AuditTrail, event: dict[str, Any]) -> None:
    answer = handler(event)

    entries = trail.entries()
    assert {(entry.parameter.rpartition("/")[2], entry.tool, entry.event_id) for entry in entries} == {
        ("active", "skylift promote", event["id"]),
        ("challenger", "skylift challenge", event["id"]),
    }
    assert sorted(answer["added"]) == sorted(str(entry.id) for entry in entries)


@pytest.mark.usefixtures("changed")
def test_again_there_is_nothing_to_add(trail: AuditTrail) -> None:
    handler(CHANGED)

    assert handler(CHANGED) == {"added": []}
    assert len(trail.entries()) == 2


@pytest.mark.usefixtures("changed")
def test_a_deletion_is_told_by_its_event(trail: AuditTrail, pointer: ActivePointer) -> None:
    handler(CHANGED)
    boto3.client("ssm").delete_parameter(Name=pointer.name)
    deleted = CHANGED | {
        "time": (datetime.now(UTC) + timedelta(seconds=5)).isoformat(timespec="seconds"),
        "detail": {"operation": "Delete", "name": pointer.name, "type": "String"},
    }

    handler(deleted)

    last = [entry for entry in trail.entries() if entry.parameter == pointer.name][-1]
    assert (last.before, last.after, last.description) == (str(V1), NOTHING, "deleted")


@pytest.mark.usefixtures("changed")
def test_each_entry_is_a_line_of_the_log(capsys: pytest.CaptureFixture[str]) -> None:
    handler(CHANGED)

    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [(line["message"], line["number"]) for line in lines] == [("audited", 1), ("audited", 1)]


@pytest.mark.usefixtures("changed")
def test_a_failure_is_lambdas_to_try_again(s3: "S3Client", trail: AuditTrail, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(handler_module, "s3_client", lambda: s3)
    fault = before(s3, "PutObject", fails_with(denied()), only=2)
    with pytest.raises(AwsUnavailable):
        handler(CHANGED)
    fault.heal()

    handler(CHANGED)

    assert len(trail.entries()) == 2


def test_what_is_written_down_is_not_written_over(trail: AuditTrail, changed: None) -> None:
    handler(CHANGED)
    (key, *_) = (entry.key for entry in Bucket(BUCKET, client=every_operation()).entries("audit/"))

    with pytest.raises(ClientError, match="PreconditionFailed"):
        every_operation().put_object(Bucket=BUCKET, Key=key, Body=b"{}", IfNoneMatch="*")


def test_the_layer_has_all_it_imports() -> None:
    program = "import sys, audit.handler; print(sorted({'numpy', 'sklearn', 'onnxruntime'} & set(sys.modules)))"

    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=TIMES_OUT
    )

    assert done.stdout.strip() == "[]"
