"""What an estimator cuts for itself keeps groups together, and the past before the future."""

from typing import Any, ClassVar, Literal

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.calibration import CalibratedClassifierCV
from sklearn.linear_model import LassoCV, LinearRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, TargetEncoder
from sklearn.svm import LinearSVC

from skylift.contract import Contract, Target
from skylift.errors import ConfigError
from skylift.feature import Feature
from training.config import Candidate
from training.data.split_keys import SplitKeys
from training.search.candidates import Built, build
from training.search.inner_cuts import fit_by, without_random_cuts

ROWS = 120
KEYS = {
    "time": SplitKeys("time", np.arange(ROWS, dtype=np.float64) // 2),
    "group": SplitKeys("group", np.arange(ROWS, dtype=np.float64) * 7 % 24),
}
GENERATOR = np.random.default_rng(0)
NOISE = GENERATOR.normal(size=ROWS)
TARGETS = (NOISE + GENERATOR.normal(size=ROWS) > 0).astype(int)


class Recorder(LinearSVC):  # type: ignore[misc]
    """A classifier that records what it learned and what it was then asked, by the keys in the first column."""

    learned: ClassVar[list[Any]] = []
    asked: ClassVar[list[tuple[Any, Any]]] = []

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> "Recorder":  # noqa: N803 (as scikit-learn calls it)
        self.known = X[:, 0]
        Recorder.learned.append(self.known)
        super().fit(X[:, 1:], y)
        return self

    def decision_function(self, X: Any) -> Any:  # noqa: N803
        Recorder.asked.append((self.known, X[:, 0]))
        return super().decision_function(X[:, 1:])


class Recorded(LinearRegression):  # type: ignore[misc]
    """A regressor that keeps what it learned from."""

    def fit(self, X: Any, y: Any) -> "Recorded":  # noqa: N803
        self.learned = X
        super().fit(X, y)
        return self


def candidate(estimator: str, /, **params: Any) -> Candidate:
    searched = {"search": params.pop("search")} if "search" in params else {}
    return Candidate.model_validate({"name": "c", "estimator": f"sklearn.{estimator}", "params": params} | searched)


def built(estimator: str, /, **params: Any) -> Built:
    task: Any = "regression" if estimator.endswith("Regressor") else "classification"
    contract = Contract(
        task=task,
        features=(Feature(name="x", kind="number"),),
        target=Target(name="y", classes=("a", "b") if task == "classification" else ()),
    )
    return build(candidate(estimator, **params), contract, folds=5, seed=0)


@pytest.mark.parametrize("in_pipeline", [False, True])
@pytest.mark.parametrize("kind", ["time", "group"])
def test_calibration_asks_nothing_of_a_group_or_a_time_that_it_learned_from(
    kind: Literal["time", "group"], in_pipeline: bool
) -> None:
    keys = KEYS[kind]
    Recorder.learned.clear()
    Recorder.asked.clear()
    calibrated = CalibratedClassifierCV(Recorder(), ensemble=False, cv=4)
    estimator = make_pipeline(FunctionTransformer(), calibrated) if in_pipeline else calibrated
    rows = np.column_stack([keys.values, NOISE])

    fitted = fit_by(keys, estimator, rows, TARGETS, classifies=True, seed=0)

    assert Recorder.asked
    for known, asked in Recorder.asked:
        assert not {*known} & {*asked}
        if kind == "time":
            assert known.max() < asked.min()
    assert len(Recorder.learned[-1]) == ROWS  # the classifier itself learns from all rows
    assert fitted.predict_proba(rows).shape == (ROWS, 2)
    assert (calibrated.cv, calibrated.ensemble) == (4, False)


@pytest.mark.parametrize("kind", ["time", "group"])
def test_a_parameter_is_chosen_by_folds_of_the_keys(kind: Literal["time", "group"]) -> None:
    rows = np.column_stack([NOISE, NOISE**2])

    fitted = fit_by(KEYS[kind], LassoCV(), rows, NOISE, classifies=False, seed=0)

    assert fitted.cv is None
    assert fitted.mse_path_.shape[1] == 5


@pytest.mark.parametrize("nested", [False, True])
def test_the_target_of_a_group_is_not_looked_up_for_its_own_rows(nested: bool) -> None:
    """Where the groups are the categories, training knows none of those that it is asked."""
    encoder = TargetEncoder(target_type="continuous", cv=4)
    seen = Recorded()
    steps = [FunctionTransformer(), encoder] if nested else [encoder]

    fitted = fit_by(
        KEYS["group"], make_pipeline(*steps, seen), KEYS["group"].values[:, None], NOISE, classifies=False, seed=0
    )

    assert len(np.unique(seen.learned)) == 4  # the mean of the other groups, in each fold
    assert len(np.unique(fitted[:-1].transform(KEYS["group"].values[:, None]))) == 24
    assert encoder.cv == 4


def test_of_rows_in_time_the_target_is_looked_up_for_all_rows() -> None:
    seen = Recorded()
    encoder = TargetEncoder(target_type="continuous", cv=4)

    fit_by(KEYS["time"], make_pipeline(encoder, seen), NOISE[:, None].round(), NOISE, classifies=False, seed=0)
    fit_by(KEYS["time"], make_pipeline(encoder, LassoCV()), NOISE[:, None].round(), NOISE, classifies=False, seed=0)

    assert np.isfinite(seen.learned).all()


def test_without_keys_nothing_changes() -> None:
    rows = NOISE[:, None]
    plain = CalibratedClassifierCV(LinearSVC(), ensemble=False, cv=4)

    fitted = fit_by(None, clone(plain), rows, TARGETS, classifies=True, seed=0)

    assert fitted.predict_proba(rows).tolist() == plain.fit(rows, TARGETS).predict_proba(rows).tolist()


@pytest.mark.parametrize("task", ["Classifier", "Regressor"])
def test_boosting_does_not_stop_early_by_rows_drawn_at_random(task: str) -> None:
    boosting = built(f"ensemble.HistGradientBoosting{task}")

    assert without_random_cuts(boosting, "time").estimator.early_stopping is False


def test_nor_does_boosting_within_another_estimator() -> None:
    inner = {"estimator": "sklearn.ensemble.HistGradientBoostingClassifier"}

    bag = without_random_cuts(built("ensemble.BaggingClassifier", estimator=inner), "time").estimator

    assert bag.estimator.early_stopping is False


@pytest.mark.parametrize(
    ("estimator", "params"),
    [
        ("ensemble.HistGradientBoostingClassifier", {"early_stopping": True}),
        ("ensemble.HistGradientBoostingClassifier", {"search": {"early_stopping": [True, False]}}),
        ("ensemble.GradientBoostingClassifier", {"n_iter_no_change": 5}),
        ("linear_model.SGDClassifier", {"early_stopping": True}),
        ("neural_network.MLPRegressor", {"early_stopping": True}),
        (
            "ensemble.BaggingClassifier",
            {"estimator": {"estimator": "sklearn.linear_model.SGDClassifier", "params": {"early_stopping": True}}},
        ),
    ],
)
def test_a_random_cut_that_model_yaml_asks_for_is_refused(estimator: str, params: dict[str, Any]) -> None:
    with pytest.raises(ConfigError, match=r"sets rows aside at random, which split\.group forbids"):
        without_random_cuts(built(estimator, **params), "group")


@pytest.mark.parametrize(
    ("estimator", "params"),
    [
        ("ensemble.HistGradientBoostingClassifier", {"early_stopping": False}),
        ("ensemble.HistGradientBoostingClassifier", {"n_iter_no_change": 5}),
        ("ensemble.RandomForestClassifier", {"n_estimators": 5}),
        ("neural_network.MLPClassifier", {}),
    ],
)
def test_others_are_left_as_they_are(estimator: str, params: dict[str, Any]) -> None:
    assert without_random_cuts(built(estimator, **params), "group").candidate.params == params
