"""Compiling: what is kept answers like scikit-learn, and what is not kept says why."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from onnxruntime import InferenceSession
from sklearn.dummy import DummyRegressor
from sklearn.ensemble import RandomForestRegressor
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor
from threadpoolctl import threadpool_limits

from skylift.contract import Contract, Feature, Target, Task
from skylift.manifest import COMPILED_FILE
from skylift.predictors import OnnxPredictor, SklearnPredictor
from skylift.scoring import Matrix, Predictor, best_classes
from tests.support.contracts import modest
from tests.support.fakes import HostHarness
from tests.support.models import compiled, iris_config, trained_iris
from tests.support.tables import LOGISTIC, MIXED_HEADER, learned, lines, mixed, public_table, table_of
from training.cli.console import compiled_words
from training.config import Candidate
from training.data.table import Split, Table, read_table, split_rows
from training.release import compile as compile_module
from training.release.compile import TOLERANCE, CompiledModel, compile_model, parity_rows
from training.release.packaging import pack
from training.search.candidates import build, candidates_for

MIXED_REGRESSION = lines(
    MIXED_HEADER.replace("churned", "spend"),
    lambda number: mixed().splitlines()[number + 1].rpartition(",")[0] + f",{number * 7 % 50 * 1.5 + number % 3}",
    count=80,
)
COMPLETE = lines(
    "age,score,member,city,churned",
    lambda number: (
        f"{20 + number * 7 % 50},{(number * 13 % 29) / 4},{number % 3 == 0},"
        f"{('Lyon', 'Oslo', 'Rome')[number % 3]},{('no', 'yes')[number * 7 % 50 > 25]}"
    ),
    count=80,
)
"""Numbers, booleans and categories, and nothing missing."""

CASES = [
    *((table, name) for table in ("iris",) for name in ("logistic", "discriminant", "forest", "boosting", "svm")),
    *((table, name) for table in ("mixed", "complete", "binary") for name in ("logistic", "forest", "boosting", "svm")),
    *((table, name) for table in ("mixed regression", "diabetes") for name in ("ridge", "forest", "boosting", "svm")),
]
"""Every default candidate on tables of both tasks, with and without categories, booleans and missing values."""

LEFT_UNCOMPILED = {case: "Unable to create node 'TreeEnsemble" for case in CASES if case[1] == "boosting"}
"""Those that scikit-learn serves, with the words for it: boosting does not convert."""

COMPILING = [case for case in CASES if case not in LEFT_UNCOMPILED]


@dataclass(frozen=True, slots=True)
class Case:
    """A candidate, fitted and compiled as training does it, but without a search."""

    estimator: Any
    table: Table
    split: Split
    rows: Matrix
    model: CompiledModel

    @property
    def contract(self) -> Contract:
        return self.table.contract

    @property
    def reference(self) -> Predictor:
        return SklearnPredictor(self.estimator, self.contract.task)

    @property
    def predictor(self) -> Predictor:
        assert self.model.data is not None, self.model.outcome.reason
        return OnnxPredictor(self.model.data)


@cache
def table(name: str) -> Table:
    if name == "iris":
        return read_table(iris_config())
    text, target = {
        "mixed": (mixed(), "churned"),
        "complete": (COMPLETE, "churned"),
        "mixed regression": (MIXED_REGRESSION, "spend"),
        "binary": (public_table("breast_cancer"), "target"),
        "diabetes": (public_table("diabetes"), "target"),
    }[name]
    with TemporaryDirectory() as folder:
        return table_of(Path(folder), text, target=target)


@cache
def case(name: str, candidate: str) -> Case:
    return fitted(table(name), candidate)


def fitted(known: Table, name: str) -> Case:
    task: Task = known.contract.task
    configured = (*candidates_for(task, (), 100), *(iris_config().candidates if task == "classification" else ()))
    chosen: Candidate = next(candidate for candidate in configured if candidate.name == name)
    split = split_rows(known, holdout=0.2, seed=42)
    estimator = build(chosen, known.contract, folds=5, seed=42).estimator
    with threadpool_limits(1):  # as training does for small tables: more threads only get in each other's way
        estimator.fit(known.rows[split.train], known.targets[split.train])
    rows = parity_rows(estimator, known, split)
    return Case(estimator, known, split, rows, compile_model(estimator, known.contract, rows))


def agree(case: Case, rows: Matrix) -> bool:
    """Whether the compiled form answers as scikit-learn does, by the promise of the manifest."""
    got, expected = case.predictor.scores(rows), case.reference.scores(rows)
    if case.contract.task == "classification" and not np.array_equal(best_classes(got), best_classes(expected)):
        return False
    return np.allclose(got, expected, rtol=TOLERANCE, atol=TOLERANCE)


def split_points(estimator: Any) -> list[float]:
    """Thresholds of all trees, whichever feature they are of."""
    last = estimator.steps[-1][1] if hasattr(estimator, "steps") else estimator
    members = np.ravel(getattr(last, "estimators_", [last])).tolist()
    trees = [member.tree_ for member in members if hasattr(member, "tree_")]
    found = {float(value) for tree in trees for value in tree.threshold[tree.children_left >= 0]}
    return sorted(value for value in found if np.isfinite(value))


def values(feature: Feature, thresholds: list[float]) -> st.SearchStrategy[float]:
    """Encoded values that a caller may send: inside the training range and well outside, and at split points."""
    allowed: st.SearchStrategy[float]
    if feature.kind == "category":
        allowed = st.integers(0, len(feature.categories) - 1).map(float)
    elif feature.kind == "boolean":
        allowed = st.sampled_from([0.0, 1.0])
    else:
        assert feature.min is not None
        assert feature.max is not None
        span = feature.max - feature.min
        allowed = st.one_of(
            st.floats(feature.min, feature.max), st.floats(feature.min - 3 * span, feature.max + 3 * span)
        )
        if thresholds:
            allowed = st.one_of(allowed, st.sampled_from(thresholds))
    return allowed if feature.required else st.one_of(allowed, st.just(np.nan))


def a_table(*features: Feature, rows: Matrix, targets: list[float], classes: tuple[str, ...] = ()) -> Table:
    """A table in memory; a regression where no classes are named."""
    task: Task = "classification" if classes else "regression"
    contract = Contract(task=task, features=features, target=Target(name="y", classes=classes))
    return Table(contract, rows, np.array(targets, dtype=int if classes else float), "0" * 64, ())


def first_rows(table: Table, count: int) -> Split:
    """The first rows for training, the others for the holdout."""
    return Split(np.arange(count), np.arange(count, len(table.rows)))


def holds(rows: Matrix, wanted: Matrix) -> bool:
    """Whether every wanted row is among the rows."""
    return {row.tobytes() for row in wanted} <= {row.tobytes() for row in rows}


class Off:
    """A compiled form that is off by a constant, which depends on its type of numbers."""

    def __init__(self, data: bytes, errors: dict[str, float]) -> None:
        self._real = OnnxPredictor(data)
        (rows,) = InferenceSession(data).get_inputs()
        self._error = errors["float32" if rows.type == "tensor(float)" else "float64"]

    def scores(self, rows: Matrix) -> Matrix:
        return self._real.scores(rows) + self._error


@pytest.fixture
def off_by(monkeypatch: pytest.MonkeyPatch) -> Callable[[float, float], None]:
    """Makes what compiling tries answer wrongly, in float32 and in float64."""

    def put(float32: float, float64: float) -> None:
        errors = {"float32": float32, "float64": float64}
        monkeypatch.setattr(compile_module, "OnnxPredictor", lambda data: Off(data, errors))

    return put


class TestParity:
    @pytest.mark.parametrize(("name", "candidate"), COMPILING)
    def test_a_compiled_form_answers_like_scikit_learn_on_every_parity_row(self, name: str, candidate: str) -> None:
        fitted = case(name, candidate)

        assert agree(fitted, fitted.rows)

    @pytest.mark.parametrize(("name", "candidate"), COMPILING)
    def test_the_manifest_says_how_a_form_compares(self, name: str, candidate: str) -> None:
        fitted = case(name, candidate)
        outcome = fitted.model.outcome
        difference = np.abs(fitted.predictor.scores(fitted.rows) - fitted.reference.scores(fitted.rows)).max()

        assert (outcome.format, outcome.rows, outcome.agreement) == ("onnx", len(fitted.rows), 1)
        assert outcome.max_abs_diff == difference
        assert outcome.dtype in {"float32", "float64"}
        assert outcome.opset is not None
        assert outcome.reason is None

    @pytest.mark.parametrize(("name", "candidate"), LEFT_UNCOMPILED)
    def test_a_model_that_is_not_compiled_says_exactly_why(self, name: str, candidate: str) -> None:
        model = case(name, candidate).model

        assert model.data is None
        assert model.outcome.format is None
        assert model.outcome.reason is not None
        assert model.outcome.reason.startswith("float32: ")
        assert LEFT_UNCOMPILED[name, candidate] in model.outcome.reason

    @pytest.mark.parametrize(("name", "candidate"), COMPILING)
    def test_any_row_a_caller_may_send_is_answered_like_scikit_learn(self, name: str, candidate: str) -> None:
        fitted = case(name, candidate)
        predictor, thresholds = fitted.predictor, split_points(fitted.estimator)
        rows = st.tuples(*(values(feature, thresholds) for feature in fitted.contract.features))

        @modest
        @given(st.lists(rows, min_size=1, max_size=4))
        def check(drawn: list[tuple[float, ...]]) -> None:
            sent = np.array(drawn)
            np.testing.assert_allclose(
                predictor.scores(sent), fitted.reference.scores(sent), rtol=TOLERANCE, atol=TOLERANCE
            )

        check()

    @pytest.mark.parametrize(("name", "candidate"), [case for case in COMPILING if case[1] == "forest"])
    def test_rows_at_every_split_point_are_answered_like_scikit_learn(self, name: str, candidate: str) -> None:
        fitted = case(name, candidate)
        thresholds = np.array(split_points(fitted.estimator))
        rows = np.repeat(fitted.table.rows[:1], len(thresholds), axis=0)
        for column in np.flatnonzero([feature.min is not None for feature in fitted.contract.features]):
            varied = rows.copy()
            varied[:, column] = thresholds

            assert agree(fitted, varied)

    def test_a_shallow_tree_is_compiled(self) -> None:
        trained = trained_iris("tree")

        assert compiled(trained).outcome.format == "onnx"


class TestChoosing:
    @pytest.mark.parametrize(("float32", "float64", "kept"), [(4e-6, 1e-6, "float64"), (1e-6, 4e-6, "float32")])
    def test_the_numerically_closest_form_is_kept(
        self, off_by: Callable[[float, float], None], float32: float, float64: float, kept: str
    ) -> None:
        off_by(float32, float64)

        model = compiled(trained_iris())

        assert model.outcome.dtype == kept
        assert model.outcome.max_abs_diff == pytest.approx(1e-6, abs=5e-7)

    def test_the_file_is_of_the_form_that_the_manifest_names(self) -> None:
        for name in ("discriminant", "forest"):
            model = case("iris", name).model
            (rows,) = InferenceSession(model.data).get_inputs()

            assert rows.type == {"float32": "tensor(float)", "float64": "tensor(double)"}[str(model.outcome.dtype)]

    def test_a_form_that_differs_is_refused_for_one_that_does_not(self, off_by: Callable[[float, float], None]) -> None:
        off_by(1e-3, 0)

        assert compiled(trained_iris()).outcome.dtype == "float64"

    def test_where_every_form_differs_each_is_refused_with_the_numbers(
        self, off_by: Callable[[float, float], None]
    ) -> None:
        off_by(0.5, 2e-5)

        model = compiled(trained_iris())

        assert model.data is None
        assert model.outcome.reason == (
            "float32: differs by up to 0.5, labels agree on 100.0000% of the rows; "
            "float64: differs by up to 2e-05, labels agree on 100.0000% of the rows"
        )

    def test_a_form_that_names_another_class_is_refused_however_close_it_is(self) -> None:
        contract, rows = trained_iris().table.contract, np.zeros((4, 4))
        close = np.array([[0.5, 0.499998, 0.000002]] * 4)
        turned = close[:, [1, 0, 2]]

        parity = compile_module._compare(contract, close, Fixed(np.vstack([close[:3], turned[:1]])), rows)

        assert parity.close
        assert not parity.passed
        assert str(parity) == "differs by up to 2e-06, labels agree on 75.0000% of the rows"

    @pytest.mark.parametrize("wrong", [np.nan, np.inf])
    def test_a_form_that_gives_no_number_is_refused(self, wrong: float) -> None:
        contract, rows = trained_iris().table.contract, np.zeros((1, 4))
        answer = np.array([[0.0, 0.0, 1.0]])

        assert not compile_module._compare(contract, answer, Fixed(answer * [1, 1, wrong]), rows).passed

    def test_a_form_of_another_shape_is_refused(self) -> None:
        contract = trained_iris().table.contract

        with pytest.raises(ValueError, match=r"shape \(1, 2\), not \(1, 3\)"):
            compile_module._compare(contract, np.zeros((1, 3)), Fixed(np.zeros((1, 2))), np.zeros((1, 4)))

    def test_large_values_that_float32_cannot_tell_apart_are_scored_in_double(self) -> None:
        model = fitted(_large(), "logistic").model

        assert model.outcome.dtype == "float64"

    def test_large_values_that_only_scikit_learn_can_score_are_left_to_it_with_the_numbers(self) -> None:
        model = fitted(_large(missing=True), "logistic").model

        assert model.data is None
        assert model.outcome.reason is not None
        assert "float32: differs by up to " in model.outcome.reason
        assert "; float64: UnservableModel: " in model.outcome.reason  # onnxruntime has no double imputer

    def test_trees_are_not_tried_in_double(self, off_by: Callable[[float, float], None]) -> None:
        off_by(0.5, 0)

        model = compiled(trained_iris("tree"))

        assert model.outcome.reason is not None
        assert model.outcome.reason.startswith("float32: differs by up to 0.5")
        assert "float64" not in model.outcome.reason


class Fixed:
    """Gives these scores, whatever it is asked."""

    def __init__(self, scores: Matrix) -> None:
        self._scores = scores

    def scores(self, rows: Matrix) -> Matrix:
        return self._scores


def _large(*, missing: bool = False) -> Table:
    """Values around a thousand millions that differ by a few: float32 has steps of 64 there."""
    rows = np.array([[1e9 + number, number % 5] for number in range(80)])
    if missing:
        rows[::9, 1] = np.nan
    return a_table(
        Feature(name="x", kind="number", min=1e9, max=1e9 + 79),
        Feature(name="n", kind="number", min=0, max=4, required=not missing),
        rows=rows,
        targets=[number // 40 for number in range(80)],
        classes=("a", "b"),
    )


class TestFile:
    @pytest.mark.parametrize(("name", "candidate"), COMPILING)
    def test_it_takes_encoded_rows_and_gives_one_tensor_of_scores(self, name: str, candidate: str) -> None:
        fitted = case(name, candidate)
        session = InferenceSession(fitted.model.data)

        (rows,), (scores,) = session.get_inputs(), session.get_outputs()

        assert rows.shape == [None, len(fitted.contract.features)]
        assert scores.type in {"tensor(float)", "tensor(double)"}  # a map of class names would be a sequence
        assert scores.shape[1] == max(len(fitted.contract.target.classes), 1)

    @pytest.mark.parametrize(("name", "candidate"), [("iris", "svm"), ("complete", "forest"), ("mixed", "logistic")])
    def test_the_same_model_compiles_to_the_same_bytes(self, name: str, candidate: str) -> None:
        fitted = case(name, candidate)

        assert compile_model(fitted.estimator, fitted.contract, fitted.rows).data == fitted.model.data


class TestUncompiled:
    def test_it_is_published_and_served_all_the_same(self, tmp_path: Path) -> None:
        boosting = {"name": "boosting", "estimator": "sklearn.ensemble.HistGradientBoostingClassifier"}
        trained = learned(tmp_path, mixed(), boosting | {"params": {"max_iter": 5}}, target="churned")
        package = pack(trained, compiled(trained))
        harness = HostHarness()
        harness.activate(package)

        served = harness.ask()

        assert COMPILED_FILE not in package.artifacts
        assert isinstance(served.predictor, SklearnPredictor)
        rows = trained.table.rows
        assert np.array_equal(served.predictor.scores(rows), trained.estimator.predict_proba(rows))

    def test_a_reader_is_told_why_and_what_it_costs(self) -> None:
        outcome = case("iris", "boosting").model.outcome

        words = compiled_words(outcome)

        assert words.startswith(f"no ({outcome.reason})")
        assert "several times slower" in words


X, N = Feature(name="x", kind="number", min=0, max=9), Feature(name="n", kind="number", min=-2, max=2)


def _at_threshold() -> tuple[Table, DecisionTreeClassifier]:
    """A tree that splits x, and only x, at 4.5."""
    rows = np.array([[number % 10, number % 5 - 2] for number in range(20)], dtype=float)
    known = a_table(X, N, rows=rows, targets=[float(x > 4) for x in rows[:, 0]], classes=("a", "b"))
    return known, DecisionTreeClassifier(max_depth=1, random_state=0).fit(known.rows, known.targets)


def _wide(count: int) -> Table:
    """Rows without an edge: a boolean that is never missing."""
    rows = np.arange(count, dtype=float).reshape(-1, 1)
    return a_table(Feature(name="b", kind="boolean"), rows=rows, targets=[0.0] * count)


class TestParityRows:
    def test_all_of_the_holdout_is_compared(self) -> None:
        known = _wide(30)

        rows = parity_rows(DummyRegressor(), known, first_rows(known, 10))

        assert holds(rows, known.rows[10:])

    def test_training_rows_are_compared_up_to_ten_thousand(self) -> None:
        known = _wide(10_500)

        rows = parity_rows(DummyRegressor(), known, first_rows(known, 10_400))

        assert len(rows) == 100 + 10_000
        assert holds(rows, known.rows[:10_000])

    def test_of_few_training_rows_all_are_compared(self) -> None:
        known = _wide(30)

        assert len(parity_rows(DummyRegressor(), known, first_rows(known, 20))) == 30

    def test_each_number_is_compared_at_its_training_bounds(self) -> None:
        known, tree = _at_threshold()

        rows = parity_rows(tree, known, first_rows(known, 10))

        bases = known.rows[:3]
        for column, bounds in enumerate([(0, 9), (-2, 2)]):
            for bound in bounds:
                edge = bases.copy()
                edge[:, column] = bound

                assert holds(rows, edge)

    def test_split_thresholds_are_compared_with_their_neighbours_in_float32(self) -> None:
        known, tree = _at_threshold()

        rows = parity_rows(tree, known, first_rows(known, 10))

        exact = np.float32(4.5)
        neighbours = {float(np.nextafter(exact, np.float32(end))) for end in (-np.inf, np.inf)}
        assert {4.5, *neighbours} <= set(rows[:, 0].tolist())
        assert 4.5 not in rows[:, 1]

    def test_thresholds_are_of_the_feature_that_the_tree_sees_behind_a_category(self) -> None:
        text = lines("c,x,y", lambda number: f"{'uv'[number % 3 % 2]},{number},{'ab'[number // 20]}")
        with TemporaryDirectory() as folder:
            known = table_of(Path(folder), text)
        forest = Candidate(name="t", estimator="sklearn.tree.DecisionTreeClassifier")
        estimator = build(forest, known.contract, folds=5, seed=0).estimator.fit(known.rows, known.targets)

        rows = parity_rows(estimator, known, first_rows(known, 30))

        assert [feature.name for feature in known.contract.features] == ["c", "x"]
        assert 19.5 in rows[:, 1]
        assert set(rows[:, 0].tolist()) == {0.0, 1.0}

    def test_what_may_be_missing_is_compared_missing_and_nothing_else(self) -> None:
        known = table("mixed")
        split = first_rows(known, 1)
        whole = known.rows[~np.isnan(known.rows).any(axis=1)][:1]
        bare = Table(known.contract, np.vstack([whole, whole]), known.targets[:2], known.digest, ())

        rows = parity_rows(DummyRegressor(), bare, Split(split.train, np.array([1])))

        assert np.isnan(rows).any(axis=0).tolist() == [not feature.required for feature in known.contract.features]

    def test_every_category_is_compared(self) -> None:
        known = table("mixed")
        split = Split(np.array([0]), np.array([0]))

        rows = parity_rows(DummyRegressor(), known, split)

        for column, feature in enumerate(known.contract.features):
            codes = rows[:, column][~np.isnan(rows[:, column])]
            assert set(range(len(feature.categories))) <= set(codes.tolist())

    @pytest.mark.parametrize(("name", "candidate"), CASES)
    def test_no_value_is_infinite(self, name: str, candidate: str) -> None:
        assert not np.isinf(case(name, candidate).rows).any()

    def test_a_split_of_missing_from_known_values_is_no_edge(self) -> None:
        rows = np.array([[float(number)] for number in range(10)] + [[np.nan]] * 10)
        known = a_table(
            Feature(name="x", kind="number", min=0, max=9, required=False), rows=rows, targets=[0.0] * 10 + [1.0] * 10
        )
        tree = DecisionTreeRegressor(max_depth=1, random_state=0).fit(known.rows, known.targets)

        compared = parity_rows(tree, known, first_rows(known, 15))

        assert np.isinf(tree.tree_.threshold[0])
        assert not np.isinf(compared).any()

    def test_of_very_many_thresholds_some_thousand_are_compared_from_one_end_to_the_other(self) -> None:
        noise = np.random.default_rng(0)
        points = noise.random((6_000, 1))
        known = a_table(
            Feature(name="x", kind="number", min=0, max=1), rows=points, targets=noise.random(6_000).tolist()
        )
        tree = DecisionTreeRegressor(random_state=0).fit(known.rows, known.targets)

        rows = parity_rows(tree, known, first_rows(known, 6_000))

        edges = rows[6_000:, 0]
        assert len(split_points(tree)) > 5_000
        assert 1_000 * 9 < len(edges) <= 2_000 * 9 + 6
        assert np.histogram(edges, 10, (0, 1))[0].min() > 500

    def test_the_thresholds_of_all_trees_of_an_ensemble_are_compared(self) -> None:
        known, _ = _at_threshold()
        forest = RandomForestRegressor(5, max_depth=1, random_state=0).fit(known.rows, known.rows[:, 0])

        rows = parity_rows(forest, known, first_rows(known, 10))

        assert {float(np.float32(value)) for value in split_points(forest)} <= set(rows.ravel().tolist())


def test_a_pipeline_of_training_is_compiled_with_its_preparation(tmp_path: Path) -> None:
    trained = learned(tmp_path, mixed(), LOGISTIC, target="churned")
    model = compiled(trained)

    assert model.data is not None
    rows = trained.table.rows  # as callers send them: neither filled in, nor scaled, nor one-hot
    np.testing.assert_allclose(
        OnnxPredictor(model.data).scores(rows), trained.estimator.predict_proba(rows), rtol=TOLERANCE, atol=TOLERANCE
    )
