"""Prepared files: the split that training makes, the same bytes each time, and the same model as of the raw table."""

import hashlib
import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from skylift.errors import DataError
from tests.support.models import iris_config
from tests.support.tables import LOGISTIC, RIDGE, config_of, lines, mixed, public_table
from training.config import ModelConfig
from training.data import prepare as job
from training.data.encoded import read_table
from training.data.prepare import prepare, read_prepared, table_and_split
from training.job import train


def written(folder: Path, text: str, **sections: Any) -> ModelConfig:
    """The configuration of a table that was prepared into `processed`."""
    path = folder / "table.csv"
    path.write_text(text, encoding="utf-8")
    config = config_of(path, **sections)
    prepare(config.table, folder / "processed")
    return config


def digests(folder: Path) -> dict[str, str]:
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in sorted(folder.iterdir())}


class TestFiles:
    def test_they_are_the_split_that_training_makes_of_the_raw_table(self, tmp_path: Path) -> None:
        config = written(tmp_path, mixed(), target="churned")
        table, split = table_and_split(config.table)

        prepared, halves = read_prepared(tmp_path / "processed", config.table)

        for mine, theirs in ((halves.train, split.train), (halves.holdout, split.holdout)):
            assert np.array_equal(prepared.rows[mine], table.rows[theirs], equal_nan=True)
            assert np.array_equal(prepared.targets[mine], table.targets[theirs])
        assert (prepared.contract, prepared.digest, prepared.notes) == (table.contract, table.digest, table.notes)

    def test_they_hold_what_a_person_would_write(self, tmp_path: Path) -> None:
        written(tmp_path, mixed(), target="churned")

        frames = [pd.read_csv(tmp_path / "processed" / name) for name in ("train.csv", "test.csv")]

        assert [len(frame) for frame in frames] == [64, 16]
        assert list(frames[0].columns) == ["age", "visits", "score", "member", "consent", "city", "plan", "churned"]
        assert set(frames[0]["churned"]) == {"no", "yes"}
        assert set(frames[0]["city"].dropna()) == {"Lyon", "Oslo", "Rome"}
        assert frames[0]["member"].dtype == bool

    def test_classes_are_named_as_callers_see_them(self, tmp_path: Path) -> None:
        prepare(iris_config().table, tmp_path)

        assert set(pd.read_csv(tmp_path / "test.csv")["species"]) == {"setosa", "versicolor", "virginica"}

    def test_the_digest_of_the_raw_file_is_kept(self, tmp_path: Path) -> None:
        config = written(tmp_path, mixed(), target="churned")

        document = json.loads((tmp_path / "processed" / "table.json").read_bytes())

        assert document["data_sha256"] == hashlib.sha256(config.data.path.read_bytes()).hexdigest()  # type: ignore[union-attr]
        assert document["files"] == {
            name: digest for name, digest in digests(tmp_path / "processed").items() if name.endswith(".csv")
        }

    def test_they_are_the_same_to_the_byte_each_time(self, tmp_path: Path) -> None:
        config = written(tmp_path, mixed(), target="churned")

        prepare(config.table, tmp_path / "again")

        assert digests(tmp_path / "again") == digests(tmp_path / "processed")

    def test_the_parts_change_no_byte(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        config = written(tmp_path, mixed(), target="churned")
        monkeypatch.setattr(job, "PART_ROWS", 7)

        prepare(config.table, tmp_path / "parts")

        assert digests(tmp_path / "parts") == digests(tmp_path / "processed")

    def test_a_preparation_that_ended_early_is_not_taken_for_a_whole_one(self, tmp_path: Path) -> None:
        config = written(tmp_path, mixed(), target="churned")
        (tmp_path / "processed" / "table.json").unlink()

        with pytest.raises(DataError, match="run `skylift data prepare` first"):
            read_prepared(tmp_path / "processed", config.table)

    @pytest.mark.parametrize(
        "value", ["0.1", "1e-300", "123456789.12345679", "-0.0", "3.4e38", "0.30000000000000004", "2.675"]
    )
    def test_numbers_come_back_to_the_last_bit(self, tmp_path: Path, value: str) -> None:
        text = lines("x,y", lambda number: f"{value if number % 3 else number / 7},{'ab'[number % 2]}")
        config = written(tmp_path, text)

        prepared, _ = read_prepared(tmp_path / "processed", config.table)

        assert sorted(prepared.rows[:, 0].tolist()) == sorted(read_table(config.table).rows[:, 0].tolist())

    @pytest.mark.parametrize(
        "text",
        ['say "so"', "one, or two", "two\nlines", "a\rb", "01", "NA", "null", "true", "Zürich 東京", "#1", "'", "1e5"],
    )
    def test_texts_come_back_as_they_were(self, tmp_path: Path, text: str) -> None:
        """Parquet holds texts that a CSV file would have to be guessed from."""
        path = tmp_path / "table.parquet"
        columns = {
            "x": [text if number % 3 else "other" for number in range(40)],
            "n": list(np.arange(40) * 7 % 40 / 3),
        }
        pq.write_table(pa.table(columns | {"y": ["ab"[number % 2] for number in range(40)]}), path)
        config = config_of(path)
        prepare(config.table, tmp_path / "processed")

        table, _ = read_prepared(tmp_path / "processed", config.table)

        assert table.contract.features[0].categories == tuple(sorted([text, "other"]))
        assert np.array_equal(np.sort(table.rows, axis=0), np.sort(read_table(config.table).rows, axis=0))


class TestTraining:
    @pytest.mark.parametrize("name", ["mixed", "diabetes"])
    def test_the_model_is_the_one_of_the_raw_table(self, tmp_path: Path, name: str) -> None:
        candidate, target = (LOGISTIC, "churned") if name == "mixed" else (RIDGE, "target")
        text = mixed() if name == "mixed" else public_table(name)
        config = written(tmp_path, text, target=target, candidates=[candidate])

        raw, prepared = train(config), train(config, prepared=tmp_path / "processed")

        assert prepared.metrics == raw.metrics
        assert prepared.leaderboard == raw.leaderboard
        assert prepared.notes == raw.notes
        assert np.array_equal(prepared.estimator[-1].coef_, raw.estimator[-1].coef_)


class TestRefusals:
    def refusal(self, folder: Path, config: ModelConfig) -> str:
        with pytest.raises(DataError) as caught:
            read_prepared(folder / "processed", config.table)
        assert "\n" not in str(caught.value)
        return str(caught.value)

    def test_another_split_is_refused(self, tmp_path: Path) -> None:
        written(tmp_path, mixed(), target="churned")
        other = config_of(tmp_path / "table.csv", target="churned", split={"seed": 1})

        assert "with another split or sample than model.yaml names: run `skylift data prepare` again" in self.refusal(
            tmp_path, other
        )

    def test_another_target_is_refused(self, tmp_path: Path) -> None:
        written(tmp_path, mixed(), target="churned")

        assert "was prepared to predict churned" in self.refusal(
            tmp_path, config_of(tmp_path / "table.csv", target="plan")
        )

    def test_a_file_that_was_changed_is_refused(self, tmp_path: Path) -> None:
        config = written(tmp_path, mixed(), target="churned")
        path = tmp_path / "processed" / "train.csv"
        path.write_text(path.read_text(encoding="utf-8").replace("Lyon", "Rome"), encoding="utf-8")

        assert "train.csv was changed since it was prepared" in self.refusal(tmp_path, config)

    @pytest.mark.parametrize("text", ["", "[]", "{}"])
    def test_a_description_that_is_none_is_refused(self, tmp_path: Path, text: str) -> None:
        config = written(tmp_path, mixed(), target="churned")
        (tmp_path / "processed" / "table.json").write_text(text, encoding="utf-8")

        assert "table.json is not what `skylift data prepare` writes" in self.refusal(tmp_path, config)
