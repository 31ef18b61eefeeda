"""What is in each column, and its association with the target."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from skylift.references import sha256
from tests.support.models import iris_config
from tests.support.tables import lines, mixed, public_table, table_of
from tests.support.wide import wide_table
from training.data.encoded import read_table
from training.data.profile import ColumnProfile, Profile, profile


def described(folder: Path, text: str, *, target: str = "y", **sections: Any) -> dict[str, ColumnProfile]:
    found = profile(table_of(folder, text, target=target, **sections))
    return {column.name: column for column in (*found.columns, found.target)}


def test_a_number_is_described_by_its_distribution(tmp_path: Path) -> None:
    column = described(tmp_path, lines("x,y", lambda number: f"{number}.5,{'ab'[number % 2]}", count=101))["x"]

    assert (column.kind, column.missing, column.distinct) == ("number", 0, 101)
    assert (column.min, column.mean, column.max) == (0.5, 50.5, 100.5)
    assert column.quantiles == {"0.05": 5.5, "0.25": 25.5, "0.5": 50.5, "0.75": 75.5, "0.95": 95.5}
    assert column.std == pytest.approx(np.arange(101).std())
    assert column.top == ()


def test_a_category_is_described_by_its_most_frequent_values(tmp_path: Path) -> None:
    column = described(tmp_path, lines("x,y", lambda number: f"{'rrrrggb'[number % 7]},{'ab'[number % 2]}", count=70))[
        "x"
    ]

    assert [(value.value, value.rows) for value in column.top] == [("r", 40), ("g", 20), ("b", 10)]
    assert (column.distinct, column.min, column.quantiles) == (3, None, {})


def test_booleans_are_named_as_in_requests(tmp_path: Path) -> None:
    column = described(tmp_path, lines("x,y", lambda number: f"{number % 4 == 0},{'ab'[number % 2]}"))["x"]

    assert [value.value for value in column.top] == ["false", "true"]


def test_missing_values_are_counted_and_else_left_out(tmp_path: Path) -> None:
    columns = described(tmp_path, mixed(), target="churned")

    assert columns["visits"].missing == 9
    assert columns["visits"].max == 4
    assert sum(value.rows for value in columns["city"].top) == 80 - columns["city"].missing


def test_the_target_is_described_too(tmp_path: Path) -> None:
    classes = described(tmp_path, mixed(), target="churned")["churned"]
    values = described(tmp_path, public_table("diabetes"), target="target")["target"]

    assert (classes.kind, classes.distinct, classes.correlation) == ("category", 2, None)
    assert (values.kind, values.min, values.max) == ("number", 25, 346)


class TestCorrelation:
    def test_two_numbers_have_pearsons(self, tmp_path: Path) -> None:
        table = table_of(tmp_path, public_table("diabetes"), target="target")

        columns = profile(table).columns

        assert {column.measure for column in columns} == {"pearson"}
        assert columns[2].correlation == pytest.approx(np.corrcoef(table.rows[:, 2], table.targets)[0, 1])

    def test_a_number_and_classes_have_the_correlation_ratio(self, tmp_path: Path) -> None:
        """For two classes it is the size of Pearson's correlation with 0 and 1."""
        table = table_of(tmp_path, public_table("breast_cancer"), target="target")

        column = profile(table).columns[0]

        plain = np.corrcoef(table.rows[:, 0], table.targets)[0, 1] ** 2
        rows = len(table.rows)
        assert column.measure == "correlation ratio"
        assert column.correlation == pytest.approx(np.sqrt(1 - (1 - plain) * (rows - 1) / (rows - 2)))

    def test_a_category_and_classes_have_cramers_v(self, tmp_path: Path) -> None:
        """For two categories of two it is the size of Pearson's correlation of their codes."""
        table = table_of(tmp_path, mixed(), target="churned")
        column = profile(table).columns[6]

        assert (column.name, column.measure) == ("plan", "cramers v")
        plain, others = np.corrcoef(table.rows[:, 6], table.targets)[0, 1] ** 2, len(table.rows) - 1
        assert column.correlation == pytest.approx(np.sqrt(max(plain - 1 / others, 0) / (1 - 1 / others)))

    @pytest.mark.parametrize("target", ["class", "value"])
    @pytest.mark.parametrize("categories", [5, 50, 90])
    def test_a_category_that_tells_nothing_has_about_none_however_many_there_are(
        self, tmp_path: Path, target: str, categories: int
    ) -> None:
        generator = np.random.default_rng(categories)
        codes, values = generator.integers(categories, size=300), generator.normal(size=300).round(4)
        text = lines(
            "c,n,y",
            lambda row: f"c{codes[row]},{row % 7},{values[row] if target == 'value' else 'ab'[int(values[row] > 0)]}",
            count=300,
        )

        column = described(tmp_path, text)["c"]

        assert column.correlation is not None
        assert column.correlation < 0.25

    @pytest.mark.parametrize("target", ["class", "value"])
    def test_one_that_is_another_in_each_row_has_none(self, tmp_path: Path, target: str) -> None:
        text = lines(
            "c,n,y", lambda row: f"text {row},{row % 7},{row * row % 13 / 4 if target == 'value' else 'ab'[row % 2]}"
        )

        assert described(tmp_path, text, validate={"trusted": ["c"]})["c"].correlation is None

    def test_a_category_and_a_value_have_the_correlation_ratio(self, tmp_path: Path) -> None:
        text = lines("x,n,y", lambda number: f"{'ab'[number % 2]},{number % 7},{number % 2 + number / 1000}", count=200)

        column = described(tmp_path, text)["x"]

        assert column.measure == "correlation ratio"
        assert column.correlation == pytest.approx(1, abs=0.01)

    @pytest.mark.parametrize("target", ["ab", "01"])
    def test_what_knows_the_target_has_one_and_what_does_not_has_none(self, tmp_path: Path, target: str) -> None:
        def row(number: int) -> str:
            return f"{number % 2},{'pq'[number % 2]},{number // 2 % 2},{'rs'[number // 2 % 2]},{target[number % 2]}"

        columns = described(tmp_path, lines("a,b,c,d,y", row))

        assert [columns[name].correlation for name in "abcd"] == pytest.approx([1, 1, 0, 0], abs=1e-9)

    def test_a_single_known_value_has_none(self, tmp_path: Path) -> None:
        text = lines("x,n,y", lambda number: f"{'2.5' if number == 7 else ''},{number % 7},{'ab'[number % 2]}")

        column = described(tmp_path, text)["x"]

        assert (column.correlation, column.measure, column.distinct) == (None, None, 1)


def test_columns_that_were_left_out_are_in_the_notes(tmp_path: Path) -> None:
    found = profile(table_of(tmp_path, lines("x,n,y", lambda number: f"5,{number % 7},{'ab'[number % 2]}")))

    assert [column.name for column in found.columns] == ["n"]
    assert "column x was left out: it is always 5" in found.notes


def test_the_document_survives_json() -> None:
    found = profile(read_table(iris_config().table))

    assert Profile.model_validate_json(found.to_bytes()) == found
    assert (found.rows, found.task) == (150, "classification")
    assert found.data_sha256 == sha256(iris_config().data.path.read_bytes())  # type: ignore[union-attr]


def test_a_feature_of_several_columns_is_described_by_its_lead() -> None:
    day, city, rooms = profile(wide_table()).columns

    assert (day.kind, day.missing, day.distinct, day.max) == ("datetime", 1, 99, 990.0)
    assert ([one.value for one in city.top], rooms.max) == (["Bonn", "Ulm"], 4.0)
