"""A part is read, scored and written; done twice, or begun again after a kill, it comes to the same."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from inference.model import ServedModel
from inference.schema import RequestSchema
from skylift.bulk import batches, plan
from skylift.bulk.manifest import add_up
from skylift.bulk.part import PartResult, run_part
from skylift.bulk.places import Folder
from skylift.bulk.scoring import BulkModel
from skylift.errors import DataError
from tests.support.bulk import ROW, VALUES, bulk_model, planned, rows_of, write_lines


def answered_by_requests(model: BulkModel, rows: list[dict[str, Any]]) -> list[dict[str, object]]:
    """What `/predict` answers to rows, without what is not a feature."""
    contract = model.manifest.contract
    sent = [{name: value for name, value in row.items() if contract.known_name(name)} for row in rows]
    instances = RequestSchema(contract, len(rows)).parse(json.dumps({"instances": sent}).encode())
    reference: Any = None
    served = ServedModel.of(
        reference, model.manifest, model.predictor, max_instances=len(rows), loaded_at=model.manifest.created_at
    )
    return served.answer(instances).predictions


def flat(answer: dict[str, Any]) -> dict[str, object]:
    if "label" in answer:
        return {"prediction": answer["label"]} | {f"probability_{k}": v for k, v in answer["probabilities"].items()}
    return {"prediction": answer["value"], "prediction_low": answer["low"], "prediction_high": answer["high"]}


def _frame(path: Path) -> list[dict[str, Any]]:
    return [{str(name): value for name, value in row.items()} for row in pd.read_csv(path).to_dict("records")]


def scored(address: Path, folder: Path, model: BulkModel) -> list[PartResult]:
    made = planned(address)
    results = [run_part(part, model, Folder(folder), made.run) for part in made.parts]
    add_up(made, model, results)
    return results


@pytest.fixture(autouse=True)
def _small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Parts and batches of a few rows."""
    monkeypatch.setattr(plan, "PART_BYTES", 1500)
    monkeypatch.setattr(plan, "PART_ROWS", 15)
    monkeypatch.setattr(batches, "MAX_ROWS", 7)


@pytest.mark.parametrize("contract", [bulk_model().manifest.contract, VALUES], ids=["classes", "values"])
@pytest.mark.parametrize("form", ["jsonl", "csv", "parquet"])
def test_answers_are_those_of_requests(form: str, contract: Any, tmp_path: Path) -> None:
    model, rows = bulk_model(contract), rows_of(40)
    path = tmp_path / f"table.{form}"
    if form == "jsonl":
        write_lines(path, rows)
    elif form == "csv":
        pd.DataFrame(rows).to_csv(path, index=False)
    else:
        pq.write_table(pa.Table.from_pylist(rows), path, row_group_size=20)

    results = scored(path, tmp_path / "out", model)

    files = [tmp_path / "out" / result.files[0] for result in results]
    assert len(files) > 1
    if form == "jsonl":
        got = [json.loads(line) for file in files for line in file.read_text().splitlines()]
        kept = rows
    elif form == "csv":
        got = [row for file in files for row in _frame(file)]
        kept = _frame(path)
    else:
        got = [row for file in files for row in pq.read_table(file).to_pylist()]
        kept = rows
    expected = [row | flat(answer) for row, answer in zip(kept, answered_by_requests(model, rows), strict=True)]
    assert repr(got) == repr(expected)


def test_rows_that_a_request_would_refuse_are_put_aside_with_the_reasons(tmp_path: Path) -> None:
    rows = rows_of(30)
    rows[3] |= {"age": None}
    rows[20] |= {"age": 1.5, "plan": "gold", "day": "31.2.2020"}
    lines = [json.dumps(row) for row in rows]
    lines[7] = "{cut off"
    lines[8] = "[1]"
    lines[9] = json.dumps(rows[9] | {"city": "Oslo"})
    lines[10] = json.dumps(rows[10] | {"age": "forty"})
    lines[11] = json.dumps({name: value for name, value in rows[11].items() if name != "age"})
    (tmp_path / "table.jsonl").write_text("\n\n".join(lines))

    results = scored(tmp_path / "table.jsonl", tmp_path / "out", bulk_model())

    assert [sum(each) for each in zip(*((r.rows, r.answered, r.rejected) for r in results), strict=True)] == [30, 23, 7]
    aside = [tmp_path / "out" / result.files[1] for result in results if len(result.files) > 1]
    told = [json.loads(line) for file in aside for line in file.read_text().splitlines()]
    assert [(each["file"], each["row"]) for each in told] == [("table.jsonl", n) for n in (4, 8, 9, 10, 11, 12, 21)]
    assert [reason["field"] for reason in told[6]["reasons"]] == ["age", "plan", "day"]
    assert told[0]["reasons"] == [
        {"field": "age", "reason": "wrong_type", "message": "null is not allowed: expected an integer"}
    ]
    assert told[0]["values"]["id"] == "row 3"
    assert told[1]["text"] == "{cut off"
    assert told[2]["reasons"][0]["message"] == "expected an object"
    assert told[3]["reasons"][0]["message"] == "'city' is sent under two names: send one"
    assert told[5]["reasons"] == [
        {"field": "age", "reason": "missing_field", "message": "missing: expected an integer"}
    ], "a member that is not there is not null"


ODD: list[Any] = [
    pa.array([[1]]),
    pa.array([{"a": [b"\xff"]}]),
    pa.array([b"\xff"]),
    pa.array([b"0" * 16], pa.uuid()),
    pa.array([2**62], pa.timestamp("us")),
    pa.array([1], pa.timestamp("ns", "Europe/Oslo")),
    pa.array([3600], pa.duration("s")),
    pa.array(["x"]).dictionary_encode(),
    pa.array([float("nan")]),
    pa.nulls(1),
]


@pytest.mark.parametrize("cell", ODD, ids=lambda cell: str(cell.type))
def test_a_cell_of_any_type_is_kept_told_and_refused_as_a_number(cell: Any, tmp_path: Path) -> None:
    plain = {"age": pa.array([40]), "City": pa.array(["Oslo"])}
    for name, table in (
        ("kept", plain | {"more": cell}),
        ("told", plain | {"age": pa.array(["old"]), "more": cell}),
        ("age", plain | {"age": cell}),
        ("City", plain | {"City": cell}),
    ):
        pq.write_table(pa.table(table), tmp_path / f"{name}.parquet")
        (result,) = scored(tmp_path / f"{name}.parquet", tmp_path / name, bulk_model())
        assert result.rows == result.answered + result.rejected == 1
        if name == "kept":
            kept = pq.read_table(tmp_path / name / result.files[0])["more"]
            assert kept.combine_chunks().equals(pq.read_table(tmp_path / "kept.parquet")["more"].combine_chunks()) or (
                pa.types.is_floating(cell.type)  # NaN is not equal to itself
            )
        elif name == "told":
            assert result.rejected == 1


def test_records_of_another_width_are_put_aside(tmp_path: Path) -> None:
    text = pd.DataFrame(rows_of(30)).to_csv(index=False).splitlines()
    text[5] += ",more"
    text[30] = "1,2"
    text[12] = '40,1.5,True,"Os\nlo",plus,31.12.2020,"a ""row"""'
    (tmp_path / "table.csv").write_text("\n".join(text))

    results = scored(tmp_path / "table.csv", tmp_path / "out", bulk_model())

    aside = [tmp_path / "out" / result.files[1] for result in results if len(result.files) > 1]
    told = [json.loads(line) for file in aside for line in file.read_text().splitlines()]
    assert [(each["row"], each["reasons"][0]["message"]) for each in told] == [
        (5, "it has 8 cells, not 7"),
        (30, "it has 2 cells, not 7"),
    ]
    got = pd.concat(pd.read_csv(tmp_path / "out" / result.files[0]) for result in results)
    assert len(got) == 28
    assert got.iloc[10]["id"] == 'a "row"'
    assert got.iloc[10]["City"] == "Os\nlo"


class Killed(BaseException):
    """Stands for a process that ends at once."""


class Dying(Folder):
    """A folder whose process is killed before the nth file takes its name, or right after it."""

    def __init__(self, path: Path, at: int) -> None:
        super().__init__(path)
        self._left = at

    def _step(self) -> None:
        self._left -= 1
        if self._left < 0:
            raise Killed

    @contextmanager
    def writing(self, name: str) -> Iterator[IO[bytes]]:
        with super().writing(name) as file:
            yield file
            self._step()
        self._step()


def test_a_part_that_was_killed_between_any_two_writes_is_done_once(tmp_path: Path) -> None:
    rows = rows_of(12)
    rows[5]["age"] = None
    made = planned(write_lines(tmp_path / "table.jsonl", rows))
    whole = [run_part(part, bulk_model(), Folder(tmp_path / "whole"), made.run) for part in made.parts]
    kills = 0

    for at in range(100):
        folder = tmp_path / f"killed-{at}"
        try:
            for part in made.parts:
                run_part(part, bulk_model(), Dying(folder, at), made.run)
        except Killed:
            kills += 1
        else:
            break
        resumed = [run_part(part, bulk_model(), Folder(folder), made.run) for part in made.parts]
        assert [each.files for each in resumed] == [each.files for each in whole]
        for name in (name for each in whole for name in each.files):
            assert (folder / name).read_bytes() == (tmp_path / "whole" / name).read_bytes()

    assert kills == 2 * sum(1 + len(each.files) for each in whole)


def test_a_part_that_is_done_is_not_done_again_unless_it_is_of_another_run(tmp_path: Path) -> None:
    made = planned(write_lines(tmp_path / "table.jsonl", rows_of(3)))
    folder = Folder(tmp_path / "out")
    (part,) = made.parts
    first = run_part(part, bulk_model(), folder, "a")
    (tmp_path / "out" / first.files[0]).write_bytes(b"touched")

    assert run_part(part, bulk_model(), folder, "a") == first
    assert (tmp_path / "out" / first.files[0]).read_bytes() == b"touched"
    run_part(part, bulk_model(), folder, "b")
    assert (tmp_path / "out" / first.files[0]).read_bytes() != b"touched"


@pytest.mark.parametrize("form", ["jsonl", "csv", "parquet"])
def test_a_table_without_rows_has_answers_without_rows(form: str, tmp_path: Path) -> None:
    path = tmp_path / f"table.{form}"
    if form == "parquet":
        pq.write_table(pa.Table.from_pylist([ROW]).slice(0, 0), path)
    else:
        path.write_text("" if form == "jsonl" else ",".join(ROW))

    (result,) = scored(path, tmp_path / "out", bulk_model())

    assert (result.rows, result.answered, result.rejected) == (0, 0, 0)
    written = tmp_path / "out" / result.files[0]
    names = [*ROW, "prediction", "probability_no", "probability_yes"]
    if form == "parquet":
        assert pq.read_schema(written).names == names
    else:
        assert written.read_text() == ("" if form == "jsonl" else ",".join(names) + "\n")


def test_a_table_that_has_the_column_of_an_answer_is_refused(tmp_path: Path) -> None:
    path = write_lines(tmp_path / "table.jsonl", [ROW | {"prediction": 1}])

    with pytest.raises(DataError, match="column 'prediction', which is the name of an answer: rename it"):
        scored(path, tmp_path / "out", bulk_model())


def test_parquet_says_what_scored_it(tmp_path: Path) -> None:
    pq.write_table(pa.Table.from_pylist(rows_of(3)), tmp_path / "table.parquet")

    (result,) = scored(tmp_path / "table.parquet", tmp_path / "out", bulk_model())

    metadata = pq.read_schema(tmp_path / "out" / result.files[0]).metadata
    assert json.loads(metadata[b"skylift"]) == {"model": "iris", "version": "v1", "sha256": "0" * 64}
