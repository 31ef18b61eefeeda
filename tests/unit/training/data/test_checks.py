"""What is suspicious about a table, found without a package of its own, and noted by every training."""

import dataclasses
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from skylift.errors import DataError
from tests.support.tables import feature_names, learned, lines, public_table, refusal, table_of
from tests.support.wide import wide_table
from training.config.table import ValidateSection
from training.data.checks import Finding, classes, duplicates, leakage, overlap
from training.data.split import split_rows
from training.data.table import Split

DEFAULTS = ValidateSection()
NOISE = np.random.default_rng(0).random(1000).round(4)


def suspects(folder: Path, cell: Callable[[int], object], target: Callable[[int], object], **options: Any) -> list[str]:
    """What is said of a column `x` beside a sound one, with these targets."""
    count = options.pop("count", 60)
    noise = [NOISE[(number + number // 1000) % 1000] for number in range(count)]  # no row repeats another
    text = lines("x,n,y", lambda number: f"{cell(number)},{noise[number]},{target(number)}", count=count)
    table = table_of(folder, text, **options)
    return [f"{finding.status} {finding.column} {finding.message}" for finding in leakage(table)]


def left_out(folder: Path, name: str, cell: Callable[[int], object], **sections: Any) -> list[str]:
    """Whether a column is left out beside a sound one, with a note that says how to keep it."""
    text = lines(f"{name},z,y", lambda number: f"{cell(number)},{NOISE[number]},{ab(number)}", count=60)
    table = table_of(folder, text, **{"validate": {}} | sections)
    gone = [one for one in (name, "z") if one not in feature_names(table)]
    told = [one for one in gone if any(f"{one} was left out" in note and "trusted" in note for note in table.notes)]
    assert told == gone
    return gone


def ab(number: int) -> str:
    return "ab"[number * 7 % 11 % 2]


class TestIdentifiers:
    @pytest.mark.parametrize(
        "cell",
        [lambda number: number + 1, lambda number: 1000 - number, lambda number: number * 3, lambda number: number**2],
        ids=["counting", "counting down", "in steps", "in growing steps"],
    )
    def test_an_integer_that_only_grows_is_left_out(self, tmp_path: Path, cell: Callable[[int], int]) -> None:
        assert left_out(tmp_path, "x", cell) == ["x"]

    def test_one_that_numbers_the_rows_in_another_order_is_left_out(self, tmp_path: Path) -> None:
        assert left_out(tmp_path, "x", lambda number: number * 7 % 60 if number else 0) == ["x"]

    @pytest.mark.parametrize("name", ["id", "customer_id", "customerId", "CustomerID", "UUID"])
    def test_one_with_the_name_of_an_identifier_needs_no_order(self, tmp_path: Path, name: str) -> None:
        assert left_out(tmp_path, name, lambda number: number * 7919 % 100_003) == [name]

    def test_texts_of_which_each_row_has_its_own_are_left_out(self, tmp_path: Path) -> None:
        assert left_out(tmp_path, "x", lambda number: f"k{number * 7 % 60}") == ["x"]

    @pytest.mark.parametrize("name", ["paid", "grid", "humid", "index_of_refraction"])
    def test_a_name_that_only_ends_like_one_is_not_a_reason(self, tmp_path: Path, name: str) -> None:
        assert not left_out(tmp_path, name, lambda number: number * 7919 % 100_003)

    def test_measurements_are_not_identifiers(self, tmp_path: Path) -> None:
        assert not left_out(tmp_path, "x", lambda number: NOISE[-number])

    @pytest.mark.parametrize(
        "sections", [{"validate": {"trusted": ["x"]}}, {"features": {"x": {"kind": "integer"}}}], ids=["trust", "kind"]
    )
    def test_one_that_the_user_asks_for_is_kept(self, tmp_path: Path, sections: dict[str, Any]) -> None:
        assert not left_out(tmp_path, "x", lambda number: number, **sections)

    def test_a_table_of_nothing_else_is_refused(self, tmp_path: Path) -> None:
        text = lines("id,y", lambda number: f"{number},{ab(number)}", count=60)

        assert "no usable feature column: column " in refusal(tmp_path, text)


class TestSums:
    def text(self, but: int) -> str:
        """A target that is the sum of two columns in each row but one."""

        def row(number: int) -> str:
            a, b = number * 7 % 31, number * 11 % 17
            return f"{a},{b},{NOISE[number]},{a + b + (number == but)}"

        return lines("a,b,z,y", row, count=60)

    def test_two_columns_that_add_up_to_the_target_are_questioned(self, tmp_path: Path) -> None:
        text = self.text(60)

        (found,) = leakage(table_of(tmp_path, text, target_keys={"task": "regression"}))

        assert (found.status, found.column) == ("warning", "a, b")
        assert found.message.startswith("add up to y: it is the sum of them in every row")

    def test_one_row_to_the_contrary_clears_them(self, tmp_path: Path) -> None:
        text = self.text(9)

        assert not leakage(table_of(tmp_path, text, target_keys={"task": "regression"}))


class TestKnowingTheTarget:
    @pytest.mark.parametrize(
        "cell",
        [
            lambda number: {"a": "x", "b": "y"}[ab(number)],
            lambda number: ab(number) == "a",
            lambda number: int(ab(number) == "b"),
        ],
        ids=["texts", "booleans", "integers"],
    )
    def test_a_column_with_the_classes_under_other_names_fails(
        self, tmp_path: Path, cell: Callable[[int], object]
    ) -> None:
        assert suspects(tmp_path, cell, ab) == [
            "failed x is y under other names; name it in data.drop, or in validate.trusted"
        ]

    def test_a_category_that_determines_the_class_fails(self, tmp_path: Path) -> None:
        (found,) = suspects(tmp_path, lambda number: f"{ab(number)}{number % 3}", ab)

        assert found.startswith("failed x determines y: each of its 6 values goes with one")

    def test_a_column_that_is_missing_for_one_class_only_fails(self, tmp_path: Path) -> None:
        """A day of cancellation, say, which only those have who cancelled."""
        (found,) = suspects(tmp_path, lambda number: "soon" if ab(number) == "a" else "", ab)

        assert found == "failed x is y under other names; name it in data.drop, or in validate.trusted"

    def test_a_number_that_separates_the_classes_is_warned_of(self, tmp_path: Path) -> None:
        (found,) = suspects(tmp_path, lambda number: NOISE[number] + 2 * (ab(number) == "a"), ab)

        assert found.startswith("warning x separates the classes of y without exception")

    def test_one_row_to_the_contrary_clears(self, tmp_path: Path) -> None:
        names, swapped = {"a": "x", "b": "y"}, {"a": "y", "b": "x"}

        assert not suspects(tmp_path, lambda number: (swapped if number == 30 else names)[ab(number)], ab)

    def test_a_column_equal_to_the_value_fails(self, tmp_path: Path) -> None:
        assert suspects(tmp_path, lambda number: NOISE[-number], lambda number: NOISE[-number]) == [
            "failed x is y; name it in data.drop, or in validate.trusted"
        ]

    @pytest.mark.parametrize(
        "change", [lambda value: 3 * value + 1, lambda value: -value, np.exp, lambda value: value**3]
    )
    def test_a_column_that_is_the_value_on_another_scale_fails(
        self, tmp_path: Path, change: Callable[[float], float]
    ) -> None:
        (found,) = suspects(tmp_path, lambda number: change(float(NOISE[-number])), lambda number: NOISE[-number])

        assert found == "failed x orders the rows exactly as y; name it in data.drop, or in validate.trusted"

    def test_a_strong_predictor_is_not_a_leak(self, tmp_path: Path) -> None:
        assert not suspects(
            tmp_path, lambda number: NOISE[-number] + NOISE[number] ** 2 / 9, lambda number: NOISE[-number]
        )

    @pytest.mark.parametrize("task", ["classification", "regression"])
    def test_a_category_of_thousands_of_values_that_each_go_with_one_target_fails(
        self, tmp_path: Path, task: str
    ) -> None:
        found = suspects(
            tmp_path,
            lambda number: f"shop {number % 3000}" if number < 9000 else f"once {number}",
            lambda number: number % 3000 * 7 % (2 if task == "classification" else 997),
            count=9_500,
            target_keys={"task": task},
        )

        (said,) = found
        assert said.startswith("failed x determines y: each of its 3,000 values goes with one; name it in data.drop, ")
        assert said.endswith("or in split.group if rows of one x belong together")

    @pytest.mark.parametrize(
        ("cell", "target"),
        [
            (lambda number: f"shop {number % 500}", lambda number: "ab"[number % 500 % 2 if number else 1]),
            (lambda number: f"shop {number // 2}", lambda number: "b" if number < 2 else "a"),
        ],
        ids=["one row to the contrary", "as it would be by chance, where one class is rare"],
    )
    def test_one_of_many_values_that_may_not_know_is_not_accused(
        self, tmp_path: Path, cell: Callable[[int], str], target: Callable[[int], str]
    ) -> None:
        assert not suspects(tmp_path, cell, target, count=2000)

    def test_nor_one_whose_rows_only_repeat(self, tmp_path: Path) -> None:
        text = lines("x,n,y", lambda number: f"shop {number // 2},{number // 2 % 97}.5,{ab(number // 2)}", count=1000)

        assert not leakage(table_of(tmp_path, text))

    @pytest.mark.parametrize("name", ["wine", "breast_cancer", "diabetes", "iris"])
    def test_honest_public_tables_are_not_accused(self, tmp_path: Path, name: str) -> None:
        assert not leakage(table_of(tmp_path, public_table(name), target="target"))

    def test_a_large_table_is_looked_at_as_a_whole_before_it_is_accused(self, tmp_path: Path) -> None:
        """The glance takes each third row of these, and misses the one to the contrary."""

        def row(number: int) -> str:
            return f"{'y' if number == 10_000 else 'xy'[number % 2]},{number % 97}.5,{'ab'[number % 2]}"

        assert not leakage(table_of(tmp_path, lines("x,n,y", row, count=30_001)))


class TestDuplicates:
    def text(self, row: Callable[[int], str]) -> str:
        return lines("x,c,y", lambda number: row(0) if number == 30 else row(number))

    def test_a_row_that_repeats_another_is_warned_of_with_its_place(self, tmp_path: Path) -> None:
        table = table_of(
            tmp_path, self.text(lambda number: f"{NOISE[number]},{'' if number < 3 else 'red'},{ab(number)}")
        )

        assert duplicates(table, DEFAULTS) == [
            Finding(
                check="duplicates",
                status="warning",
                message="1 row is the same as another, target included",
                count=1,
                rows=(30,),
            )
        ]

    def test_more_than_the_user_allows_fail(self, tmp_path: Path) -> None:
        table = table_of(tmp_path, self.text(lambda number: f"{NOISE[number]},red{number % 2},{ab(number)}"))

        assert [finding.status for finding in duplicates(table, ValidateSection(max_duplicates=0.01))] == ["failed"]
        assert not duplicates(table, ValidateSection(max_duplicates=0.05))

    def test_a_row_with_the_same_features_and_another_class_is_warned_of(self, tmp_path: Path) -> None:
        text = lines(
            "x,y", lambda number: "0.5,b" if number == 30 else "0.5,a" if number == 0 else f"{number},{ab(number)}"
        )

        (found,) = duplicates(table_of(tmp_path, text), DEFAULTS)

        assert (found.message, found.rows) == ("1 row is the same as another but for y", (30,))

    def test_test_rows_that_are_training_rows_are_warned_of(self, tmp_path: Path) -> None:
        table = table_of(tmp_path, self.text(lambda number: f"{NOISE[number]},red{number % 2},{ab(number)}"))

        (found,) = overlap(table, Split(np.arange(30), np.arange(30, 40)), DEFAULTS)

        assert found.message == "1 of 10 test rows (10.0%) are training rows as well"
        assert found.rows == (30,)

    def test_more_test_rows_than_the_user_allows_fail(self, tmp_path: Path) -> None:
        table = table_of(tmp_path, self.text(lambda number: f"{NOISE[number]},red{number % 2},{ab(number)}"))
        split = Split(np.arange(30), np.arange(30, 40))

        assert [found.status for found in overlap(table, split, ValidateSection(max_overlap=0.05))] == ["failed"]
        assert not overlap(table, split, ValidateSection(max_overlap=0.2))

    def test_a_table_of_different_rows_has_no_overlap(self, tmp_path: Path) -> None:
        table = table_of(tmp_path, lines("x,y", lambda number: f"{NOISE[number]},{ab(number)}"))

        assert not overlap(table, split_rows(table, holdout=0.2, seed=0), DEFAULTS)
        assert not duplicates(table, DEFAULTS)


class TestClasses:
    def found(self, folder: Path, rare: int, **bounds: Any) -> list[tuple[str, str]]:
        text = lines(
            "x,y", lambda number: f"{NOISE[number]},{'rare' if number < rare else 'ab'[number % 2]}", count=200
        )
        return [(item.check, item.status) for item in classes(table_of(folder, text), ValidateSection(**bounds))]

    def test_too_few_rows_fail_a_written_bound_and_are_else_warned_of(self, tmp_path: Path) -> None:
        assert self.found(tmp_path, 4) == [("rows per class", "warning")]
        assert self.found(tmp_path, 4, min_rows_per_class=5) == [("rows per class", "failed")]

    def test_how_many_are_needed_can_be_set(self, tmp_path: Path) -> None:
        assert self.found(tmp_path, 4, min_rows_per_class=4, min_class_share=0) == []

    def test_a_rare_class_is_warned_of(self, tmp_path: Path) -> None:
        assert self.found(tmp_path, 8) == [("class balance", "warning")]

    @pytest.mark.parametrize(("rare", "usual", "named"), [("fraud", "ok", True), ("yes", "no", False)])
    def test_a_rare_class_that_is_the_first_is_to_be_named_as_positive(
        self, tmp_path: Path, rare: str, usual: str, named: bool
    ) -> None:
        text = lines("x,y", lambda number: f"{NOISE[number]},{rare if number < 8 else usual}", count=200)

        (found,) = classes(table_of(tmp_path, text), DEFAULTS)

        assert (f"average_precision with target.positive: {rare}" in found.message) is named

    def test_a_class_rarer_than_the_user_allows_fails(self, tmp_path: Path) -> None:
        assert self.found(tmp_path, 8, min_class_share=0.1) == [("class balance", "failed")]

    @pytest.mark.parametrize("count", [3, 40])
    def test_even_classes_pass_however_many_there_are(self, tmp_path: Path, count: int) -> None:
        text = lines("x,y", lambda number: f"{NOISE[number]},c{number % count}", count=200)

        assert classes(table_of(tmp_path, text), DEFAULTS) == []

    def test_many_rare_classes_are_told_together(self, tmp_path: Path) -> None:
        text = lines("x,y", lambda number: f"{NOISE[number]},c{number // 2 if number < 16 else 99}", count=200)

        (found,) = classes(table_of(tmp_path, text), DEFAULTS)

        assert found.message.startswith("is c0 in 2 rows, fewer than 5")
        assert found.message.endswith(" (7 more classes)")


def test_training_refuses_what_validation_fails(tmp_path: Path) -> None:
    text = lines("z,copy,y", lambda number: f"{NOISE[number]},{ab(number) * 2},{ab(number)}")

    with pytest.raises(DataError, match=r"the table failed validation: column copy is y under other names"):
        learned(tmp_path, text)


def test_training_uses_what_the_user_trusts(tmp_path: Path) -> None:
    text = lines("z,copy,y", lambda number: f"{NOISE[number]},{ab(number) * 2},{ab(number)}")

    assert feature_names(learned(tmp_path, text, validate={"trusted": ["copy"]}).table) == ["z", "copy"]


def test_training_notes_what_is_only_worth_a_look(tmp_path: Path) -> None:
    text = lines("z,half,y", lambda number: f"{NOISE[number]},{NOISE[number] + 2 * (ab(number) == 'a')},{ab(number)}")

    assert any(note.startswith("column half separates the classes") for note in learned(tmp_path, text).notes)


def test_a_feature_of_several_columns_is_suspected_by_its_lead() -> None:
    table = wide_table()
    known = dataclasses.replace(table, targets=np.nan_to_num(table.rows[:, 0], nan=-1.0))

    (finding,) = leakage(known)

    assert (finding.column, finding.status) == ("day", "failed")
