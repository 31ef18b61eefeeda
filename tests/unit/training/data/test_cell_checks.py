"""Cells that break what the contract, `model.yaml` or the column itself says of them are named by row and column."""

from pathlib import Path

from tests.support.reports import failures, report, row, warnings
from tests.support.tables import config_of, lines
from training.data.validation import validate


class TestCells:
    def test_a_text_among_numbers_is_named_by_row_and_column(self, tmp_path: Path) -> None:
        found = report(tmp_path, changes={8: "n/a?,30,Lyon,a"})

        assert warnings(found) == ["types: column x holds 'n/a?' in row 8: expected number"]
        assert found.findings[0].rows == (8,)

    def test_it_fails_where_the_column_is_declared_to_hold_numbers(self, tmp_path: Path) -> None:
        found = report(tmp_path, changes={8: "n/a?,30,Lyon,a"}, features={"x": {"kind": "number"}})

        assert failures(found) == ["types: column x holds 'n/a?' in row 8: expected number"]

    def test_it_is_found_among_decimal_commas_too(self, tmp_path: Path) -> None:
        path = tmp_path / "table.csv"
        text = lines("x,age,city,y", lambda number: "n/a?,30,Lyon,a" if number == 7 else row(number), count=60)
        path.write_text(text.replace(",", ";").replace(".", ","), encoding="utf-8")

        assert warnings(validate(config_of(path).table)) == ["types: column x holds 'n/a?' in row 8: expected number"]

    def test_a_fraction_in_a_column_of_integers_is_named(self, tmp_path: Path) -> None:
        found = report(tmp_path, changes={5: "1,30.5,Lyon,a"}, features={"age": {"kind": "integer"}})

        assert failures(found) == ["types: column age holds 30.5 in row 5: expected integer"]

    def test_a_column_of_true_and_false_is_a_boolean_and_no_other_is(self, tmp_path: Path) -> None:
        (text,) = failures(report(tmp_path, features={"city": {"kind": "boolean"}}))

        assert text.startswith("types: column city holds 'Lyon' in row 1: expected boolean (59 more cells)")

    def test_a_value_out_of_its_declared_range_is_named_with_how_many_more(self, tmp_path: Path) -> None:
        changes = {7: "1,-3,Lyon,a", 9: "1,130,Oslo,b"}

        found = report(tmp_path, changes=changes, features={"age": {"min": 0, "max": 120}})

        assert failures(found) == ["ranges: column age holds -3 in row 7: below 0 or above 120 (1 more cells)"]
        assert (found.findings[0].count, found.findings[0].rows) == (2, (7, 9))

    def test_a_category_that_is_not_allowed_is_named(self, tmp_path: Path) -> None:
        found = report(tmp_path, changes={4: "1,30,Rome,a"}, features={"city": {"categories": ["Lyon", "Oslo"]}})

        assert failures(found) == ["categories: column city holds 'Rome' in row 4: unknown category"]

    def test_a_missing_value_where_none_may_be_is_named(self, tmp_path: Path) -> None:
        found = report(tmp_path, changes={3: "1,,Lyon,a"}, features={"age": {"missing": False}})

        assert failures(found) == ["nulls: column age is missing in row 3: every row needs a value"]

    def test_missing_values_are_else_no_matter(self, tmp_path: Path) -> None:
        assert report(tmp_path, changes={3: "1,,Lyon,a"}, features={"age": {"min": 0, "kind": "integer"}}).passed

    def test_rows_are_counted_as_in_the_file_also_after_one_without_a_target(self, tmp_path: Path) -> None:
        changes = {2: "1,30,Lyon,", 8: "n/a?,30,Lyon,a"}

        found = report(tmp_path, changes=changes, features={"x": {"kind": "number"}})

        assert failures(found) == ["types: column x holds 'n/a?' in row 8: expected number"]
        assert "1 rows without y were left out" in found.notes

    def test_a_row_of_a_sample_is_counted_as_in_the_file(self, tmp_path: Path) -> None:
        report(tmp_path, changes={8: "n/a?,30,Lyon,a", 41: "n/a?,30,Lyon,a"})
        config = config_of(tmp_path / "table.csv", features={"x": {"kind": "number"}}, data_keys={"sample": 30})

        rows = [finding.rows for finding in validate(config.table).findings if finding.check == "types"]

        assert rows in ([(8, 41)], [(8,)], [(41,)], [])

    def test_an_odd_cell_among_dates_is_warned_of(self, tmp_path: Path) -> None:
        cells = [f"2026-03-{number % 9 + 1:02}" for number in range(40)]
        cells[6] = "2026-02-30"
        text = lines("day,x,y", lambda number: f"{cells[number]},{row(number).split(',')[0]},{'ab'[number % 2]}")
        (tmp_path / "table.csv").write_text(text, encoding="utf-8")

        assert "types: column day holds '2026-02-30' in row 7, and dates in most others" in warnings(
            validate(config_of(tmp_path / "table.csv").table)
        )
