"""Intervals and prediction sets hold as many true values as they promise, on rows that no fold has seen."""

from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import pytest

from skylift.conformal import Margins
from skylift.errors import ConfigError
from tests.support.tables import LOGISTIC, RIDGE, learned, lines, public_table
from training.config.answers import ConformalSection
from training.evaluation.conformal import margins, sets
from training.job import Trained
from training.release.packaging import golden
from training.search.out_of_fold import OutOfFold


def normal(rows: int, *, seed: int = 0, growing: bool = False) -> tuple[OutOfFold, Any]:
    """Predictions of values with errors that are one wide, or as wide as the prediction."""
    generator = np.random.default_rng(seed)
    values = generator.uniform(1, 10, rows)
    errors = generator.normal(size=rows) * (values if growing else 1.0)
    return OutOfFold(np.arange(rows), np.arange(rows) % 5, values), values + errors


def share_within(found: Margins, seed: int, *, growing: bool = False, above: float = 0.0) -> float:
    out_of_fold, truth = normal(20_000, seed=seed, growing=growing)
    ends = np.array([found.around(value) for value in out_of_fold.scores.tolist()])
    inside = (ends[:, 0] <= truth) & (truth <= ends[:, 1])
    return float(inside[out_of_fold.scores >= above].mean())


class TestIntervals:
    @pytest.mark.parametrize("rows", [19, 40, 300])
    def test_on_average_over_tables_the_next_row_is_within(self, rows: int) -> None:
        section = ConformalSection(level=0.9)

        shares = [share_within(margins(section, *normal(rows, seed=seed)), 99) for seed in range(40)]

        assert 0.89 < float(np.mean(shares)) < 0.97

    def test_a_higher_level_is_wider(self) -> None:
        low, high = (margins(ConformalSection(level=level), *normal(300)) for level in (0.5, 0.95))

        assert high.low[0] < low.low[0] < 0 < low.high[0] < high.high[0]

    def test_where_errors_spread_with_the_value_so_do_the_intervals(self) -> None:
        found = margins(ConformalSection(), *normal(2000, growing=True))

        assert len(found.high) == 5
        assert found.high[0] < found.high[-1] / 2
        assert share_within(found, 7, growing=True, above=9) == pytest.approx(0.9, abs=0.05)

    def test_where_they_do_not_all_have_the_same(self) -> None:
        assert margins(ConformalSection(), *normal(2000)).edges == ()

    def test_a_value_is_in_its_interval(self) -> None:
        out_of_fold, truth = normal(100)

        found = margins(ConformalSection(), out_of_fold, truth + 50)

        assert (found.low[0], found.high[0] > 50) == (0, True)

    def test_too_few_rows_for_the_level_are_refused(self) -> None:
        with pytest.raises(ConfigError, match=r"intervals\.level 0\.99 takes 199 answers out of fold, and there are"):
            margins(ConformalSection(level=0.99), *normal(50))


class TestSets:
    @staticmethod
    def sample(rows: int, seed: int) -> tuple[OutOfFold, Any]:
        generator = np.random.default_rng(seed)
        scores = generator.dirichlet([0.7] * 4, rows)
        truth = np.array([generator.choice(4, p=row) for row in scores])
        return OutOfFold(np.arange(rows), np.arange(rows) % 5, scores), truth

    @pytest.mark.parametrize("level", [0.8, 0.95])
    def test_the_true_class_is_in_it_as_often_as_the_level_says(self, level: float) -> None:
        found = sets(ConformalSection(level=level), *self.sample(1000, 0))

        later, truth = self.sample(4000, 1)
        within = [code in found.of(row) for row, code in zip(later.scores.tolist(), truth.tolist(), strict=True)]
        assert np.mean(within) == pytest.approx(level, abs=0.03)

    def test_too_few_rows_for_the_level_are_refused(self) -> None:
        with pytest.raises(ConfigError, match=r"sets\.level 0\.95 takes 19 answers out of fold, and there are 9"):
            sets(ConformalSection(level=0.95), *self.sample(9, 0))


@cache
def diabetes() -> Trained:
    with TemporaryDirectory() as folder:
        return learned(Path(folder), public_table("diabetes"), RIDGE, target="target", intervals={"level": 0.9})


@cache
def wine() -> Trained:
    with TemporaryDirectory() as folder:
        return learned(Path(folder), public_table("wine"), LOGISTIC, target="target", sets={"level": 0.95})


class TestOfATraining:
    def test_the_holdout_says_what_intervals_hold(self) -> None:
        covered = diabetes().evaluation.coverage

        assert covered is not None
        assert covered.interval.low < 0.9 < covered.interval.high
        assert covered.size > 100
        assert all(answer.low is not None and answer.high is not None for answer in golden(diabetes()).predictions)

    def test_the_holdout_says_what_sets_hold(self) -> None:
        covered = wine().evaluation.coverage

        assert covered is not None
        assert (covered.level, covered.bins) == (0.95, None)
        assert covered.covered > 0.85
        assert 1 <= covered.size < 2
        assert "set" not in str(golden(wine()).predictions)

    def test_what_is_not_asked_for_is_not_in_the_contract(self) -> None:
        target = wine().table.contract.target.model_dump(exclude_none=True)

        assert target.keys() == {"name", "classes", "sets"}

    @pytest.mark.parametrize("key", ["group", "time"])
    def test_groups_and_time_give_errors_of_their_own_folds(self, key: str, tmp_path: Path) -> None:
        """Each group has a shift of its own, which a random fold would know."""
        text = lines("x,part,y", lambda row: f"{row % 7},{row // 10},{row % 7 + row // 10 * 13 % 31}", count=300)

        keyed, mixed = (
            learned(tmp_path, text, RIDGE, split=split, intervals={"level": 0.8}) for split in ({key: "part"}, {})
        )

        found, other = (made.table.contract.target.margins for made in (keyed, mixed))
        assert found is not None
        assert other is not None
        assert found.level == other.level == 0.8
        assert keyed.evaluation.coverage is not None

    @pytest.mark.parametrize(
        ("table", "key", "message"),
        [("wine", "intervals", "intervals are around values"), ("diabetes", "sets", "sets are of classes")],
    )
    def test_the_key_of_the_other_task_is_refused(self, table: str, key: str, message: str, tmp_path: Path) -> None:
        section: Any = {key: {"level": 0.9}}

        with pytest.raises(ConfigError, match=message):
            learned(tmp_path, public_table(table), LOGISTIC, target="target", **section)
