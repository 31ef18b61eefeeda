"""The task answers the function, and is heard of meanwhile."""

from datetime import timedelta

import pytest

from retrain import task
from retrain.task import TaskSettings, _beat, main, run
from skylift.errors import AwsThrottled, AwsUnavailable, CallbackClosed
from skylift.retraining.store import RetrainStore
from tests.conftest import BUCKET
from tests.support.retraining import FakeFunction, Retrainings

HOUR = timedelta(hours=1)


@pytest.fixture
def function() -> FakeFunction:
    return FakeFunction()


def test_it_answers_what_training_came_to(retrainings: Retrainings, function: FakeFunction) -> None:
    retrainings.ask()

    run(retrainings.job, retrainings.store.read("one"), function, "callback-1", time=HOUR)

    assert function.answers == [("succeed", "callback-1", {"outcome": "published"})]
    assert retrainings.job.outcome(retrainings.store.read("one")) is not None


def test_it_answers_why_it_could_not(retrainings: Retrainings, function: FakeFunction) -> None:
    retrainings.ask()
    retrainings.job.comes_to = AwsThrottled("writing a version failed (SlowDown)")

    with pytest.raises(AwsThrottled):
        run(retrainings.job, retrainings.store.read("one"), function, "callback-1", time=HOUR)

    assert function.answers == [("fail", "callback-1", "writing a version failed (SlowDown)")]


class Heard:
    """An event that is set after some waits."""

    def __init__(self, waits: int) -> None:
        self.left = waits

    def wait(self, _seconds: float) -> bool:
        self.left -= 1
        return self.left < 0


def test_it_is_heard_of_until_it_is_done(function: FakeFunction) -> None:
    _beat(function, "callback-1", Heard(3))  # type: ignore[arg-type]

    assert function.answers == [("heartbeat", "callback-1", None)] * 3


@pytest.mark.parametrize(("error", "calls"), [(AwsUnavailable("no answer"), 3), (CallbackClosed("too late"), 1)])
def test_a_beat_that_is_not_taken_is_tried_again_unless_nobody_waits(
    function: FakeFunction, monkeypatch: pytest.MonkeyPatch, error: Exception, calls: int
) -> None:
    asked = []

    def heartbeat(callback: str) -> None:
        asked.append(callback)
        raise error

    monkeypatch.setattr(function, "heartbeat", heartbeat)

    _beat(function, "callback-1", Heard(3))  # type: ignore[arg-type]

    assert len(asked) == calls


@pytest.mark.parametrize("fails", [False, True])
def test_the_environment_names_all_that_it_needs(
    retrainings: Retrainings, monkeypatch: pytest.MonkeyPatch, fails: bool
) -> None:
    retrainings.ask()
    settings = {
        "BUCKET": BUCKET,
        "STAGE": "test",
        "MODEL": "iris",
        "RETRAINING": "one",
        "CALLBACK": "callback-1",
        "RETRAIN_FUNCTION": "arn:aws:lambda:eu-central-1:123456789012:function:retrain:live",
    }
    for name, value in settings.items():
        monkeypatch.setenv(f"SKYLIFT_{name}", value)
    asked = []

    def record(job: object, retraining: object, function: object, callback: str, *, time: timedelta) -> None:
        asked.append((callback, time))
        if fails:
            raise AwsUnavailable("no answer")

    monkeypatch.setattr(task, "run", record)
    monkeypatch.setattr(RetrainStore, "read", lambda _, name: retrainings.store.stored(name))

    assert main() == int(fails)
    assert asked == [("callback-1", timedelta(minutes=TaskSettings().train_minutes))]
