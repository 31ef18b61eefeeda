"""`skylift batch` scores a table into a file or a folder, and goes on after a kill."""

import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from skylift.bulk import plan
from skylift.bulk.part import PartResult
from skylift.bulk.plan import Part
from skylift.registry import Registry
from tests.conftest import BUCKET
from tests.support.bulk import ROW, bulk_package, rows_of, write_lines
from tests.support.commands import done, refused, skylift
from tests.support.stored import placed, promoted
from training.cli import batch_workers
from training.cli.batch_workers import Scorer
from training.release.folder import write_version

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

ROWS = rows_of(60)


@pytest.fixture(autouse=True)
def _small_parts(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(plan, "PART_BYTES", 2000)
    monkeypatch.setattr(plan, "PART_ROWS", 25)
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def model(tmp_path: Path) -> Path:
    """A folder that `skylift train --output` wrote."""
    write_version(tmp_path / "model", bulk_package())  # type: ignore[arg-type]
    return tmp_path / "model"


def write(path: Path, rows: list[dict[str, Any]] = ROWS) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.suffix == ".jsonl":
        return write_lines(path, rows)
    if path.suffix == ".csv":
        pd.DataFrame(rows).to_csv(path, index=False)
    else:
        pq.write_table(pa.Table.from_pylist(rows), path)
    return path


def read(path: Path) -> list[dict[str, Any]]:
    if path.suffix == ".jsonl":
        return [json.loads(line) for line in path.read_text().splitlines()]
    return pd.read_csv(path).to_dict("records") if path.suffix == ".csv" else pq.read_table(path).to_pylist()  # type: ignore[return-value]


def score(*arguments: object) -> dict[str, Any]:
    told: dict[str, Any] = json.loads(done("batch", *arguments, "--json", "--workers", 1))
    return told


@pytest.mark.parametrize("form", ["csv", "jsonl", "parquet"])
def test_a_file_is_scored_into_a_file(form: str, model: Path, tmp_path: Path) -> None:
    rows = [*ROWS, ROW | {"id": "wrong", "age": 1.5}]
    table = write(tmp_path / f"in.{form}", rows if form != "parquet" else ROWS)

    told = score(table, f"out.{form}", "--model", model)

    rejected = int(form != "parquet")
    assert (told["rows"], told["answered"], told["rejected"]) == (60 + rejected, 60, rejected)
    answers = read(tmp_path / f"out.{form}")
    assert [row["id"] for row in answers] == [row["id"] for row in ROWS]
    assert {row["prediction"] for row in answers} <= {"no", "yes"}
    aside = tmp_path / f"out.{form}.rejected.jsonl"
    assert [each["row"] for each in map(json.loads, aside.read_text().splitlines())] == [61] if rejected else True
    assert aside.exists() == bool(rejected)
    manifest = json.loads((tmp_path / f"out.{form}.skylift.json").read_text())
    assert (manifest["sha256"], manifest["version"]) == (told["sha256"], told["version"])
    assert len(manifest["parts"]) > 1
    assert not (tmp_path / f"out.{form}.parts").exists()


def test_a_folder_is_scored_into_a_folder(model: Path, tmp_path: Path) -> None:
    write(tmp_path / "in/a.jsonl", ROWS[:5])
    write(tmp_path / "in/b/c.jsonl", [*ROWS[5:10], {"id": "empty"}])

    told = score("in", "out", "--model", model)

    assert (told["rows"], told["rejected"], told["output"]) == (11, 1, "out")
    assert told["unknown"] == {"city": 3}, "the rows of Rome"
    names = {path.relative_to(tmp_path / "out").as_posix() for path in (tmp_path / "out").rglob("*") if path.is_file()}
    assert names == {
        "a-00000.jsonl",
        "b/c-00000.jsonl",
        "_rejected/b/c-00000.jsonl",
        "_parts/a-00000.json",
        "_parts/b/c-00000.json",
        "_plan.json",
        "_skylift.json",
    }


def test_what_is_done_is_not_done_again(model: Path, tmp_path: Path) -> None:
    write(tmp_path / "in.csv")

    assert "60 rows answered by iris model, 0 rejected (60 rows in" in done("batch", "in.csv", "out", "--model", model)
    assert "(it was done already)\nAnswers: " in done("batch", "in.csv", "out", "--model", model)


def test_an_output_of_another_run_is_left_alone(model: Path, tmp_path: Path) -> None:
    write(tmp_path / "in.csv")
    score("in.csv", "out", "--model", model)
    score("in.csv", "out.csv", "--model", model)
    (tmp_path / "out.csv.parts").mkdir()
    (tmp_path / "out.csv.parts/in-00000.csv").write_text("which a kill at the end left")
    write(tmp_path / "in.csv", ROWS[:9])

    told = refused("batch", "in.csv", "out", "--model", model)
    assert "error: the output holds another run: of other files: " in told
    assert "in.csv has changed since\nhint: name another output" in told
    assert score("in.csv", "out.csv", "--model", model)["rows"] == 9, "a file is replaced"
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine/notes.txt").write_text("mine")
    assert "mine holds other files" in refused("batch", "in.csv", "mine", "--model", model)
    (tmp_path / "mine").rename(tmp_path / "mine.csv.parts")
    assert "mine.csv.parts holds other files" in refused("batch", "in.csv", "mine.csv", "--model", model)
    assert (tmp_path / "mine.csv.parts/notes.txt").read_text() == "mine"


class Killed(BaseException):
    """Stands for a process that ends at once."""


@pytest.mark.parametrize("output", ["out", "out.jsonl"])
def test_the_same_command_goes_on_after_a_kill(
    output: str, model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(tmp_path / "in.jsonl", [*ROWS, {"id": "wrong"}])
    ran: list[str] = []
    whole = batch_workers.run_here

    def dying(parts: Iterable[Part], scorer: Scorer) -> Iterator[PartResult]:
        for number, result in enumerate(whole(parts, scorer)):
            ran.append(result.name)
            if number == 1:
                raise Killed
            yield result

    monkeypatch.setattr(batch_workers, "run_here", dying)
    with pytest.raises(Killed):
        skylift("batch", "in.jsonl", output, "--model", model, "--workers", 1)

    def running(parts: Iterable[Part], scorer: Scorer) -> Iterator[PartResult]:
        for result in whole(parts, scorer):
            ran.append(result.name)
            yield result

    monkeypatch.setattr(batch_workers, "run_here", running)

    told = score("in.jsonl", output, "--model", model)

    assert len(ran) == len(set(ran)) > 2, "no part twice"
    assert (told["rows"], told["answered"], told["rejected"]) == (61, 60, 1)
    files = [tmp_path / output] if output == "out.jsonl" else sorted((tmp_path / "out").glob("in-*.jsonl"))
    assert [row["id"] for path in files for row in read(path)] == [row["id"] for row in ROWS]


def test_a_half_done_run_of_another_version_gives_way_where_the_output_is_one_file(model: Path, tmp_path: Path) -> None:
    write(tmp_path / "in.csv")
    (tmp_path / "out.csv.parts").mkdir()
    (tmp_path / "out.csv.parts/_plan.json").write_text(json.dumps({"run": "other", "input": "x", "parts": []}))

    assert score("in.csv", "out.csv", "--model", model)["rows"] == 60


def test_wrong_outputs_are_refused_before_anything_is_scored(model: Path, tmp_path: Path) -> None:
    write(tmp_path / "in/a.csv")
    write(tmp_path / "in/b.csv")

    for output, error in (("out.parquet", "would be parquet, and the input is csv"), ("out.csv", "is one file, and")):
        assert error in refused("batch", "in", output, "--model", model)
    assert "--model names a folder" in refused("batch", "in", "out", "--model", model, "--version", "v1")
    assert "in/c.csv names no files" in refused("batch", "in/c.csv", "out", "--model", model)
    assert [path.name for path in sorted(tmp_path.iterdir())] == ["in", "model"]


@pytest.mark.parametrize(
    ("source", "output"),
    [("in", "in/out"), ("in", "in/out.csv"), ("in/a.csv", "in/../in/a.csv"), ("in/*.csv", "in/b.csv")],
)
def test_an_output_that_the_input_would_name_is_refused(source: str, output: str, model: Path, tmp_path: Path) -> None:
    text = write(tmp_path / "in/a.csv").read_bytes()

    assert f"{output} is among what" in refused("batch", source, output, "--model", model)
    assert [path.name for path in (tmp_path / "in").iterdir()] == ["a.csv"]
    assert (tmp_path / "in/a.csv").read_bytes() == text


def test_every_file_is_looked_at_before_any_is_scored(model: Path, tmp_path: Path) -> None:
    write(tmp_path / "in/a.csv")
    (tmp_path / "in/b.csv").write_text("id,aged\n1,2\n")

    assert "b.csv: there is no column 'age': " in refused("batch", "in", "out", "--model", model).replace("\nhint", "")
    assert not (tmp_path / "out").exists()


def test_a_published_version_scores_from_s3_to_s3(registry: Registry, s3: "S3Client", tmp_path: Path) -> None:
    promoted(bulk_package())
    second = registry.version(placed(bulk_package()))
    s3.put_object(Bucket=BUCKET, Key="mine/notes.txt", Body=b"mine")
    text = write(tmp_path / "in.csv").read_bytes()
    s3.put_object(Bucket=BUCKET, Key="tables/in.csv", Body=text)

    told = score(f"s3://{BUCKET}/tables/in.csv", f"s3://{BUCKET}/answers/")
    other = score(f"s3://{BUCKET}/tables/in.csv", f"s3://{BUCKET}/others", "--version", "v2")

    assert "mine holds other files" in refused("batch", f"s3://{BUCKET}/tables/in.csv", f"s3://{BUCKET}/mine")
    registry.promote("v2")
    moved = refused("batch", f"s3://{BUCKET}/tables/in.csv", f"s3://{BUCKET}/answers")
    assert "another run: by v1@sha256:" in moved
    assert "hint: continue with --version v1, or name another output" in moved
    assert (told["version"], told["rows"], told["answered"]) == ("v1", 60, 60)
    assert (other["version"], other["sha256"]) == ("v2", second.reference.digest)
    manifest = json.loads(s3.get_object(Bucket=BUCKET, Key="answers/_skylift.json")["Body"].read())
    bodies = [
        s3.get_object(Bucket=BUCKET, Key=f"answers/{part['files'][0]}")["Body"].read().decode().splitlines()
        for part in manifest["parts"]
    ]
    assert sum(len(lines) - 1 for lines in bodies) == 60
    assert bodies[0][0].endswith("prediction,probability_no,probability_yes")


def test_a_compressed_file_is_described_by_its_beginning(model: Path, tmp_path: Path) -> None:
    pd.DataFrame(ROWS).to_csv(tmp_path / "in.csv.gz", index=False, sep=";")

    assert score("in.csv.gz", "out.csv", "--model", model)["answered"] == 60
    assert (tmp_path / "out.csv").read_text().startswith("age,score,member")
