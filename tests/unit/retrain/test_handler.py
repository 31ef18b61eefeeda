"""The function as Lambda calls it: by the id of a retraining."""

import json

import pytest
from aws_durable_execution_sdk_python.lambda_service import InvocationStatus

from retrain import handler as entry
from retrain.compose import compose_work, live
from tests.conftest import BUCKET
from tests.support.durable_runner import durable_runner
from tests.support.retraining import Retrainings

ARN = "arn:aws:lambda:eu-central-1:123456789012:function:skylift-dev-retrain"


@pytest.fixture
def _settings(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {"BUCKET": BUCKET, "STAGE": "test", "MODEL": "iris"}.items():
        monkeypatch.setenv(f"SKYLIFT_{name}", value)


def test_an_event_names_a_retraining(retrainings: Retrainings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(entry, "_work", lambda arn: retrainings.work())
    retrainings.ask()
    with durable_runner(entry.handler) as runner:
        result = runner.run(json.dumps({"id": "one"}))
        refused = runner.run(json.dumps({"retraining": "one"}), execution_name="other")

    assert json.loads(result.result or "") == {"id": "one", "state": "succeeded"}
    assert refused.status is InvocationStatus.FAILED
    assert refused.error is not None
    assert refused.error.message is not None
    assert "names no retraining" in refused.error.message


@pytest.mark.usefixtures("_settings")
def test_it_trains_in_the_function_unless_there_is_a_cluster(
    retrainings: Retrainings, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert compose_work(f"{ARN}:7").tasks is None

    monkeypatch.setenv("SKYLIFT_TASK_CLUSTER", "arn:aws:ecs:eu-central-1:123456789012:cluster/retrain")
    monkeypatch.setenv("SKYLIFT_TASK_SUBNETS", "subnet-1,subnet-2")
    monkeypatch.setenv("SKYLIFT_TRAIN_MINUTES", "90")

    work = compose_work(f"{ARN}:7")
    assert work.tasks is not None
    assert work.train_time.total_seconds() == 90 * 60


@pytest.mark.parametrize("called", [ARN, f"{ARN}:7", f"{ARN}:live", f"{ARN}:$LATEST"])
def test_whichever_version_runs_the_next_begins_with_the_live_one(called: str) -> None:
    assert live(called) == f"{ARN}:live"
