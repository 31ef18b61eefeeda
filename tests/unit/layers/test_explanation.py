"""Reasons add up to the answer, are the Shapley values of their definition, and cost a bounded number of rows."""

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import permutations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from skylift.background import BACKGROUND_FILE, SCORED_ROWS, Background, background_size
from skylift.contract import Contract, Target
from skylift.explanation import Explainer, load_explainer
from skylift.feature import Feature
from skylift.scoring import Matrix
from tests.support.contracts import contracts, instances, modest, row_encoder
from tests.support.manifests import draft, manifest

CLASSES = ("a", "b", "c")


@dataclass
class Scoring:
    """A predictor that is a function, and remembers the sizes of its calls."""

    function: Callable[[Matrix], Matrix]
    calls: list[int] = field(default_factory=list)

    def scores(self, rows: Matrix) -> Matrix:
        self.calls.append(len(rows))
        return self.function(rows)


def numbers(count: int, target: Target | None = None) -> Contract:
    return Contract(
        task="regression" if target is None else "classification",
        features=tuple(Feature(name=f"x{number}", kind="number") for number in range(count)),
        target=target or Target(name="y"),
    )


def tangled(width: int, outputs: int = 1, *, seed: int = 0) -> Scoring:
    """A function of all columns, where a missing value is a value of its own."""
    rng = np.random.default_rng(seed)
    first, second = rng.normal(size=(width, 5)), rng.normal(size=(5, outputs))

    def function(rows: Matrix) -> Matrix:
        small = np.where(np.isnan(rows), -3.0, np.arcsinh(rows))
        hidden = np.sin((small[:, :, None] * first).sum(axis=1))
        raw = (hidden[:, :, None] * second).sum(axis=1)
        odds = np.exp(raw)
        return raw[:, 0] if outputs == 1 else odds / odds.sum(axis=1, keepdims=True)

    return Scoring(function)


def background(rows: Matrix) -> Background:
    weights = np.arange(1.0, len(rows) + 1)
    return Background(rows, weights / weights.sum())


def by_definition(predictor: Scoring, contract: Contract, typical: Background, row: Matrix, code: int) -> Matrix:
    """The mean gain of each feature over all orders, in each of which it follows those before it."""

    def value(mixed: Matrix) -> float:
        scores = predictor.function(mixed).reshape(len(mixed), -1)
        return float(scores[:, code] @ typical.weights)

    count = len(contract.features)
    found = np.zeros(count)
    for order in permutations(range(count)):
        mixed = typical.rows.copy()
        for place in order:
            before = value(mixed)
            mixed[:, contract.blocks[place]] = row[contract.blocks[place]]
            found[place] += value(mixed) - before
    return found / math.factorial(count)


class TestReasons:
    @modest
    @given(st.data())
    def test_add_up_to_the_answer_for_any_contract(self, data: st.DataObject) -> None:
        contract = data.draw(contracts())
        encoder = row_encoder(contract)
        rows = encoder.encode([data.draw(instances(contract)) for _ in range(5)])
        predictor = tangled(contract.width)

        scores = predictor.scores(rows[3:])
        found = Explainer(contract, background(rows[:3]), predictor).explain(rows[3:], scores)

        assert np.allclose(found.base + found.contributions.sum(axis=1), scores, rtol=1e-12, atol=1e-12)

    @pytest.mark.parametrize("features", [1, 2, 7, 10, 11, 25, 60])
    def test_add_up_to_the_probability_of_the_label(self, features: int) -> None:
        contract = numbers(features, Target(name="y", classes=CLASSES))
        rows = np.random.default_rng(0).normal(size=(9, features))
        predictor = tangled(features, 3)
        scores = predictor.scores(rows)

        found = Explainer(contract, background(rows[:4] + 0.5), predictor).explain(rows, scores)

        assert found.outputs is not None
        assert found.outputs.tolist() == scores.argmax(axis=1).tolist()
        total = found.base + found.contributions.sum(axis=1)
        assert np.allclose(total, scores.max(axis=1), rtol=0, atol=1e-13)

    @modest
    @given(st.data())
    def test_are_the_shapley_values_of_their_definition(self, data: st.DataObject) -> None:
        contract = data.draw(contracts().filter(lambda drawn: len(drawn.features) <= 4))
        encoder = row_encoder(contract)
        rows = encoder.encode([data.draw(instances(contract)) for _ in range(4)])
        predictor, typical = tangled(contract.width), background(rows[:3])

        found = Explainer(contract, typical, predictor).explain(rows[3:], predictor.scores(rows[3:]))

        expected = by_definition(predictor, contract, typical, rows[3], 0)
        assert np.allclose(found.contributions[0], expected, rtol=1e-9, atol=1e-12)

    @pytest.mark.parametrize("features", [3, 10, 40])
    def test_of_a_linear_model_are_its_terms(self, features: int) -> None:
        rng = np.random.default_rng(0)
        slopes, rows = rng.normal(size=features), rng.normal(size=(6, features))
        predictor, typical = Scoring(lambda rows: rows @ slopes), background(rows[:5])

        found = Explainer(numbers(features), typical, predictor).explain(rows[5:], predictor.scores(rows[5:]))

        assert np.allclose(found.contributions[0], slopes * (rows[5] - typical.weights @ typical.rows), atol=1e-12)

    def test_of_a_sample_are_near_to_those_of_all(self, monkeypatch: pytest.MonkeyPatch) -> None:
        features = 9
        rows = np.random.default_rng(0).normal(size=(20, features))
        predictor, typical = tangled(features), background(rows[1:])
        exact = Explainer(numbers(features), typical, predictor).explain(rows[:1], predictor.scores(rows[:1]))
        monkeypatch.setattr("skylift.coalitions.MOST_EXACT", 0)

        sampled = Explainer(numbers(features), typical, predictor).explain(rows[:1], predictor.scores(rows[:1]))

        largest = np.abs(exact.contributions).max()
        assert np.abs(sampled.contributions - exact.contributions).max() < 0.1 * largest

    @pytest.mark.parametrize("features", [4, 20])
    def test_are_nothing_for_a_feature_that_changes_nothing(self, features: int) -> None:
        rows = np.random.default_rng(0).normal(size=(8, features))
        inner = tangled(features)
        unused = np.where(np.arange(features) == 2, 0.0, 1.0)
        predictor = Scoring(lambda rows: inner.function(rows * unused))

        found = Explainer(numbers(features), background(rows[:5]), predictor).explain(rows, predictor.scores(rows))

        assert (found.contributions[:, 2] == 0).all()
        assert (found.contributions[:, 1] != 0).all()

    def test_are_equal_for_features_that_do_the_same(self) -> None:
        rows = np.random.default_rng(0).normal(size=(6, 4))
        rows[:, 1] = rows[:, 0]
        predictor = Scoring(lambda rows: np.exp(rows[:, 0] + rows[:, 1]) * rows[:, 2])

        found = Explainer(numbers(4), background(rows[:5]), predictor).explain(rows[5:], predictor.scores(rows[5:]))

        assert found.contributions[0, 0] == pytest.approx(found.contributions[0, 1], rel=1e-12)
        assert found.contributions[0, 3] == 0

    def test_follow_the_label_where_a_threshold_decides(self) -> None:
        contract = numbers(2, Target(name="y", classes=("no", "yes"), threshold=0.1))
        predictor = Scoring(lambda rows: np.column_stack([1 - rows[:, 0], rows[:, 0]]))
        rows = np.array([[0.2, 5.0], [0.05, 5.0]])

        found = Explainer(contract, background(np.array([[0.3, 1.0]])), predictor).explain(rows, predictor.scores(rows))

        assert found.members() == [
            {
                "output": "probability of yes",
                "base": 0.3,
                "contributions": {"x0": pytest.approx(-0.1), "x1": 0.0},
            },
            {
                "output": "probability of no",
                "base": 0.7,
                "contributions": {"x0": pytest.approx(0.25), "x1": 0.0},
            },
        ]

    def test_take_a_feature_of_several_columns_as_one(self) -> None:
        text = Feature(name="words", kind="text", max_length=9, directions=2, min=0, max=9)
        contract = Contract(
            task="regression", features=(text, Feature(name="x", kind="number")), target=Target(name="y")
        )
        rows = np.array([[4.0, 0.5, 0.25, 7.0], [2.0, 0.0, 0.0, 1.0]])
        predictor = Scoring(lambda rows: rows[:, 0] * rows[:, 1] * rows[:, 2] + rows[:, 3])

        found = Explainer(contract, background(rows[1:]), predictor).explain(rows[:1], predictor.scores(rows[:1]))

        assert found.members() == [{"output": "value", "base": 1.0, "contributions": {"words": 0.5, "x": 6.0}}]

    def test_are_none_for_an_answer_that_is_not_a_number(self) -> None:
        predictor = Scoring(lambda rows: np.select([rows[:, 0] > 99, rows[:, 0] > 9], [np.inf, np.nan], rows[:, 0]))
        rows = np.array([[100.0], [99.0], [2.0]])

        found = Explainer(numbers(1), background(np.array([[1.0]])), predictor).explain(rows, predictor.scores(rows))

        assert found.members() == [None, None, {"output": "value", "base": 1.0, "contributions": {"x0": 1.0}}]


class TestCost:
    @pytest.mark.parametrize("features", [4, 10, 11, 100])
    @pytest.mark.parametrize("count", [1, 7])
    def test_a_row_costs_a_bounded_number_of_scored_rows(self, features: int, count: int) -> None:
        rows = np.random.default_rng(0).normal(size=(background_size(features) + count, features))
        predictor = tangled(features)
        explainer = Explainer(numbers(features), background(rows[count:]), predictor)
        scores = predictor.scores(rows[:count])
        predictor.calls.clear()

        explainer.explain(rows[:count], scores)

        assert sum(predictor.calls) <= SCORED_ROWS * count
        assert max(predictor.calls) <= 2048

    def test_nothing_is_scored_twice_for_values_of_the_background(self) -> None:
        predictor = tangled(4)
        explainer = Explainer(numbers(4), background(np.ones((1, 4))), predictor)
        rows = np.array([[1.0, 1, 1, 1], [1, 2, 1, 1], [1, 2, 2, 1], [2, 2, 2, 2]])
        scores = predictor.scores(rows)
        predictor.calls.clear()

        explainer.explain(rows, scores)

        assert predictor.calls == [0 + 0 + 2 + 14]

    @pytest.mark.parametrize("features", [4, 30])
    def test_a_row_has_the_same_reasons_alone_and_among_others(self, features: int) -> None:
        rows = np.random.default_rng(0).normal(size=(60, features))
        predictor = tangled(features)
        explainer = Explainer(numbers(features), background(rows[:20] + 1), predictor)

        together = explainer.explain(rows, predictor.scores(rows)).contributions

        alone = [explainer.explain(row[None], predictor.scores(row[None])).contributions[0] for row in rows[:5]]
        assert np.allclose(together[:5], alone, rtol=0, atol=1e-12)

    def test_the_share_that_is_done_is_told(self) -> None:
        rows = np.random.default_rng(0).normal(size=(25, 10))
        predictor, shares = tangled(10), list[float]()
        explainer = Explainer(numbers(10), background(rows[:6] + 1), predictor)

        explainer.explain(rows, predictor.scores(rows), watch=shares.append)

        assert shares == sorted(shares)
        assert len(shares) > 25
        assert shares[-1] == 1

    def test_who_is_told_may_end_it(self) -> None:
        rows = np.random.default_rng(0).normal(size=(25, 10))
        predictor = tangled(10)
        explainer = Explainer(numbers(10), background(rows[:6] + 1), predictor)
        scores = predictor.scores(rows)
        predictor.calls.clear()

        def enough(_: float) -> None:
            raise TimeoutError

        with pytest.raises(TimeoutError):
            explainer.explain(rows, scores, watch=enough)
        assert len(predictor.calls) == 1


def test_a_version_explains_by_the_rows_that_it_stores() -> None:
    files = {BACKGROUND_FILE: background(np.array([[2.0], [5.0]])).to_bytes()}
    predictor = Scoring(lambda rows: np.column_stack([rows[:, 0] / 10, 1 - rows[:, 0] / 10]))

    explainer = load_explainer(manifest(artifacts=files), files.__getitem__, predictor)

    assert explainer is not None
    rows = np.array([[9.0]])
    assert explainer.explain(rows, predictor.scores(rows)).members() == [
        {
            "output": "probability of setosa",
            "base": pytest.approx(0.4),
            "contributions": {"petal_length": pytest.approx(0.5)},
        }
    ]


def test_a_version_of_an_older_release_has_no_reasons() -> None:
    package = draft(b"a model")
    assert load_explainer(package.describe(1), package.artifacts.__getitem__, tangled(4)) is None
