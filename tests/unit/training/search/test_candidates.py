"""A candidate gets exactly the preparation that its table and its estimator need."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn.base import clone

from skylift.contract import Contract, Target
from skylift.errors import ConfigError
from skylift.feature import Feature
from skylift.scoring import Matrix
from tests.support.fraud import payments
from tests.support.tables import LOGISTIC, RIDGE, TREE, learned, lines, mixed, table_of
from tests.support.wide import WIDE, wide_table
from training.config import Candidate
from training.search.candidates import Built, build

NUMBER = Feature(name="x", kind="number")
NUMBER_OR_NONE = Feature(name="x", kind="number", required=False)
BOOLEAN = Feature(name="b", kind="boolean")
CITY = Feature(name="c", kind="category", categories=("Lyon", "Oslo", "Rome"))
CITY_OR_NONE = CITY.model_copy(update={"required": False})
SVC = {"name": "svm", "estimator": "sklearn.svm.SVC"}
FOREST = {"name": "forest", "estimator": "sklearn.ensemble.RandomForestClassifier", "params": {"n_estimators": 10}}
BOOSTING = {
    "name": "boosting",
    "estimator": "sklearn.ensemble.HistGradientBoostingClassifier",
    "params": {"max_iter": 30},
}


def built(candidate: dict[str, Any], *features: Feature, task: str = "classification") -> Built:
    target = Target(name="y", classes=("a", "b") if task == "classification" else ())
    contract = Contract.model_validate({"task": task, "features": features, "target": target})
    return build(Candidate.model_validate(candidate), contract, folds=3, seed=7)


def parts(estimator: Any) -> set[str]:
    """Names of the classes that an estimator is put together from."""
    found = {type(estimator).__name__}
    for part in estimator.get_params().values():
        if hasattr(part, "get_params"):
            found |= parts(part)
    return found


def prepared(made: Built, rows: list[list[float]]) -> Matrix:
    """What the last step of a pipeline sees of rows that it was fitted on."""
    preparation = clone(made.estimator[:-1])
    result: Matrix = preparation.fit_transform(np.array(rows))
    return result


def refusal(candidate: dict[str, Any], *, task: str = "classification") -> str:
    with pytest.raises(ConfigError) as caught:
        built(candidate, NUMBER, task=task)
    return str(caught.value)


class TestPreparation:
    def test_a_tree_reads_numbers_as_they_are(self) -> None:
        assert parts(built(TREE, NUMBER, BOOLEAN).estimator) == {"DecisionTreeClassifier"}

    def test_numbers_are_scaled_for_what_is_not_a_tree(self) -> None:
        assert parts(built(LOGISTIC, NUMBER).estimator) == {"Pipeline", "StandardScaler", "LogisticRegression"}

    @pytest.mark.parametrize(("candidate", "scale"), [(LOGISTIC, False), (TREE, True)])
    def test_scaling_can_be_asked_for_and_declined(self, candidate: dict[str, Any], scale: bool) -> None:
        made = built(candidate | {"scale": scale}, NUMBER)

        assert ("StandardScaler" in parts(made.estimator)) is scale

    def test_missing_numbers_are_filled_in_by_their_median(self) -> None:
        made = built(LOGISTIC | {"scale": False}, NUMBER_OR_NONE)

        assert prepared(made, [[1], [2], [9], [np.nan]])[3] == 2

    @pytest.mark.parametrize("candidate", [TREE, BOOSTING])
    def test_nothing_is_filled_in_for_an_estimator_that_takes_missing_values(self, candidate: dict[str, Any]) -> None:
        assert "SimpleImputer" not in parts(built(candidate, NUMBER_OR_NONE).estimator)

    def test_nothing_is_filled_in_where_nothing_may_be_missing(self) -> None:
        assert "SimpleImputer" not in parts(built(LOGISTIC, NUMBER).estimator)

    def test_a_category_becomes_one_column_for_each_known_value_also_those_not_seen(self) -> None:
        made = built(TREE, CITY)

        assert prepared(made, [[0], [2], [0]]).tolist() == [[1, 0, 0], [0, 0, 1], [1, 0, 0]]

    def test_a_missing_category_has_a_column_of_its_own(self) -> None:
        made = built(TREE, CITY_OR_NONE)

        assert prepared(made, [[1], [np.nan]]).tolist() == [[0, 0, 1, 0], [1, 0, 0, 0]]

    def test_columns_that_a_fold_has_no_value_of_keep_their_place(self) -> None:
        made = built(LOGISTIC, NUMBER_OR_NONE, CITY_OR_NONE)

        assert prepared(made, [[np.nan, np.nan], [np.nan, np.nan]]).shape == (2, 5)

    def test_numbers_beside_categories_are_scaled_and_categories_are_not(self) -> None:
        made = built(LOGISTIC, CITY, NUMBER)

        assert prepared(made, [[0, 10], [1, 20]]).tolist() == [[-1, 1, 0, 0], [1, 0, 1, 0]]

    def test_a_table_of_only_categories_needs_no_numbers(self) -> None:
        assert prepared(built(LOGISTIC, CITY), [[0], [1]]).shape == (2, 3)

    @pytest.mark.parametrize("candidate", [LOGISTIC, TREE, SVC, BOOSTING])
    def test_every_candidate_learns_a_table_of_all_kinds_with_missing_values(
        self, tmp_path: Path, candidate: dict[str, Any]
    ) -> None:
        table = table_of(tmp_path, mixed(), target="churned")
        made = build(Candidate.model_validate(candidate), table.contract, folds=2, seed=0)

        made.estimator.fit(table.rows, table.targets)

        assert made.estimator.score(table.rows, table.targets) > 0.8


class TestEstimator:
    @pytest.mark.parametrize(
        "path", ["sklearn.svm.SVC", "sklearn.linear_model.RidgeClassifier", "sklearn.linear_model.Perceptron"]
    )
    def test_a_classifier_without_probabilities_gets_them(self, path: str) -> None:
        made = built({"name": "c", "estimator": path}, NUMBER)

        made.estimator.fit(np.arange(12.0).reshape(-1, 1), np.repeat([0, 1], 6))

        assert made.estimator.predict_proba([[3.0]]).shape == (1, 2)

    def test_a_classifier_with_probabilities_is_left_alone(self) -> None:
        assert "CalibratedClassifierCV" not in parts(built(LOGISTIC, NUMBER).estimator)

    def test_parameters_are_passed_on(self) -> None:
        assert built(TREE, NUMBER).estimator.max_depth == 3

    def test_an_estimator_takes_the_seed_of_the_split(self) -> None:
        assert built(TREE, NUMBER).estimator.random_state == 7

    def test_a_seed_of_its_own_wins(self) -> None:
        assert built(TREE | {"params": {"random_state": 1}}, NUMBER).estimator.random_state == 1

    @pytest.mark.parametrize(
        ("candidate", "path"), [(TREE, "max_depth"), (LOGISTIC, "model__C"), (SVC, "model__estimator__C")]
    )
    def test_a_search_reaches_its_parameter_however_deep_the_estimator_sits(
        self, candidate: dict[str, Any], path: str
    ) -> None:
        parameter = path.rpartition("__")[2]

        made = built(candidate | {"search": {parameter: [1, 2]}}, NUMBER)

        assert made.with_params({parameter: 2}).get_params()[path] == 2
        assert made.estimator.get_params()[path] != 2, "the template stays as it was"


class TestMistakes:
    @pytest.mark.parametrize("path", ["sklearn.ensemble.RandomForrest", "sklearm.svm.SVC", "sklearn..svm.SVC"])
    def test_a_class_that_does_not_exist_is_named(self, path: str) -> None:
        assert f"candidate c: there is no {path}" in refusal({"name": "c", "estimator": path})

    @pytest.mark.parametrize("path", ["pathlib.Path", "sklearn.metrics.accuracy_score", "os.getcwd"])
    def test_what_is_not_an_estimator_is_refused(self, path: str) -> None:
        assert "is not a scikit-learn estimator" in refusal({"name": "c", "estimator": path})

    @pytest.mark.parametrize("section", ["params", "search"])
    def test_a_parameter_that_does_not_exist_is_named(self, section: str) -> None:
        found = refusal({"name": "c", "estimator": "sklearn.svm.SVC", section: {"gama": [1]}})

        assert "candidate c: SVC has no parameter 'gama'" in found

    @pytest.mark.parametrize(
        ("candidate", "task", "kind"), [(RIDGE, "classification", "classifier"), (TREE, "regression", "regressor")]
    )
    def test_an_estimator_of_the_other_task_is_refused(self, candidate: dict[str, Any], task: str, kind: str) -> None:
        assert f"is not a {kind}" in refusal(candidate, task=task)

    def test_an_estimator_of_no_task_is_refused(self) -> None:
        assert "is not a classifier" in refusal({"name": "c", "estimator": "sklearn.cluster.KMeans"})


class TestTables:
    @pytest.mark.parametrize(
        "path", ["xgboost.XGBClassifier", "lightgbm.LGBMClassifier", "catboost.CatBoostClassifier"]
    )
    def test_other_libraries_see_a_column_for_each_of_a_few_categories(self, path: str) -> None:
        pytest.importorskip(path.partition(".")[0])

        assert parts(built({"name": "x", "estimator": path}, CITY).estimator) >= {"OneHotEncoder"}

    @pytest.mark.parametrize(("inner", "scaled"), [("tree.DecisionTree", False), ("neighbors.KNeighbors", True)])
    def test_numbers_are_scaled_where_an_estimator_within_is_not_a_tree(self, inner: str, scaled: bool) -> None:
        bag = {"name": "bag", "estimator": "sklearn.ensemble.BaggingClassifier"}

        made = built(bag | {"params": {"estimator": {"estimator": f"sklearn.{inner}Classifier"}}}, NUMBER)

        assert ("StandardScaler" in parts(made.estimator)) is scaled

    def test_boosting_has_categories_and_their_codes(self) -> None:
        made = built(BOOSTING, CITY, NUMBER)

        assert made.with_params({"max_iter": 5}).steps[-1][1].categorical_features == [0]
        assert prepared(made, [[2, 7], [np.nan, 8]]).tolist()[0] == [2, 7, 2]

    def test_two_categories_without_missing_values_need_no_codes_beside_them(self) -> None:
        assert built(BOOSTING, CITY.model_copy(update={"categories": ("Lyon", "Oslo")})).path == ""

    def test_a_search_for_bins_or_categories_of_its_own_leaves_columns_of_ones(self) -> None:
        assert "OneHotEncoder" in parts(built(BOOSTING | {"search": {"max_bins": [31, 255]}}, CITY).estimator)
        assert "OneHotEncoder" in parts(built(BOOSTING | {"params": {"categorical_features": None}}, CITY).estimator)

    @pytest.mark.parametrize("common", ["", "none", "B25"], ids=["missing", "a word", "a code among others"])
    def test_boosting_tells_a_common_category_from_many_rare_ones(self, tmp_path: Path, common: str) -> None:
        def row(number: int) -> str:
            boat = f"B{10 + number * 7 % 39}" if number * 11 % 17 < 7 else common
            return f"{'FM'[number % 2]},{boat},{int(boat != common) ^ (number % 29 == 0)}"

        trained = learned(tmp_path, lines("sex,boat,out", row, count=300), BOOSTING, target="out")

        assert trained.metrics.cross_validated["accuracy"].mean > 0.93
        assert trained.compiled.outcome.converter == "skylift"

    @pytest.mark.parametrize("count", [90, 300])
    @pytest.mark.parametrize("candidate", [LOGISTIC, BOOSTING, FOREST], ids=["logistic", "boosting", "forest"])
    def test_many_categories_are_learned_by_what_each_does_and_compiled_exactly(
        self, tmp_path: Path, candidate: dict[str, Any], count: int
    ) -> None:
        def row(number: int) -> str:
            shop = number * 7 % count
            return f"{number % 13},s{shop},{'ab'[(shop * 5 % 11 > 5) ^ (number % 31 == 0)]}"

        text = lines("x,shop,y", row, count=1500)

        trained = learned(tmp_path, text, candidate, features={"shop": {"kind": "category"}})

        assert trained.metrics.cross_validated["accuracy"].mean > 0.9
        assert trained.compiled.outcome.converter == "skylift"

    def test_support_vectors_fit_a_large_target(self, tmp_path: Path) -> None:
        text = lines(
            "x,n,y", lambda number: f"{number * 7 % 80},{number % 7},{1e6 + 5000 * (number * 7 % 80)}", count=80
        )

        trained = learned(tmp_path, text, {"name": "svm", "estimator": "sklearn.svm.SVR", "search": {"C": [1.0, 10.0]}})

        assert trained.metrics.holdout["r2"] > 0.9

    def test_linear_models_see_that_a_category_is_missing(self, tmp_path: Path) -> None:
        """Only who has no value, and no city, is of class b."""

        def row(number: int) -> str:
            gone = number * 7 % 11 < 4
            known = "," if gone else f"{number * 3 % 17},{'uv'[number % 2]}"
            return f"{known},{'ab'[gone ^ (number % 29 == 0)]}"

        trained = learned(tmp_path, lines("v,c,y", row, count=120), LOGISTIC)

        assert trained.metrics.holdout["accuracy"] > 0.85


class TestAFeatureOfSeveralColumns:
    def steps(self, candidate: dict[str, Any]) -> Any:
        made = build(Candidate.model_validate(candidate), WIDE, folds=3, seed=7).estimator
        return {name: columns for name, _, columns in made.steps[0][1].transformers}

    def test_its_columns_are_numbers_to_a_linear_model(self) -> None:
        assert self.steps(RIDGE) == {"numbers": [0, 1, 2, 4], "category_3": [3]}

    def test_boosting_is_told_the_columns_of_categories(self) -> None:
        boosting = {"name": "boosting", "estimator": "sklearn.ensemble.HistGradientBoostingRegressor"}
        made = build(Candidate.model_validate(boosting), WIDE, folds=3, seed=7).estimator

        assert made.categorical_features == [3]

    def test_missing_dates_are_filled_in_for_an_estimator_that_takes_none(self) -> None:
        made = build(Candidate.model_validate(RIDGE), WIDE, folds=3, seed=7).estimator
        table = wide_table()

        assert np.isfinite(made.fit(table.rows, table.targets).predict(table.rows)).all()


class TestBalancedClasses:
    @pytest.mark.parametrize(
        ("name", "params"),
        [
            ("linear_model.LogisticRegression", {}),
            ("ensemble.RandomForestClassifier", {"n_estimators": 5, "max_depth": 4}),
        ],
    )
    def test_probabilities_are_those_of_the_table_and_compiled(
        self, name: str, params: dict[str, Any], tmp_path: Path
    ) -> None:
        """Balanced weights alone would have half of the probability on 2% of the rows."""
        candidate = {"name": "m", "estimator": f"sklearn.{name}", "params": params | {"class_weight": "balanced"}}

        trained = learned(tmp_path, payments(1500, 30), candidate, target="fraud")

        assert trained.compiled.predictor.scores(trained.table.rows)[:, 1].mean() == pytest.approx(0.02, abs=0.006)
        assert trained.compiled.outcome.converter == "skylift"

    @pytest.mark.parametrize(
        "weighted",
        [
            {"params": {"class_weight": {0: 1, 1: 50}}},
            {"params": {"class_weight": {"no": 1, "yes": 50}}},
            {"search": {"class_weight": ["balanced", {"no": 1, "yes": 50}]}},
            {"search": {"class_weight": [None, {0: 1, 1: 50}], "C": [1.0]}},
        ],
        ids=["by code", "by name", "searched", "searched beside none"],
    )
    def test_so_they_are_whatever_the_weights_are(self, weighted: dict[str, Any], tmp_path: Path) -> None:
        trained = learned(tmp_path, payments(1500, 30), LOGISTIC | weighted, target="fraud")

        assert trained.compiled.predictor.scores(trained.table.rows)[:, 1].mean() == pytest.approx(0.02, abs=0.006)

    @pytest.mark.parametrize(
        ("params", "calibrated"),
        [
            ({}, False),
            ({"class_weight": None}, False),
            ({"class_weight": "balanced_subsample"}, True),
            ({"class_weight": {0: 1.0, 1: 3.0}}, True),
        ],
    )
    def test_only_weights_make_them_others(self, params: dict[str, Any], calibrated: bool) -> None:
        made = built(FOREST | {"params": params}, NUMBER).estimator

        assert ("CalibratedClassifierCV" in parts(made)) is calibrated

    def test_weights_of_estimators_within_one_count_and_are_by_name_too(self) -> None:
        inner = {"estimator": LOGISTIC["estimator"], "params": {"class_weight": {"a": 1, "b": 9}}}
        bag = {"name": "m", "estimator": "sklearn.ensemble.BaggingClassifier", "params": {"estimator": inner}}

        made = built(bag, NUMBER)

        assert "CalibratedClassifierCV" in parts(made.estimator)
        weights = {name: value for name, value in made.estimator.get_params().items() if name.endswith("class_weight")}
        assert [*weights.values()] == [{0: 1, 1: 9}]

    @pytest.mark.parametrize(
        ("library", "params"),
        [
            ("xgboost.XGBClassifier", {"scale_pos_weight": 5}),
            ("lightgbm.LGBMClassifier", {"is_unbalance": True}),
            ("catboost.CatBoostClassifier", {"auto_class_weights": "Balanced"}),
        ],
    )
    def test_other_libraries_call_them_otherwise(self, library: str, params: dict[str, Any]) -> None:
        pytest.importorskip(library.partition(".")[0])
        candidate = {"name": "m", "estimator": library, "params": params}

        assert "CalibratedClassifierCV" in parts(built(candidate, NUMBER).estimator)

    def test_a_candidate_that_calibrates_itself_is_not_calibrated_twice(self) -> None:
        inner = {"estimator": LOGISTIC["estimator"], "params": {"class_weight": "balanced"}}
        own = {"name": "m", "estimator": "sklearn.calibration.CalibratedClassifierCV", "params": {"estimator": inner}}

        made = built(own, NUMBER).estimator.steps[-1][1]

        assert type(made).__name__ == "CalibratedClassifierCV"
        assert type(made.estimator).__name__ == "LogisticRegression"
