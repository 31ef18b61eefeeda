"""The function as Lambda and `skylift up` call it: put together from its environment, with the lines of a log file."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from aws_durable_execution_sdk_python_testing import DurableFunctionTestRunner

from rollout import handler as entry
from skylift.experiment.counters import difference_bin
from skylift.references import Reference
from skylift.registry import Registry
from skylift.rollout import Step
from tests.support.durable_runner import durable_runner
from tests.support.log_lines import answered
from tests.support.rollouts import plan_of
from tests.support.waiting import TIMES_OUT


@pytest.fixture
def log(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, loaded_in_this_process: None) -> Iterator[Path]:
    """The service's log file, and an environment that is new before and after."""
    path = tmp_path / "service.log"
    path.touch()
    monkeypatch.setenv("SKYLIFT_SERVICE_LOG", str(path))
    entry._work.cache_clear()
    yield path
    entry._work.cache_clear()


@pytest.fixture
def runner(monkeypatch: pytest.MonkeyPatch) -> Iterator[DurableFunctionTestRunner]:
    """AWS's runner, whose clock is the function's."""
    with durable_runner(entry.handler) as runner:
        monkeypatch.setattr(entry, "clock", runner._clock.now)
        yield runner


def lines(experiment: str, minutes: int) -> str:
    """Ten requests a second in the shadow, in which both sides answer the same."""
    pair = {"rows": 1, "other": 0, "bin": difference_bin(0.02)}
    member = {"id": experiment, "mode": "shadow", "percent": 100.0, "arm": "champion", "pair": pair}
    start = datetime.now(UTC)
    return "".join(
        answered(str(n), at=(start + n * timedelta(seconds=0.1)).isoformat(), experiment=member) + "\n"
        for n in range(600 * minutes)
    )


def test_promotes_by_the_lines_of_the_log(
    log: Path, runner: DurableFunctionTestRunner, registry: Registry, v2: Reference
) -> None:
    event = plan_of(
        v2,
        Step(mode="shadow", percent=100, minutes=2),
        criteria={"min_requests": 300, "max_error_increase": 0.1, "max_hours": 0.2},
    )
    log.write_text(lines(event["id"], 4), encoding="utf-8")
    result = runner.wait_for_result(runner.run_async(json.dumps(event)), timeout=int(TIMES_OUT))
    assert json.loads(result.result or "")["outcome"] == "promoted", result.error
    assert registry.active() == v2


def test_what_it_did_is_in_its_log(
    log: Path,
    runner: DurableFunctionTestRunner,
    registry: Registry,
    v1: Reference,
    v2: Reference,
    capsys: pytest.CaptureFixture[str],
) -> None:
    event = plan_of(v2, Step(mode="shadow", percent=100, minutes=1), criteria={"max_hours": 0.02})
    runner.wait_for_result(runner.run_async(json.dumps(event)), timeout=int(TIMES_OUT))
    told = [json.loads(line) for line in capsys.readouterr().out.splitlines() if line.startswith("{")]
    assert [(line["message"], line.get("outcome")) for line in told] == [
        ("iris v2 inconclusive", None),
        ("rollout", "inconclusive"),
    ]
    assert registry.active() == v1


@pytest.mark.parametrize(("given", "held_back"), [(None, timedelta(seconds=2)), ("0.5", timedelta(seconds=0.5))])
def test_holds_lines_back_for_as_long_as_they_may_arrive(
    given: str | None, held_back: timedelta, log: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if given:
        monkeypatch.setenv("SKYLIFT_HELD_BACK_SECONDS", given)
    assert entry._work()._held_back == held_back
