"""The real job as the function runs it: from objects in the bucket to a version, or to a refusal that names one."""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from retrain.job import Job
from retrain.snapshot import Snapshots
from skylift.bucket import Bucket
from skylift.retraining.state import Request
from skylift.retraining.store import RetrainStore
from skylift.store import VersionStore
from tests.support.moto_server import BUCKET, MODEL, MotoServer
from tests.support.tables import TREE, lines, write_project
from tests.support.waiting import TIMES_OUT

ROWS = lines("x,n,y", lambda number: f"{number},{number % 7},{'abcd'[number // 30]}", count=120).splitlines()


@pytest.fixture(scope="module")
def aws() -> Iterator[MotoServer]:
    with MotoServer() as aws:
        yield aws


@pytest.fixture
def bucket(aws: MotoServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Bucket]:
    config = write_project(tmp_path, "x,y\n", model=MODEL, select_by="accuracy", candidates=[TREE])
    for name, value in {**aws.environment, "SKYLIFT_CONFIG": str(config)}.items():
        monkeypatch.setenv(name, value)
    bucket = Bucket(BUCKET, client=aws.s3)
    bucket.write(f"data/{MODEL}/a.csv", "\n".join(ROWS[:70]).encode(), content_type="text/csv")
    bucket.write(f"data/{MODEL}/2026/b.csv", "\n".join([ROWS[0], *ROWS[70:]]).encode(), content_type="text/csv")
    yield bucket
    for entry in list(bucket.entries("data/")):
        aws.s3.delete_object(Bucket=BUCKET, Key=entry.key)


def trained(aws: MotoServer, bucket: Bucket, name: str) -> tuple[Job, RetrainStore]:
    store = RetrainStore(bucket, MODEL)
    snapshots = Snapshots(bucket, MODEL)
    store.create(Request(id=name, reason="new data", by="somebody"))
    snapshots.take(name, datetime.now(UTC))
    return Job(store, VersionStore(BUCKET, MODEL, client=aws.s3), snapshots, bucket=bucket), store


def test_objects_become_one_table_and_a_version_that_names_the_retraining(aws: MotoServer, bucket: Bucket) -> None:
    job, store = trained(aws, bucket, "one")
    document = store.stored("one")
    assert document is not None

    outcome = job.run(document, TIMES_OUT)
    again = job.run(document, TIMES_OUT)

    version = aws.registry.version("v1")
    assert outcome.outcome == "published", outcome.problem
    assert outcome.reference == str(version.reference)
    assert version.manifest.lineage.retraining == "one"
    assert version.manifest.lineage.data_rows == 120
    assert again.reference == outcome.reference
    assert len(aws.registry.versions()) == 1


def test_an_object_that_does_not_fit_is_named(aws: MotoServer, bucket: Bucket) -> None:
    bucket.write(f"data/{MODEL}/c.csv", b"x,n,colour\n1,2,red\n", content_type="text/csv")
    job, store = trained(aws, bucket, "two")
    document = store.stored("two")
    assert document is not None

    outcome = job.run(document, TIMES_OUT)

    assert outcome.outcome == "refused"
    assert outcome.problem is not None
    assert outcome.problem.code == "data-error"
    assert "c.csv does not fit 2026/b.csv: it lacks y and it adds colour" in outcome.problem.message
