"""Runs of compiled models are broken off when their time is over, and no other run is."""

import time
from collections.abc import Iterator

import numpy as np
import pytest
from onnxruntime import RunOptions

from inference.watchdog import LOOK_SECONDS, Watchdog
from skylift.errors import UnservableModel
from skylift.predictors import OnnxPredictor
from skylift.scoring import Matrix
from tests.support.compiled import CALM, WILD, misbehaving
from tests.support.waiting import TIMES_OUT, wait_until

CALM_ROW, WILD_ROW = (np.array([[first, 1.0, 1.0, 1.0]]) for first in (CALM, WILD))


@pytest.fixture
def watchdog() -> Iterator[Watchdog]:
    made = Watchdog("tested")
    yield made
    made.end()


@pytest.fixture
def predictor() -> OnnxPredictor:
    """Loops without an end if it is asked to."""
    return OnnxPredictor(misbehaving("loops"))


def test_a_run_in_time_gives_its_scores(watchdog: Watchdog, predictor: OnnxPredictor) -> None:
    scores = watchdog.run(lambda options: predictor.scores(CALM_ROW, options), TIMES_OUT)

    assert scores.tolist() == predictor.scores(CALM_ROW).tolist()


def test_a_run_without_an_end_is_broken_off(watchdog: Watchdog, predictor: OnnxPredictor) -> None:
    with pytest.raises(TimeoutError):
        watchdog.run(lambda options: predictor.scores(WILD_ROW, options), 0.0)


def test_the_next_run_is_not(watchdog: Watchdog, predictor: OnnxPredictor) -> None:
    def late(options: RunOptions) -> Matrix:
        scores = predictor.scores(CALM_ROW, options)
        wait_until(lambda: options.terminate, what="it is to end when it has ended")
        return scores

    first = watchdog.run(late, 0.0)
    second = watchdog.run(lambda options: predictor.scores(CALM_ROW, options), TIMES_OUT)

    assert first.tolist() == second.tolist()


def test_a_failure_in_time_is_what_it_is(watchdog: Watchdog) -> None:
    predictor = OnnxPredictor(misbehaving("raises"))

    with pytest.raises(UnservableModel):
        watchdog.run(lambda options: predictor.scores(WILD_ROW, options), TIMES_OUT)


def test_nothing_is_kept_of_a_run(watchdog: Watchdog, predictor: OnnxPredictor) -> None:
    watchdog.run(lambda options: predictor.scores(CALM_ROW, options), TIMES_OUT)

    assert not watchdog._deadlines


def test_after_its_end_the_thread_still_waits_for_a_run(watchdog: Watchdog, predictor: OnnxPredictor) -> None:
    def ended(options: RunOptions) -> Matrix:
        watchdog.end()
        time.sleep(2 * LOOK_SECONDS)
        return predictor.scores(WILD_ROW, options)

    with pytest.raises(TimeoutError):
        watchdog.run(ended, 0.0)

    wait_until(lambda: not watchdog._thread.is_alive(), what="it ended")
