"""Scores of a challenger: where they are made, and what of them costs whom how long."""

import threading
import time
from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pytest

from inference import bounded_predictor
from inference.bounded_predictor import BoundedPredictor, ChallengerFailed, inline_rows
from inference.bounded_thread import BoundedThread
from inference.model import ServedModel
from skylift.predictors import OnnxPredictor
from skylift.scoring import Matrix
from tests.support.compiled import CALM, WILD, misbehaving
from tests.support.fakes import ConstantPredictor, served
from tests.support.models import compiled_iris_package
from tests.support.waiting import TIMES_OUT, wait_until

CALM_ROW, WILD_ROW = (np.array([[first, 1.0, 1.0, 1.0]]) for first in (CALM, WILD))


class Spied(OnnxPredictor):
    """A compiled model that tells in which threads it scored, and may take its time where nothing breaks it off."""

    def __init__(self, data: bytes) -> None:
        super().__init__(data)
        self.threads: list[int] = []
        self.seconds = 0.0

    def scores(self, rows: Matrix, options: object = None) -> Matrix:
        self.threads.append(threading.get_ident())
        time.sleep(self.seconds)
        return super().scores(rows, options)


@pytest.fixture
def predictor() -> Spied:
    return Spied(misbehaving("loops"))


@pytest.fixture
def version(predictor: Spied) -> ServedModel:
    """Iris, as that model has it."""
    manifest = compiled_iris_package().describe(1)
    return replace(served(manifest.contract), manifest=manifest, predictor=predictor)


@pytest.fixture
def thread() -> Iterator[BoundedThread]:
    made = BoundedThread("tested")
    yield made
    made.end()


@pytest.fixture
def bounded(version: ServedModel, thread: BoundedThread) -> Iterator[BoundedPredictor]:
    """It scores up to two rows in the thread of the request."""
    made = BoundedPredictor(version, thread, 2)
    yield made
    made.end()


def in_thread_of_request(predictor: Spied) -> list[bool]:
    return [thread == threading.get_ident() for thread in predictor.threads]


class TestInlineRows:
    def test_as_many_as_a_compiled_version_scores_in_that_time(
        self, version: ServedModel, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        golden = len(version.manifest.golden.instances)
        monkeypatch.setattr(bounded_predictor, "INLINE_SECONDS", TIMES_OUT)

        assert inline_rows(version) > golden
        assert inline_rows(version) % golden == 0

    def test_none_of_one_that_takes_longer_for_its_golden_requests(
        self, version: ServedModel, predictor: Spied
    ) -> None:
        predictor.seconds = bounded_predictor.INLINE_SECONDS

        assert inline_rows(version) == 0

    def test_none_of_one_that_is_not_compiled_which_is_not_asked(self, version: ServedModel) -> None:
        predictor = ConstantPredictor((1.0, 0.0, 0.0))

        assert inline_rows(replace(version, predictor=predictor)) == 0
        assert not predictor.asked


class TestThreads:
    def test_few_rows_are_scored_in_the_thread_of_the_request_and_more_in_another(
        self, bounded: BoundedPredictor, predictor: Spied
    ) -> None:
        for rows in (1, 2, 3):
            assert bounded.timed(np.tile(CALM_ROW, (rows, 1)), TIMES_OUT)[0].shape == (rows, 3)

        assert in_thread_of_request(predictor) == [True, True, False]

    def test_one_that_is_slow_once_scores_in_the_other_from_then_on(
        self, bounded: BoundedPredictor, predictor: Spied
    ) -> None:
        with pytest.raises(ChallengerFailed, match="slow"):
            bounded.timed(WILD_ROW, 0.0)

        bounded.timed(CALM_ROW, TIMES_OUT)

        assert in_thread_of_request(predictor) == [True, False]

    def test_what_cannot_be_broken_off_is_slow_when_it_ends(self, bounded: BoundedPredictor, predictor: Spied) -> None:
        predictor.seconds = 0.002

        with pytest.raises(ChallengerFailed, match="slow"):
            bounded.timed(CALM_ROW, 0.001)

    def test_in_the_other_thread_too_a_run_is_broken_off(self, bounded: BoundedPredictor) -> None:
        rows = np.tile(WILD_ROW, (3, 1))
        with pytest.raises(ChallengerFailed, match="slow"):
            bounded.timed(rows, 0.001)

        wait_until(lambda: not bounded._thread._outcomes.empty(), what="the run ended")

        assert bounded.timed(CALM_ROW, TIMES_OUT)[0].shape == (1, 3)
