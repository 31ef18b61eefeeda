"""`skylift batch` on the whole stack: its state machine has parts scored in containers, some of which are killed."""

import io
import json
import subprocess
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from botocore.credentials import Credentials

from tests.e2e.aws import ACCOUNT
from tests.e2e.conftest import Step
from tests.e2e.life import Life, prepared
from tests.e2e.sam import BIN, REGION, run
from tests.e2e.stack import STACK, Stack
from tests.support.models import IRIS_SETOSA
from tests.support.waiting import TIMES_OUT, wait_until

FILES, ROWS, WRONG = 6, 500, 10


@pytest.fixture(scope="module")
def life(stack: Stack, quick_config: Path) -> Life:
    """The model of the stack, with an active version."""
    return prepared(stack, quick_config)


def here(service: str) -> str:
    """Beginning of the ARNs of a service."""
    return f"arn:aws:{service}:{REGION}:{ACCOUNT}"


@pytest.fixture(scope="module")
def analyst(stack: Stack) -> Credentials:
    """Somebody who scores tables, with what docs/batch.md asks for and nothing else."""
    bucket = f"arn:aws:s3:::{stack.outputs['ModelBucketName']}"
    name = f"{STACK}-batch"
    statements: list[dict[str, Any]] = [
        {"Action": ["s3:GetObject"], "Resource": [f"{bucket}/models/iris/*"]},
        {"Action": ["s3:GetObject", "s3:PutObject"], "Resource": [f"{bucket}/batches/iris/*"]},
        {"Action": ["s3:ListBucket"], "Resource": [bucket]},
        {
            "Action": ["ssm:GetParameter"],
            "Resource": [f"arn:aws:ssm:{REGION}:{ACCOUNT}:parameter/skylift/dev/iris/active"],
        },
        {
            "Action": ["cloudformation:DescribeStacks"],
            "Resource": [f"arn:aws:cloudformation:{REGION}:{ACCOUNT}:stack/{STACK}/*"],
        },
        {"Action": ["states:StartExecution"], "Resource": [f"{here('states')}:stateMachine:{name}"]},
        {"Action": ["states:DescribeExecution"], "Resource": [f"{here('states')}:execution:{name}:*"]},
    ]
    return stack.aws.user("analyst", *({"Effect": "Allow"} | statement for statement in statements))


def batch(stack: Stack, keys: Credentials, source: str, output: str) -> subprocess.CompletedProcess[str]:
    return run(
        [BIN / "skylift", "batch", source, output, "--stack", STACK, "--json"],
        seconds=int(TIMES_OUT),
        AWS_ENDPOINT_URL=stack.aws.url,
        AWS_ACCESS_KEY_ID=keys.access_key,
        AWS_SECRET_ACCESS_KEY=keys.secret_key,
    )


def table(number: int) -> bytes:
    """Rows of Iris with ids, of which one in fifty lacks a value that no row of the training lacks."""
    rows = [IRIS_SETOSA | {"id": number * ROWS + row} for row in range(ROWS)]
    for row in range(WRONG):
        rows[row * (ROWS // WRONG)]["petal_width"] = None  # type: ignore[assignment]
    written = io.BytesIO()
    pq.write_table(pa.Table.from_pylist(rows), written)
    return written.getvalue()


def test_every_row_is_answered_once_or_rejected_whoever_is_killed(
    life: Life, stack: Stack, analyst: Credentials, step: Step
) -> None:
    s3, bucket = stack.aws.client("s3"), stack.outputs["ModelBucketName"]
    for number in range(FILES):
        s3.put_object(Bucket=bucket, Key=f"batches/iris/in/{number}.parquet", Body=table(number))
    source, output = f"s3://{bucket}/batches/iris/in/", f"s3://{bucket}/batches/iris/out"

    with step("skylift batch, with parts killed"), ThreadPoolExecutor(1) as pool:
        running = pool.submit(batch, stack, analyst, source, output)
        wait_until(lambda: running.done() or _killed(stack), what="a container scores")
        assert not running.done(), "nothing was killed"
        done = running.result()

    assert done.returncode == 0, done.stderr + stack.aws.log()
    told = json.loads(done.stdout)
    active = life.pointer.read()
    assert (told["rows"], told["rejected"]) == (FILES * ROWS, FILES * WRONG)
    assert active
    assert (told["version"], told["sha256"]) == (active.name, active.digest)
    manifest = json.loads(s3.get_object(Bucket=bucket, Key="batches/iris/out/_skylift.json")["Body"].read())
    assert manifest["rows"] == manifest["answered"] + manifest["rejected"]
    ids: Counter[int] = Counter()
    for part in manifest["parts"]:
        answers, *aside = (
            s3.get_object(Bucket=bucket, Key=f"batches/iris/out/{name}")["Body"].read() for name in part["files"]
        )
        read = pq.read_table(io.BytesIO(answers))
        assert set(read["prediction"].to_pylist()) == {"setosa"}
        ids.update(read["id"].to_pylist())
        ids.update(json.loads(line)["values"]["id"] for text in aside for line in text.splitlines())
    assert ids == Counter(range(FILES * ROWS))


def _killed(stack: Stack) -> bool:
    """Whether a container of the function was there to be killed."""
    try:
        stack.aws.kill(stack.physical("BatchFunction"))
    except AssertionError:
        return False
    return True


def test_what_a_stranger_may_not_start_is_told(stack: Stack, life: Life) -> None:
    del life
    bucket = stack.outputs["ModelBucketName"]
    stranger = stack.aws.user(
        "bystander",
        {"Effect": "Allow", "Action": ["s3:*", "ssm:GetParameter", "cloudformation:DescribeStacks"], "Resource": "*"},
    )
    refused = batch(stack, stranger, f"s3://{bucket}/batches/iris/in/", f"s3://{bucket}/batches/iris/elsewhere")
    assert refused.returncode == 1
    assert "starting the run on AWS failed (AccessDenied" in refused.stderr
