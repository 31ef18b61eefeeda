"""The function that scores parts: each comes to the same however often it is done, and the manifest adds them up."""

import json
from typing import TYPE_CHECKING, Any

import pytest

from batch import handler as module
from batch.handler import handler
from skylift.bulk import plan as planning
from skylift.bulk.manifest import begin, read_manifest
from skylift.bulk.places import place_of
from skylift.bulk.plan import Plan
from skylift.errors import ConfigError, DataError, IntegrityError, VersionNotFound
from skylift.registry import Registry
from tests.conftest import BUCKET, MODEL, STAGE
from tests.support.bulk import bulk_package, planned, rows_of
from tests.support.stored import placed

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

OUTPUT = f"s3://{BUCKET}/batches/{MODEL}/out"


@pytest.fixture(autouse=True)
def _own_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """An environment of Lambda that has loaded no version, and parts of a few rows."""
    module._model.cache_clear()
    monkeypatch.setattr(planning, "PART_BYTES", 1500)
    for name, value in {"BUCKET": BUCKET, "MODEL": MODEL, "STAGE": STAGE}.items():
        monkeypatch.setenv(f"SKYLIFT_{name}", value)


@pytest.fixture
def reference(registry: Registry) -> str:
    return str(placed(bulk_package()))


@pytest.fixture
def plan(s3: "S3Client", reference: str) -> Plan:
    """A run over 40 rows, of which one cannot be scored."""
    rows = rows_of(40)
    rows[7] = {"age": "old"}
    body = "".join(f"{json.dumps(row)}\n" for row in rows)
    s3.put_object(Bucket=BUCKET, Key=f"batches/{MODEL}/in.jsonl", Body=body.encode())
    plan = planned(f"s3://{BUCKET}/batches/{MODEL}/in.jsonl", reference)
    begin(place_of(OUTPUT), plan)
    return plan


def events(plan: Plan, reference: str) -> list[dict[str, Any]]:
    base = {"run": plan.run, "reference": reference, "explain": False, "output": OUTPUT}
    return [*({**base, "part": part.model_dump(mode="json")} for part in plan.parts), base]


def stored(s3: "S3Client") -> dict[str, str]:
    listed = s3.list_objects_v2(Bucket=BUCKET, Prefix=f"batches/{MODEL}/out/")["Contents"]
    return {item["Key"]: item["ETag"] for item in listed if "_parts" not in item["Key"]}  # which hold their seconds


def test_parts_and_then_the_manifest_answer_or_reject_every_row(plan: Plan, reference: str) -> None:
    *parts, total = [handler(event) for event in events(plan, reference)]

    assert len(parts) > 2
    assert total == {"rows": 40, "answered": 39, "rejected": 1}
    assert {name: sum(part[name] for part in parts) for name in total} == total
    manifest = read_manifest(place_of(OUTPUT))
    assert manifest is not None
    assert (manifest.run, manifest.version, manifest.rows) == (plan.run, "v1", 40)


def test_what_is_done_twice_and_in_another_order_is_the_same(plan: Plan, reference: str, s3: "S3Client") -> None:
    *scoring, ending = events(plan, reference)
    for event in [*scoring, ending]:
        handler(event)
    before = stored(s3)

    for event in [*reversed(scoring), *scoring, ending]:
        handler(event)

    assert stored(s3) == before


def test_a_run_with_a_part_that_is_missing_gets_no_manifest(plan: Plan, reference: str) -> None:
    *scoring, ending = events(plan, reference)
    for event in scoring[1:]:
        handler(event)

    with pytest.raises(DataError, match="1 parts are not done, in-00000 among them"):
        handler(ending)
    assert read_manifest(place_of(OUTPUT)) is None


def test_a_place_that_holds_the_plan_of_another_run_is_refused(plan: Plan, reference: str) -> None:
    *_, ending = events(plan, reference)
    with pytest.raises(DataError, match=f"{OUTPUT} holds no plan of the run another"):
        handler(ending | {"run": "another"})


def test_a_version_is_verified_before_it_scores(plan: Plan, reference: str, s3: "S3Client") -> None:
    event = events(plan, reference)[0]
    with pytest.raises((IntegrityError, VersionNotFound)):
        handler(event | {"reference": f"v1@sha256:{'0' * 64}"})
    s3.put_object(Bucket=BUCKET, Key=f"models/{MODEL}/v1/model.onnx", Body=b"other")
    with pytest.raises(IntegrityError):
        handler(event)


def test_an_event_of_something_else_is_refused() -> None:
    with pytest.raises(ConfigError, match="this event names nothing to score"):
        handler({"hello": "world"})
