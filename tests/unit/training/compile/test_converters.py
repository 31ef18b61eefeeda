"""Every converter scores as scikit-learn does, to the rounding of doubles, on all rows that the gate compares."""

import warnings
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from onnxruntime import InferenceSession
from sklearn.base import clone, is_classifier
from sklearn.calibration import CalibratedClassifierCV
from sklearn.compose import ColumnTransformer, TransformedTargetRegressor
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis, QuadraticDiscriminantAnalysis
from sklearn.ensemble import (
    AdaBoostClassifier,
    AdaBoostRegressor,
    BaggingClassifier,
    BaggingRegressor,
    ExtraTreesClassifier,
    ExtraTreesRegressor,
    GradientBoostingClassifier,
    GradientBoostingRegressor,
    HistGradientBoostingClassifier,
    HistGradientBoostingRegressor,
    RandomForestClassifier,
    RandomForestRegressor,
    StackingClassifier,
    StackingRegressor,
    VotingClassifier,
    VotingRegressor,
)
from sklearn.frozen import FrozenEstimator
from sklearn.impute import SimpleImputer
from sklearn.linear_model import (
    BayesianRidge,
    ElasticNet,
    GammaRegressor,
    HuberRegressor,
    Lasso,
    LinearRegression,
    LogisticRegression,
    PoissonRegressor,
    Ridge,
    RidgeClassifier,
    SGDClassifier,
    SGDRegressor,
)
from sklearn.multiclass import OneVsRestClassifier
from sklearn.naive_bayes import GaussianNB
from sklearn.neural_network import MLPClassifier, MLPRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import (
    FunctionTransformer,
    MaxAbsScaler,
    MinMaxScaler,
    OneHotEncoder,
    OrdinalEncoder,
    RobustScaler,
    StandardScaler,
    TargetEncoder,
)
from sklearn.svm import SVC, SVR, LinearSVC, LinearSVR, NuSVC, NuSVR
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor
from threadpoolctl import threadpool_limits

from skylift.contract import Contract, Target
from skylift.feature import Feature
from skylift.scoring import Matrix
from training.compile.dispatch import transform
from training.compile.exact import convert
from training.compile.graph import Graph
from training.compile.parity_rows import edge_rows, known_rows, limit_rows
from training.data.table import Split, Table

ROUNDING = 1e-12
ROWS, LEARNED = 240, 200
COLOURS, SHOPS = 5, 40  # more categories than one word of 32 bits has

Boost, BoostRegressor = HistGradientBoostingClassifier, HistGradientBoostingRegressor


def _rows(*, missing: bool) -> Matrix:
    noise = np.random.default_rng(7)
    rows = noise.normal(size=(ROWS, 5)) * [1, 10, 0.1, 0, 0] + [0, 5, 1e3, 0, 0]
    rows[:, 3], rows[:, 4] = noise.integers(0, COLOURS, ROWS), noise.integers(0, SHOPS, ROWS)
    if missing:
        rows[noise.random(rows.shape) < 0.08] = np.nan
    return rows


COMPLETE, MISSING = _rows(missing=False), _rows(missing=True)
VALUES = COMPLETE[:, 0] + np.sin(COMPLETE[:, 1]) + COMPLETE[:, 3] % 2 * 2
POSITIVE = VALUES - VALUES.min() + 0.5
TARGETS = {count: np.digitize(VALUES, np.quantile(VALUES, np.arange(1, count) / count)) for count in (2, 3, 6)}


def _calibrated(estimator: Any, **options: Any) -> Any:
    return CalibratedClassifierCV(estimator, **{"ensemble": False, "cv": 3} | options)


def _columns() -> ColumnTransformer:
    """Preparation as training builds it, with an indicator of missing values too."""
    missing = SimpleImputer(strategy="constant", fill_value=-1.0, keep_empty_features=True)
    colours, shops = (
        OneHotEncoder(categories=[np.arange(float(count))], handle_unknown="ignore", sparse_output=False)
        for count in (COLOURS, SHOPS)
    )
    numbers = make_pipeline(SimpleImputer(strategy="median", add_indicator=True), StandardScaler())
    return ColumnTransformer(
        [("shops", make_pipeline(missing, shops), [4]), ("colours", colours, [3]), ("numbers", numbers, [2, 0, 1])]
    )


def _ordinal() -> OrdinalEncoder:
    return OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=-1, encoded_missing_value=-2)


def _by_target(**options: Any) -> ColumnTransformer:
    """Numbers as they are, and codes as training looks them up by the target."""
    return ColumnTransformer([("numbers", "passthrough", [0, 1, 2]), ("target", TargetEncoder(**options), [4, 3])])


def _members(*, classifies: bool) -> list[tuple[str, Any]]:
    """Estimators for another one to be made of: with preparations, without missing values, of two kinds of trees."""
    if classifies:
        return [
            ("linear", make_pipeline(StandardScaler(), LogisticRegression())),
            ("forest", RandomForestClassifier(5, min_samples_leaf=4, random_state=0)),
            ("boosting", Boost(max_iter=4, random_state=0)),
        ]
    return [
        ("linear", make_pipeline(StandardScaler(), Ridge())),
        ("forest", RandomForestRegressor(5, random_state=0)),
        ("boosting", BoostRegressor(max_iter=4, random_state=0)),
    ]


COMPOSED = (
    VotingClassifier(_members(classifies=True), voting="soft"),
    VotingClassifier(_members(classifies=True), voting="soft", weights=[0.5, 0, 2]),
    StackingClassifier(_members(classifies=True), cv=2),
    StackingClassifier(
        [("svm", SVC()), *_members(classifies=True)], DecisionTreeClassifier(max_depth=3), cv=2, passthrough=True
    ),
    _calibrated(RandomForestClassifier(5, random_state=0)),
    _calibrated(make_pipeline(StandardScaler(), Boost(max_iter=4, random_state=0)), method="isotonic", ensemble=True),
    _calibrated(GradientBoostingClassifier(n_estimators=4, random_state=0)),
    _calibrated(AdaBoostClassifier(n_estimators=5, random_state=0)),
    _calibrated(Boost(max_iter=4, random_state=0), method="temperature"),
    _calibrated(RandomForestClassifier(5, min_samples_leaf=4, random_state=0), method="temperature"),
    _calibrated(VotingClassifier(_members(classifies=True), voting="soft", weights=[2, 1, 1]), method="isotonic"),
    BaggingClassifier(n_estimators=4, max_features=0.7, max_samples=20, random_state=0),
    BaggingClassifier(LogisticRegression(max_iter=500), n_estimators=2, max_features=3, random_state=0),
    AdaBoostClassifier(n_estimators=6, random_state=0),
    OneVsRestClassifier(make_pipeline(StandardScaler(), LogisticRegression())),
)
COMPOSED_REGRESSORS = (
    VotingRegressor(_members(classifies=False), weights=[1, 2, 3]),
    StackingRegressor(_members(classifies=False), cv=2),
    StackingRegressor(_members(classifies=False), BoostRegressor(max_iter=4), cv=2, passthrough=True),
    BaggingRegressor(n_estimators=4, max_features=0.7, random_state=0),
    BaggingRegressor(Ridge(), n_estimators=3, max_features=3, random_state=0),
    TransformedTargetRegressor(VotingRegressor(_members(classifies=False)), transformer=StandardScaler()),
)
SCALED = (
    LogisticRegression(),
    LinearDiscriminantAnalysis(),
    QuadraticDiscriminantAnalysis(reg_param=0.01),
    GaussianNB(),
    SGDClassifier(loss="log_loss", random_state=0),
    MLPClassifier(hidden_layer_sizes=(6, 4), activation="tanh", max_iter=20, random_state=0),
    _calibrated(SVC()),
    _calibrated(SVC(kernel="poly", coef0=1), method="isotonic"),
    _calibrated(SVC(kernel="sigmoid"), ensemble=True),
    _calibrated(NuSVC(nu=0.1)),
    _calibrated(LinearSVC()),
    _calibrated(RidgeClassifier()),
    _calibrated(SVC(kernel="linear")),
)
TREES = (
    DecisionTreeClassifier(max_depth=5, random_state=0),
    DecisionTreeClassifier(random_state=0),
    RandomForestClassifier(12, random_state=0),
    RandomForestClassifier(12, min_samples_leaf=4, random_state=0),
    RandomForestClassifier(12, max_depth=3, random_state=0),
    ExtraTreesClassifier(12, random_state=0),
    Boost(max_iter=8, random_state=0),
    Boost(max_iter=8, categorical_features=[3, 4], random_state=0),
    make_pipeline(_columns(), LogisticRegression(max_iter=500)),
    make_pipeline(_columns(), Boost(max_iter=5, random_state=0)),
    make_pipeline(_by_target(), Boost(max_iter=5, random_state=0)),
    make_pipeline(_by_target(smooth=3.0), RandomForestClassifier(5, random_state=0)),
)
WITHOUT_MISSING = (
    GradientBoostingClassifier(n_estimators=8, random_state=0),
    GradientBoostingClassifier(n_estimators=8, init="zero", random_state=0),
)
REGRESSORS = (
    DecisionTreeRegressor(random_state=0),
    RandomForestRegressor(8, random_state=0),
    ExtraTreesRegressor(8, random_state=0),
    *(
        BoostRegressor(max_iter=8, loss=loss, quantile=0.3, categorical_features=[3], random_state=0)
        for loss in ("squared_error", "absolute_error", "gamma", "poisson", "quantile")
    ),
    BoostRegressor(max_iter=8, monotonic_cst=[1, 0, 0, 0, 0], random_state=0),
    make_pipeline(_ordinal(), BoostRegressor(max_iter=5, random_state=0)),
    make_pipeline(_by_target(target_type="continuous"), BoostRegressor(max_iter=5, random_state=0)),
    *(
        make_pipeline(SimpleImputer(strategy=strategy), Ridge())
        for strategy in ("mean", "median", "most_frequent", "constant")
    ),
)
COMPLETE_REGRESSORS = (
    AdaBoostRegressor(n_estimators=7, random_state=0),
    *(
        GradientBoostingRegressor(n_estimators=8, loss=loss, random_state=0)
        for loss in ("squared_error", "absolute_error", "huber", "quantile")
    ),
    *(
        make_pipeline(StandardScaler(), estimator)
        for estimator in (
            LinearRegression(),
            Lasso(0.1),
            ElasticNet(0.1),
            BayesianRidge(),
            HuberRegressor(max_iter=500),
            SGDRegressor(random_state=0),
            LinearSVR(random_state=0),
            SVR(),
            NuSVR(),
            SVR(kernel="linear"),
            SVR(kernel="poly"),
            SVR(kernel="sigmoid"),
            MLPRegressor(hidden_layer_sizes=(5,), max_iter=20, random_state=0),
            TransformedTargetRegressor(SVR(), transformer=StandardScaler()),
            TransformedTargetRegressor(Ridge(), transformer=RobustScaler()),
            TransformedTargetRegressor(Ridge(), transformer=MinMaxScaler()),
            TransformedTargetRegressor(Ridge(), transformer=MaxAbsScaler()),
            TransformedTargetRegressor(Ridge(), transformer=FunctionTransformer()),
        )
    ),
    *(
        make_pipeline(scaler, Ridge())
        for scaler in (MinMaxScaler(clip=True), MaxAbsScaler(), RobustScaler(with_centering=False))
    ),
    make_pipeline(FunctionTransformer(np.diff), Ridge()),
)
EXPONENTIAL = (
    PoissonRegressor(),
    GammaRegressor(),
    TransformedTargetRegressor(Ridge(), func=np.log, inverse_func=np.exp),
    TransformedTargetRegressor(Ridge(), func=np.log1p, inverse_func=np.expm1),
)


def _cases() -> Iterator[Any]:
    for classes in TARGETS:
        for estimator in SCALED:
            yield make_pipeline(StandardScaler(), clone(estimator)), COMPLETE, classes
        for estimator in TREES:
            yield clone(estimator), MISSING, classes
        for estimator in (*WITHOUT_MISSING, *COMPOSED):
            yield clone(estimator), COMPLETE, classes
    yield GradientBoostingClassifier(n_estimators=8, loss="exponential", random_state=0), COMPLETE, 2
    for estimator in REGRESSORS:
        yield clone(estimator), MISSING, 0
    for estimator in (*COMPLETE_REGRESSORS, *EXPONENTIAL, *COMPOSED_REGRESSORS):
        yield clone(estimator), COMPLETE, 0


CASES = list(_cases())


@pytest.fixture(autouse=True, scope="module")
def _one_thread() -> Iterator[None]:
    """Small tables are learned sooner without threads that wait for each other."""
    with threadpool_limits(1):
        yield


def _table(rows: Matrix, classes: int) -> Table:
    numbers = [
        Feature(name=f"n{column}", kind="number", required=bool(~np.isnan(rows[:, column]).any()), min=low, max=high)
        for column, (low, high) in enumerate(zip(np.nanmin(rows[:, :3], 0), np.nanmax(rows[:, :3], 0), strict=True))
    ]
    texts = [
        Feature(name=name, kind="category", categories=tuple(f"{code:02}" for code in range(count)))
        for name, count in (("colour", COLOURS), ("shop", SHOPS))
    ]
    contract = Contract(
        task="classification" if classes else "regression",
        features=(*numbers, *texts),
        target=Target(name="y", classes=tuple(range(classes))),
    )
    return Table(contract, rows, TARGETS[classes] if classes else POSITIVE, "0" * 64, ())


@pytest.mark.parametrize(
    ("estimator", "rows", "classes"),
    CASES,
    ids=[f"{number}-{type(case[0]).__name__}" for number, case in enumerate(CASES)],
)
def test_a_converted_estimator_scores_as_scikit_learn_does(estimator: Any, rows: Matrix, classes: int) -> None:
    table, split = _table(rows, classes), Split(np.arange(LEARNED), np.arange(LEARNED, ROWS))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        estimator.fit(table.rows[:LEARNED], table.targets[:LEARNED])
    asked = np.vstack([known_rows(table, split), edge_rows(estimator, table, split), limit_rows(table, split)])
    session = InferenceSession(convert(estimator, table.contract).SerializeToString())

    (got,) = session.run(None, {"rows": asked})

    with np.errstate(all="ignore"):
        expected = (estimator.predict_proba if is_classifier(estimator) else estimator.predict)(asked)
    size = ROUNDING * (1 if classes else np.abs(POSITIVE).max())
    np.testing.assert_allclose(got, expected.reshape(got.shape), rtol=ROUNDING, atol=size)
    if classes:
        assert got.min() >= 0
        assert got.max() <= 1
        np.testing.assert_allclose(got.sum(axis=1), 1, atol=ROUNDING)


@pytest.mark.parametrize("method", ["sigmoid", "isotonic", "temperature"])
@pytest.mark.parametrize("classes", [2, 3])
def test_a_model_that_was_calibrated_after_it_was_fitted_is_converted(method: str, classes: int) -> None:
    """As `CalibratedClassifierCV(FrozenEstimator(model))`, by which people calibrate a model that they have."""
    table = _table(COMPLETE, classes)
    half = ROWS // 2
    fitted = make_pipeline(StandardScaler(), RandomForestClassifier(5, min_samples_leaf=4, random_state=0))
    fitted.fit(COMPLETE[:half], table.targets[:half])
    calibrated = CalibratedClassifierCV(FrozenEstimator(fitted), method=method, cv=2)
    calibrated.fit(COMPLETE[half:], table.targets[half:])
    rows = np.vstack([COMPLETE, edge_rows(calibrated, table, Split(np.arange(half), np.arange(half, ROWS)))])

    (got,) = InferenceSession(convert(calibrated, table.contract).SerializeToString()).run(None, {"rows": rows})

    assert len(rows) > ROWS + len(edge_rows(None, table, Split(np.arange(half), np.arange(half, ROWS))))
    np.testing.assert_allclose(got, calibrated.predict_proba(rows), rtol=ROUNDING, atol=ROUNDING)


@pytest.mark.parametrize("classes", [0, 2, 3])
def test_a_tree_without_a_split_is_converted(classes: int) -> None:
    table = _table(COMPLETE, classes)
    stump = (DecisionTreeClassifier if classes else DecisionTreeRegressor)(min_samples_split=ROWS + 1)
    stump.fit(table.rows, table.targets)

    (got,) = InferenceSession(convert(stump, table.contract).SerializeToString()).run(None, {"rows": COMPLETE[:2]})

    expected = (stump.predict_proba if classes else stump.predict)(COMPLETE[:2])
    np.testing.assert_allclose(got, expected.reshape(got.shape), rtol=ROUNDING)


@pytest.mark.parametrize(("depth", "lookups"), [(1, 2), (3, 6), (5, 12)])
def test_small_trees_share_lookups(depth: int, lookups: int) -> None:
    table = _table(COMPLETE, 3)
    forest = RandomForestClassifier(12, max_depth=depth, random_state=0).fit(table.rows, table.targets)

    model = convert(forest, table.contract)

    (trees,) = (node for node in model.graph.node if node.op_type == "TreeEnsemble")
    assert next(attribute.i for attribute in trees.attribute if attribute.name == "n_targets") == lookups


def test_a_category_that_only_the_holdout_has_is_missing_to_boosting() -> None:
    table = _table(COMPLETE, 2)
    rows = table.rows.copy()
    seen = rows[:, 4] != 7
    model = Boost(max_iter=20, categorical_features=[3, 4], random_state=0).fit(rows[seen], table.targets[seen])
    rows[:, 4] = 7

    (got,) = InferenceSession(convert(model, table.contract).SerializeToString()).run(None, {"rows": rows})

    np.testing.assert_allclose(got, model.predict_proba(rows), rtol=ROUNDING)


@pytest.mark.parametrize("classes", [0, 2, 3])
@pytest.mark.parametrize("known", [MISSING, COMPLETE], ids=["missing", "complete"])
def test_a_category_that_training_never_saw_is_the_mean_of_the_target(classes: int, known: Matrix) -> None:
    table = _table(known, classes)
    encoder = TargetEncoder(target_type="auto" if classes else "continuous")
    seen = known[:, 4] != 7
    encoder.fit(table.rows[seen, 3:], table.targets[seen])
    asked = np.array([[1.0, 7.0], [np.nan, 2.0], [3.0, np.nan], [-1.0, 1e9]])

    graph = Graph(2)
    transform(encoder, graph.rows)
    (got,) = InferenceSession(graph.model(2 * (classes if classes > 2 else 1)).SerializeToString()).run(
        None, {"rows": asked}
    )

    np.testing.assert_array_equal(got, encoder.transform(asked))


@pytest.mark.parametrize(
    ("estimator", "reason"),
    [
        (GradientBoostingRegressor(init=Ridge(), n_estimators=1), "boosting that starts from Ridge"),
        (SGDClassifier(loss="modified_huber"), "SGDClassifier with modified_huber"),
        (make_pipeline(FunctionTransformer(np.sign), Ridge()), "FunctionTransformer"),
        (StackingClassifier(_members(classifies=True), cv=2, stack_method="predict"), "stacks of labels"),
        (AdaBoostClassifier(LogisticRegression(), n_estimators=2), "AdaBoostClassifier of other estimators"),
    ],
)
def test_what_a_converter_does_not_know_is_refused_by_name(estimator: Any, reason: str) -> None:
    table = _table(COMPLETE, 2)
    estimator.fit(table.rows[:, 3:], table.targets)

    with pytest.raises(NotImplementedError, match=reason):
        convert(estimator, table.contract)
