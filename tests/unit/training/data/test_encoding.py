"""Columns become features and a target: kinds, ranges, examples, codes and classes; others are left out or refused."""

from collections.abc import Callable
from pathlib import Path
from typing import get_args

import numpy as np
import pytest

from skylift.feature import Kind
from skylift.scoring import encode
from tests.support.tables import feature_names, feature_of, lines, mixed, noted, one_feature, refusal, table_of

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
    (lambda number: ("2026-01-01", "2026-02-01")[number % 2], "category", True),
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

    def test_more_than_a_hundred_texts_are_not_a_category(self, tmp_path: Path) -> None:
        table = table_of(tmp_path, one_feature(lambda number: f"name {number}", count=101))

        assert feature_names(table) == ["n"]
        assert noted(table.notes, "column x was left out: it has 101 different texts, more than 100")

    def test_a_hundred_texts_are_a_category(self, tmp_path: Path) -> None:
        table = table_of(tmp_path, one_feature(lambda number: f"name {number}", count=100))

        assert len(feature_of(table, "x").categories) == 100

    def test_a_table_without_a_usable_column_is_refused_with_the_reasons(self, tmp_path: Path) -> None:
        text = lines("x,y", lambda number: f"5,{'ab'[number % 2]}")

        assert "no usable feature column: column " in refusal(tmp_path, text)
        assert "column x was left out: it is always 5" in refusal(tmp_path, text)

    @pytest.mark.parametrize(
        ("cell", "advice"),
        [
            (lambda number: f"{1900 + number}-03-{1 + number % 28:02}", "120 different dates: add columns of its year"),
            (lambda number: f"a letter of {number} words", "120 different texts, more than 100: features.x.kind"),
        ],
        ids=["dates", "texts"],
    )
    def test_a_table_of_nothing_but_dates_or_texts_says_what_to_do(
        self, tmp_path: Path, cell: Callable[[int], str], advice: str
    ) -> None:
        found = refusal(tmp_path, lines("x,y", lambda number: f"{cell(number)},{number * 1.5}", count=120))

        assert f"no usable feature column: column x was left out: it has {advice}" in found
        assert "task was guessed" not in found


class TestEncoding:
    def test_rows_are_encoded_as_the_service_encodes_the_same_requests(self, tmp_path: Path) -> None:
        table = table_of(tmp_path, mixed(), target="churned")

        as_requests = [table.instance(index) for index in range(len(table.rows))]

        assert np.array_equal(encode(table.contract, as_requests), table.rows, equal_nan=True)

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


class TestTask:
    @pytest.mark.parametrize(
        ("value", "task"),
        [
            (lambda number: "ab"[number % 2], "classification"),
            (lambda number: str(number % 2 == 0), "classification"),
            (lambda number: str(number % 3), "classification"),
            (lambda number: f"{number % 3}.0", "classification"),
            (str, "regression"),
            (lambda number: f"{number % 3}.5", "regression"),
            (lambda number: f"{number / 7}", "regression"),
        ],
        ids=["texts", "booleans", "few integers", "few whole floats", "many integers", "few floats", "many floats"],
    )
    def test_the_task_is_guessed_from_the_target_with_a_note(
        self, tmp_path: Path, value: Callable[[int], str], task: str
    ) -> None:
        table = table_of(tmp_path, lines("x,y", lambda number: f"{number % 9},{value(number)}", count=120))

        assert table.contract.task == task
        assert f"target.task was guessed: {task}" in table.notes

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

        assert "target y has 1 classes: a classification needs two or more" in refusal(tmp_path, text)

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


class TestUnknownValues:
    """What a text is that no row of the table has."""

    CITIES = one_feature(lambda number: ("Lyon", "Oslo")[number // 2 % 2])

    def test_it_is_a_missing_value_unless_it_must_be_refused(self, tmp_path: Path) -> None:
        answering = table_of(tmp_path, self.CITIES).contract
        strict = feature_of(table_of(tmp_path, self.CITIES, features={"x": {"unknown": "refuse"}}), "x")

        assert answering.features[0].takes_unknown
        assert np.isnan(encode(answering, [{"x": "Rome", "n": 1}])[0, 0])
        assert not strict.takes_unknown

    def test_only_a_category_can_have_one(self, tmp_path: Path) -> None:
        assert refusal(tmp_path, self.CITIES, features={"n": {"unknown": "refuse"}}) == (
            "features.n.unknown is only for a category: n is of kind integer"
        )


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
