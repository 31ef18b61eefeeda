"""Any flat table is read and cleaned; what cannot be read is refused in one line."""

import json
import unicodedata
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from inference.schema import RequestSchema
from skylift.encoding import RowEncoder
from skylift.errors import DataError
from skylift.references import sha256
from tests.support.tables import (
    config_of,
    feature_names,
    feature_of,
    lines,
    noted,
    one_feature,
    refusal,
    table_of,
)
from training.data.encoded import read_table

PLAIN = one_feature(lambda number: f"{number % 7}.5")


class TestCleaning:
    def test_columns_are_renamed(self, tmp_path: Path) -> None:
        assert feature_names(table_of(tmp_path, PLAIN, data_keys={"rename": {"x": "length"}})) == ["length", "n"]

    def test_the_target_can_be_renamed_and_is_named_by_its_new_name(self, tmp_path: Path) -> None:
        table = table_of(tmp_path, PLAIN, target="kind", data_keys={"rename": {"y": "kind"}})

        assert table.contract.target.name == "kind"

    def test_columns_are_dropped_by_their_name_in_the_file(self, tmp_path: Path) -> None:
        assert feature_names(table_of(tmp_path, PLAIN, data_keys={"drop": ["n"]})) == ["x"]

    def test_an_index_that_a_data_frame_was_saved_with_is_dropped(self, tmp_path: Path) -> None:
        text = lines(",x,y", lambda number: f"{number},{number % 7},{'ab'[number % 2]}")

        assert feature_names(table_of(tmp_path, text)) == ["x"]

    def test_the_order_of_the_columns_is_kept(self, tmp_path: Path) -> None:
        text = lines("z,y,a,m", lambda number: f"{number % 9},{'ab'[number % 2]},{number % 3},{number % 5}")

        assert feature_names(table_of(tmp_path, text)) == ["z", "a", "m"]

    def test_the_contract_knows_every_column_that_is_not_a_feature(self, tmp_path: Path) -> None:
        text = lines(
            ",id,Kind,same,text,x",
            lambda number: f"{number},{number},{'ab'[number % 2]},5,word{number},{number % 7}.5",
            count=120,
        )

        table = table_of(tmp_path, text, target="kind", data_keys={"drop": ["id"], "rename": {"Kind": "kind"}})

        assert feature_names(table) == ["x"]
        assert set(table.contract.ignored) == {"Unnamed: 0", "", "id", "Kind", "kind", "same", "text"}

    def test_columns_are_described_as_configured(self, tmp_path: Path) -> None:
        table = table_of(tmp_path, PLAIN, features={"x": {"unit": "cm", "description": "Length"}})

        assert (feature_of(table, "x").unit, feature_of(table, "x").description) == ("cm", "Length")

    def test_a_column_that_is_left_out_may_still_be_described(self, tmp_path: Path) -> None:
        table = table_of(tmp_path, one_feature(lambda _: "5"), features={"x": {"unit": "cm"}})

        assert feature_names(table) == ["n"]

    def test_space_around_names_and_texts_is_not_part_of_them(self, tmp_path: Path) -> None:
        text = lines(" x , y ", lambda number: f" {'red ' if number % 3 else 'blue'} , {'ab'[number % 2]} ")

        table = table_of(tmp_path, text)

        assert feature_of(table, "x").categories == ("blue", "red")
        assert table.contract.target.classes == ("a", "b")

    @pytest.mark.parametrize("form", ["csv", "parquet"])
    def test_a_row_as_it_is_in_the_file_is_a_request(self, tmp_path: Path, form: str) -> None:
        raw = pd.DataFrame(
            {
                " sex ": ["M ", "F", " M", None, "\tF"] * 8,
                "rooms": [1, 2, 3, 4, 5] * 8,
                "lift": [True, False] * 20,
                "rent ": [number / 4 for number in range(40)],
            }
        )
        path = tmp_path / f"table.{form}"
        raw.to_csv(path, index=False) if form == "csv" else raw.to_parquet(path, index=False)
        table = read_table(config_of(path, target="rent", target_keys={"task": "regression"}).table)

        rows = json.loads(raw.drop(columns="rent ").to_json(orient="records"))
        instances = RequestSchema(table.contract, len(rows)).parse(json.dumps({"instances": rows}).encode())

        assert feature_of(table, "sex").categories == ("F", "M")
        np.testing.assert_array_equal(RowEncoder(table.contract).encode(instances), table.rows)

    def test_one_unicode_form_is_used_in_tables_model_yaml_and_requests(self, tmp_path: Path) -> None:
        composed, decomposed = (unicodedata.normalize(form, "Köln") for form in ("NFC", "NFD"))
        text = lines(
            f"{decomposed},y", lambda number: f"{(composed, decomposed, 'Bonn')[number % 3]},{'ab'[number % 2]}"
        )

        table = table_of(
            tmp_path, text, features={decomposed: {"unit": "t"}}, target_keys={"labels": {"a": decomposed}}
        )

        assert (feature_of(table, composed).categories, feature_of(table, composed).unit) == (("Bonn", composed), "t")
        assert table.contract.target.classes == (composed, "b")
        body = json.dumps({decomposed: decomposed}).encode()
        assert RequestSchema(table.contract, 1).parse(body) == [{composed: composed}]

    def test_values_that_differ_only_by_case_are_noted(self, tmp_path: Path) -> None:
        text = lines("x,y", lambda number: f"{('Red', 'red', 'blue')[number % 3]},{('Yes', 'yes', 'NO')[number % 3]}")

        notes = table_of(tmp_path, text).notes

        assert noted(notes, "column y has values that differ only by case, blanks or form: 'Yes', 'yes'")
        assert noted(notes, "column x has values that differ only by case, blanks or form: 'Red', 'red'")

    def test_a_cell_of_only_space_is_missing(self, tmp_path: Path) -> None:
        table = table_of(tmp_path, one_feature(lambda number: '"  "' if number == 3 else "red"))

        assert feature_of(table, "x").categories == ("red",)
        assert not feature_of(table, "x").required

    def test_rows_without_a_target_are_left_out_with_a_note(self, tmp_path: Path) -> None:
        text = lines("x,y", lambda number: f"{number},{'' if number in {3, 8} else 'ab'[number % 2]}")

        table = table_of(tmp_path, text)

        assert len(table.rows) == len(table.targets) == 38
        assert "2 rows without y were left out" in table.notes

    @pytest.mark.parametrize("seed", range(5))
    @pytest.mark.parametrize(
        ("odd", "exclude"),
        [(20, {}), (20, {"z": ["out"]}), (10, {"z": ["out"]}), (0, {})],
        ids=["odd cell kept", "odd cell kept, another row excluded", "odd cell excluded", "odd cell without target"],
    )
    def test_a_sample_does_not_decide_what_a_column_is(
        self, tmp_path: Path, odd: int, exclude: dict[str, list[str]], seed: int
    ) -> None:
        def row(number: int) -> str:
            x = "unit" if number == odd else f"{number % 5}.5"
            return f"{x},{number},{'out' if number == 10 else 'in'},{'ab'[number % 2] if number else ''}"

        text, keys = lines("w,n,z,y", row), {"exclude": exclude, "rename": {"w": "x"}}

        whole = table_of(tmp_path, text, data_keys=keys)
        sampled = table_of(tmp_path, text, data_keys={**keys, "sample": 25}, split={"seed": seed})

        assert feature_of(whole, "x").kind == ("category" if odd == 20 else "number")
        assert feature_of(sampled, "x").kind == feature_of(whole, "x").kind

    def test_the_digest_is_of_the_raw_file(self, tmp_path: Path) -> None:
        assert table_of(tmp_path, PLAIN).digest == sha256(PLAIN.encode())


class TestUnknownColumns:
    def test_a_dropped_column_that_is_not_there_is_refused_with_the_nearest_name(self, tmp_path: Path) -> None:
        text = lines("SepalWidth,y", lambda number: f"{number},{'ab'[number % 2]}")

        assert "data.drop names 'SepalWidht'" in refusal(tmp_path, text, data_keys={"drop": ["SepalWidht"]})
        assert "did you mean 'SepalWidth'?" in refusal(tmp_path, text, data_keys={"drop": ["SepalWidht"]})

    def test_a_renamed_column_that_is_not_there_is_refused_with_those_that_are(self, tmp_path: Path) -> None:
        found = refusal(tmp_path, PLAIN, data_keys={"rename": {"quantity": "q"}})

        assert "data.rename names 'quantity'" in found
        assert "there are: x, n, y" in found

    def test_a_target_that_is_not_there_is_refused(self, tmp_path: Path) -> None:
        assert "target.column names 'species'" in refusal(tmp_path, PLAIN, target="species")

    def test_a_target_by_its_old_name_is_refused(self, tmp_path: Path) -> None:
        assert "target.column names 'y'" in refusal(tmp_path, PLAIN, data_keys={"rename": {"y": "kind"}})

    def test_a_described_column_that_is_not_there_is_refused(self, tmp_path: Path) -> None:
        assert "features names 'X'" in refusal(tmp_path, PLAIN, features={"X": {"unit": "cm"}})

    def test_a_rename_onto_another_column_is_refused(self, tmp_path: Path) -> None:
        assert "the same name" in refusal(tmp_path, PLAIN, data_keys={"rename": {"x": "n"}})


class TestFileForms:
    @pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
    def test_the_delimiter_is_found_in_the_header(self, tmp_path: Path, delimiter: str) -> None:
        assert feature_names(table_of(tmp_path, PLAIN.replace(",", delimiter))) == ["x", "n"]

    @pytest.mark.parametrize("line_end", ["\r\n", "\r"])
    def test_other_line_ends_give_the_same_table(self, tmp_path: Path, line_end: str) -> None:
        other, unix = table_of(tmp_path, PLAIN.replace("\n", line_end)), table_of(tmp_path, PLAIN)

        assert other.contract == unix.contract
        assert np.array_equal(other.rows, unix.rows)

    def test_a_byte_order_mark_is_not_part_of_the_first_name(self, tmp_path: Path) -> None:
        assert feature_names(table_of(tmp_path, b"\xef\xbb\xbf" + PLAIN.encode())) == ["x", "n"]

    def test_empty_lines_before_the_header_are_skipped(self, tmp_path: Path) -> None:
        assert feature_names(table_of(tmp_path, "\n\n" + PLAIN.replace(",", ";"))) == ["x", "n"]

    def test_a_last_line_without_an_end_counts(self, tmp_path: Path) -> None:
        assert len(table_of(tmp_path, PLAIN.rstrip("\n")).rows) == 40

    def test_quoted_cells_may_hold_delimiters_line_ends_and_quotes(self, tmp_path: Path) -> None:
        text = one_feature(lambda number: '"one, or\ntwo"' if number % 2 else '"so ""called"""')

        assert feature_of(table_of(tmp_path, text), "x").categories == ("one, or\ntwo", 'so "called"')

    def test_texts_keep_letters_of_any_language(self, tmp_path: Path) -> None:
        text = one_feature(lambda number: "Zürich" if number % 2 else "東京")

        assert feature_of(table_of(tmp_path, text), "x").categories == ("Zürich", "東京")

    def test_a_row_with_fewer_cells_is_refused_with_its_line(self, tmp_path: Path) -> None:
        text = lines("y,x,n", lambda number: f"{'ab'[number % 2]},{number}" + ("" if number == 5 else f",{number}"))

        assert "line 7 of table.csv has fewer fields than its header (2 instead of 3)" in refusal(tmp_path, text)

    def test_a_row_with_more_cells_is_refused_with_its_line(self, tmp_path: Path) -> None:
        text = one_feature(lambda number: "1,2" if number == 5 else "1")

        assert "line 7" in refusal(tmp_path, text)

    def test_a_header_with_fewer_names_than_the_rows_have_cells_is_refused(self, tmp_path: Path) -> None:
        text = lines("x,y", lambda number: f"{number},{number * 2},{'ab'[number % 2]}")

        assert "more fields than its header" in refusal(tmp_path, text)

    def test_a_repeated_name_is_refused(self, tmp_path: Path) -> None:
        text = lines("x, x,y", lambda number: f"1,{number},{'ab'[number % 2]}")

        assert "names x more than once" in refusal(tmp_path, text)

    def test_text_that_is_only_partly_utf8_is_refused_with_its_line(self, tmp_path: Path) -> None:
        text = one_feature(lambda number: "café" if number < 30 else "tea").encode()

        found = refusal(tmp_path, text + "café,1,a\n".encode("latin-1"))

        assert "is not UTF-8 (line 42)" in found
        assert "save it as UTF-8, or name data.encoding" in found

    @pytest.mark.parametrize("content", ["", "\n", "\r\n\r\n", "\ufeff"])
    def test_an_empty_file_is_refused(self, tmp_path: Path, content: str) -> None:
        assert "table.csv cannot be read as CSV" in refusal(tmp_path, content)

    def test_a_file_with_only_a_header_is_refused(self, tmp_path: Path) -> None:
        assert "table.csv has 0 usable rows" in refusal(tmp_path, "x,y\n")

    def test_too_few_rows_are_refused_with_how_many_are_needed(self, tmp_path: Path) -> None:
        text = lines("x,y", lambda number: f"{number},{'ab'[number % 2]}", count=9)

        assert "has 9 usable rows: at least 10 are needed" in refusal(tmp_path, text)

    def test_a_quote_that_is_never_closed_is_refused(self, tmp_path: Path) -> None:
        assert "cannot be read as CSV" in refusal(tmp_path, PLAIN + '"1,2,a\n')

    def test_a_file_that_is_not_there_is_refused_with_the_key_that_names_it(self, tmp_path: Path) -> None:
        with pytest.raises(DataError, match=r"nowhere\.csv cannot be read .*data\.path"):
            read_table(config_of(tmp_path / "nowhere.csv").table)

    def test_a_folder_without_files_is_refused(self, tmp_path: Path) -> None:
        with pytest.raises(DataError, match="has no files"):
            read_table(config_of(tmp_path).table)
