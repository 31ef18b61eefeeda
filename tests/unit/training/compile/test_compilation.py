"""Compiling: what is kept answers like scikit-learn, and what is not kept says why."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from onnxruntime import InferenceSession
from sklearn.decomposition import KernelPCA
from sklearn.pipeline import make_pipeline
from sklearn.tree import DecisionTreeClassifier
from threadpoolctl import threadpool_limits

from skylift.contract import Contract, Target, Task
from skylift.encoding import RowEncoder
from skylift.feature import LARGEST_NUMBER, Feature
from skylift.golden import LARGEST_LOG_ODDS_DIFFERENCE
from skylift.predictors import SklearnPredictor
from skylift.scoring import Matrix, predicted_classes, predictions
from tests.support.models import iris_config, trained_iris
from tests.support.tables import MIXED_HEADER, lines, mixed, public_table, table_of
from training.cli.console import compiled_words
from training.compile import compilation, exact
from training.compile.compilation import compile_model
from training.config import Candidate
from training.data.encoded import read_table
from training.data.split import split_rows
from training.data.table import Split, Table
from training.search.candidates import build
from training.search.defaults import default_candidates

MIXED_REGRESSION = lines(
    MIXED_HEADER.replace("churned", "spend"),
    lambda number: mixed().splitlines()[number + 1].rpartition(",")[0] + f",{number * 7 % 50 * 1.5 + number % 3}",
    count=80,
)
TWO_COLUMNS = lines("a,c", lambda number: f"{number},{'hi' if number >= 20 else 'lo'}")
"""Of which a forest in single precision answers -1.19e-7."""
FAINT = lines(
    "a,b,c",
    lambda number: f"{number / 10 - 4},{number % 7 if number else ''},{'yes' if number > 45 + number % 5 else 'no'}",
    count=80,
)
"""Of which a regression in single precision answers 0 instead of 5.4e-13."""
FAR_TARGET = lines(
    "x,z,y", lambda number: f"{number % 20},{number % 7},{1_700_000_000 + number % 20 * 9.5 + number % 7 * 3}", count=80
)
"""Whose target single precision tells apart by steps of 128."""


def fitted(text: str, target: str, candidate: Candidate, folder: Path) -> tuple[Any, Table, Split]:
    trusted = {"validate": {"trusted": ["a"]}} if text.startswith("a,") else {}  # it numbers the rows
    known = read_table(iris_config().table) if text == "iris" else table_of(folder, text, target=target, **trusted)
    split = split_rows(known, holdout=0.2, seed=42)
    estimator = build(candidate, known.contract, folds=3, seed=42).estimator
    with threadpool_limits(1):
        estimator.fit(known.rows[split.train], known.targets[split.train])
    return estimator, known, split


def candidate(name: str, **params: Any) -> Candidate:
    return Candidate(name="c", estimator=f"sklearn.{name}", params=params)


def defaults(task: Task) -> tuple[Candidate, ...]:
    target = Target(name="y", classes=("a", "b") if task == "classification" else ())
    contract = Contract(task=task, features=(Feature(name="x", kind="number"),), target=target)
    return default_candidates(contract, 100).candidates


class TestOrdinaryTables:
    @pytest.mark.parametrize(
        ("text", "target", "configured"),
        [
            *(pytest.param("iris", "", one, id=f"iris-{one.name}") for one in defaults("classification")),
            *(pytest.param(mixed(), "churned", one, id=f"mixed-{one.name}") for one in defaults("classification")),
            *(pytest.param(MIXED_REGRESSION, "spend", one, id=f"spend-{one.name}") for one in defaults("regression")),
            pytest.param(public_table("diabetes"), "target", defaults("regression")[1], id="diabetes-boosting"),
        ],
    )
    def test_every_default_candidate_is_compiled_exactly(
        self, text: str, target: str, configured: Candidate, tmp_path: Path
    ) -> None:
        estimator, known, split = fitted(text, target, configured, tmp_path)

        model = compile_model(estimator, known, split)

        outcome = model.outcome
        assert (outcome.converter, outcome.dtype, outcome.agreement, outcome.reason) == ("skylift", "float64", 1, None)
        assert outcome.rows is not None
        assert outcome.rows > len(known.rows)
        assert outcome.max_abs_diff is not None
        assert outcome.max_abs_diff < 1e-12 * max(np.abs(known.targets).max(), 1)
        assert compile_model(estimator, known, split).data == model.data

    def test_the_file_takes_encoded_rows_and_gives_scores_in_double(self) -> None:
        session = InferenceSession(trained_iris().compiled.data)

        (rows,), (scores,) = session.get_inputs(), session.get_outputs()

        assert (rows.type, rows.shape) == ("tensor(double)", [None, 4])
        assert (scores.type, scores.shape) == ("tensor(double)", [None, 3])

    def test_a_model_that_cannot_take_the_limits_is_compared_without_them(self, tmp_path: Path) -> None:
        narrow = lines("a,c", lambda number: f"{1 + number * 1e-9},{'hi' if number >= 20 else 'lo'}")
        scaled = Candidate(name="t", estimator="sklearn.tree.DecisionTreeClassifier", scale=True)

        model = compile_model(*fitted(narrow, "c", scaled, tmp_path))

        assert model.outcome.converter == "skylift"


class TestRightAnswers:
    def test_probabilities_stay_in_their_range(self, tmp_path: Path) -> None:
        forest = candidate("ensemble.RandomForestClassifier", n_estimators=10)
        estimator, known, split = fitted(TWO_COLUMNS, "c", forest, tmp_path)

        scores = compile_model(estimator, known, split).predictor.scores(known.rows)

        assert 0 <= scores.min() <= scores.max() <= 1
        np.testing.assert_allclose(scores.sum(axis=1), 1, atol=1e-9)

    def test_faint_probabilities_are_as_exact_as_others(self, tmp_path: Path) -> None:
        estimator, known, split = fitted(FAINT, "c", candidate("linear_model.LogisticRegression"), tmp_path)
        far = np.array([[-12.0, 3], [-20, 3]])

        scores = compile_model(estimator, known, split).predictor.scores(far)

        assert scores[1, 1] < 1e-11
        np.testing.assert_allclose(scores, estimator.predict_proba(far), rtol=1e-9)

    @pytest.mark.parametrize("configured", defaults("classification"), ids=lambda one: one.name)
    def test_a_category_that_training_never_saw_has_the_same_scores_in_both_forms(
        self, configured: Candidate, tmp_path: Path
    ) -> None:
        estimator, known, split = fitted(mixed(), "churned", configured, tmp_path)
        rows = RowEncoder(known.contract).encode([known.instance(number) | {"plan": "gold"} for number in range(20)])

        scores = compile_model(estimator, known, split).predictor.scores(rows)

        assert np.isnan(rows[:, [feature.name for feature in known.contract.features].index("plan")]).all()
        np.testing.assert_allclose(scores, estimator.predict_proba(rows), rtol=1e-9)

    @pytest.mark.parametrize("limit", [-LARGEST_NUMBER, LARGEST_NUMBER])
    def test_the_largest_numbers_have_a_label_with_its_probability(self, limit: float) -> None:
        trained = trained_iris()
        rows = trained.table.rows[:1].copy()
        rows[:, 0] = limit

        (answer,) = predictions(trained.table.contract, trained.compiled.predictor.scores(rows))

        (best,) = predicted_classes(trained.table.contract.target, trained.estimator.predict_proba(rows))
        assert answer["label"] == trained.table.contract.target.classes[best]
        assert max(answer["probabilities"].values()) == pytest.approx(1)  # type: ignore[attr-defined]

    def test_a_far_target_is_answered_on_the_scale_of_its_spread(self, tmp_path: Path) -> None:
        estimator, known, split = fitted(FAR_TARGET, "y", candidate("ensemble.RandomForestRegressor"), tmp_path)

        model = compile_model(estimator, known, split)

        errors = estimator.predict(known.rows[split.holdout]) - known.targets[split.holdout]
        assert model.tolerance == pytest.approx(1e-3 * np.sqrt(np.mean(errors**2)))
        assert model.outcome.max_abs_diff is not None
        assert model.outcome.max_abs_diff < 1e-5


class TestGate:
    """What single precision does to these tables is refused."""

    @pytest.mark.parametrize(
        ("text", "target", "name"),
        [(FAINT, "c", "linear_model.LogisticRegression"), (FAR_TARGET, "y", "ensemble.RandomForestRegressor")],
    )
    def test_a_form_that_is_right_only_in_absolute_numbers_is_refused(
        self, text: str, target: str, name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def unknown(*_: object) -> None:
            raise NotImplementedError("left out")

        monkeypatch.setattr(exact, "convert", unknown)
        estimator, known, split = fitted(text, target, candidate(name), tmp_path)

        model = compile_model(estimator, known, split)

        assert model.outcome.format is None
        assert model.outcome.reason is not None
        assert model.outcome.reason.startswith("skylift float64: left out; ")
        assert "skl2onnx float32: differs by up to " in model.outcome.reason
        assert isinstance(model.predictor, SklearnPredictor)
        assert "several times slower" in compiled_words(model.outcome)

    def test_what_is_not_known_is_left_to_skl2onnx_with_the_reason(self, tmp_path: Path) -> None:
        neighbors = candidate("naive_bayes.BernoulliNB")
        estimator, known, split = fitted("iris", "", neighbors, tmp_path)

        outcome = compile_model(estimator, known, split).outcome

        assert outcome.converter == "skl2onnx"
        assert outcome.reason is not None
        assert outcome.reason.startswith("skylift float64: no converter for BernoulliNB")
        assert outcome.reason in compiled_words(outcome)

    def test_trees_behind_a_projection_are_not_tried_in_single_precision(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """A row whose projection is at a threshold changes sides there, and no gate knows such a row."""
        _, known, split = fitted("iris", "", candidate("tree.DecisionTreeClassifier"), tmp_path)
        projected = make_pipeline(KernelPCA(2, kernel="rbf"), DecisionTreeClassifier())
        projected.fit(known.rows[split.train], known.targets[split.train])

        outcome = compile_model(projected, known, split).outcome

        assert (outcome.format, outcome.reason) == (None, "skylift float64: no converter for KernelPCA")

    @pytest.mark.parametrize(
        ("got", "passes"),
        [
            ([[0.75, 0.25]], True),
            ([[0.7501, 0.2499]], True),
            ([[0.751, 0.249]], False),
            ([[0.25, 0.75]], False),
            ([[np.nan, np.nan]], False),
            ([[np.inf, 0.25]], False),
        ],
    )
    def test_probabilities_are_compared_by_their_odds_and_labels_exactly(self, got: Matrix, passes: bool) -> None:
        contract = trained_iris().table.contract

        parity = compilation._compare(contract, np.array([[0.75, 0.25]]), np.array(got), LARGEST_LOG_ODDS_DIFFERENCE)

        assert parity.passed is passes

    def test_a_form_of_another_shape_is_refused(self) -> None:
        contract = trained_iris().table.contract

        with pytest.raises(ValueError, match=r"shape \(1, 2\), not \(1, 3\)"):
            compilation._compare(contract, np.zeros((1, 3)), np.zeros((1, 2)), 1.0)

    def test_where_scikit_learn_gives_no_number_the_form_must_not_either(self) -> None:
        contract = trained_iris().table.contract.model_copy(update={"task": "regression"})
        expected = np.array([np.nan, np.inf, 1.0])

        assert compilation._compare(contract, expected, expected.copy(), 1e-3).passed
        assert not compilation._compare(contract, expected, np.array([0.0, np.inf, 1.0]), 1e-3).passed
        assert not compilation._compare(contract, expected, np.array([np.nan, 5.0, 1.0]), 1e-3).passed
