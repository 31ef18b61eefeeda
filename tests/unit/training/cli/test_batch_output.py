"""One file is put together of parts, whatever is in its cells; one process at a time writes it."""

import io
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from skylift.bulk.plan import Plan
from skylift.errors import ConfigError, DataError
from training.cli.batch_output import FileOutput, PartsOutput, _join_parquet, _join_texts, output_of


def test_the_header_of_the_first_part_alone_is_kept(tmp_path: Path) -> None:
    for name, row in (("a", "1,2"), ("b", "3,4")):
        (tmp_path / name).write_text(f'x,"y\n""z"""\n{row}\n')
    joined = io.BytesIO()

    _join_texts([tmp_path / "a", tmp_path / "b"], joined, header=True)

    assert joined.getvalue() == b'x,"y\n""z"""\n1,2\n3,4\n'


def test_parquet_keeps_the_rows_and_what_is_known_of_them(tmp_path: Path) -> None:
    for name, rows in (("a", [1, 2]), ("b", [3])):
        pq.write_table(pa.table({"x": rows}).replace_schema_metadata({"skylift": "v1"}), tmp_path / name)

    with (tmp_path / "c").open("wb") as file:
        _join_parquet([tmp_path / "a", tmp_path / "b"], file)

    joined = pq.read_table(tmp_path / "c")
    assert joined.to_pydict() == {"x": [1, 2, 3]}
    assert joined.schema.metadata[b"skylift"] == b"v1"


def test_an_ending_tells_a_file_from_a_folder(tmp_path: Path) -> None:
    (tmp_path / "folder.csv").mkdir()

    assert isinstance(output_of(str(tmp_path / "out.csv"), "csv", files=1), FileOutput)
    assert isinstance(output_of(str(tmp_path / "out.ndjson"), "jsonl", files=1), FileOutput)
    for address in (str(tmp_path / "out"), str(tmp_path / "folder.csv"), "s3://bucket/out.csv"):
        assert isinstance(output_of(address, "csv", files=1), PartsOutput), address
    with pytest.raises(ConfigError, match=r"out.csv would be csv, and the input is parquet: .* ends in .parquet"):
        output_of("out.csv", "parquet", files=1)


@pytest.mark.parametrize("make", [lambda path: PartsOutput(str(path)), lambda path: FileOutput(path, "csv")])
def test_an_output_is_of_one_process_at_a_time(make: object, tmp_path: Path) -> None:
    assert callable(make)
    output = make(tmp_path / "out")

    with (
        output.claimed(),
        pytest.raises(ConfigError, match="another process writes to"),
        make(tmp_path / "out").claimed(),
    ):
        pass
    with output.claimed():
        pass


def test_an_output_that_cannot_be_made_is_told(tmp_path: Path) -> None:
    (tmp_path / "out").touch()

    with pytest.raises(ConfigError, match=r"out cannot be made .*: name another output"):
        PartsOutput(str(tmp_path / "out")).claimed().__enter__()


def test_a_folder_that_is_refused_stays_as_it_was(tmp_path: Path) -> None:
    output = PartsOutput(str(tmp_path))
    (tmp_path / "mine").touch()

    with pytest.raises(DataError, match="holds other files"), output.claimed():
        output.begin(Plan(run="run", input="in", parts=()))
    assert [path.name for path in tmp_path.iterdir()] == ["mine"]
