"""A loaded version: what it answers, and what it warns of."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from skylift import names
from skylift.contract import ClassName, Contract, Instance, Target
from skylift.feature import Feature
from tests.support.contracts import modest
from tests.support.fakes import ConstantPredictor, served
from tests.support.wide import CALLER, WIDE

SIZE = Feature(name="size", kind="number", min=10, max=90)
ROOMS = Feature(name="rooms", kind="integer", required=False, min=1, max=5)
AREA = Feature(name="area", kind="category", categories=("north", "south"))
LIFT = Feature(name="lift", kind="boolean")
RENT = Contract(task="regression", features=(SIZE, ROOMS, AREA, LIFT), target=Target(name="rent"))
FLAT: Instance = {"size": 42.5, "rooms": 2, "area": "south", "lift": True}


def classifier(*classes: ClassName) -> Contract:
    return Contract(task="classification", features=(SIZE,), target=Target(name="kind", classes=classes))


def test_a_regression_answers_with_values() -> None:
    assert served(RENT, 152.1).answer([FLAT, FLAT]).predictions == [{"value": 152.1}, {"value": 152.1}]


def test_a_classification_answers_with_the_most_probable_class_and_all_probabilities() -> None:
    model = served(classifier("a", "b", "c"), [0.2, 0.7, 0.1])

    (prediction,) = model.answer([{"size": 20.0}]).predictions

    assert prediction == {"label": "b", "probabilities": {"a": 0.2, "b": 0.7, "c": 0.1}}


@pytest.mark.parametrize(
    ("classes", "label", "keys"),
    [((False, True), True, ["false", "true"]), ((3, 7), 7, ["3", "7"]), (("no", "yes"), "yes", ["no", "yes"])],
)
def test_a_label_keeps_the_type_it_has_in_the_table(
    classes: tuple[ClassName, ...], label: ClassName, keys: list[str]
) -> None:
    (prediction,) = served(classifier(*classes), [0.25, 0.75]).answer([{"size": 20.0}]).predictions

    assert prediction["label"] is label or (prediction["label"] == label and not isinstance(label, bool))
    assert list(prediction["probabilities"]) == keys  # type: ignore[call-overload]


def test_all_instances_are_scored_in_one_call_and_in_the_order_of_the_contract() -> None:
    model = served(RENT)
    shuffled: Instance = {"lift": False, "area": "north", "size": 50.0}

    model.answer([FLAT, shuffled])

    predictor = model.predictor
    assert isinstance(predictor, ConstantPredictor)
    (rows,) = predictor.asked
    assert repr(rows.tolist()) == repr([[42.5, 2.0, 1.0, 1.0], [50.0, math.nan, 0.0, 0.0]])


class TestWarnings:
    def test_a_category_that_no_training_row_has_is_warned_of(self) -> None:
        area = AREA.model_copy(update={"unlearned": ("south",)})
        contract = RENT.model_copy(update={"features": (SIZE, ROOMS, area, LIFT)})

        warnings = served(contract).answer([FLAT, FLAT | {"area": "north"}]).warnings

        assert warnings == [{"instance": 0, "field": "area", "message": "no training row has 'south'"}]

    def test_values_inside_the_training_range_are_not_mentioned(self) -> None:
        assert served(RENT).answer([FLAT, FLAT | {"size": 10, "rooms": 5}]).warnings == []

    def test_a_value_outside_the_training_range_is_named(self) -> None:
        assert served(RENT).answer([FLAT, FLAT | {"size": 95.5}]).warnings == [
            {"instance": 1, "field": "size", "message": "95.5 is outside the training range 10 to 90"}
        ]

    def test_numbers_in_a_warning_are_exact(self) -> None:
        wide = Feature(name="size", kind="number", min=1000137, max=1238888)
        model = served(Contract(task="regression", features=(wide,), target=Target(name="rent")))

        assert [warning["message"] for warning in model.answer([{"size": 1238889}, {"size": 0.1}]).warnings] == [
            "1238889 is outside the training range 1000137 to 1238888",
            "0.1 is outside the training range 1000137 to 1238888",
        ]

    def test_an_integer_that_a_double_cannot_tell_from_the_next_is_named(self) -> None:
        (warning,) = served(RENT).answer([FLAT | {"rooms": 2**53 + 1}]).warnings

        assert str(warning["message"]).endswith("; integers of this size are not exact as numbers")

    @pytest.mark.parametrize("value", [2**53, 2**53 + 1, -(2**53)])
    def test_such_an_integer_is_named_also_inside_the_training_range(self, value: int) -> None:
        wide = Feature(name="id", kind="integer", min=-(2.0**60), max=2.0**60)
        model = served(Contract(task="regression", features=(wide,), target=Target(name="rent")))

        (warning,) = model.answer([{"id": value}, {"id": 2**53 - 1}, {"id": -5}]).warnings

        assert str(warning["message"]).endswith("92: integers of this size are not exact as numbers")

    def test_a_value_below_the_training_range_is_named(self) -> None:
        assert served(RENT).answer([FLAT | {"rooms": 0}]).warnings == [
            {"instance": 0, "field": "rooms", "message": "0 is outside the training range 1 to 5"}
        ]

    def test_a_missing_value_is_outside_of_nothing(self) -> None:
        assert served(RENT).answer([FLAT | {"rooms": None}]).warnings == []

    def test_categories_and_booleans_have_no_range(self) -> None:
        assert served(RENT).answer([FLAT | {"area": "north", "lift": False}]).warnings == []

    def test_after_a_hundred_warnings_the_rest_is_counted(self) -> None:
        warnings = served(RENT).answer([FLAT | {"size": 1.0, "rooms": 9}] * 75).warnings

        assert len(warnings) == 101
        assert warnings[-1] == {
            "instance": None,
            "field": None,
            "message": "and 50 more values outside their range",
        }

    def test_columns_that_are_not_used_are_named_once(self) -> None:
        model = served(RENT.model_copy(update={"ignored": ("id", "", "rent", "street")}))

        warnings = model.answer([FLAT | {"rent": 500, "id": 7}, FLAT | {"id": 8, "": 1}]).warnings

        assert warnings == [{"instance": None, "field": None, "message": "not used by the model: id, '', rent"}]

    @pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
    def test_a_prediction_that_is_not_a_finite_number_is_named(self, value: float) -> None:
        assert served(RENT, value).answer([FLAT]).warnings == [
            {"instance": 0, "field": None, "message": "the model gives no finite number here"}
        ]


class TestUnknownCategories:
    AREA = AREA.model_copy(update={"unknown": "missing", "categories": ("north", "south-east")})
    RENT = RENT.model_copy(update={"features": (SIZE, ROOMS, AREA, LIFT)})

    def test_a_value_that_training_never_saw_is_answered_and_named_with_the_nearest_known_one(self) -> None:
        answer = served(self.RENT, 152.1).answer([FLAT | {"area": " north"}, FLAT | {"area": "south east"}])

        assert answer.predictions == [{"value": 152.1}] * 2
        assert answer.unknown_categories == 1
        assert answer.warnings == [
            {
                "instance": 1,
                "field": "area",
                "message": "'south east' was not in the training data and counts as missing; "
                "the nearest known value is 'south-east'",
            }
        ]

    def test_one_that_is_a_level_of_its_own_is_named_and_does_not_count_as_missing(self) -> None:
        area = self.AREA.model_copy(update={"unknown": "other", "required": False})
        model = served(self.RENT.model_copy(update={"features": (area,)}), 152.1)

        one, several = model.answer([{"area": "mars"}]), model.answer([{"area": "mars"}, {"area": None}, {}])

        assert (one.unknown_categories, several.unknown_categories) == (1, 1)
        assert one.warnings == several.warnings
        assert one.warnings[0]["message"] == "'mars' was not in the training data; known are 'north', 'south-east'"

    def test_a_missing_value_is_not_an_unknown_one(self) -> None:
        optional = self.AREA.model_copy(update={"required": False})
        model = served(self.RENT.model_copy(update={"features": (optional,)}))

        answer = model.answer([{"area": None}, {}, {"area": " "}])

        assert (answer.unknown_categories, answer.warnings) == (0, [])

    def test_where_no_known_value_is_near_some_are_listed(self) -> None:
        (warning,) = served(self.RENT).answer([FLAT | {"area": "xyz"}]).warnings

        assert str(warning["message"]).endswith("; known are 'north', 'south-east'")

    def test_many_known_values_do_not_raise_the_number_of_comparisons(self, monkeypatch: pytest.MonkeyPatch) -> None:
        levels = tuple(f"{number:05} {'x' * 90}" for number in range(5000))
        area = self.AREA.model_copy(update={"categories": levels})
        model = served(self.RENT.model_copy(update={"features": (area,)}))
        compared: list[str] = []

        def counted(_one: str, other: str) -> float:
            compared.append(other)
            return 0.0

        monkeypatch.setattr(names, "similarity", counted)

        model.answer([{"area": f"{'x' * 90} {number}"} for number in range(10)])

        assert 0 < len(compared) <= 3 * 32

    def test_many_and_long_values_cost_a_bounded_number_of_comparisons_and_characters(self) -> None:
        answer = served(self.RENT).answer([FLAT | {"area": f"{number} {'x' * 500}"} for number in range(150)])

        compared = [warning for warning in answer.warnings if "known" in str(warning["message"])]
        assert (answer.unknown_categories, len(answer.warnings), len(compared)) == (150, 101, 3)
        assert answer.warnings[-1]["message"] == "and 50 more values that were not in the training data"
        assert all(len(str(warning["message"])) < 250 for warning in answer.warnings)


class TestCodes:
    def test_a_label_has_the_code_of_its_class_whatever_its_type(self) -> None:
        answers: list[dict[str, object]] = [{"label": True}, {"label": False}, {"label": None}]

        assert repr(served(classifier(False, True), [0.5, 0.5]).codes(answers)) == "[1, 0, nan]"

    def test_a_value_is_its_own(self) -> None:
        assert served(RENT).codes([{"value": 152.1}, {"value": -1.0}]) == [152.1, -1.0]


@modest
@given(values=st.lists(st.none() | st.floats(allow_nan=False, width=32), min_size=2, max_size=2))
def test_a_row_is_warned_of_alone_as_among_others(values: list[float | None]) -> None:
    features = tuple(Feature(name=name, kind="number", required=False, min=-1, max=1, mean=0) for name in "ab")
    model = served(Contract(task="regression", features=features, target=Target(name="y")))
    instance: Instance = dict(zip("ab", values, strict=True))

    together = model.answer([instance, instance]).warnings

    assert model.answer([instance]).warnings == [one for one in together if one["instance"] == 0]


@pytest.mark.parametrize("score", [0.5, math.nan, math.inf])
def test_a_score_is_warned_of_alone_as_among_others(score: float) -> None:
    model = served(classifier("a", "b"), (0.5, score))
    instance: Instance = {"size": 42.5}

    together = model.answer([instance, instance]).warnings

    assert model.answer([instance]).warnings == [one for one in together if one["instance"] == 0]


class TestAFeatureOfSeveralColumns:
    def test_the_model_sees_all_of_them(self) -> None:
        model = served(WIDE)

        answer = model.answer([CALLER])

        assert isinstance(model.predictor, ConstantPredictor)
        assert model.predictor.asked[0].tolist() == [[730.0, 2021.0, 12.0, 1.0, 3.0]]
        assert (answer.warnings, answer.unknown_categories) == ([], 0)

    @pytest.mark.parametrize("count", [1, 2])
    def test_warnings_name_the_feature_whose_value_they_are_about(self, count: int) -> None:
        odd: Instance = {"day": "1.1.2030", "city": "Rom", "rooms": 9}

        warnings = served(WIDE).answer([odd] * count).warnings

        assert [(remark["field"], str(remark["message"])[:48]) for remark in warnings if remark["instance"] == 0] == [
            ("city", "'Rom' was not in the training data and counts as"),
            ("day", "2030-01-01 is outside the training range 2020-01"),
            ("rooms", "9 is outside the training range 1 to 4"),
        ]
