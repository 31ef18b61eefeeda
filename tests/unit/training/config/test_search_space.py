"""A search in `model.yaml` says which parameters are tried, and on how many rows."""

from typing import Any

import numpy as np
import pytest
from pydantic import ValidationError

from training.config.search_space import Distribution, SearchSpec

MANY = {"C": {"low": 0.01, "high": 100, "log": True}, "n": {"low": 1, "high": 3}, "kernel": ["rbf", "linear"]}


def search(document: Any) -> SearchSpec:
    return SearchSpec.model_validate(document)


def refusal(document: Any) -> str:
    with pytest.raises(ValidationError) as caught:
        search(document)
    return str(caught.value)


class TestWriting:
    def test_lists_alone_are_a_grid(self) -> None:
        assert search({"C": [1, 2], "kernel": ["rbf"]}).strategy == "grid"

    def test_a_distribution_alone_is_drawn_from(self) -> None:
        assert search({"C": {"low": 1, "high": 2}}).strategy == "random"

    def test_a_parameter_may_be_called_strategy(self) -> None:
        assert search({"strategy": ["mean", "median"]}).trials(0) == [{"strategy": "mean"}, {"strategy": "median"}]

    @pytest.mark.parametrize(
        ("document", "said"),
        [
            ({"strategy": "grid", "parameters": {"C": {"low": 1, "high": 2}}}, "C is a distribution"),
            ({"strategy": "bayes", "parameters": {"C": [1]}}, "strategy"),
            ({"strategy": "random", "parameters": {}}, "parameters"),
            ({"strategy": "random"}, "parameters"),
            ({"C": []}, "parameters.C"),
            ({"C": {"low": 2, "high": 1}}, "low must be below high"),
            ({"C": {"low": 0, "high": 1, "log": True}}, "low must be above 0"),
            ({"C": {"low": 0, "high": 1, "step": 2}}, "step"),
            ({"strategy": "random", "parameters": {"C": [1]}, "iterations": 0}, "iterations"),
        ],
    )
    def test_a_mistake_is_named(self, document: Any, said: str) -> None:
        assert said in refusal(document)


class TestTrials:
    def test_a_grid_is_every_combination(self) -> None:
        trials = search({"a": [1, 2], "b": ["x", "y"]}).trials(0)

        assert len(trials) == 4
        assert {"a": 2, "b": "x"} in trials

    def test_so_many_are_drawn_as_asked_for_and_none_twice(self) -> None:
        trials = search({"strategy": "random", "iterations": 30, "parameters": MANY}).trials(0)

        assert len({repr(trial) for trial in trials}) == 30

    def test_fewer_are_drawn_if_there_are_no_more(self) -> None:
        small = {"n": {"low": 1, "high": 3}, "kernel": ["rbf", "linear"]}

        assert len(search({"strategy": "random", "iterations": 50, "parameters": small}).trials(0)) == 6

    def test_lists_are_drawn_from_without_repetition(self) -> None:
        trials = search({"strategy": "random", "iterations": 3, "parameters": {"a": [1, 2], "b": [3, 4]}}).trials(1)

        assert len({repr(trial) for trial in trials}) == 3

    def test_the_same_seed_draws_the_same(self) -> None:
        drawn = search({"strategy": "random", "parameters": MANY})

        assert drawn.trials(5) == drawn.trials(5) != drawn.trials(6)

    def test_numbers_are_within_their_ends_and_whole_where_these_are(self) -> None:
        for trial in search({"strategy": "random", "iterations": 200, "parameters": MANY}).trials(0):
            assert 0.01 <= trial["C"] <= 100
            assert trial["n"] in {1, 2, 3}
            assert isinstance(trial["n"], int)

    def test_a_logarithmic_distribution_gives_each_power_of_ten_its_share(self) -> None:
        generator = np.random.default_rng(0)
        drawn = [Distribution(low=0.01, high=100, log=True).draw(generator) for _ in range(400)]

        assert np.mean(np.array(drawn) < 1) == pytest.approx(0.5, abs=0.1)

    def test_whole_numbers_can_be_logarithmic(self) -> None:
        generator = np.random.default_rng(0)
        drawn = [Distribution(low=1, high=1000, log=True).draw(generator) for _ in range(50)]

        assert all(isinstance(value, int) for value in drawn)


class TestRounds:
    def test_a_grid_has_one_on_all_rows(self) -> None:
        assert search({"C": [1, 2]}).rounds(2, 900, 30) == [(2, 900)]

    @pytest.mark.parametrize(
        ("trials", "rows", "expected"),
        [
            (9, 900, [(9, 100), (3, 300), (1, 900)]),
            (20, 120, [(20, 40), (7, 120)]),
            (4, 50, [(4, 50)]),
            (1, 900, [(1, 900)]),
        ],
    )
    def test_a_halving_search_gives_fewer_trials_more_rows(
        self, trials: int, rows: int, expected: list[tuple[int, int]]
    ) -> None:
        halving = search({"strategy": "halving", "parameters": {"C": [1]}})

        assert halving.rounds(trials, rows, 30) == expected
