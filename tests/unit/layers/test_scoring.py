"""Scoring: how instances become rows, scores become answers, and answers are compared with those of training."""

import math
from collections.abc import Sequence
from itertools import permutations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from skylift.contract import ClassName, Contract, Instance, Target
from skylift.encoding import RowEncoder
from skylift.errors import GoldenMismatch
from skylift.feature import Feature, Kind, Scalar
from skylift.golden import LARGEST_LOG_ODDS_DIFFERENCE, OLD_TOLERANCE, agree, tolerance_of_values
from skylift.manifest import Golden, Prediction
from skylift.scoring import (
    TIE_MARGIN,
    Matrix,
    as_distributions,
    check_golden,
    predicted_classes,
    predictions,
)

FEATURES = (
    Feature(name="age", kind="number"),
    Feature(name="rooms", kind="integer"),
    Feature(name="city", kind="category", categories=("Bonn", "Köln", "Aachen")),
    Feature(name="garden", kind="boolean"),
)
FLAT: Instance = {"age": 41.5, "rooms": 3, "city": "Köln", "garden": True}

REGRESSION = Contract(task="regression", features=FEATURES, target=Target(name="rent", unit="EUR"))


def _one(kind: Kind, **fields: object) -> Contract:
    feature = Feature.model_validate({"name": "x", "kind": kind, **fields})
    return Contract(task="regression", features=(feature,), target=Target(name="y"))


def _classification(classes: tuple[ClassName, ...]) -> Contract:
    return Contract(task="classification", features=FEATURES, target=Target(name="kind", classes=classes))


class Fixed:
    """A predictor with the same answer whatever it is asked."""

    def __init__(self, scores: Sequence[object]) -> None:
        self._scores: Matrix = np.array(scores, dtype=np.float64)

    def scores(self, rows: Matrix) -> Matrix:
        return self._scores


class Broken:
    """A predictor that was fitted on other rows."""

    def scores(self, rows: Matrix) -> NDArray[np.float64]:
        raise ValueError("X has 4 features, but LogisticRegression is expecting 3 features")


class TestEncoding:
    def test_a_row_holds_numbers_codes_and_ones_in_the_order_of_the_contract(self) -> None:
        assert RowEncoder(REGRESSION).encode([FLAT]).tolist() == [[41.5, 3.0, 1.0, 1.0]]

    @pytest.mark.parametrize("order", list(permutations(FLAT))[:6])
    def test_the_order_of_the_fields_in_a_request_does_not_matter(self, order: tuple[str, ...]) -> None:
        shuffled = {name: FLAT[name] for name in order}

        assert RowEncoder(REGRESSION).encode([shuffled]).tolist() == RowEncoder(REGRESSION).encode([FLAT]).tolist()

    def test_rows_keep_the_order_of_the_instances(self) -> None:
        rows = RowEncoder(_one("number")).encode([{"x": 3.0}, {"x": 1.0}, {"x": 2.0}])

        assert rows.tolist() == [[3.0], [1.0], [2.0]]

    @pytest.mark.parametrize(("city", "code"), [("Bonn", 0.0), ("Köln", 1.0), ("Aachen", 2.0)])
    def test_a_category_is_its_place_in_the_contract_not_in_the_alphabet(self, city: str, code: float) -> None:
        encoder = RowEncoder(_one("category", categories=("Bonn", "Köln", "Aachen")))

        assert encoder.encode([{"x": city}]).tolist() == [[code]]

    @pytest.mark.parametrize(("value", "code"), [(False, 0.0), (True, 1.0)])
    def test_a_boolean_is_zero_or_one(self, value: bool, code: float) -> None:
        assert RowEncoder(_one("boolean")).encode([{"x": value}]).tolist() == [[code]]

    @pytest.mark.parametrize("instance", [{}, {"x": None}], ids=["left out", "null"])
    @pytest.mark.parametrize("kind", ["number", "integer", "boolean", "category"])
    def test_a_missing_value_is_nan_whatever_the_kind(self, kind: Kind, instance: Instance) -> None:
        contract = _one(kind, categories=("a", "b") if kind == "category" else ())

        assert np.isnan(RowEncoder(contract).encode([instance])).tolist() == [[True]]

    def test_a_missing_value_leaves_the_rows_around_it_alone(self) -> None:
        rows = RowEncoder(_one("category", categories=("a", "b"))).encode([{"x": "b"}, {}, {"x": "a"}])

        assert np.nan_to_num(rows, nan=-1).tolist() == [[1.0], [-1.0], [0.0]]

    def test_fields_that_the_contract_does_not_know_are_not_encoded(self) -> None:
        assert RowEncoder(REGRESSION).encode([FLAT | {"colour": "red"}]).shape == (1, 4)

    def test_no_instances_give_no_rows(self) -> None:
        assert RowEncoder(REGRESSION).encode([]).shape == (0, 4)

    @pytest.mark.parametrize("value", [0.1 + 0.2, 1e-300, 1.7976931348623157e308, -0.0, 2**53])
    def test_a_number_keeps_its_last_bit(self, value: Scalar) -> None:
        assert RowEncoder(_one("number")).encode([{"x": value}])[0, 0] == value

    def test_rows_are_float64_whatever_the_values(self) -> None:
        assert RowEncoder(_one("integer")).encode([{"x": 1}]).dtype == np.float64


class TestAnswering:
    @pytest.mark.parametrize(
        ("classes", "label", "keys"),
        [
            ((False, True), True, ["false", "true"]),
            ((0, 1), 1, ["0", "1"]),
            ((7, -3), -3, ["7", "-3"]),
            (("ham", "spam"), "spam", ["ham", "spam"]),
        ],
        ids=["boolean", "integer", "integers out of order", "text"],
    )
    def test_a_label_has_the_type_of_the_table_and_probabilities_the_keys_of_json(
        self, classes: tuple[ClassName, ...], label: ClassName, keys: list[str]
    ) -> None:
        (answer,) = predictions(_classification(classes), np.array([[0.25, 0.75]]))

        assert (type(answer["label"]), answer["label"]) == (type(label), label)
        assert answer["probabilities"] == dict(zip(keys, [0.25, 0.75], strict=True))

    def test_of_equally_probable_classes_the_first_is_the_label(self) -> None:
        (answer,) = predictions(_classification(("a", "b", "c")), np.array([[0.2, 0.4, 0.4]]))

        assert answer["label"] == "b"

    @pytest.mark.parametrize(
        ("threshold", "probability", "label"),
        [
            (0.1, 0.2, "yes"),
            (0.1, 0.05, "no"),
            (0.9, 0.8, "no"),
            (0.2, 0.2, "no"),
            (0.2, 0.2 + TIE_MARGIN / 4, "no"),
            (0.2, 0.2 + TIE_MARGIN, "yes"),
            (0.5, 0.5 + TIE_MARGIN / 4, "no"),
            (None, 0.5 + TIE_MARGIN / 4, "no"),
            (0.5, 0.5 + TIE_MARGIN, "yes"),
            (None, 0.5 + TIE_MARGIN, "yes"),
        ],
    )
    def test_above_its_threshold_the_second_of_two_classes_is_the_label(
        self, threshold: float | None, probability: float, label: str
    ) -> None:
        contract = _classification(("no", "yes")).with_target(threshold=threshold)
        scores = np.array([[1 - probability, probability]])

        (one,) = predictions(contract, scores)
        first, second = predictions(contract, np.repeat(scores, 2, axis=0))

        assert one["label"] == first["label"] == second["label"] == label
        assert predicted_classes(contract.target, scores).tolist() == [("no", "yes").index(label)]

    def test_a_threshold_labels_nothing_without_a_number(self) -> None:
        contract = _classification(("no", "yes")).with_target(threshold=0.1)
        scores = np.array([[math.nan, math.nan], [0.8, 0.2]])

        assert [answer["label"] for answer in predictions(contract, scores)] == [None, "yes"]
        assert predictions(contract, scores[:1])[0]["label"] is None

    def test_answers_keep_the_order_of_the_rows(self) -> None:
        answers = predictions(_classification(("a", "b")), np.array([[0.0, 1.0], [1.0, 0.0]]))

        assert [answer["label"] for answer in answers] == ["b", "a"]

    def test_a_regression_answers_with_a_value_and_no_more(self) -> None:
        assert predictions(REGRESSION, np.array([152.1, -1.0])) == [{"value": 152.1}, {"value": -1.0}]

    def test_answers_hold_python_numbers_that_json_can_write(self) -> None:
        (answer,) = predictions(REGRESSION, np.array([1.0]))

        assert type(answer["value"]) is float

    def test_no_rows_give_no_answers(self) -> None:
        assert predictions(_classification(("a", "b")), np.empty((0, 2))) == []

    def test_without_a_number_there_is_no_label(self) -> None:
        first, second = predictions(_classification(("a", "b")), np.array([[math.nan, math.nan], [0.0, 1.0]]))

        assert (first["label"], second["label"]) == (None, "b")


def test_rounding_leaves_no_probability_outside_of_its_range() -> None:
    rounded = np.array([[-1.19e-7, 1.0000001], [0.25, 0.75 + 1e-7]])

    scores = as_distributions(rounded)

    assert 0 <= scores.min() <= scores.max() <= 1
    np.testing.assert_allclose(scores.sum(axis=1), 1, atol=1e-15)
    np.testing.assert_allclose(scores, rounded, atol=2e-7)


class TestTolerance:
    """Golden requests are compared on the scale of their answers, once the manifest names it."""

    @pytest.mark.parametrize(
        ("got", "expected", "close"),
        [
            (0.75, 0.75, True),
            (0.75 + 1e-4, 0.75, True),
            (0.75 + 3e-4, 0.75, False),
            (2.98e-8, 2.65e-8, False),
            (0.0, 5.4e-13, False),
            (1e-16, 1e-20, True),
            (1.0, 1 - 1e-15, True),
            (1.0, 1 - 1e-12, False),
            (math.nan, 0.5, False),
        ],
    )
    def test_a_probability_may_differ_by_a_fraction_of_its_odds(
        self,
        got: float,
        expected: float,
        close: bool,
    ) -> None:
        ours, theirs = (Prediction(label="a", probabilities={"a": value}) for value in (got, expected))

        assert agree(ours, theirs, LARGEST_LOG_ODDS_DIFFERENCE) is close

    @pytest.mark.parametrize(("off", "close"), [(0.04, True), (-0.04, True), (0.06, False), (math.inf, False)])
    def test_a_value_may_differ_by_a_fraction_of_the_error_on_the_holdout(self, off: float, close: bool) -> None:
        tolerance = tolerance_of_values(rmse=47, largest=1.7e9)

        assert agree(Prediction(value=1.7e9 + off), Prediction(value=1.7e9), tolerance) is close

    def test_a_perfect_model_may_differ_by_the_rounding_of_its_largest_value(self) -> None:
        tolerance = tolerance_of_values(rmse=0, largest=1e6)

        assert agree(Prediction(value=1e-9), Prediction(value=0), tolerance)
        assert not agree(Prediction(value=1e-5), Prediction(value=0), tolerance)


class TestGolden:
    """Versions that name no tolerance are compared as the releases that made them did."""

    SURE = Prediction(label="a", probabilities={"a": 0.75, "b": 0.25})

    def _check(self, scores: Sequence[float], expected: Prediction = SURE) -> None:
        contract = _classification(("a", "b"))
        check_golden(RowEncoder(contract), Golden(instances=(FLAT,), predictions=(expected,)), Fixed([scores]))

    def _check_value(self, value: float, expected: float) -> None:
        golden = Golden(instances=(FLAT,), predictions=(Prediction(value=expected),))
        check_golden(RowEncoder(REGRESSION), golden, Fixed([value]))

    def test_the_same_answer_passes(self) -> None:
        self._check([0.75, 0.25])

    @pytest.mark.parametrize("off", [OLD_TOLERANCE, -OLD_TOLERANCE, 1e-12])
    def test_the_rounding_of_another_cpu_passes(self, off: float) -> None:
        self._check([0.75 + off, 0.25 - off])

    @pytest.mark.parametrize("off", [3 * OLD_TOLERANCE, -3 * OLD_TOLERANCE, 0.1, math.nan])
    def test_a_probability_that_is_further_off_does_not(self, off: float) -> None:
        with pytest.raises(GoldenMismatch):
            self._check([0.75 + off, 0.25 - off])

    def test_another_label_does_not_pass_however_close_the_probabilities(self) -> None:
        close = Prediction(label="a", probabilities={"a": 0.5 + 2e-6, "b": 0.5 - 2e-6})

        with pytest.raises(GoldenMismatch):
            self._check([0.5 - 2e-6, 0.5 + 2e-6], close)

    def test_a_tie_to_rounding_is_none(self) -> None:
        tied = Prediction(label="a", probabilities={"a": 0.5, "b": 0.5})

        self._check([0.5 - 1e-9, 0.5 + 1e-9], tied)

    @pytest.mark.parametrize("expected", [1.0, -250_000.0, 1e12])
    def test_values_may_differ_in_proportion_to_their_size(self, expected: float) -> None:
        self._check_value(expected * (1 + 0.9 * OLD_TOLERANCE), expected)

        with pytest.raises(GoldenMismatch):
            self._check_value(expected * (1 + 3 * OLD_TOLERANCE), expected)

    def test_values_near_zero_may_differ_by_the_tolerance_itself(self) -> None:
        self._check_value(0.9 * OLD_TOLERANCE, 0.0)

        with pytest.raises(GoldenMismatch):
            self._check_value(2 * OLD_TOLERANCE, 0.0)

    @pytest.mark.parametrize("value", [math.nan, math.inf])
    def test_a_value_that_is_not_a_finite_number_does_not_pass(self, value: float) -> None:
        with pytest.raises(GoldenMismatch):
            self._check_value(value, 1.0)

    @pytest.mark.parametrize(
        "expected",
        [
            Prediction(label="a"),
            Prediction(label="a", probabilities={"a": 0.75}),
            Prediction(label="a", probabilities={"a": 0.75, "c": 0.25}),
            Prediction(value=0.75),
            Prediction(),
        ],
        ids=["no probabilities", "too few", "of other classes", "a value", "nothing"],
    )
    def test_an_answer_of_another_form_does_not_pass(self, expected: Prediction) -> None:
        with pytest.raises(GoldenMismatch):
            self._check([0.75, 0.25], expected)

    def test_a_recorded_regression_without_its_value_does_not_pass(self) -> None:
        golden = Golden(instances=(FLAT,), predictions=(Prediction(),))

        with pytest.raises(GoldenMismatch):
            check_golden(RowEncoder(REGRESSION), golden, Fixed([1.0]))

    def test_the_order_of_recorded_probabilities_does_not_matter(self) -> None:
        self._check([0.75, 0.25], Prediction(label="a", probabilities={"b": 0.25, "a": 0.75}))

    def test_one_wrong_answer_among_right_ones_does_not_pass_and_is_told(self) -> None:
        golden = Golden(instances=(FLAT,) * 3, predictions=(self.SURE,) * 3)
        scores = [[0.75, 0.25], [0.25, 0.75], [0.75, 0.25]]

        with pytest.raises(GoldenMismatch) as caught:
            check_golden(RowEncoder(_classification(("a", "b"))), golden, Fixed(scores))

        assert caught.value.message == ("golden request 2 of 3 is scored b at 0.75, not a at 0.75 as in training")
        assert caught.value.hint

    @pytest.mark.parametrize(
        "scores", [[[0.7, 0.2, 0.1]], [[1.0]], [0.75, 0.25], [[0.75, 0.25], [0.75, 0.25]]],
        ids=["a class more", "a class less", "no rows", "a row more"],
    )  # fmt: skip
    def test_scores_of_another_shape_do_not_pass(self, scores: list[object]) -> None:
        golden = Golden(instances=(FLAT,), predictions=(self.SURE,))

        with pytest.raises(GoldenMismatch, match="shape"):
            check_golden(RowEncoder(_classification(("a", "b"))), golden, Fixed(scores))

    def test_a_regression_that_answers_with_columns_does_not_pass(self) -> None:
        golden = Golden(instances=(FLAT,), predictions=(Prediction(value=1.0),))

        with pytest.raises(GoldenMismatch, match="shape"):
            check_golden(RowEncoder(REGRESSION), golden, Fixed([[1.0]]))

    def test_a_model_that_cannot_score_the_rows_does_not_pass(self) -> None:
        golden = Golden(instances=(FLAT,), predictions=(self.SURE,))

        with pytest.raises(GoldenMismatch, match="cannot score"):
            check_golden(RowEncoder(_classification(("a", "b"))), golden, Broken())

    def test_a_golden_request_with_a_category_the_contract_lacks_does_not_pass(self) -> None:
        golden = Golden(instances=(FLAT | {"city": "Trier"},), predictions=(self.SURE,))

        with pytest.raises(GoldenMismatch, match="cannot score"):
            check_golden(RowEncoder(_classification(("a", "b"))), golden, Fixed([[0.75, 0.25]]))


@given(rows=st.lists(st.lists(st.floats(), min_size=3, max_size=3), min_size=1, max_size=3))
def test_a_row_is_answered_alone_as_among_others(rows: list[list[float]]) -> None:
    contract = _classification(("a", "b", "c"))
    scores = np.array(rows)

    together = predictions(contract, np.vstack([scores, scores]))

    for row, answer in zip(scores, together, strict=False):
        assert repr(predictions(contract, row[None])) == repr([answer])
