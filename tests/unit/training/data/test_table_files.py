"""A table in several files: what makes them one, and what is said of a file that does not fit."""

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from pandas.testing import assert_frame_equal

from skylift.errors import ConfigError, DataError
from training.data.options import ReadOptions
from training.data.reader import read_rows
from training.data.table_files import table_files

HEADER = "size,colour,price"
ROWS = [f"{number},{'red' if number % 2 else 'blue'},{number * 1.5}" for number in range(40)]


def csv(path: Path, rows: list[str], header: str = HEADER) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join([header, *rows, ""]), encoding="utf-8")
    return path


def test_files_with_the_same_columns_are_the_table_they_were_cut_from(tmp_path: Path) -> None:
    whole = csv(tmp_path / "whole.csv", ROWS)
    csv(tmp_path / "parts" / "2026" / "a.csv", ROWS[:13])
    csv(tmp_path / "parts" / "b.csv", [",".join(reversed(row.split(","))) for row in ROWS[13:]], "price,colour,size")

    together = read_rows(tmp_path / "parts")

    assert together.rows == 40
    assert_frame_equal(together.frame, read_rows(whole).frame)


def test_parquet_files_are_one_table_too(tmp_path: Path) -> None:
    for name, numbers in {"a": [1, 2, 3], "b": [4, 5]}.items():
        pq.write_table(
            pa.table({"size": numbers, "price": [float(number) for number in numbers]}), tmp_path / f"{name}.pq"
        )

    together = read_rows(tmp_path)

    assert together.frame["size"].tolist() == [1, 2, 3, 4, 5]


def test_a_sample_is_drawn_from_all_files(tmp_path: Path) -> None:
    csv(tmp_path / "parts" / "a.csv", ROWS[:20])
    csv(tmp_path / "parts" / "b.csv", ROWS[20:])

    sampled = read_rows(tmp_path / "parts", sample=15, seed=1)

    assert len(sampled.frame) == 15
    assert sampled.frame.index.max() >= 20 > sampled.frame.index.min()


def test_the_digest_is_that_of_all_files_and_their_names(tmp_path: Path) -> None:
    digests = set()
    for names in (("a.csv", "b.csv"), ("a.csv", "c.csv"), ("b.csv", "a.csv")):
        folder = tmp_path / "-".join(names)
        csv(folder / names[0], ROWS[:20])
        csv(folder / names[1], ROWS[20:])
        digests.add(read_rows(folder).digest)

    assert len(digests) == 3


@pytest.mark.parametrize(
    ("header", "message"),
    [
        ("size,colour,cost", r"2026/b\.csv does not fit a\.csv: it lacks price and it adds cost"),
        ("size,colour", r"2026/b\.csv does not fit a\.csv: it lacks price"),
        ("size,colour,price,more", r"2026/b\.csv does not fit a\.csv: it adds more"),
        ("size;colour;price", r"2026/b\.csv does not fit a\.csv: it is CSV with ';' between the cells, not CSV"),
    ],
)
def test_a_file_that_does_not_fit_is_named(tmp_path: Path, header: str, message: str) -> None:
    csv(tmp_path / "a.csv", ROWS)
    csv(tmp_path / "c.csv", ROWS)
    sign = ";" if ";" in header else ","
    cells = header.count(sign) + 1
    csv(tmp_path / "2026" / "b.csv", [sign.join(["1.5"] * cells) for _ in range(9)], header)

    with pytest.raises(DataError, match=message):
        table_files(tmp_path, ReadOptions())


def test_files_of_two_kinds_are_not_one_table(tmp_path: Path) -> None:
    csv(tmp_path / "a.csv", ROWS)
    pq.write_table(pa.table({"size": [1]}), tmp_path / "b.parquet")

    with pytest.raises(DataError, match=r"b\.parquet does not fit a\.csv: it is Parquet, not CSV"):
        table_files(tmp_path, ReadOptions())


def test_hidden_files_do_not_count_and_a_folder_needs_others(tmp_path: Path) -> None:
    csv(tmp_path / ".partial.csv", ROWS)

    with pytest.raises(DataError, match="has no files"):
        read_rows(tmp_path)

    csv(tmp_path / "a.csv", ROWS)
    assert [file.path.name for file in table_files(tmp_path, ReadOptions())] == ["a.csv"]


def test_a_file_that_is_not_parquet_is_named(tmp_path: Path) -> None:
    csv(tmp_path / "a.parquet", ROWS)

    with pytest.raises(DataError, match=r"a\.parquet cannot be read as Parquet"):
        table_files(tmp_path, ReadOptions())


def test_an_option_of_csv_files_is_refused_for_others(tmp_path: Path) -> None:
    pq.write_table(pa.table({"size": [1]}), tmp_path / "b.parquet")

    with pytest.raises(ConfigError, match=r"data\.delimiter is for CSV files"):
        table_files(tmp_path, ReadOptions(delimiter=";"))
