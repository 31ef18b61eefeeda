"""Training again on the whole stack: asked for over HTTP, one at a time, and on trial where that is asked for.

The durable function trains in its container, as strict as Lambda's, publishes by its own role, and puts what it
published on trial where that is asked for. Pointer, challenger, versions and audit agree afterwards.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urljoin

import pytest

from skylift.retraining.state import Retraining
from skylift.retraining.store import RetrainStore
from tests.e2e.conftest import Step
from tests.e2e.life import Life, prepared
from tests.e2e.stack import Stack
from tests.support.waiting import wait_until

SECONDS = 180


@pytest.fixture(scope="module")
def life(stack: Stack, quick_config: Path, step: Step) -> Iterator[Life]:
    """The model, of which what is trained again may be rolled out."""
    life = prepared(stack, quick_config)
    with step("rollouts of what is trained again, on"):
        stack.deploy(RetrainRollout="auto")
    yield life
    stack.deploy(RetrainRollout="none")


@pytest.fixture(autouse=True)
def _all_agree_afterwards(life: Life, stack: Stack) -> Iterator[None]:
    yield
    if life.on_trial is not None:
        stack.done("Promote", "reject")
    life.agree()


def all_of(life: Life) -> list[Retraining]:
    """All retrainings, by time."""
    keys = [entry.key for entry in life.bucket.entries("retrains/iris/")]
    keys = [key for key in keys if key.count("/") == 2 and not key.endswith("/running.json")]
    documents = [Retraining.model_validate_json(life.bucket.read(key, limit=2**20) or b"") for key in keys]
    return sorted(documents, key=lambda each: each.started)


@contextmanager
def one_more(life: Life) -> Iterator[list[Retraining]]:
    """One retraining begins meanwhile, which has ended afterwards; no second one begins."""
    before = {each.id for each in all_of(life)}
    made: list[Retraining] = []
    yield made

    def new() -> list[Retraining]:
        return [each for each in all_of(life) if each.id not in before]

    wait_until(lambda: bool(new()) and all(each.has_ended for each in new()), seconds=SECONDS, what="it has ended")
    made.extend(new())
    assert len(made) == 1, made


def asked(stack: Stack, key: str, **body: str) -> Any:
    """What POST /retrain answers."""
    return stack.ask("/retrain", body, keys=stack.caller, headers={"idempotency-key": key})


def test_a_person_asks_for_it_and_a_version_is_published(life: Life, stack: Stack, step: Step) -> None:
    numbers = life.versions.numbers()
    assert stack.ask("/retrain", {}).status == 403
    with step("POST /retrain"), one_more(life) as made:
        answer = asked(stack, "order-7", reason="new prices")
        assert (answer.status, answer.body["state"]) == (202, "queued")
        place = answer.headers["location"]
        again = asked(stack, "order-7", reason="new prices")
        assert (again.status, again.headers["location"]) == (202, place)
        other = asked(stack, "order-8", reason="newer prices")
        assert (other.status, other.headers["location"]) == (409, place)
        assert int(other.retry_after) > 0
    told = stack.ask(urljoin("/retrain", place), keys=stack.caller)
    assert (told.status, told.body["state"], told.body["reason"]) == (200, "succeeded", "new prices")
    assert made[0].id == told.body["id"]
    published = set(life.versions.numbers()) - set(numbers)
    assert told.body["versions"]["published"].partition("@")[0] in {f"v{number}" for number in published}
    assert stack.pointer.startswith("v1@")


def test_what_it_published_goes_on_trial_where_that_is_asked_for(life: Life, stack: Stack) -> None:
    with one_more(life) as made:
        asked(stack, "on-trial", reason="a trial", rollout="auto")
    wait_until(lambda: life.on_trial is not None, seconds=60, what="it is on trial")
    assert life.on_trial is not None
    assert str(life.on_trial.reference) == made[0].versions.published


def test_nothing_is_locked_when_all_have_ended(life: Life) -> None:
    lock = RetrainStore(life.bucket, "iris").lock()
    assert all(each.has_ended for each in all_of(life))
    assert lock is not None
    assert (lock.holder, lock.next) == (None, None)
