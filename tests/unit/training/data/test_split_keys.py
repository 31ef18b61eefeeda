"""Rows are split by time or by group where `model.yaml` says so: the same way everywhere."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from skylift.errors import DataError
from tests.support.tables import RIDGE, TREE, config_of, feature_names, learned, lines, refusal, table_of
from training.data.prepare import prepare, read_prepared
from training.data.split_keys import SplitKeys, cut_by, hold_out, read_keys
from training.job import train

NOISE = np.random.default_rng(0).random(1000).round(4)


def visits(number: int) -> str:
    """Five visits of each person, whose class is their own."""
    person = number * 7 % 60 // 5
    return f"{person},{NOISE[number]},{NOISE[-1 - number]},{'ab'[person % 2]}"


VISITS = lines("person_id,p,q,y", visits, count=60)
DAYS = lines(
    "day,p,y",
    lambda number: f"2026-{1 + number // 28:02d}-{1 + number % 28:02d},{NOISE[number]},{NOISE[number] + number / 100}",
    count=80,
)


class TestReading:
    @pytest.mark.parametrize(
        "texts",
        [["2026-01-02", "2026-02-01"], ["02.01.2026", "01.02.2026"], ["20-01-2026", "01-02-2026"]],
        ids=["ISO", "dots", "dashes"],
    )
    def test_dates_are_read_in_the_form_of_the_table(self, texts: list[str]) -> None:
        first, second = read_keys(pd.Series(texts, dtype="string"), "time").values

        assert first < second

    def test_every_form_of_a_feature_has_an_order_and_every_year(self) -> None:
        texts = ["Jan 5, 2026", "Feb 1, 2026", "Dec 31, 9999"]

        assert (np.diff(read_keys(pd.Series(texts, dtype="string"), "time").values) > 0).all()

    def test_the_form_of_a_column_is_named_also_where_it_is_dropped(self, tmp_path: Path) -> None:
        cells = lines("day,p,y", lambda row: f"0{row % 9 + 1}/0{row % 7 + 1}/2026,{NOISE[row]},{row * 1.5}", count=60)
        keys: dict[str, Any] = {"split": {"time": "day"}, "data_keys": {"drop": ["day"]}}

        table = table_of(tmp_path, cells, features={"day": {"form": "%m/%d/%Y"}}, **keys)

        assert table.keys is not None
        assert "features.day.form says which" in refusal(tmp_path, cells, **keys)

    @pytest.mark.parametrize(
        ("texts", "reason"),
        [
            (["01/02/2026", "02/01/2026"], "cannot be told apart"),
            (["soon", "later"], "neither numbers nor dates"),
            (["2026-01-02", None], "missing in row 2"),
        ],
    )
    def test_what_has_no_order_is_refused(self, texts: list[str | None], reason: str) -> None:
        with pytest.raises(DataError, match=reason):
            read_keys(pd.Series(texts, dtype="string", name="day"), "time")


class TestHoldout:
    def test_the_last_rows_are_held_out_and_equal_times_stay_together(self) -> None:
        times = np.array([3.0, 1, 2, 5, 4, 5, 5, 1, 2, 3])

        train_rows, held = hold_out(SplitKeys("time", times), 0.2, seed=0)

        assert times[train_rows].max() < times[held].min()
        assert sorted(held.tolist()) == [3, 5, 6]

    def test_groups_are_on_one_side(self) -> None:
        groups = np.repeat(np.arange(20.0), 5)

        train_rows, held = hold_out(SplitKeys("group", groups), 0.2, seed=0)

        assert not {*groups[train_rows]} & {*groups[held]}
        assert len(held) == 20

    def test_one_group_cannot_be_split(self) -> None:
        with pytest.raises(DataError, match="all rows are of one time or group"):
            hold_out(SplitKeys("group", np.zeros(10)), 0.2, seed=0)


class TestClusters:
    def test_groups_are_drawn_as_a_whole(self) -> None:
        assert SplitKeys("group", np.array([3.0, 1, 3, 2])).clusters().tolist() == [2, 0, 2, 1]

    def test_time_is_drawn_in_blocks_whose_steps_stay_whole(self) -> None:
        hours = np.repeat(np.arange(27.0), 2)[::-1]

        clusters = SplitKeys("time", hours).clusters()

        assert clusters.tolist() == (hours // 3).tolist()


class TestFolds:
    def test_each_is_measured_on_what_follows(self) -> None:
        times = np.random.default_rng(1).permutation(60).astype(float)

        pairs = cut_by(SplitKeys("time", times), 5, 0, None)

        assert len(pairs) == 5
        assert all(times[train_rows].max() < times[test].min() for train_rows, test in pairs)

    @pytest.mark.parametrize("classes", [None, np.arange(60) % 2])
    def test_no_group_is_learned_from_and_measured_on(self, classes: Any) -> None:
        groups = np.repeat(np.arange(12.0), 5)

        for train_rows, test in cut_by(SplitKeys("group", groups), 5, 0, classes):
            assert not {*groups[train_rows]} & {*groups[test]}

    def test_one_without_every_class_is_left_out(self) -> None:
        late = (np.arange(60) > 20).astype(int)

        pairs = cut_by(SplitKeys("time", np.arange(60.0)), 5, 0, late)

        assert 0 < len(pairs) < 5


class TestTraining:
    def test_by_time_the_holdout_is_the_last_share_and_a_random_one_is_told(self, tmp_path: Path) -> None:
        trained = learned(tmp_path, DAYS, RIDGE, split={"time": "day"}, data_keys={"drop": ["day"]})

        assert sorted(trained.split.holdout.tolist()) == list(range(64, 80))
        assert feature_names(trained.table) == ["p"]
        assert any(note.startswith("by time the holdout has rmse") for note in trained.notes)

    def test_inner_folds_of_a_search_keep_the_order_as_well(self, tmp_path: Path) -> None:
        searched = RIDGE | {"search": {"alpha": [0.1, 1.0]}}

        assert learned(tmp_path, DAYS, searched, split={"time": "day"}).leaderboard[0].failure is None

    @pytest.mark.parametrize("kind", ["time", "group"])
    def test_calibrated_classifiers_and_boosting_are_trained_along_it(self, tmp_path: Path, kind: str) -> None:
        text = lines(
            "k,x,y", lambda row: f"{row // 4},{row * 7 % 20},{'ab'[int(row * 7 % 20 + 5 * NOISE[row] > 12)]}", count=160
        )
        svm = {"name": "svm", "estimator": "sklearn.svm.LinearSVC"}
        boosting = {
            "name": "boosting",
            "estimator": "sklearn.ensemble.HistGradientBoostingClassifier",
            "params": {"max_iter": 5},
        }

        trained = learned(tmp_path, text, svm, boosting, split={kind: "k"})

        assert [entry.failure for entry in trained.leaderboard] == [None, None]

    def test_by_group_the_class_of_a_person_cannot_be_looked_up(self, tmp_path: Path) -> None:
        trained = learned(tmp_path, VISITS, TREE, split={"group": "person_id"}, select_by="accuracy")

        people = np.array([number * 7 % 60 // 5 for number in range(60)])
        assert not {*people[trained.split.train]} & {*people[trained.split.holdout]}
        assert "person_id" not in feature_names(trained.table)

    def test_a_column_that_is_dropped_may_split(self, tmp_path: Path) -> None:
        table = table_of(tmp_path, DAYS, split={"time": "day"}, data_keys={"drop": ["day"]})

        assert table.keys is not None

    def test_an_unknown_column_is_refused(self, tmp_path: Path) -> None:
        assert "split.time names 'dya'" in refusal(tmp_path, DAYS, split={"time": "dya"})

    @pytest.mark.parametrize("split", [{"time": "day"}, {"seed": 3}])
    def test_prepared_files_give_the_same_model(self, tmp_path: Path, split: dict[str, Any]) -> None:
        (tmp_path / "table.csv").write_text(DAYS, encoding="utf-8")
        config = config_of(tmp_path / "table.csv", candidates=[RIDGE], split=split)

        prepare(config.table, tmp_path / "prepared")

        raw, prepared = train(config), train(config, prepared=tmp_path / "prepared")
        assert prepared.metrics == raw.metrics

    def test_files_of_another_split_are_refused(self, tmp_path: Path) -> None:
        (tmp_path / "table.csv").write_text(DAYS, encoding="utf-8")
        prepare(config_of(tmp_path / "table.csv").table, tmp_path / "prepared")

        with pytest.raises(DataError, match="another split"):
            read_prepared(tmp_path / "prepared", config_of(tmp_path / "table.csv", split={"time": "day"}).table)


class TestAdvice:
    def test_rows_in_the_order_of_a_date_are_warned_of_with_the_key(self, tmp_path: Path) -> None:
        assert any("set split: {time: day}" in note for note in table_of(tmp_path, DAYS).notes)

    def test_a_row_number_that_the_target_follows_is_warned_of(self, tmp_path: Path) -> None:
        walk = np.cumsum(NOISE - 0.5)
        text = lines("No,p,y", lambda number: f"{number},{NOISE[number]},{walk[number]}", count=100)

        notes = table_of(tmp_path, text).notes

        assert any("column No was left out" in note for note in notes)
        assert any("set split: {time: No}" in note for note in notes)

    def test_one_that_does_not_matter_is_not(self, tmp_path: Path) -> None:
        text = lines("No,p,y", lambda number: f"{number},{NOISE[number]},{NOISE[-number]}", count=100)

        assert not any("split:" in note for note in table_of(tmp_path, text).notes)

    def test_an_identifier_that_repeats_looks_like_a_group(self, tmp_path: Path) -> None:
        assert any("set split: {group: person_id}" in note for note in table_of(tmp_path, VISITS).notes)

    def test_a_split_that_is_set_is_not_advised(self, tmp_path: Path) -> None:
        notes = table_of(tmp_path, DAYS, split={"time": "day"}).notes

        assert not any("set split" in note for note in notes)


def test_time_and_group_exclude_each_other(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="name time or group, not both"):
        config_of(tmp_path / "table.csv", split={"time": "a", "group": "b"})
