"""The target: which task it is, what its classes are, and what becomes of rare ones."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from skylift.contract import Target
from skylift.errors import DataError
from tests.support.tables import config_of, lines, noted, refusal, table_of
from training.config.table import TargetSection
from training.data.split import split_rows
from training.data.table import Table
from training.data.target import positive_class

RATINGS = "whole numbers from 1 to 5; if a larger one means more, as of ratings and counts, set target.task: regression"

PLAIN = lines("x,y", lambda number: f"{number},{'ab'[number % 2]}")


class TestTask:
    @pytest.mark.parametrize(
        ("value", "guess"),
        [
            (lambda number: "ab"[number % 2], "classification, because y holds texts"),
            (lambda number: str(number % 2 == 0), "classification, because y holds true and false"),
            (lambda number: str(number % 2), "classification, because y has no numbers but 0 and 1"),
            (lambda number: str(1 + number % 5), f"classification, because y has 5 different {RATINGS}"),
            (lambda number: f"{1 + number % 5}.0", f"classification, because y has 5 different {RATINGS}"),
            (
                str,
                "regression, because y has 120 different numbers; if they are names of classes, set target.task: class",
            ),
            (lambda number: f"{number % 3}.5", "regression, because y has 3 different numbers"),
            (lambda number: f"{number / 7}", "regression, because y has 120 different numbers"),
            (
                lambda number: str(number % 6 if number < 115 else number // 5 + number % 5),
                "regression, because y has 11",
            ),
        ],
        ids=[
            "texts",
            "booleans",
            "two",
            "few integers",
            "few whole floats",
            "many integers",
            "few floats",
            "many floats",
            "counts",
        ],
    )
    def test_a_guess_says_why_and_names_the_key(self, tmp_path: Path, value: Callable[[int], str], guess: str) -> None:
        table = table_of(tmp_path, lines("x,y", lambda number: f"{number % 9},{value(number)}", count=120))

        assert table.contract.task == guess.partition(",")[0]
        (note,) = [note for note in table.notes if note.startswith("target.task was guessed: ")]
        assert note.removeprefix("target.task was guessed: ").startswith(guess)

    def test_the_task_is_as_configured(self, tmp_path: Path) -> None:
        text = lines("x,y", lambda number: f"{number},{number % 3}", count=120)

        table = table_of(tmp_path, text, target_keys={"task": "regression"})

        assert table.contract.task == "regression"
        assert not table.notes


class TestClasses:
    @pytest.mark.parametrize(
        ("values", "classes"),
        [
            (("no", "yes"), ("no", "yes")),
            (("b", "a"), ("a", "b")),
            (("True", "False"), (False, True)),
            (("10", "9"), (9, 10)),
            (("1.0", "0.0"), (0, 1)),
            (("1", "A"), ("1", "A")),
        ],
    )
    def test_classes_have_the_type_of_the_table_and_their_natural_order(
        self, tmp_path: Path, values: tuple[str, str], classes: tuple[object, object]
    ) -> None:
        found = table_of(
            tmp_path, lines("x,y", lambda number: f"{number},{values[number % 2]}")
        ).contract.target.classes

        assert found == classes
        assert [type(name) for name in found] == [type(name) for name in classes]

    def test_targets_are_codes_in_the_order_of_the_classes(self, tmp_path: Path) -> None:
        table = table_of(tmp_path, lines("x,y", lambda number: f"{number},{'ba'[number % 2]}"))

        assert table.targets.tolist()[:3] == [1, 0, 1]

    def test_many_classes_are_kept(self, tmp_path: Path) -> None:
        text = lines("x,y", lambda number: f"{number},c{number % 30:02}", count=120)

        assert len(table_of(tmp_path, text).contract.target.classes) == 30

    @pytest.mark.parametrize("labels", [{0: "no", 1: "yes"}, {"0": "no", "1": "yes"}])
    def test_classes_are_shown_by_their_labels_however_the_key_is_written(
        self, tmp_path: Path, labels: dict[object, str]
    ) -> None:
        text = lines("x,y", lambda number: f"{number},{number % 2}")

        table = table_of(tmp_path, text, target_keys={"labels": labels})

        assert table.contract.target.classes == ("no", "yes")

    def test_a_label_of_a_class_that_is_not_there_is_refused_with_the_nearest(self, tmp_path: Path) -> None:
        text = lines("x,y", lambda number: f"{number},{('Iris-setosa', 'Iris-virginica')[number % 2]}")

        found = refusal(tmp_path, text, target_keys={"labels": {"Iris-setossa": "setosa"}})

        assert "did you mean 'Iris-setosa'?" in found

    def test_two_classes_of_one_label_are_refused(self, tmp_path: Path) -> None:
        found = refusal(tmp_path, PLAIN, target_keys={"labels": {"a": "same", "b": "same"}})

        assert "target.labels" in found

    def test_one_class_is_refused(self, tmp_path: Path) -> None:
        text = lines("x,y", lambda number: f"{number},a")

        assert "target y is always a: there is nothing to learn" in refusal(tmp_path, text)

    @pytest.mark.parametrize(
        ("cell", "said"),
        [
            (lambda row: "EUR" if not row else f"{row * 7 % 40}.5", "holds 'EUR' in row 1, most others numbers"),
            (lambda row: f"2024-{1 + row // 28:02}-{1 + row % 28:02}", "holds dates, which are neither classes nor"),
        ],
        ids=["units", "dates"],
    )
    def test_what_is_rather_numbers_or_dates_is_not_taken_for_classes(
        self, tmp_path: Path, cell: Callable[[int], str], said: str
    ) -> None:
        assert said in refusal(tmp_path, lines("x,y", lambda row: f"{row * 5 % 7},{cell(row)}", count=60))

    def test_more_than_a_hundred_classes_are_refused(self, tmp_path: Path) -> None:
        text = lines("x,y", lambda number: f"{number},c{number % 101}", count=202)

        assert "target y has 101 classes" in refusal(tmp_path, text)


class TestValues:
    def test_a_regression_keeps_the_values_and_the_unit(self, tmp_path: Path) -> None:
        text = lines("x,y", lambda number: f"{number},{number}.5")

        table = table_of(tmp_path, text, target_keys={"unit": "EUR"})

        assert table.targets.tolist()[:2] == [0.5, 1.5]
        assert (table.contract.target.unit, table.contract.target.classes) == ("EUR", ())

    @pytest.mark.parametrize("bad", ["inf", "many"])
    def test_a_value_that_is_not_a_finite_number_is_refused_with_its_row(self, tmp_path: Path, bad: str) -> None:
        text = lines("x,y", lambda number: f"{number},{bad if number == 4 else number / 7}")

        found = refusal(tmp_path, text, target_keys={"task": "regression"})

        assert "target y is not a finite number in row 5" in found

    def test_a_target_that_never_changes_is_refused(self, tmp_path: Path) -> None:
        assert "always 2.5" in refusal(tmp_path, lines("x,y", lambda number: f"{number},2.5"))


class TestOneTypeOfClasses:
    def classes(self, folder: Path, values: tuple[str, ...], **sections: object) -> tuple[object, ...]:
        text = lines("n,y", lambda number: f"{number},{values[number % len(values)]}")
        table = table_of(folder, text, target_keys={"task": "classification"} | sections)
        assert table.targets[: len(values)].tolist() == [sorted(values, key=float).index(value) for value in values]
        return table.contract.target.classes

    def test_numbers_of_which_some_are_not_whole_are_texts_in_numeric_order(self, tmp_path: Path) -> None:
        assert self.classes(tmp_path, ("2", "0.5", "10", "1.5")) == ("0.5", "1.5", "2", "10")

    def test_whole_numbers_stay_integers(self, tmp_path: Path) -> None:
        assert self.classes(tmp_path, ("10", "2.0")) == (2, 10)

    def test_integers_that_a_double_cannot_hold_are_texts(self, tmp_path: Path) -> None:
        assert self.classes(tmp_path, ("9007199254740993", "1")) == ("1", "9007199254740993")

    def test_labels_of_several_types_become_texts(self, tmp_path: Path) -> None:
        assert self.classes(tmp_path, ("1", "2"), labels={1: "one"}) == ("one", "2")


class TestRareClasses:
    TEXT = lines(
        "x,y", lambda number: f"{number % 17},{'cdef'[number % 4] if number % 10 == 0 else 'ab'[number % 2]}", count=100
    )

    def table(self, folder: Path, text: str = TEXT, **rare: Any) -> Table:
        return table_of(folder, text, target_keys={"rare": rare})

    def test_they_can_become_one(self, tmp_path: Path) -> None:
        target = self.table(tmp_path, below=20, into="other").contract.target

        assert target.classes == ("a", "b", "other")
        assert (target.rest, target.merged) == ("other", ("c", "e"))

    def test_a_note_names_them_and_counts_their_rows(self, tmp_path: Path) -> None:
        notes = self.table(tmp_path, below=20, into="other").notes

        assert noted(notes, "10 rows of classes of y with fewer than 20 rows (c, e) are the class other by target.rare")

    def test_their_rows_can_be_left_out(self, tmp_path: Path) -> None:
        table = self.table(tmp_path, below=20)

        assert table.contract.target.classes == ("a", "b")
        assert len(table.rows) == 90
        assert noted(table.notes, "10 rows of classes of y", "(c, e) were left out by target.rare")

    def test_they_can_become_a_class_that_is_there(self, tmp_path: Path) -> None:
        target = self.table(tmp_path, below=20, into="b").contract.target

        assert (target.classes, target.rest, target.merged) == (("a", "b"), "b", ("c", "e"))

    def test_without_rare_classes_nothing_changes(self, tmp_path: Path) -> None:
        target = self.table(tmp_path, below=2, into="other").contract.target

        assert (target.classes, target.rest, target.merged) == (("a", "b", "c", "e"), None, None)

    def test_numbers_beside_a_name_are_texts(self, tmp_path: Path) -> None:
        text = lines("x,y", lambda number: f"{number % 17},{number if number % 10 == 0 else number % 2}", count=100)

        target = self.table(tmp_path, text, below=11, into="other").contract.target

        assert target.classes == ("0", "1", "other")
        assert target.merged is not None
        assert target.merged[:2] == ("10", "20")

    def test_the_one_class_can_have_a_label(self, tmp_path: Path) -> None:
        keys = {"rare": {"below": 20, "into": "other"}, "labels": {"other": "something else"}}

        target = table_of(tmp_path, self.TEXT, target_keys=keys).contract.target

        assert (target.classes[2], target.rest) == ("something else", "something else")

    def test_classes_of_one_row_become_one_too(self, tmp_path: Path) -> None:
        text = lines(
            "x,y", lambda number: f"{number % 17},{f'c{number}' if number % 20 == 0 else 'ab'[number % 2]}", count=100
        )

        assert self.table(tmp_path, text, below=5, into="other").contract.target.classes == ("a", "b", "other")

    def test_they_are_of_a_classification_however_the_target_looks(self, tmp_path: Path) -> None:
        text = lines("x,y", lambda number: f"{number % 17},{number % 25}", count=100)

        assert table_of(tmp_path, text).contract.task == "regression"
        assert self.table(tmp_path, text, below=2).contract.task == "classification"

    def test_a_regression_has_none(self) -> None:
        with pytest.raises(ValidationError, match="rare is of classes, but the task is regression"):
            config_of(Path("table.csv"), target_keys={"task": "regression", "rare": {"below": 3}})

    @pytest.mark.parametrize(
        ("classes", "rows"), [(101, 202), (60, 61)], ids=["more than are learned", "of single rows"]
    )
    def test_the_error_of_too_many_names_the_key_and_the_key_helps(
        self, tmp_path: Path, classes: int, rows: int
    ) -> None:
        text = lines("x,y", lambda number: f"{number % 17},c{number % classes}", count=rows)
        text += lines("", lambda number: f"{number},often", count=40).lstrip()

        assert "target.rare: {below: " in refusal(tmp_path, text)
        assert self.table(tmp_path, text, below=20, into="other").contract.target.classes == ("often", "other")


def test_the_error_of_classes_that_cannot_be_split_names_the_key(tmp_path: Path) -> None:
    text = lines("x,y", lambda number: f"{number % 7},{'c' if number in (3, 9) else 'ab'[number % 2]}", count=40)
    table = table_of(tmp_path, text)

    with pytest.raises(DataError) as caught:
        split_rows(table, holdout=0.5, seed=0)

    assert "target.rare: {below: 10, into: other}" in str(caught.value)


class TestThePositiveClass:
    def table(self, folder: Path, positive: object, text: str = PLAIN) -> Table:
        return table_of(folder, text, target_keys={"positive": positive})

    def test_it_is_the_second_whatever_the_alphabet_says(self, tmp_path: Path) -> None:
        named, usual = self.table(tmp_path, "a"), table_of(tmp_path, PLAIN)

        assert (named.contract.target.classes, usual.contract.target.classes) == (("b", "a"), ("a", "b"))
        assert named.targets.tolist() == (1 - usual.targets).tolist()

    def test_naming_the_second_changes_nothing(self, tmp_path: Path) -> None:
        assert self.table(tmp_path, "b").contract == table_of(tmp_path, PLAIN).contract

    @pytest.mark.parametrize(
        ("value", "positive", "classes"),
        [("01", 0, (1, 0)), ("01", "0", (1, 0)), (("true", "false"), False, (True, False))],
        ids=["a number", "a number as a text", "false"],
    )
    def test_it_may_be_a_number_or_a_boolean(
        self, tmp_path: Path, value: Any, positive: object, classes: tuple[object, ...]
    ) -> None:
        text = lines("x,y", lambda number: f"{number},{value[number % 2]}")

        assert self.table(tmp_path, positive, text).contract.target.classes == classes

    def test_it_is_shown_by_its_label(self, tmp_path: Path) -> None:
        table = table_of(tmp_path, PLAIN, target_keys={"positive": "a", "labels": {"a": "alarm"}})

        assert table.contract.target.classes == ("b", "alarm")

    def test_which_of_two_texts_it_is_is_said_unless_somebody_named_it(self) -> None:
        texts, numbers = Target(name="y", classes=("ja", "nein")), Target(name="y", classes=(0, 1))
        many = Target(name="y", classes=("a", "b", "c"))
        labelled = TargetSection(column="y", labels={"j": "ja"})
        plain = TargetSection(column="y")

        (said,) = positive_class(texts, plain)
        assert said == (
            "precision, recall and f1 are about nein, the second of the classes; "
            "target.positive: ja makes ja the second"
        )
        assert "target.positive: j makes ja the second" in positive_class(texts, labelled)[0]
        assert positive_class(texts, TargetSection(column="y", positive="nein")) == []
        assert [positive_class(target, plain) for target in (numbers, many)] == [[], []]

    def test_one_that_the_table_does_not_have_is_refused(self, tmp_path: Path) -> None:
        assert "target.positive" in refusal(tmp_path, PLAIN, target_keys={"positive": "c"})

    def test_of_three_classes_none_is_positive(self, tmp_path: Path) -> None:
        text = lines("x,y", lambda number: f"{number},{'abc'[number % 3]}")

        said = refusal(tmp_path, text, target_keys={"positive": "a"})

        assert said.startswith("target.positive is one of two classes, and y has 3")

    def test_a_regression_has_none(self, tmp_path: Path) -> None:
        with pytest.raises(ValidationError, match="positive is a class, but the task is regression"):
            config_of(tmp_path / "t.csv", target_keys={"positive": "a", "task": "regression"})
