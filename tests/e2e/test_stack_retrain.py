"""Training again on the whole stack: asked for over HTTP, one at a time.

The durable function trains in its container, as strict as Lambda's, and publishes by its own role. Pointer,
challenger, versions and audit agree afterwards.
"""

import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urljoin

import pytest

from skylift.retraining.state import Retraining
from tests.e2e.conftest import Step
from tests.e2e.life import Life, prepared
from tests.e2e.stack import Stack
from tests.support.waiting import wait_until

SECONDS = 180


@pytest.fixture(scope="module")
def life(stack: Stack, quick_config: Path) -> Life:
    """The model, of which v1 serves."""
    return prepared(stack, quick_config)


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
    numbers, key = life.versions.numbers(), uuid.uuid4().hex
    assert stack.ask("/retrain", {}).status == 403
    with step("POST /retrain"), one_more(life) as made:
        answer = asked(stack, key, reason="new prices")
        assert (answer.status, answer.body["state"]) == (202, "queued")
        place = answer.headers["location"]
        again = asked(stack, key, reason="new prices")
        assert (again.status, again.headers["location"]) == (202, place)
        other = asked(stack, f"{key}-other", reason="newer prices")
        assert (other.status, other.headers["location"]) == (409, place)
        assert int(other.retry_after) > 0
    told = stack.ask(urljoin("/retrain", place), keys=stack.caller)
    assert (told.status, told.body["state"], told.body["reason"]) == (200, "succeeded", "new prices")
    assert made[0].id == told.body["id"]
    published = set(life.versions.numbers()) - set(numbers)
    assert told.body["versions"]["published"].partition("@")[0] in {f"v{number}" for number in published}
    assert stack.pointer.startswith("v1@")
