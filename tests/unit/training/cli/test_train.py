"""Ctrl-C while training: the first one continues with the best so far, the second one ends everything."""

import signal
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from pathlib import Path
from threading import Event

import pytest

from tests.support.interrupts import press_ctrl_c, restored_signals
from tests.support.tables import LOGISTIC, config_of, lines
from tests.support.waiting import TIMES_OUT
from training.cli import train as train_module
from training.cli.progress import Display
from training.cli.train import Work, trained_by
from training.search.meter import State

pytestmark = pytest.mark.skipif(not hasattr(signal, "pthread_kill"), reason="sends a signal to a thread")

SEARCHED = {
    "name": "tree",
    "estimator": "sklearn.tree.DecisionTreeClassifier",
    "search": {"max_depth": [1, 2, 3, 4, 5, 6]},
}


@pytest.fixture(autouse=True)
def _hears_ctrl_c() -> Iterator[None]:
    with restored_signals():
        yield


class Interrupted:
    """Presses Ctrl-C once the main thread waits for the work.

    Parameters
    ----------
    can_stop
        Whether stopping keeps something.
    """

    def __init__(self, monkeypatch: pytest.MonkeyPatch, *, can_stop: bool = True) -> None:
        self.stop, self.waits, self.end = Event(), Event(), Event()
        self.can_stop = can_stop
        waits = self.waits

        class Result[T](Future[T]):
            def result(self, timeout: float | None = None) -> T:
                waits.set()
                while not self.done():
                    time.sleep(0.01)  # a signal just before an endless wait would not be heard
                return super().result(timeout)

        monkeypatch.setattr(train_module, "Future", Result)

    def press(self) -> None:
        assert self.waits.wait(TIMES_OUT)
        self.waits.clear()
        press_ctrl_c()

    def run(self, work: Callable[[], str], *, stoppable: bool = True) -> str:
        try:
            return train_module._interruptible(
                work, stop=self.stop if stoppable else None, can_stop=lambda: self.can_stop
            )
        finally:
            self.end.set()


def test_the_first_one_asks_the_work_to_stop_and_waits_for_it(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    interrupted = Interrupted(monkeypatch)

    def work() -> str:
        interrupted.press()
        assert interrupted.stop.wait(TIMES_OUT)
        return "the best so far"

    assert interrupted.run(work) == "the best so far"
    assert "Stopping the search; continuing with the best candidate so far." in " ".join(
        capsys.readouterr().err.split()
    )


def test_a_second_one_leaves_the_work_as_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    interrupted = Interrupted(monkeypatch)

    def work() -> str:
        interrupted.press()
        interrupted.press()
        assert interrupted.end.wait(TIMES_OUT)
        return "too late"

    with pytest.raises(KeyboardInterrupt):
        interrupted.run(work)
    assert interrupted.stop.is_set()


@pytest.mark.parametrize(("can_stop", "stoppable"), [(False, True), (True, False)], ids=["nothing to keep", "no stop"])
def test_one_that_would_keep_nothing_leaves_at_once(
    monkeypatch: pytest.MonkeyPatch, can_stop: bool, stoppable: bool
) -> None:
    interrupted = Interrupted(monkeypatch, can_stop=can_stop)

    def work() -> str:
        interrupted.press()
        assert interrupted.end.wait(TIMES_OUT)
        return "too late"

    with pytest.raises(KeyboardInterrupt):
        interrupted.run(work, stoppable=stoppable)
    assert not interrupted.stop.is_set()


def test_a_search_ends_with_the_best_so_far(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    interrupted = Interrupted(monkeypatch)

    class InterruptedDisplay(Display):
        def watch(self, state: State) -> None:
            super().watch(state)
            if str(state.step) == "trial 3 of 6" and not interrupted.stop.is_set():
                interrupted.press()
                assert interrupted.stop.wait(TIMES_OUT)

    monkeypatch.setattr(train_module, "Display", InterruptedDisplay)
    (tmp_path / "table.csv").write_text(lines("x,n,y", lambda row: f"{row},{row % 7},{'ab'[row // 20]}"), "utf-8")
    config = config_of(tmp_path / "table.csv", candidates=[LOGISTIC, SEARCHED])

    trained = trained_by(config, Work(stop=interrupted.stop))

    assert "tree: stopped after 2 of 6 trials" in trained.notes
