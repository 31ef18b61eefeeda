"""One reader of tables: the same table from CSV, Parquet and S3, however it is read in parts."""

import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from pandas.testing import assert_frame_equal

from skylift.errors import DataError
from tests.conftest import BUCKET
from tests.support.tables import config_of, lines, mixed, one_feature
from training.config.locations import S3Url
from training.data import csv_file
from training.data.encoded import read_table
from training.data.reader import RawTable, read_rows

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

LATE_SURPRISES = {
    "a text after numbers": lambda number: "n/a?" if number == 35 else f"{number}.50",
    "a fraction after integers": lambda number: f"{number}.5" if number == 35 else str(number),
    "a number after booleans": lambda number: "1" if number == 35 else str(number % 2 == 0),
    "missing after numbers": lambda number: "" if number > 20 else str(number),
    "numbers after missing": lambda number: "" if number < 20 else f"{number}.25",
    "texts after missing": lambda number: "" if number < 20 else "red",
    "nothing at all": lambda number: "",
    "an integer beyond 64 bits": lambda number: "18446744073709551615" if number == 35 else str(number),
    "leading zeros before texts": lambda number: "x" if number == 35 else f"00{number}",
    "leading zeros after plain numbers": lambda number: "007" if number == 35 else str(number),
    "a decimal comma, rarely": lambda number: '"1,5"' if number == 35 else "",
    "texts that repeat": lambda number: ("red", "blue", "")[number % 3],
}


@pytest.fixture
def small_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(csv_file, "BLOCK", 100)


def csv(folder: Path, text: str) -> Path:
    path = folder / "table.csv"
    path.write_text(text, encoding="utf-8")
    return path


class TestParts:
    @pytest.mark.parametrize("cell", LATE_SURPRISES.values(), ids=LATE_SURPRISES.keys())
    @pytest.mark.parametrize("rows", [1, 7, 39])
    def test_a_table_read_in_parts_is_the_table_read_at_once(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, cell: Callable[[int], str], rows: int
    ) -> None:
        path = csv(tmp_path, lines("n,x,y", lambda number: f"{number},{cell(number)},{'ab'[number % 2]}"))
        whole = read_rows(path)

        monkeypatch.setattr(csv_file, "BLOCK", 1 + 8 * (rows - 1))
        parts = read_rows(path)

        assert_frame_equal(parts.frame, whole.frame)
        assert parts.notes == whole.notes
        assert (parts.digest, parts.rows) == (whole.digest, 40)

    def test_texts_are_as_written_where_a_later_part_shows_that_they_are_texts(
        self, tmp_path: Path, small_blocks: None
    ) -> None:
        path = csv(tmp_path, lines("x,y", lambda number: f"{'red' if number == 30 else '1.50'},a"))

        assert read_rows(path).frame["x"].iloc[0] == "1.50"

    @pytest.mark.parametrize("cells", ["1,2,3", "1"])
    def test_a_fault_is_named_by_its_line_in_the_file(self, tmp_path: Path, small_blocks: None, cells: str) -> None:
        path = csv(tmp_path, lines("x,y", lambda number: cells if number == 35 else "1,2"))

        with pytest.raises(DataError, match="line 37"):
            read_rows(path)

    def test_text_far_down_that_is_not_utf8_is_named_by_its_line(self, tmp_path: Path) -> None:
        path = tmp_path / "table.csv"
        rows = 400_000
        path.write_bytes("é,y\n".encode() + b"1,tea\n" * rows + "2,café\n".encode("latin-1"))

        with pytest.raises(DataError, match=rf"not UTF-8 \(line {rows + 2}\)"):
            read_rows(path)

    def test_progress_is_told_from_the_second_part_on(self, tmp_path: Path, small_blocks: None) -> None:
        told: list[str] = []

        read_rows(csv(tmp_path, lines("x,y", lambda number: f"{number:03},{number:03}")), progress=told.append)

        assert told == [f"reading table.csv: {rows} rows" for rows in (13, 26, 39)]

    def test_the_digest_is_of_the_file(self, tmp_path: Path) -> None:
        path = csv(tmp_path, mixed())

        assert read_rows(path).digest == hashlib.sha256(path.read_bytes()).hexdigest()


class TestSample:
    @pytest.fixture
    def path(self, tmp_path: Path) -> Path:
        return csv(tmp_path, lines("x,y", lambda number: f"{number},{'ab'[number % 2]}", count=1000))

    def drawn(self, path: Path, **options: Any) -> list[int]:
        return read_rows(path, **options).frame["x"].tolist()

    def test_it_has_as_many_rows_as_asked_for_in_the_order_of_the_file(self, path: Path) -> None:
        rows = self.drawn(path, sample=100)

        assert len(rows) == 100
        assert rows == sorted(set(rows))

    def test_the_parts_make_no_difference(self, path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        at_once = self.drawn(path, sample=100)
        monkeypatch.setattr(csv_file, "BLOCK", 100)

        assert self.drawn(path, sample=100) == at_once

    def test_it_is_drawn_by_the_seed(self, path: Path) -> None:
        first, again, other = (self.drawn(path, sample=100, seed=seed) for seed in (1, 1, 2))

        assert first == again != other

    def test_it_is_drawn_uniformly_from_the_file(self, path: Path) -> None:
        """A file is often sorted by its classes: its first rows would be a bad sample."""
        rows = self.drawn(path, sample=200)

        assert [sum(start <= row < start + 250 for row in rows) for start in range(0, 1000, 250)] == pytest.approx(
            [50] * 4, abs=15
        )

    def test_rows_keep_their_number(self, path: Path, small_blocks: None) -> None:
        frame = read_rows(path, sample=50).frame

        assert frame.index.tolist() == frame["x"].tolist()

    def test_one_larger_than_the_table_is_the_table(self, path: Path, small_blocks: None) -> None:
        assert self.drawn(path, sample=5000) == list(range(1000))

    def test_a_column_has_the_type_that_all_its_cells_give_it(self, tmp_path: Path, small_blocks: None) -> None:
        path = csv(tmp_path, lines("x,y", lambda number: f"{'red' if number == 999 else '1.0'},1", count=1000))

        frame = read_rows(path, sample=10).frame

        assert frame["x"].iloc[0] == "1.0"

    def test_signs_of_numbers_are_told_by_all_rows(self, tmp_path: Path) -> None:
        """A sample would say that a dot is before the fraction, or that all are whole."""
        late = csv(tmp_path, one_feature(lambda number: '"1,234.5"' if number == 999 else '"1,234"', count=1000))

        assert read_rows(late, sample=10).frame["x"].dtype == read_rows(late).frame["x"].dtype == "Float64"

        text = csv(tmp_path, one_feature(lambda number: "red" if number == 999 else '"1,234"', count=1000))

        assert read_rows(text, sample=10).frame["x"].dtype == read_rows(text).frame["x"].dtype == "string"

    def test_how_many_rows_the_file_has_is_still_known(self, path: Path) -> None:
        assert read_rows(path, sample=10).rows == 1000

    def test_training_notes_it(self, path: Path) -> None:
        table = read_table(config_of(path, data_keys={"sample": 100}).table)

        assert len(table.rows) == 100
        assert "100 of 1000 rows were drawn as a sample" in table.notes


class TestS3:
    def put(self, s3: "S3Client", key: str, path: Path) -> S3Url:
        s3.put_object(Bucket=BUCKET, Key=key, Body=path.read_bytes())
        return S3Url.parse(f"s3://{BUCKET}/{key}")

    @pytest.mark.parametrize("form", ["csv", "parquet"])
    def test_an_object_is_read_as_the_same_file_is(self, tmp_path: Path, s3: "S3Client", form: str) -> None:
        path = csv(tmp_path, mixed())
        if form == "parquet":
            read_rows(path).frame.to_parquet(tmp_path / "table.parquet", index=False)
            path = tmp_path / "table.parquet"

        here, there = read_rows(path), read_rows(self.put(s3, f"tables/2026/table.{form}", path))

        assert_frame_equal(there.frame, here.frame)
        assert there.digest == here.digest

    def test_a_configuration_names_it_by_its_url(self, tmp_path: Path, s3: "S3Client") -> None:
        url = self.put(s3, "tables/table.csv", csv(tmp_path, mixed()))

        config = config_of(str(url), target="churned")  # type: ignore[arg-type]

        assert config.data.path == url
        assert len(read_table(config.table).rows) == 80


def test_an_empty_table_has_its_columns(tmp_path: Path) -> None:
    def names(raw: RawTable) -> tuple[list[str], int]:
        return list(raw.frame.columns), raw.rows

    empty = pa.table({"x": pa.array([], pa.int64()), "y": pa.array([], pa.string())})
    pq.write_table(empty, tmp_path / "table.parquet")

    assert names(read_rows(csv(tmp_path, "x,y\n"))) == names(read_rows(tmp_path / "table.parquet")) == (["x", "y"], 0)
