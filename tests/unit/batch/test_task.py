"""Events of the state machine, and others."""

import json

import pytest

from batch.task import Task
from skylift.errors import ConfigError
from tests.support.paths import ROOT

TASK = {"run": "r", "reference": "v1@sha256:00", "explain": False, "output": "s3://bucket/out"}


def test_a_run_without_a_part_is_one_to_end() -> None:
    assert Task.of(TASK).part is None


@pytest.mark.parametrize("event", [None, {}, [], TASK | {"output": "/etc"}, TASK | {"part": {"name": "x"}}])
def test_another_event_is_refused(event: object) -> None:
    with pytest.raises(ConfigError, match="this event names nothing to score: "):
        Task.of(event)


def test_the_state_machine_sends_what_is_read() -> None:
    definition = (ROOT / "statemachine" / "batch.asl.json").read_text(encoding="utf-8")
    for number in ("${Concurrency}", "${ToleratedFailures}"):
        definition = definition.replace(number, "10")
    states = json.loads(definition)["States"]
    ending = {name.removesuffix(".$") for name in states["Manifest"]["Parameters"]["Payload"]}
    scoring = {name.removesuffix(".$") for name in states["Parts"]["ItemSelector"]}
    assert scoring == set(Task.model_fields)
    assert ending == set(Task.model_fields) - {"part"}
