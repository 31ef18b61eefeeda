"""Reasons are those of shap's exact explainer, for models of each kind that is served."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from sklearn.datasets import load_breast_cancer, load_diabetes, load_iris, load_wine
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.ensemble import GradientBoostingRegressor, HistGradientBoostingClassifier, RandomForestClassifier
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.neighbors import KNeighborsRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVR

from skylift.background import Background
from skylift.contract import Contract, Target
from skylift.explanation import Explainer
from skylift.feature import Feature
from skylift.predictors import SklearnPredictor

COPIES = np.array([1, 2, 3, 1, 1, 2])
"""How often each background row stands among those of shap, which has no weights."""

MODELS: list[tuple[Callable[..., Any], Any, int]] = [
    (load_iris, make_pipeline(StandardScaler(), LogisticRegression()), 4),
    (load_iris, RandomForestClassifier(20, random_state=0), 4),
    (load_breast_cancer, HistGradientBoostingClassifier(max_iter=10, random_state=0), 10),
    (load_wine, LinearDiscriminantAnalysis(), 7),
    (load_diabetes, make_pipeline(StandardScaler(), SVR(C=100)), 6),
    (load_diabetes, GradientBoostingRegressor(n_estimators=20, random_state=0), 8),
    (load_diabetes, KNeighborsRegressor(), 5),
    (load_diabetes, Ridge(), 9),
]


CASES = [
    pytest.param(load, estimator, width, missing, id=f"{type(estimator).__name__}-{load.__name__}-{missing}")
    for load, estimator, width in MODELS
    for missing in (False, True)
    if not missing or estimator.__sklearn_tags__().input_tags.allow_nan
]


@pytest.mark.parametrize(("load", "estimator", "width", "missing"), CASES)
def test_they_are_equal(load: Callable[..., Any], estimator: Any, width: int, missing: bool) -> None:
    import shap

    data, targets = load(return_X_y=True)
    rows = data[:, :width].copy()
    estimator.fit(rows, targets)
    explained, typical = rows[::50][:3].copy(), rows[7::25][: len(COPIES)].copy()
    if missing:
        explained[0, 1] = typical[2, 1] = typical[3, 2] = np.nan
    typical[0, :2] = explained[0, :2]
    classes = () if load is load_diabetes else tuple(np.unique(targets).tolist())
    task: Any = "classification" if classes else "regression"
    contract = Contract(
        task=task,
        features=tuple(Feature(name=f"x{place}", kind="number") for place in range(width)),
        target=Target(name="y", classes=classes),
    )
    predictor = SklearnPredictor(estimator, task)
    explainer = Explainer(contract, Background(typical, COPIES / COPIES.sum()), predictor)

    found = explainer.explain(explained, predictor.scores(explained))

    masker = shap.maskers.Independent(np.repeat(typical, COPIES, axis=0))
    values = shap.explainers.Exact(predictor.scores, masker)(explained)
    picked = np.arange(len(explained)), slice(None), found.outputs
    theirs = values.values if found.outputs is None else values.values[picked]
    bases = values.base_values if found.outputs is None else values.base_values[picked[::2]]
    assert np.abs(found.contributions - theirs).max() < 1e-6
    assert np.allclose(found.base, bases, rtol=1e-9)
