"""A rollout under `sam local invoke`, with AWS's runner in place of SAM's emulator image."""

import json
import urllib.request
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from subprocess import Popen, TimeoutExpired

import pytest

from skylift.bucket import Bucket
from skylift.experiment.parameter import ChallengerParameter
from skylift.experiment.store import ExperimentStore
from skylift.experiment.trials import Trials
from skylift.references import NOTHING, Reference
from skylift.rollout import RolloutPlan, Step, execution_name
from tests.e2e.conftest import ARCHITECTURE
from tests.e2e.sam import BIN, Built, environment, sam
from tests.support.models import compiled_iris_package
from tests.support.moto_server import BUCKET, MODEL, STAGE, MotoServer
from tests.support.ports import free_port
from tests.support.waiting import TIMES_OUT, wait_until

FUNCTION = "RolloutFunction"
LOG_GROUP = "/skylift/local"


@contextmanager
def runner(log: Path) -> Iterator[int]:
    """AWS's runner as a server; its port. SAM and the container reach it, so it listens everywhere while it runs."""
    port = free_port()
    command = [str(BIN / "dex-local-runner"), "start-server", "--host", "0.0.0.0", "--port", str(port)]
    with log.open("wb") as written, Popen(command, env=environment(), stdout=written, stderr=written) as process:
        try:
            wait_until(lambda: _answers(port), what="AWS's runner answers")
            yield port
        finally:
            process.terminate()
            try:
                process.wait(10)
            except TimeoutExpired:
                process.kill()


def _answers(port: int) -> bool:
    with suppress(OSError), urllib.request.urlopen(f"http://127.0.0.1:{port}/health", timeout=5) as response:
        return bool(response.status == 200)
    return False


@pytest.fixture
def aws(bridge: str) -> Iterator[MotoServer]:
    """S3, SSM and the log group of a service that nobody calls; v1 is active, v2 published."""
    with MotoServer(bridge) as aws:
        package = compiled_iris_package()
        aws.registry.promote(aws.registry.publish(package.describe, package.artifacts).reference)
        aws.registry.publish(package.describe, package.artifacts)
        aws.client("logs").create_log_group(logGroupName=LOG_GROUP)
        yield aws


def plan_of(reference: Reference) -> RolloutPlan:
    """A rollout that looks every second."""
    return RolloutPlan(
        id=execution_name(MODEL, reference, 0),
        version=reference.name,
        reference=reference,
        by="arn:aws:iam::123456789012:user/anna",
        steps=(Step(mode="shadow", percent=100, minutes=1 / 60),),
        criteria={"max_hours": 0.5},
        started=datetime.now(UTC),
    )


def test_sam_local_invoke_runs_a_rollout_until_a_person_ends_it(built: Built, aws: MotoServer, scratch: Path) -> None:
    plan = plan_of(aws.registry.version("v2").reference)
    path = scratch / "rollout.json"
    path.write_text(json.dumps(plan.to_event()), encoding="utf-8")
    variables = {**aws.environment, "SKYLIFT_LOG_GROUP": LOG_GROUP, "SKYLIFT_TOPIC_ARN": "", "SKYLIFT_ALARM_PREFIX": ""}
    template = built.reaching(variables, FUNCTION)
    parameter = ChallengerParameter(STAGE, MODEL, client=aws.client("ssm"))
    store = ExperimentStore(Bucket(BUCKET, client=aws.s3), MODEL)
    with runner(scratch / "durable-runner.log") as port, ThreadPoolExecutor(1) as threads:
        command = ("local", "invoke", FUNCTION, "--template", template, "--event", path, "--skip-pull-image")
        invoked = threads.submit(
            sam,
            *command,
            *("--parameter-overrides", f"Architecture={ARCHITECTURE}"),
            seconds=TIMES_OUT,
            DURABLE_EXECUTIONS_EXTERNAL_EMULATOR_PORT=str(port),
        )
        wait_until(lambda: bool(store.counts(plan.id)) or invoked.done(), what="the first look")
        Trials(aws.registry, parameter, store, tool="anna").end(plan.id, "rejected", "anna does not like it")
        printed = invoked.result()
    assert "SUCCEEDED" in printed
    assert '"outcome": "rejected"' in printed
    assert '"reason": "anna does not like it"' in printed
    assert parameter.value() == NOTHING
    assert aws.registry.active() == aws.registry.version("v1").reference
