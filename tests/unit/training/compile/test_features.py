"""What is computed before an estimator, compiled: each transformer gives in a graph what scikit-learn gives."""

from typing import Any

import numpy as np
import pytest
from onnxruntime import InferenceSession
from sklearn.compose import ColumnTransformer
from sklearn.decomposition import PCA, TruncatedSVD
from sklearn.feature_selection import SelectKBest, VarianceThreshold
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import FixedThresholdClassifier, GridSearchCV
from sklearn.pipeline import FeatureUnion
from sklearn.preprocessing import (
    Binarizer,
    FunctionTransformer,
    KBinsDiscretizer,
    OneHotEncoder,
    OrdinalEncoder,
    PolynomialFeatures,
    PowerTransformer,
    StandardScaler,
)
from sklearn.semi_supervised import SelfTrainingClassifier

import training.compile.exact  # noqa: F401 (its import registers the converters)
from training.compile.dispatch import decide, score, transform
from training.compile.graph import Graph

NUMBERS = np.random.default_rng(3).normal(size=(120, 3)) * [1, 30, 0.01] + [0, 5, 2]
CLASSES = (NUMBERS[:, 0] > 0).astype(int)

CODES = np.array([[float(row % 2), float(row**2 % 7)] for row in range(60)])
CODES[::9, 1] = np.nan
ASKED = np.array([[0.0, 2.0], [1.0, np.nan], [np.nan, 0.0], [5.0, -1.0], [0.0, 4.0], [1.0, 1.0], [1.0, 3.0]])

UNKNOWN = {"handle_unknown": "use_encoded_value", "unknown_value": -1}


def computed(part: Any, rows: Any, width: int, convert: Any = transform) -> Any:
    """What the graph of a fitted part gives for rows."""
    graph = Graph(rows.shape[1])
    convert(part, graph.rows)
    return InferenceSession(graph.model(width).SerializeToString()).run(None, {"rows": rows})[0]


@pytest.mark.parametrize(
    "encoder",
    [
        OneHotEncoder(handle_unknown="ignore"),
        OneHotEncoder(drop="first", handle_unknown="ignore"),
        OneHotEncoder(drop="if_binary", handle_unknown="ignore"),
        OneHotEncoder(min_frequency=10, handle_unknown="ignore"),
        OneHotEncoder(min_frequency=10, handle_unknown="infrequent_if_exist"),
        OneHotEncoder(max_categories=2, handle_unknown="warn", drop="first"),
        OneHotEncoder(max_categories=1, handle_unknown="infrequent_if_exist"),
        OrdinalEncoder(**UNKNOWN),
        OrdinalEncoder(**UNKNOWN, encoded_missing_value=-2),
        OrdinalEncoder(**UNKNOWN, min_frequency=10, encoded_missing_value=7),
        OrdinalEncoder(**UNKNOWN, max_categories=2),
    ],
    ids=repr,
)
@pytest.mark.filterwarnings("ignore:Found unknown categories")
def test_categories_that_are_unknown_missing_infrequent_or_dropped(encoder: Any) -> None:
    expected = encoder.fit(CODES).transform(ASKED)
    expected = expected.toarray() if hasattr(expected, "toarray") else expected

    np.testing.assert_array_equal(computed(encoder, ASKED, expected.shape[1]), expected)


@pytest.mark.parametrize(
    "part",
    [
        PolynomialFeatures(3),
        PolynomialFeatures(2, interaction_only=True, include_bias=False),
        KBinsDiscretizer(5, encode="ordinal", strategy="uniform"),
        KBinsDiscretizer(4, encode="onehot-dense", quantile_method="linear"),
        Binarizer(threshold=2.0),
        PowerTransformer(),
        PowerTransformer(standardize=False),
        PCA(2),
        PCA(2, whiten=True),
        TruncatedSVD(2, random_state=0),
        VarianceThreshold(0.5),
        SelectKBest(k=2),
        FunctionTransformer(np.log1p),
        FunctionTransformer(np.abs),
        FunctionTransformer(np.square),
        FeatureUnion([("scaled", StandardScaler()), ("all", "passthrough"), ("projected", PCA(1))]),
        FeatureUnion([("all", "passthrough"), ("none", "drop")], transformer_weights={"all": 2.0}),
        ColumnTransformer([("scaled", StandardScaler(), [2, 0])], transformer_weights={"scaled": 0.5}),
    ],
    ids=repr,
)
def test_features_of_features(part: Any) -> None:
    rows = np.vstack([NUMBERS, NUMBERS * 1e3, NUMBERS * 1e-9, np.zeros((1, 3))])
    if getattr(part, "func", None) is np.log1p:
        rows = np.abs(rows)
    expected = part.fit(NUMBERS, CLASSES).transform(rows)

    got = computed(part, rows, expected.shape[1])

    np.testing.assert_allclose(got, expected, rtol=1e-12, atol=1e-12)
    if getattr(part, "func", None) is np.log1p:
        np.testing.assert_allclose(got, expected, rtol=1e-15)


@pytest.mark.parametrize(
    "wrapper",
    [
        GridSearchCV(LogisticRegression(), {"C": [0.1, 1.0]}, cv=2),
        FixedThresholdClassifier(LogisticRegression(), threshold=0.3),
        SelfTrainingClassifier(LogisticRegression()),
    ],
    ids=lambda wrapper: type(wrapper).__name__,
)
@pytest.mark.filterwarnings("ignore:y contains no unlabeled samples")
def test_what_wraps_an_estimator_answers_as_it(wrapper: Any) -> None:
    wrapper.fit(NUMBERS, CLASSES)

    np.testing.assert_allclose(computed(wrapper, NUMBERS, 2, score), wrapper.predict_proba(NUMBERS), atol=1e-12)
    decisions = wrapper.decision_function(NUMBERS)
    np.testing.assert_allclose(computed(wrapper, NUMBERS, 1, decide)[:, 0], decisions, atol=1e-12)
