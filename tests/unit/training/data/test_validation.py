"""A table is held to what `model.yaml`, an earlier contract and good sense say of it; a bad cell is named."""

import json
from pathlib import Path
from typing import Any

import pytest

from skylift.errors import ConfigError, DataError
from tests.support.models import IRIS_CONFIG, iris_package
from tests.support.reports import failures, report, row, warnings
from tests.support.tables import TREE, config_of, lines, public_table
from training import extras
from training.config import load_config
from training.data.encoded import read_table
from training.data.validation import CHECKS, Report, read_contract, validate
from training.job import train


def test_a_sound_table_passes_every_check(tmp_path: Path) -> None:
    found = report(tmp_path)

    assert found.passed
    assert found.checks == dict.fromkeys(CHECKS, "passed")
    assert found.rows == 60


def test_the_shipped_table_passes() -> None:
    assert validate(load_config(IRIS_CONFIG).table).passed


@pytest.mark.parametrize("name", ["wine", "breast_cancer", "diabetes"])
def test_public_tables_pass_with_the_three_required_keys(tmp_path: Path, name: str) -> None:
    (tmp_path / "table.csv").write_text(public_table(name), encoding="utf-8")

    assert failures(validate(config_of(tmp_path / "table.csv", target="target").table)) == []


class TestTheWhole:
    def test_an_identifier_is_left_out_with_a_note(self, tmp_path: Path) -> None:
        (tmp_path / "table.csv").write_text(
            lines("id,x,y", lambda number: f"{number},{row(number).split(',')[0]},{'ab'[number * 7 % 11 % 2]}"),
            encoding="utf-8",
        )

        found = validate(config_of(tmp_path / "table.csv").table)

        assert found.passed
        assert any(note.startswith("column id was left out: it grows from row to row") for note in found.notes)

    def test_duplicates_are_warned_of_with_their_rows_in_the_file(self, tmp_path: Path) -> None:
        found = report(tmp_path, changes={1: "1,30,Lyon,", 50: row(9)})

        (finding,) = [finding for finding in found.findings if finding.check == "duplicates"]
        assert (finding.status, finding.rows) == ("warning", (50,))

    def test_classes_with_one_row_each_fail_where_no_contract_can_be_made(self, tmp_path: Path) -> None:
        found = report(tmp_path, changes={number: f"{number},30,Lyon,c{number}" for number in range(1, 9)})

        assert failures(found)[0].startswith("learnable: only one row has y c1")

    def test_a_class_with_few_rows_fails(self, tmp_path: Path) -> None:
        changes = {number: f"{number},3{number},Lyon,c" for number in range(3, 7)}

        found = report(tmp_path, changes=changes, validate={"min_rows_per_class": 5})

        (failure,) = failures(found)
        assert failure.startswith("rows per class: column y is c in 4 rows, fewer than 5: ")
        assert "target.rare: {below: 10, into: other}" in failure

    def test_a_column_that_is_mostly_missing_is_warned_of(self, tmp_path: Path) -> None:
        changes = {number: f"{number / 4},,Lyon,{'ab'[number % 2]}" for number in range(1, 40)}

        found = report(tmp_path, changes=changes)

        assert warnings(found)[0] == "nulls: column age is missing in 65.0% of the rows, more than 50%"

    def test_a_bound_that_is_written_down_fails(self, tmp_path: Path) -> None:
        changes = {3: "1,,Lyon,a"}

        found = report(tmp_path, changes=changes, validate={"max_missing": 0.01})

        assert failures(found) == ["nulls: column age is missing in 1.7% of the rows, more than 1%"]

    def test_failures_come_first_and_the_error_names_the_first(self, tmp_path: Path) -> None:
        features = {"x": {"kind": "number"}, "city": {"categories": ["Lyon"]}}

        found = report(tmp_path, changes={8: "n/a?,30,Lyon,a", 50: row(9)}, features=features)

        assert [finding.status for finding in found.findings] == sorted(finding.status for finding in found.findings)
        with pytest.raises(
            DataError, match=r"failed validation: column x holds 'n/a\?' in row 8: expected number \(and 1 more\)"
        ):
            found.check()


class TestEarlierContract:
    def of(self, folder: Path, sections: Any = None, **features: Any) -> Report:
        """The table held to the contract of sixty sound rows, with cells of its first row changed."""
        report(folder)
        expected = read_table(config_of(folder / "table.csv", features=sections or {}).table).contract
        header, *body = (folder / "table.csv").read_text(encoding="utf-8").splitlines()
        cells = dict(zip(header.split(","), body[0].split(","), strict=True)) | features
        (folder / "table.csv").write_text(
            "\n".join([header, ",".join(cells.values()), *body[1:]]) + "\n", encoding="utf-8"
        )
        return validate(config_of(folder / "table.csv").table, expected=expected)

    def test_the_same_table_keeps_it(self, tmp_path: Path) -> None:
        assert self.of(tmp_path).findings == ()

    def test_a_new_category_is_warned_of_as_the_service_does(self, tmp_path: Path) -> None:
        found = self.of(tmp_path, city="Rome")

        assert found.passed
        assert warnings(found) == ["categories: column city holds 'Rome' in row 1: unknown category"]

    def test_one_fails_where_the_service_would_refuse_it(self, tmp_path: Path) -> None:
        found = self.of(tmp_path, {"city": {"unknown": "refuse"}}, city="Rome")

        assert failures(found) == ["categories: column city holds 'Rome' in row 1: unknown category"]

    def test_a_value_outside_the_earlier_range_is_warned_of_as_the_service_does(self, tmp_path: Path) -> None:
        found = self.of(tmp_path, age="99")

        assert found.passed
        assert warnings(found) == ["ranges: column age holds 99 in row 1: outside the earlier 20 to 69"]

    def test_a_value_that_became_missing_fails(self, tmp_path: Path) -> None:
        assert failures(self.of(tmp_path, age="")) == ["nulls: column age is missing in row 1: every row needs a value"]

    def test_a_column_that_is_gone_fails_and_a_new_one_is_warned_of(self, tmp_path: Path) -> None:
        report(tmp_path)
        expected = read_table(config_of(tmp_path / "table.csv").table).contract

        found = validate(
            config_of(tmp_path / "table.csv", data_keys={"rename": {"age": "years"}}).table, expected=expected
        )

        assert failures(found) == ["columns: column age is not in the table"]
        assert warnings(found) == ["columns: column years is new to the contract"]

    def test_it_is_read_from_a_manifest(self, tmp_path: Path) -> None:
        manifest = iris_package().describe(3)
        (tmp_path / "v3.json").write_bytes(manifest.to_bytes())

        assert read_contract(tmp_path / "v3.json") == manifest.contract

    @pytest.mark.parametrize("text", ["", "[]", "{}", '{"contract": 1}'])
    def test_a_file_without_one_is_refused(self, tmp_path: Path, text: str) -> None:
        (tmp_path / "v3.json").write_text(text, encoding="utf-8")

        with pytest.raises(ConfigError, match="has no contract"):
            read_contract(tmp_path / "v3.json")


WRONG: dict[str, tuple[str, dict[str, Any]]] = {
    "a kind": ("oops,30,Lyon,a", {"features": {"x": {"kind": "number"}}}),
    "a fraction": ("1,30.5,Lyon,a", {"features": {"age": {"kind": "integer"}}}),
    "a boolean": ("1,30,Lyon,a", {"features": {"city": {"kind": "boolean"}}}),
    "a range": ("1,-3,Lyon,a", {"features": {"age": {"min": 0}}}),
    "categories": ("1,30,Rome,a", {"features": {"city": {"categories": ["Lyon", "Oslo"]}}}),
    "a missing cell": ("1,,Lyon,a", {"features": {"age": {"missing": False}}}),
    "many missing cells": ("1,,Lyon,a", {"validate": {"max_missing": 0.01}}),
    "a constant": ("1,30,Lyon,a", {"features": {"always": {"max": 3}}}),
    "few rows of a class": ("1,30,Lyon,a", {"validate": {"min_rows_per_class": 100}}),
    "rows that repeat": (row(1), {"validate": {"max_duplicates": 0}}),
    "the key of the split": ("1,30,Lyon,a", {"split": {"group": "age"}, "features": {"age": {"max": 30}}}),
}
"""Changed first rows, and sections, of tables that fail."""


class TestTraining:
    """What fails here is not trained on."""

    def written(self, folder: Path, first: str) -> Path:
        text = lines("x,age,city,always,y", lambda place: with_constant(row(place) if place else first), count=60)
        (folder / "table.csv").write_text(text, encoding="utf-8")
        return folder / "table.csv"

    @pytest.mark.parametrize("name", WRONG)
    def test_both_refuse(self, tmp_path: Path, name: str) -> None:
        first, sections = WRONG[name]
        config = config_of(self.written(tmp_path, first), **sections)

        assert failures(validate(config.table))
        with pytest.raises(DataError):
            train(config)

    @pytest.mark.parametrize("first", ["oops,30,Lyon,a", "1,,Lyon,a", row(1)], ids=["a text", "missing", "repeated"])
    def test_neither_refuses_what_nobody_forbade(self, tmp_path: Path, first: str) -> None:
        config = config_of(self.written(tmp_path, first), candidates=[TREE])

        assert validate(config.table).passed
        train(config)

    def test_training_warns_of_a_column_that_is_mostly_missing(self, tmp_path: Path) -> None:
        changes = dict.fromkeys(range(1, 40), "1,,Lyon,a")
        report(tmp_path, changes=changes)

        notes = train(config_of(tmp_path / "table.csv", candidates=[TREE])).notes

        assert "column age is missing in 65.0% of the rows, more than 50%" in notes


def test_an_unknown_trusted_column_is_refused_with_the_nearest(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"validate\.trusted names 'agee', which the table does not have") as caught:
        report(tmp_path, validate={"trusted": ["agee"]})

    assert caught.value.hint == "did you mean 'age'?"


def with_constant(cells: str) -> str:
    """A row with a column before its last that is the same in all."""
    before, last = cells.rsplit(",", 1)
    return f"{before},7,{last}"


def test_the_report_survives_json(tmp_path: Path) -> None:
    found = report(tmp_path, changes={8: "n/a?,30,Lyon,a"}, features={"x": {"kind": "number"}})

    document = json.loads(found.to_bytes())

    assert document["passed"] is False
    assert document["findings"][0]["rows"] == [8]
    assert Report.model_validate(document) == found


def test_without_pandera_the_command_that_installs_it_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(name: str) -> None:
        raise ImportError(name)

    monkeypatch.setattr(extras, "import_module", missing)

    with pytest.raises(ConfigError, match="validating a table needs pandera, which is not installed here"):
        report(tmp_path)
