"""The job takes an average of candidates where it is asked for, wins and compiles."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from skylift.errors import ConfigError
from skylift.manifest import COMPILED_FILE
from skylift.predictors import load_predictor
from tests.support.tables import config_of, learned, lines, mixed, noted
from training.config import load_config
from training.job import Trained, train
from training.release.packaging import pack

_A, _B, _NOISE = np.random.default_rng(0).uniform(-1, 1, size=(3, 150)).round(3)
NOISY = lines("a,b,y", lambda row: f"{_A[row]},{_B[row]},{_A[row] + _B[row] + _NOISE[row]:.3f}", count=150)
"""A table of which a tree learns much noise, and each random tree other noise."""

TREES = [
    {
        "name": f"tree {number}",
        "estimator": "sklearn.tree.DecisionTreeRegressor",
        "params": {"splitter": "random", "random_state": number},
    }
    for number in (1, 2)
]
KERNEL = {
    "name": "kernel",
    "estimator": "sklearn.kernel_ridge.KernelRidge",
    "params": {"kernel": "rbf", "gamma": 30, "alpha": 0.01},
}
"""An estimator that nothing compiles."""


def board(trained: Trained) -> list[str]:
    return [entry.candidate for entry in trained.leaderboard]


@pytest.fixture(scope="module")
def average(tmp_path_factory: pytest.TempPathFactory) -> Trained:
    return learned(tmp_path_factory.mktemp("average"), NOISY, *TREES, ensemble=True, intervals={})


class TestAverage:
    def test_it_is_a_candidate_on_the_leaderboard(self, average: Trained) -> None:
        best, *others = average.leaderboard

        assert (average.selected, best.candidate) == ("ensemble", "ensemble")
        assert sorted(entry.candidate for entry in others) == ["tree 1", "tree 2"]
        assert best.params["estimators"] == [entry.candidate for entry in others]
        assert average.metrics.cross_validated == best.scores
        assert noted(average.notes, "an average was selected (rmse ", " together; ensemble: false keeps one")

    def test_it_is_served_as_one_compiled_graph(self, average: Trained) -> None:
        package = pack(average)
        manifest, rows = package.describe(1), average.table.rows[average.split.holdout]

        loaded = load_predictor(manifest, package.artifacts.__getitem__)

        assert COMPILED_FILE in manifest.artifacts
        assert manifest.selected == "ensemble"
        np.testing.assert_allclose(loaded.scores(rows), average.estimator.predict(rows), rtol=1e-12)

    def test_intervals_are_of_its_own_answers(self, average: Trained) -> None:
        """Answers of two trees scatter less around the truth than those of each alone."""
        margins, out_of_fold = average.table.contract.target.margins, average.out_of_fold

        assert margins is not None
        assert out_of_fold is not None
        errors = average.table.targets[average.split.train[out_of_fold.rows]] - out_of_fold.scores
        assert np.quantile(errors, 0.95) == pytest.approx(margins.high[0], rel=0.1)

    def test_candidates_that_are_named_are_averaged_only_if_asked(self, tmp_path: Path) -> None:
        trained = learned(tmp_path, NOISY, *TREES)

        assert sorted(board(trained)) == ["tree 1", "tree 2"]

    def test_default_candidates_are_averaged_without_being_asked(self, tmp_path: Path) -> None:
        (tmp_path / "table.csv").write_text(mixed(), encoding="utf-8")

        trained = train(config_of(tmp_path / "table.csv", target="churned"))

        assert "ensemble" in board(trained)
        assert trained.compiled.outcome.converter == "skylift"

    def test_one_that_does_not_compile_is_not_worth_its_time(self, tmp_path: Path) -> None:
        trained = learned(tmp_path, NOISY, *TREES, KERNEL, ensemble=True)

        assert trained.selected == board(trained)[0] != "ensemble"
        assert "ensemble" in board(trained)
        assert trained.compiled.data is not None
        assert noted(trained.notes, "ensemble was not taken, because it does not compile", "KernelRidge")

    def test_it_is_not_taken_within_noise(self, tmp_path: Path) -> None:
        wide = {"name": "mean", "estimator": "sklearn.tree.DecisionTreeRegressor", "params": {"max_depth": 1}}
        line = lines("x,n,y", lambda number: f"{number},{number % 7},{3 * number + number % 7 / 4}")
        ridge = {"name": "ridge", "estimator": "sklearn.linear_model.Ridge"}

        assert learned(tmp_path, line, ridge, wide, ensemble=True).selected == "ridge"

    def test_its_name_is_not_that_of_a_candidate(self, tmp_path: Path) -> None:
        path = tmp_path / "model.yaml"
        candidates: list[dict[str, Any]] = [TREES[0] | {"name": "ensemble"}]
        (tmp_path / "table.csv").write_text(NOISY, encoding="utf-8")
        config = config_of(tmp_path / "table.csv", candidates=candidates)
        assert config.ensemble is None

        path.write_text(
            "{model: m, data: {path: table.csv}, target: {column: y}, ensemble: true, candidates: "
            "[{name: ensemble, estimator: sklearn.linear_model.Ridge}]}",
            encoding="utf-8",
        )
        with pytest.raises(ConfigError, match="name the candidate otherwise"):
            load_config(path)
