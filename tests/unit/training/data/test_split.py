"""Rows are split by a seed, with classes in the same shares on both sides."""

from pathlib import Path

import pytest

from skylift.errors import DataError
from tests.support.tables import (
    lines,
    one_feature,
    table_of,
)
from training.data.split import split_rows

PLAIN = one_feature(lambda number: f"{number % 7}.5")


class TestSplit:
    def test_every_row_is_on_one_side(self, tmp_path: Path) -> None:
        split = split_rows(table_of(tmp_path, PLAIN), holdout=0.25, seed=0)

        assert len(split.holdout) == 10
        assert sorted([*split.train, *split.holdout]) == list(range(40))

    def test_classes_have_the_same_shares_on_both_sides(self, tmp_path: Path) -> None:
        text = lines("x,y", lambda number: f"{number},{'b' if number % 10 == 0 else 'a'}", count=100)
        table = table_of(tmp_path, text)

        split = split_rows(table, holdout=0.2, seed=0)

        assert table.targets[split.holdout].mean() == table.targets[split.train].mean() == 0.1

    def test_the_seed_decides_the_split(self, tmp_path: Path) -> None:
        table = table_of(tmp_path, PLAIN)

        first, again, other = (split_rows(table, holdout=0.2, seed=seed).holdout.tolist() for seed in (1, 1, 2))

        assert first == again != other

    def test_a_class_that_the_split_leaves_too_few_rows_of_is_refused_by_its_name(self, tmp_path: Path) -> None:
        text = lines("x,y", lambda number: f"{number},{'rare' if number < 2 else 'ab'[number % 2]}")

        with pytest.raises(DataError, match="too few rows have y rare"):
            split_rows(table_of(tmp_path, text), holdout=0.5, seed=0)

    def test_a_split_without_a_row_for_each_class_is_refused(self, tmp_path: Path) -> None:
        text = lines("x,y", lambda number: f"{number},c{number % 20}")

        with pytest.raises(DataError, match=r"cannot be split: .*split\.holdout"):
            split_rows(table_of(tmp_path, text), holdout=0.1, seed=0)
