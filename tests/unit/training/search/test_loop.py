"""The search chooses well, reports honestly, and can be watched, stopped and spread over processes."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from threading import Event
from typing import Any

import numpy as np
import pytest

from skylift.errors import TrainingError
from tests.support.tables import LOGISTIC, TREE, config_of, lines, noted
from training.job import Trained, train
from training.search.fitting import Fit, Folds, LocalRunner, Outcome, fit_and_score
from training.search.loop import OUT_OF_BUDGET, STOPPED
from training.search.meter import State

STRIPES = lines("x,n,y", lambda number: f"{number},{number % 7},{'ab'[number // 20 % 2]}", count=80)
DEPTHS = {"max_depth": [1, 2, 8]}
SEARCHED = {"name": "tree", "estimator": "sklearn.tree.DecisionTreeClassifier", "search": DEPTHS}


DEEP = {"name": "deep", "estimator": "sklearn.tree.DecisionTreeClassifier"}
ENDLESS, OVER = 1e6, 1e-9
"""Budgets in seconds."""


def trained(
    folder: Path, *candidates: dict[str, Any], text: str = STRIPES, budget: float | None = None, **how: Any
) -> Trained:
    (folder / "table.csv").write_text(text, encoding="utf-8")
    config = config_of(folder / "table.csv", candidates=candidates, select_by="accuracy", budget=budget)
    return train(config, **how)


@pytest.fixture
def several(monkeypatch: pytest.MonkeyPatch) -> LocalRunner:
    """A runner of two processes, whose last fit is done first; `tests/e2e` starts them."""

    def backwards(folds: Folds, fits: Sequence[Fit], **_: object) -> Iterator[tuple[Fit, Outcome]]:
        for fit in reversed(fits):
            yield fit, fit_and_score(folds, fit)

    monkeypatch.setattr("training.search.fitting.run_parallel", backwards)
    return LocalRunner(2, worth=0)


class TestHonesty:
    def test_the_reported_score_of_noise_is_no_better_than_chance_however_much_is_tried(self, tmp_path: Path) -> None:
        """The best of many trials looks good on the rows it was chosen by; on others it is as good as chance."""
        generator = np.random.default_rng(3)
        noise, labels = generator.normal(size=(60, 6)).round(3), generator.permutation([0, 1] * 30)
        text = lines("a,b,c,d,e,f,y", lambda row: f"{','.join(map(str, noise[row]))},{'pq'[labels[row]]}", count=60)
        many = {"random_state": list(range(15)), "splitter": ["random"], "max_features": [1]}

        made = trained(tmp_path, SEARCHED | {"search": many}, text=text)

        (report,) = made.evaluation.searches
        chosen, reported = report.trials[0].mean, made.metrics.cross_validated["accuracy"].mean
        assert chosen > 0.6
        assert reported < chosen - 0.05

    def test_the_parameters_of_the_published_model_are_chosen_on_all_training_rows(self, tmp_path: Path) -> None:
        made = trained(tmp_path, SEARCHED)

        assert made.evaluation.searches[0].trials[0].params == {"max_depth": made.estimator.max_depth}
        assert made.leaderboard[0].params["max_depth"] == made.estimator.max_depth != 1


class TestStrategies:
    @pytest.mark.parametrize("strategy", ["grid", "random", "halving"])
    def test_each_finds_the_depth_that_the_table_needs(self, tmp_path: Path, strategy: str) -> None:
        search = {"strategy": strategy, "parameters": {"max_depth": [1, 6]}}

        made = trained(tmp_path, SEARCHED | {"search": search})

        assert made.estimator.max_depth == 6
        assert made.evaluation.searches[0].strategy == strategy

    def test_a_halving_search_tries_many_on_few_rows_and_few_on_all(self, tmp_path: Path) -> None:
        text = lines("x,n,y", lambda number: f"{number},{number % 7},{'ab'[number // 60 % 2]}", count=300)
        search = {"strategy": "halving", "iterations": 9, "parameters": {"max_depth": list(range(1, 10))}}

        made = trained(tmp_path, SEARCHED | {"search": search}, text=text)

        (report,) = made.evaluation.searches
        rows = [trial.rows for trial in report.trials]
        assert (report.planned, report.tried) == (9, 9)
        assert rows == sorted(rows, reverse=True)
        assert rows.count(rows[0]) < rows.count(rows[-1])

    def test_a_trial_that_cannot_be_fitted_loses(self, tmp_path: Path) -> None:
        made = trained(tmp_path, SEARCHED | {"search": {"max_depth": [-1, 3]}})

        assert made.estimator.max_depth == 3
        assert made.evaluation.searches[0].tried == 1

    def test_where_every_trial_fails_so_does_the_candidate(self, tmp_path: Path) -> None:
        made = trained(tmp_path, SEARCHED | {"name": "broken", "search": {"max_depth": [-1, -2]}}, TREE)

        assert "max_depth" in (made.leaderboard[1].failure or "")


class TestWatching:
    def test_each_fit_is_told_with_what_is_left(self, tmp_path: Path) -> None:
        told: list[State] = []

        trained(tmp_path, LOGISTIC, SEARCHED, watch=told.append)

        assert [state.done for state in told] == list(range(1, told[-1].planned + 1))
        assert str(told[0].step) == "fold 1 of 5"
        assert told[0].best is None
        assert str(told[-1].best).startswith("accuracy ")
        assert str(told[-1].best).endswith("(logistic)")
        assert told[-1].seconds_left == 0
        assert {str(state.step) for state in told if state.candidate == "tree"} >= {"trial 1 of 3", "fold 5 of 5"}


class TestStopping:
    def stopped(self, folder: Path, *candidates: dict[str, Any], after: int) -> Trained:
        stop = Event()

        def watch(state: State) -> None:
            if state.done == after:
                stop.set()

        return trained(folder, *candidates, watch=watch, stop=stop)

    def test_the_best_trial_until_then_is_kept(self, tmp_path: Path) -> None:
        per_trial = 6 * 3

        made = self.stopped(tmp_path, SEARCHED, after=2 * per_trial + 1)

        (report,) = made.evaluation.searches
        assert (report.tried, report.planned) == (2, 3)
        assert made.estimator.max_depth in {1, 2}
        assert "tree: stopped after 2 of 3 trials" in made.notes
        assert len(made.metrics.cross_validated["accuracy"].folds) == 5

    def test_candidates_that_were_not_reached_say_so(self, tmp_path: Path) -> None:
        made = self.stopped(tmp_path, LOGISTIC, TREE, SEARCHED | {"name": "deep"}, after=5)

        assert made.selected == "logistic"
        assert [entry.failure for entry in made.leaderboard] == [None, STOPPED, STOPPED]

    def test_a_candidate_in_the_middle_of_its_folds_is_dropped_for_one_that_is_whole(self, tmp_path: Path) -> None:
        made = self.stopped(tmp_path, LOGISTIC, TREE, after=7)

        assert made.leaderboard[1].failure == STOPPED

    def test_the_first_candidate_is_finished_as_there_is_nothing_else(self, tmp_path: Path) -> None:
        assert self.stopped(tmp_path, TREE, LOGISTIC, after=1).selected == "tree"

    def test_a_search_without_a_single_whole_trial_keeps_nothing(self, tmp_path: Path) -> None:
        with pytest.raises(TrainingError, match=STOPPED):
            self.stopped(tmp_path, SEARCHED, after=3)

    def test_only_what_would_keep_something_can_be_stopped(self, tmp_path: Path) -> None:
        told: list[State] = []

        trained(tmp_path, SEARCHED, watch=told.append)

        keeps = [state.keeps for state in told]
        assert keeps == sorted(keeps)
        assert not keeps[0]
        assert keeps[6 * 3]


class TestRace:
    def test_what_cannot_win_is_dropped_and_stays_on_the_leaderboard(self, tmp_path: Path) -> None:
        told: list[State] = []

        made = trained(tmp_path, DEEP, LOGISTIC, TREE | {"name": "other"}, budget=ENDLESS, watch=told.append)

        dropped = next(entry for entry in made.leaderboard if entry.candidate == "logistic")
        assert dropped.dropped == "after 2 of 5 folds it cannot beat deep"
        assert (dropped.failure, len(dropped.scores["accuracy"].folds)) == (None, 2)
        assert "logistic was dropped: after 2 of 5 folds it cannot beat deep" in made.notes
        assert told[-1].done == told[-1].planned

    def test_what_may_win_is_measured_in_every_fold(self, tmp_path: Path) -> None:
        made = trained(tmp_path, LOGISTIC, DEEP, budget=ENDLESS)

        assert made.selected == "deep"
        assert [len(entry.scores["accuracy"].folds) for entry in made.leaderboard] == [5, 5]

    def test_candidates_of_model_yaml_run_to_their_end_unless_it_has_a_budget(self, tmp_path: Path) -> None:
        made = trained(tmp_path, DEEP, LOGISTIC)

        assert [entry.dropped for entry in made.leaderboard] == [None, None]

    def test_a_search_for_parameters_is_not_cut_by_the_race(self, tmp_path: Path) -> None:
        weak = LOGISTIC | {"search": {"C": [0.1, 1.0]}}

        made = trained(tmp_path, DEEP, weak, budget=ENDLESS)

        assert [entry.dropped for entry in made.leaderboard] == [None, None]

    def test_a_dropped_candidate_comes_after_the_others_and_before_those_that_failed(self, tmp_path: Path) -> None:
        broken = TREE | {"name": "broken", "params": {"max_depth": -1}}

        made = trained(tmp_path, DEEP, broken, LOGISTIC, TREE | {"params": {"max_depth": 12}}, budget=ENDLESS)

        assert [entry.candidate for entry in made.leaderboard] == ["deep", "tree", "logistic", "broken"]

    def test_several_processes_drop_the_same(self, tmp_path: Path, several: LocalRunner) -> None:
        alone, spread = (
            trained(tmp_path, DEEP, LOGISTIC, TREE, budget=ENDLESS, runner=runner)
            for runner in (LocalRunner(1), several)
        )

        assert spread.leaderboard == alone.leaderboard


class TestBudget:
    def test_the_search_ends_with_the_best_until_then(self, tmp_path: Path) -> None:
        made = trained(tmp_path, LOGISTIC, DEEP, budget=OVER)

        assert made.selected == "logistic"
        assert [entry.failure for entry in made.leaderboard] == [None, OUT_OF_BUDGET]

    def test_a_note_says_that_it_was_cut(self, tmp_path: Path) -> None:
        assert noted(trained(tmp_path, LOGISTIC, DEEP, budget=OVER).notes, "ended at its budget of 1e-09 s")
        assert not noted(trained(tmp_path, LOGISTIC, DEEP, budget=ENDLESS).notes, "ended at its budget")

    def test_parameters_are_the_best_that_were_tried(self, tmp_path: Path) -> None:
        made = trained(tmp_path, LOGISTIC, SEARCHED, budget=OVER)

        assert [entry.failure for entry in made.leaderboard] == [None, OUT_OF_BUDGET]


class TestProcesses:
    def test_several_processes_find_the_same_as_one(self, tmp_path: Path, several: LocalRunner) -> None:
        alone = trained(tmp_path, SEARCHED, LOGISTIC, runner=LocalRunner(1))

        spread = trained(tmp_path, SEARCHED, LOGISTIC, runner=several)

        assert spread.leaderboard == alone.leaderboard
        assert spread.evaluation == alone.evaluation
