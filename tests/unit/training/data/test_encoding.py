"""Columns become features and a target: kinds, ranges, examples, codes and classes; others are left out or refused."""

from collections.abc import Callable
from pathlib import Path
from typing import get_args

import numpy as np
import pytest

from skylift.encoding import RowEncoder
from skylift.feature import Feature, Kind
from tests.support.tables import (
    config_of,
    feature_names,
    feature_of,
    lines,
    mixed,
    noted,
    one_feature,
    refusal,
    table_of,
)
from training.config.table import FeatureSection
from training.data.clean import read_clean
from training.data.encoded import encode_table
from training.data.encoding import described
from training.data.prepare import prepare, table_and_split
from training.data.split import read_labels

PLAIN = one_feature(lambda number: f"{number % 7}.5")

COLUMNS: list[tuple[Callable[[int], str], Kind, bool]] = [
    (lambda number: f"{number / 4}", "number", True),
    (lambda number: "" if number == 3 else f"{number / 4}", "number", False),
    (lambda number: f"{number}e-3", "number", True),
    (lambda number: str(number - 20), "integer", True),
    (lambda number: "" if number == 3 else str(number), "integer", False),
    (lambda number: str(number % 2), "integer", True),
    (lambda number: str(number % 2 == 0), "boolean", True),
    (lambda number: "" if number == 3 else str(number % 2 == 0), "boolean", False),
    (lambda number: str(number % 2 == 0).lower(), "boolean", True),
    (lambda number: "red" if number % 2 else "blue", "category", True),
    (lambda number: ("", "red", "blue")[number % 3], "category", False),
    (lambda number: ("1", "2", "A")[number % 3], "category", True),
    (lambda number: '"1,000"' if number % 2 else '"2,000"', "integer", True),
    (lambda number: '"1,00"' if number % 2 else '"2,000,0"', "category", True),
    (lambda number: ("2026-01-01", "2026-02-01")[number % 2], "datetime", True),
    (lambda number: f"word {'ab'[number % 2]} of number {number}", "text", True),
    (lambda number: "" if number == 3 else f"word {'ab'[number % 2]} of number {number}", "text", False),
]
"""Cells by row number, with the kind of their column and whether it is required."""


class TestKinds:
    @pytest.mark.parametrize(("value", "kind", "required"), COLUMNS)
    def test_the_kind_of_a_column_follows_from_its_values(
        self, tmp_path: Path, value: Callable[[int], str], kind: Kind, required: bool
    ) -> None:
        feature = feature_of(table_of(tmp_path, one_feature(value)), "x")

        assert (feature.kind, feature.required) == (kind, required)

    def test_a_table_can_have_each_kind(self) -> None:
        assert {kind for _, kind, _ in COLUMNS} == set(get_args(Kind))

    def test_numeric_looking_categories_stay_texts(self, tmp_path: Path) -> None:
        table = table_of(tmp_path, one_feature(lambda number: ("1", "2", "A")[number % 3]))

        assert feature_of(table, "x").categories == ("1", "2", "A")
        assert table.instance(0)["x"] == "1"

    @pytest.mark.parametrize("missing", ["", "NA", "NaN", "null", "N/A"])
    def test_the_usual_words_for_missing_are_missing(self, tmp_path: Path, missing: str) -> None:
        feature = feature_of(table_of(tmp_path, one_feature(lambda number: missing if number == 3 else "1.5")), "x")

        assert (feature.kind, feature.required) == ("number", False)

    def test_numbers_carry_their_range_and_a_value_from_the_table_as_example(self, tmp_path: Path) -> None:
        feature = feature_of(table_of(tmp_path, one_feature(lambda number: f"{number}.25")), "x")

        assert (feature.min, feature.max, feature.mean) == (0.25, 39.25, 19.75)
        assert feature.example in {19.25, 20.25}

    def test_the_example_of_an_integer_is_an_integer(self, tmp_path: Path) -> None:
        feature = feature_of(table_of(tmp_path, one_feature(lambda number: "" if number == 3 else str(number))), "x")

        assert type(feature.example) is int

    def test_the_example_of_a_category_is_its_most_frequent_value(self, tmp_path: Path) -> None:
        feature = feature_of(table_of(tmp_path, one_feature(lambda number: "a" if number % 4 else "b")), "x")

        assert feature.example == "a"

    def test_the_example_of_a_boolean_is_its_most_frequent_value(self, tmp_path: Path) -> None:
        feature = feature_of(table_of(tmp_path, one_feature(lambda number: str(number % 4 == 0))), "x")

        assert feature.example is False

    @pytest.mark.parametrize(
        ("value", "reason"),
        [
            (lambda _: "5", "it is always 5"),
            (lambda _: "same", "it is always same"),
            (lambda _: "", "it is empty"),
            (lambda number: "inf" if number == 3 else f"{number}.5", "it holds infinity"),
            (lambda number: "-inf" if number == 3 else f"{number}.5", "it holds infinity"),
        ],
    )
    def test_a_column_that_teaches_nothing_is_left_out_with_a_note(
        self, tmp_path: Path, value: Callable[[int], str], reason: str
    ) -> None:
        table = table_of(tmp_path, one_feature(value))

        assert feature_names(table) == ["n"]
        assert f"column x was left out: {reason}" in table.notes

    def test_a_column_with_one_value_or_none_is_kept(self, tmp_path: Path) -> None:
        assert feature_names(table_of(tmp_path, one_feature(lambda number: "5" if number % 2 else ""))) == ["x", "n"]

    def test_texts_of_which_most_rows_have_one_of_their_own_are_left_out_unless_they_are_wanted(
        self, tmp_path: Path
    ) -> None:
        text = one_feature(lambda number: f"name {number if number % 5 else 0}", count=150)

        assert feature_names(table_of(tmp_path, text)) == ["x", "n"], "x is trusted"
        table = table_of(tmp_path, text, validate={"trusted": ["n"]})
        assert feature_names(table) == ["n"]
        assert noted(table.notes, "column x was left out: it has another text in 120 of 150 rows: features.x.kind: cat")

    @pytest.mark.parametrize("count", [99, 100, 101, 255, 256, 1000, 5000])
    def test_any_number_of_texts_is_a_category(self, tmp_path: Path, count: int) -> None:
        text = one_feature(lambda number: f"name {number % count}", count=3 * count)

        table = table_of(tmp_path, text, validate={"trusted": ["n"]})

        assert len(feature_of(table, "x").categories) == count


class TestRareTexts:
    """Of 150 texts in 400 rows, those from 100 on have one row, and the first has most."""

    def text(self) -> str:
        cells = (
            [f"t{number:03}" for number in range(150)]
            + [f"t{number % 100:03}" for number in range(200)]
            + ["t007"] * 50
        )
        return one_feature(lambda number: cells[number], count=400)

    def test_they_share_a_code_behind_the_most_frequent_ones(self, tmp_path: Path) -> None:
        table = table_of(tmp_path, self.text())
        feature = feature_of(table, "x")

        assert feature.categories[:3] == ("t007", "t000", "t001")
        assert (len(feature.categories), feature.rare) == (100, tuple(f"t{number}" for number in range(100, 150)))
        assert table.rows[[7, 0, 100, 149], 0].tolist() == [0, 1, 100, 100]
        assert noted(
            table.notes, "column x has 150 different texts: the 50 that fewer than two training rows have", "'other'"
        )

    def test_the_name_of_all_of_them_is_never_the_example(self) -> None:
        feature = Feature(name="x", kind="category", categories=("a", "b"), rare=("c", "d"))

        assert described(feature, np.array([0.0, 1, 1, 2, 2, 2]), FeatureSection())["example"] == "b"
        assert described(feature, np.array([2.0]), FeatureSection())["example"] == "a"

    def test_rows_are_encoded_as_the_service_encodes_the_same_requests(self, tmp_path: Path) -> None:
        table = table_of(tmp_path, self.text())
        encoder = RowEncoder(table.contract)

        assert np.array_equal(encoder.encode([table.instance(index) for index in range(400)]), table.rows)
        rare, common, unseen = encoder.encode([{"x": text, "n": 1} for text in ("t149", "t007", "new")])[:, 0]
        assert (rare, common) == (100, 0)
        assert np.isnan(unseen)

    def test_they_are_those_of_the_training_rows(self, tmp_path: Path) -> None:
        path = tmp_path / "table.csv"
        path.write_text(self.text(), encoding="utf-8")
        spec = config_of(path).table
        clean = read_clean(spec)

        table = encode_table(clean, read_labels(clean, spec), spec, learned=np.arange(150, 400))

        feature = feature_of(table, "x")
        assert len(feature.categories) == 100
        assert feature.rare == tuple(f"t{number}" for number in range(100, 150))

    def test_the_name_that_they_share_is_not_a_value(self) -> None:
        feature = Feature(name="x", kind="category", categories=("other", "a"), rare=("other 2", "b"))

        assert feature.levels == ("other", "a", "other 3")
        assert [feature.codes[text] for text in ("other", "other 2", "b", "other 3")] == [0, 2, 2, 2]

    def test_prepared_files_give_the_same(self, tmp_path: Path) -> None:
        path = tmp_path / "table.csv"
        path.write_text(self.text(), encoding="utf-8")
        spec = config_of(path).table
        table, split = table_and_split(spec)
        prepare(spec, tmp_path / "prepared")

        again, places = table_and_split(spec, prepared=tmp_path / "prepared")

        assert again.contract == table.contract
        assert again.rows[places.train].tolist() == table.rows[split.train].tolist()

    def test_a_table_without_a_usable_column_is_refused_with_the_reasons(self, tmp_path: Path) -> None:
        text = lines("x,y", lambda number: f"5,{'ab'[number % 2]}")

        assert "no usable feature column: column " in refusal(tmp_path, text)
        assert "column x was left out: it is always 5" in refusal(tmp_path, text)

    @pytest.mark.parametrize(
        ("cell", "advice"),
        [
            (lambda number: f"letter{number}", "another text in each row: features.x.kind"),
        ],
        ids=["texts"],
    )
    def test_a_table_of_nothing_but_texts_says_what_to_do(
        self, tmp_path: Path, cell: Callable[[int], str], advice: str
    ) -> None:
        text = lines("x,y", lambda number: f"{cell(number)},{number * 1.5}", count=120)
        found = refusal(tmp_path, text, validate={})

        assert f"no usable feature column: column x was left out: it has {advice}" in found
        assert "task was guessed" not in found


class TestEncoding:
    def test_rows_are_encoded_as_the_service_encodes_the_same_requests(self, tmp_path: Path) -> None:
        table = table_of(tmp_path, mixed(), target="churned")

        as_requests = [table.instance(index) for index in range(len(table.rows))]

        assert np.array_equal(RowEncoder(table.contract).encode(as_requests), table.rows, equal_nan=True)

    def test_a_missing_value_is_left_out_of_the_request(self, tmp_path: Path) -> None:
        table = table_of(tmp_path, mixed(), target="churned")

        assert "visits" not in table.instance(1)

    def test_values_of_a_request_have_the_types_of_their_kinds(self, tmp_path: Path) -> None:
        table = table_of(tmp_path, mixed(), target="churned")

        types = {name: type(value) for name, value in table.instance(0).items()}

        assert types == {
            "age": int,
            "visits": int,
            "score": float,
            "member": bool,
            "consent": bool,
            "city": str,
            "plan": str,
        }


class TestUnknownValues:
    """What a text is that no row of the table has."""

    CITIES = one_feature(lambda number: ("Lyon", "Oslo")[number // 2 % 2])

    def test_it_is_a_missing_value_unless_it_must_be_refused(self, tmp_path: Path) -> None:
        answering = table_of(tmp_path, self.CITIES).contract
        strict = feature_of(table_of(tmp_path, self.CITIES, features={"x": {"unknown": "refuse"}}), "x")

        assert answering.features[0].takes_unknown
        assert np.isnan(RowEncoder(answering).encode([{"x": "Rome", "n": 1}])[0, 0])
        assert not strict.takes_unknown

    def test_only_a_category_can_have_one(self, tmp_path: Path) -> None:
        assert refusal(tmp_path, self.CITIES, features={"n": {"unknown": "refuse"}}) == (
            "features.n.unknown is only for a category: n is of kind integer"
        )
