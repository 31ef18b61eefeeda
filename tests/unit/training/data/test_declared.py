"""What `features` declares decides the table and the contract; a row that breaks it is named."""

import json
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from inference.schema import RequestSchema
from skylift.feature import Feature
from tests.support.tables import config_of, feature_of, one_feature, refusal, table_of
from training.data.encoded import read_table


def declared(folder: Path, *cells: str, **about: Any) -> Feature:
    text = one_feature(lambda number: cells[number % len(cells)])
    return feature_of(table_of(folder, text, features={"x": about}), "x")


def refused(folder: Path, *cells: str, **about: Any) -> str:
    return refusal(folder, one_feature(lambda number: cells[number % len(cells)]), features={"x": about})


class TestKinds:
    def test_a_category_keeps_its_texts(self, tmp_path: Path) -> None:
        assert declared(tmp_path, "1067", "10.0", kind="category").categories == ("10.0", "1067")

    def test_a_declared_category_may_have_any_number_of_texts(self, tmp_path: Path) -> None:
        text = one_feature(lambda number: f"name {number}", count=120)

        assert len(feature_of(table_of(tmp_path, text, features={"x": {"kind": "category"}}), "x").categories) == 120

    @pytest.mark.parametrize("cells", [("0", "1"), ("0.0", "1.0"), ("TRUE", "false"), ("true", "0", "")])
    def test_a_boolean_is_also_0_or_1(self, tmp_path: Path, cells: tuple[str, ...]) -> None:
        feature = declared(tmp_path, *cells, kind="boolean")

        assert (feature.kind, feature.required) == ("boolean", "" not in cells)

    def test_integers_can_be_declared_numbers(self, tmp_path: Path) -> None:
        table = table_of(tmp_path, one_feature(str), features={"x": {"kind": "number"}})

        assert feature_of(table, "x").kind == "number"
        assert RequestSchema(table.contract, 1).parse(b'{"x": 3.5, "n": 1}')

    def test_whole_numbers_can_be_declared_integers(self, tmp_path: Path) -> None:
        assert declared(tmp_path, "1.0", "2.0", kind="integer").kind == "integer"

    def test_leading_zeros_of_a_declared_number_are_not_part_of_it(self, tmp_path: Path) -> None:
        assert declared(tmp_path, "007", "011", kind="integer").max == 11

    @pytest.mark.parametrize(
        ("cells", "kind", "message"),
        [
            (("1", "2", "red"), "number", "holds 'red' in row 3, and features.x wants a number (12 more rows)"),
            (("1", "2.5"), "integer", "holds 2.5 in row 2, and features.x wants an integer"),
            (("1", "0", "2"), "boolean", "holds 2 in row 3, and features.x wants a boolean: true, false, 1 or 0"),
            (("true", "false"), "number", "holds 'true' in row 1, and features.x wants a number"),
        ],
    )
    def test_a_row_of_another_kind_is_named(
        self, tmp_path: Path, cells: tuple[str, ...], kind: str, message: str
    ) -> None:
        assert f"column x {message}" in refused(tmp_path, *cells, kind=kind)

    def test_numbers_of_parquet_can_be_categories(self, tmp_path: Path) -> None:
        path = tmp_path / "table.parquet"
        pd.DataFrame({"x": [1067, 10115] * 20, "b": [True, False] * 20, "y": range(40)}).to_parquet(path)

        table = read_table(config_of(path, features={"x": {"kind": "category"}, "b": {"kind": "category"}}).table)

        assert feature_of(table, "x").categories == ("10115", "1067")
        assert feature_of(table, "b").categories == ("false", "true")


class TestBounds:
    def test_a_range_is_that_of_the_contract(self, tmp_path: Path) -> None:
        assert declared(tmp_path, "3", "4", min=0, max=10).training_range == "0 to 10"

    def test_a_row_outside_is_named(self, tmp_path: Path) -> None:
        assert "column x holds 4 in row 2, and features.x wants a value up to 3" in refused(tmp_path, "3", "4", max=3)
        assert "column x holds 3 in row 1, and features.x wants a value from 4 on" in refused(tmp_path, "3", "4", min=4)

    def test_texts_have_no_range(self, tmp_path: Path) -> None:
        assert "features.x has min or max, but the column holds no numbers" in refused(tmp_path, "a", "b", min=1)

    def test_categories_are_those_of_the_contract_in_their_order(self, tmp_path: Path) -> None:
        feature = declared(tmp_path, "2", "10", categories=["10", 3, "2"])

        assert feature.categories == ("10", "3", "2")

    def test_a_row_with_another_category_is_named(self, tmp_path: Path) -> None:
        found = refused(tmp_path, "Lyon", "Oslo", categories=["Lyon", "Rome"])

        assert "column x holds 'Oslo' in row 2, and features.x wants one of Lyon, Rome" in found

    def test_a_missing_value_where_none_may_be_is_named(self, tmp_path: Path) -> None:
        assert "column x is missing in row 2" in refused(tmp_path, "3", "", "5", missing=False)

    @pytest.mark.parametrize("cells", [("3", "4"), ("a", "b"), ("true", "false")])
    def test_requests_may_leave_out_what_may_be_missing(self, tmp_path: Path, cells: tuple[str, str]) -> None:
        text = one_feature(lambda number: cells[number % 2])
        table = table_of(tmp_path, text, features={"x": {"missing": True}})

        assert not feature_of(table, "x").required
        assert RequestSchema(table.contract, 1).parse(json.dumps({"n": 1}).encode()) == [{"n": 1}]

    @pytest.mark.parametrize(
        "about",
        [{"kind": "number", "categories": ["a"]}, {"kind": "category", "min": 1}, {"min": 2, "max": 1}],
        ids=["categories of numbers", "range of texts", "empty range"],
    )
    def test_keys_that_contradict_each_other_are_refused(self, about: dict[str, Any]) -> None:
        with pytest.raises(ValueError, match=r"min|categories"):
            config_of(Path("table.csv"), features={"x": about})


KEYS_WITHOUT_EFFECT = {
    "labels of a regression": ({"target_keys": {"task": "regression", "labels": {"0": "no"}}}, "target.labels"),
    "a unit of classes": ({"target_keys": {"task": "classification", "unit": "EUR"}}, "target.unit"),
    "a delimiter of Parquet": ({"data_keys": {"delimiter": ";"}}, "data.delimiter is for CSV files"),
    "a decimal sign of Parquet": ({"data_keys": {"decimal": ","}}, "data.decimal is for CSV files"),
}


@pytest.mark.parametrize(("sections", "message"), KEYS_WITHOUT_EFFECT.values(), ids=KEYS_WITHOUT_EFFECT.keys())
def test_a_key_that_can_have_no_effect_is_refused(tmp_path: Path, sections: dict[str, Any], message: str) -> None:
    path = tmp_path / "table.parquet"
    pd.DataFrame({"x": range(40), "y": [0, 1] * 20}).to_parquet(path)

    with pytest.raises(Exception, match=message):
        read_table(config_of(path, **sections).table)
