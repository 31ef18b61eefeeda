"""The training job: any flat table, the best candidate by the configured metric, the same result every time."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from skylift.encoding import RowEncoder
from skylift.errors import ConfigError, GateFailed, TrainingError
from skylift.manifest import COMPILED_FILE
from skylift.predictors import SklearnPredictor, load_predictor
from skylift.registry import Registry
from skylift.scoring import predictions
from skylift.store import VersionStore
from tests.support.models import IRIS_SETOSA, trained_iris
from tests.support.tables import LOGISTIC, RIDGE, TREE, config_of, learned, lines, mixed, one_feature, public_table
from training.job import Trained, train
from training.metrics.scores import score_metrics
from training.release.packaging import pack

DUMMY = {"name": "dummy", "estimator": "sklearn.dummy.DummyClassifier"}
MEAN = {"name": "mean", "estimator": "sklearn.dummy.DummyRegressor"}
MLP = {"name": "network", "estimator": "sklearn.neural_network.MLPClassifier"}

SEPARABLE = lines("x,n,y", lambda number: f"{number},{number % 7},{'ab'[number // 20]}")
LINE = lines("x,n,y", lambda number: f"{number},{number % 7},{3 * number + number % 7 / 4}")


def ranked(trained: Trained) -> list[str]:
    return [entry.candidate for entry in trained.leaderboard]


def answered(trained: Trained, *instances: dict[str, Any]) -> list[Any]:
    contract = trained.table.contract
    scores = SklearnPredictor(trained.estimator, contract.task).scores(RowEncoder(contract).encode(instances))
    return predictions(contract, scores)


class TestChoosing:
    def test_the_best_candidate_is_selected_and_leads_the_board(self, tmp_path: Path) -> None:
        trained = learned(tmp_path, SEPARABLE, DUMMY, TREE)

        assert trained.selected == "tree"
        assert ranked(trained) == ["tree", "dummy"]

    def test_of_equals_the_first_configured_wins(self, tmp_path: Path) -> None:
        twins = [TREE | {"name": name} for name in ("second", "first")]

        assert ranked(learned(tmp_path, SEPARABLE, *twins)) == ["second", "first"]

    def test_probabilities_are_ranked_not_labels_alone(self, tmp_path: Path) -> None:
        """Both name the rare class nowhere; only one knows where it is more likely."""
        rare = lines(
            "x,n,y", lambda row: f"{row * 7 % 80},{row % 5},{'ab'[row % 3 == 0 and row * 7 % 80 > 40]}", count=80
        )

        trained = learned(tmp_path, rare, DUMMY, LOGISTIC)

        assert trained.leaderboard[0].scores["accuracy"].mean <= trained.leaderboard[1].scores["accuracy"].mean
        assert trained.selected == "logistic"

    def test_a_tie_within_noise_is_named(self, tmp_path: Path) -> None:
        noise = lines("x,n,y", lambda row: f"{row * 7 % 11},{row % 5},{'ab'[row * row * 7 % 13 % 2]}", count=80)

        trained = learned(tmp_path, noise, LOGISTIC, DUMMY)

        best, other = ranked(trained)
        assert f"{best} was selected within noise of {other} (cross-validated log_loss)" in trained.notes

    @pytest.mark.parametrize("metric", ["accuracy", "balanced_accuracy", "f1_macro", "log_loss", "roc_auc"])
    def test_each_metric_of_a_classification_prefers_the_better_model(self, tmp_path: Path, metric: str) -> None:
        trained = learned(tmp_path, SEPARABLE, DUMMY, LOGISTIC, select_by=metric)

        assert (trained.selected, trained.select_by) == ("logistic", metric)

    @pytest.mark.parametrize("metric", ["mae", "rmse", "r2"])
    def test_each_metric_of_a_regression_prefers_the_better_model(self, tmp_path: Path, metric: str) -> None:
        trained = learned(tmp_path, LINE, MEAN, RIDGE, select_by=metric)

        assert (trained.selected, trained.select_by) == ("ridge", metric)

    @pytest.mark.parametrize(("text", "metric"), [(SEPARABLE, "log_loss"), (LINE, "rmse")])
    def test_each_task_has_a_metric_to_choose_by(self, tmp_path: Path, text: str, metric: str) -> None:
        candidate = TREE if text is SEPARABLE else RIDGE

        assert learned(tmp_path, text, candidate).select_by == metric

    def test_a_metric_of_the_other_task_is_refused(self, tmp_path: Path) -> None:
        with pytest.raises(ConfigError, match="select_by is rmse, not a classification metric"):
            learned(tmp_path, SEPARABLE, select_by="rmse")

    def test_a_search_finds_the_better_parameter_and_reports_it(self, tmp_path: Path) -> None:
        text = lines("x,y", lambda number: f"{number},{'ab'[number // 10 % 2]}")
        tree = TREE | {"params": {"criterion": "entropy"}, "search": {"max_depth": [1, 5]}}

        trained = learned(tmp_path, text, tree, select_by="accuracy")

        assert trained.leaderboard[0].params == {"criterion": "entropy", "max_depth": 5}
        assert trained.estimator.max_depth == 5

    def test_a_search_inside_a_pipeline_reports_the_plain_name(self, tmp_path: Path) -> None:
        svm = {"name": "svm", "estimator": "sklearn.svm.SVC", "search": {"C": [1.0, 10.0]}}

        params = learned(tmp_path, SEPARABLE, svm).leaderboard[0].params

        assert params.keys() == {"C"}

    def test_lists_can_be_searched(self, tmp_path: Path) -> None:
        network = MLP | {"params": {"max_iter": 5}, "search": {"hidden_layer_sizes": [[2], [2, 2]]}}

        params = learned(tmp_path, SEPARABLE, network).leaderboard[0].params

        assert params["hidden_layer_sizes"] in ([2], [2, 2])

    def test_parameters_may_be_of_any_form(self, tmp_path: Path) -> None:
        trained = learned(tmp_path, SEPARABLE, TREE | {"params": {"class_weight": {0: 1, 1: 2}}})

        weighted = trained.estimator.calibrated_classifiers_[0].estimator  # weights alone move the probabilities
        assert weighted.class_weight == {0: 1, 1: 2}
        assert trained.leaderboard[0].params == {"class_weight": "{0: 1, 1: 2}"}


class TestFailures:
    @pytest.mark.parametrize(
        "broken",
        [
            MLP | {"params": {"hidden_layer_sizes": ["wide"]}},
            {"name": "counts", "estimator": "sklearn.naive_bayes.MultinomialNB", "scale": True},
            {"name": "deep", "estimator": "sklearn.tree.DecisionTreeClassifier", "params": {"max_depth": -1}},
        ],
        ids=["a type error", "a refused table", "a refused parameter"],
    )
    def test_a_candidate_that_cannot_be_fitted_comes_last_with_its_reason(
        self, tmp_path: Path, broken: dict[str, Any]
    ) -> None:
        trained = learned(tmp_path, SEPARABLE, broken, TREE)

        assert ranked(trained) == ["tree", broken["name"]]
        assert trained.leaderboard[1].failure
        assert trained.leaderboard[1].scores == {}

    def test_where_no_candidate_can_be_fitted_each_reason_is_told_on_one_line(self, tmp_path: Path) -> None:
        broken = [TREE | {"name": name, "params": {"max_depth": -1}} for name in ("one", "two")]

        with pytest.raises(TrainingError, match=r"no candidate could be fitted \(one: .*; two: .*\)") as caught:
            learned(tmp_path, SEPARABLE, *broken)
        assert "\n" not in str(caught.value)

    def test_a_bad_class_ends_the_job(self, tmp_path: Path) -> None:
        with pytest.raises(ConfigError, match="there is no"):
            learned(tmp_path, SEPARABLE, TREE, {"name": "c", "estimator": "sklearn.tree.Oak"})

    def test_what_an_estimator_warns_of_is_noted(self, tmp_path: Path) -> None:
        trained = learned(tmp_path, SEPARABLE, LOGISTIC | {"params": {"max_iter": 1}})

        assert any(note.startswith("logistic: ") for note in trained.notes)


class TestMeasuring:
    def test_the_model_learns_nothing_of_the_holdout(self, tmp_path: Path) -> None:
        """A tree without limits knows every row it learned from by heart; of noise it knows no other."""
        noise = np.random.default_rng(0).integers(0, 2, 200)
        text = lines("x,y", lambda number: f"{number},{'ab'[noise[number]]}", count=200)

        trained = learned(tmp_path, text, TREE | {"params": {}})

        table, split = trained.table, trained.split
        assert trained.estimator.score(table.rows[split.train], table.targets[split.train]) == 1
        assert trained.metrics.holdout["accuracy"] < 0.8

    def test_metrics_are_cross_validated_on_five_folds(self) -> None:
        accuracy = trained_iris().metrics.cross_validated["accuracy"]

        assert len(accuracy.folds) == 5
        assert accuracy.mean == pytest.approx(np.mean(accuracy.folds))

    def test_the_share_of_the_holdout_is_as_configured(self, tmp_path: Path) -> None:
        trained = learned(tmp_path, SEPARABLE, split={"holdout": 0.5, "seed": 1})

        assert len(trained.split.holdout) == len(trained.split.train) == 20

    def test_a_rare_class_lowers_the_number_of_folds(self, tmp_path: Path) -> None:
        text = lines("x,y", lambda number: f"{number},{'rare' if number < 4 else 'often'}")

        assert len(learned(tmp_path, text).metrics.cross_validated["accuracy"].folds) == 3

    @pytest.mark.parametrize(("count", "holdout"), [(10, 0.2), (10, 0.05), (12, 0.5)])
    def test_every_metric_of_a_tiny_regression_is_a_number(self, tmp_path: Path, count: int, holdout: float) -> None:
        text = lines("x,y", lambda number: f"{number},{number * 1.5}", count=count)

        metrics = learned(tmp_path, text, RIDGE, split={"holdout": holdout}).metrics

        assert np.isfinite([spread.mean for spread in metrics.cross_validated.values()]).all()
        assert np.isfinite(list(metrics.holdout.values())).all()


class TestGates:
    def test_a_model_within_its_gates_passes(self, tmp_path: Path) -> None:
        learned(tmp_path, SEPARABLE, LOGISTIC, gates={"accuracy": {"min": 0.5}, "log_loss": {"max": 9}}).check_gates()

    def test_a_model_outside_a_gate_is_refused_with_the_numbers(self, tmp_path: Path) -> None:
        trained = learned(tmp_path, SEPARABLE, DUMMY, gates={"accuracy": {"min": 0.9}})

        with pytest.raises(GateFailed, match=r"accuracy 0\.5000 \(>= 0\.9\), .*: nothing was published"):
            trained.check_gates()

    def test_a_gate_on_a_metric_of_the_other_task_is_refused_before_anything_is_fitted(self, tmp_path: Path) -> None:
        (tmp_path / "table.csv").write_text(SEPARABLE, encoding="utf-8")
        config = config_of(tmp_path / "table.csv", gates={"rmse": {"max": 1}})
        told: list[str] = []

        with pytest.raises(ConfigError, match="gates names rmse, not a classification metric"):
            train(config, progress=told.append)
        assert told == ["reading table.csv"]


def test_progress_names_each_step(tmp_path: Path) -> None:
    (tmp_path / "table.csv").write_text(SEPARABLE, encoding="utf-8")
    told: list[str] = []

    train(config_of(tmp_path / "table.csv", candidates=[DUMMY, TREE]), progress=told.append)

    assert told == [
        "reading table.csv",
        "candidate 1 of 2: dummy",
        "candidate 2 of 2: tree",
        "refitting tree",
        "compiling",
        "evaluating on the holdout",
    ]


class TestAnyTable:
    """The three required keys are enough, from the table to an answer of the promoted version."""

    @pytest.mark.parametrize(
        ("name", "metric", "least"),
        [
            ("wine", "accuracy", 0.9),
            ("breast_cancer", "accuracy", 0.9),
            ("diabetes", "r2", 0.3),
            ("mixed", "accuracy", 0.8),
        ],
    )
    def test_a_table_becomes_a_promoted_version_that_answers_as_trained(
        self, tmp_path: Path, registry: Registry, store: VersionStore, name: str, metric: str, least: float
    ) -> None:
        path = tmp_path / "table.csv"
        path.write_text(mixed() if name == "mixed" else public_table(name), encoding="utf-8")
        trained = train(
            config_of(path, target="churned" if name == "mixed" else "target").model_copy(update={"model": "iris"})
        )
        package = pack(trained)
        registry.promote(registry.publish(package.describe, package.artifacts).reference)

        version = registry.resolve()
        predictor = load_predictor(version.manifest, lambda file: store.artifact(version.manifest, file))

        contract, rows = version.manifest.contract, trained.split.holdout
        scores = predictor.scores(RowEncoder(contract).encode([trained.table.instance(int(row)) for row in rows]))
        assert score_metrics(contract, trained.table.targets[rows], scores) == version.manifest.metrics.holdout
        assert version.manifest.metrics.holdout[metric] >= least

    def test_very_unbalanced_classes_are_learned(self, tmp_path: Path) -> None:
        text = lines("x,y", lambda number: f"{number % 100},{'rare' if number % 100 == 0 else 'often'}", count=500)

        trained = learned(tmp_path, text, TREE, LOGISTIC)

        assert trained.metrics.holdout["balanced_accuracy"] == 1

    def test_many_classes_are_learned(self, tmp_path: Path) -> None:
        text = lines("x,y", lambda number: f"{number % 40},c{number % 40}", count=400)

        assert learned(tmp_path, text, TREE | {"params": {}}).metrics.holdout["accuracy"] == 1

    def test_a_column_with_a_single_known_value_hinders_nobody(self, tmp_path: Path) -> None:
        for value in ("red", "2.5"):
            trained = learned(tmp_path, one_feature(lambda number, value=value: value if number == 7 else ""), LOGISTIC)  # type: ignore[misc]

            assert trained.leaderboard[0].failure is None


class TestBehaviour:
    """What anyone who knows irises or patients would expect of the model."""

    def test_the_order_of_the_fields_makes_no_difference(self) -> None:
        backwards = dict(reversed(IRIS_SETOSA.items()))

        first, second = answered(trained_iris(), IRIS_SETOSA, backwards)

        assert first == second

    def test_a_row_is_answered_the_same_alone_and_among_others(self) -> None:
        others = [IRIS_SETOSA | {"petal_length": 1 + step / 2} for step in range(10)]

        among, alone = answered(trained_iris(), *others)[3], answered(trained_iris(), others[3])[0]

        assert among["label"] == alone["label"]
        assert among["probabilities"] == pytest.approx(alone["probabilities"])

    def test_the_longer_the_petal_the_less_it_is_a_setosa(self) -> None:
        flowers = [IRIS_SETOSA | {"petal_length": 1.0 + step, "petal_width": 0.2 + step / 3} for step in range(6)]

        shares = [answer["probabilities"]["setosa"] for answer in answered(trained_iris(), *flowers)]

        assert shares == sorted(shares, reverse=True)
        assert shares[0] > 0.9
        assert shares[-1] < 0.1

    @pytest.mark.parametrize(
        ("flower", "species"),
        [((5.1, 3.5, 1.4, 0.2), "setosa"), ((6.0, 2.8, 4.3, 1.3), "versicolor"), ((6.7, 3.1, 5.8, 2.3), "virginica")],
    )
    def test_a_typical_flower_is_recognised(self, flower: tuple[float, ...], species: str) -> None:
        (answer,) = answered(trained_iris(), dict(zip(IRIS_SETOSA, flower, strict=True)))

        assert answer["label"] == species

    def test_probabilities_add_up_to_one(self) -> None:
        (answer,) = answered(trained_iris(), IRIS_SETOSA)

        assert sum(answer["probabilities"].values()) == pytest.approx(1)

    def test_a_higher_body_mass_predicts_more_diabetes(self, tmp_path: Path) -> None:
        trained = learned(tmp_path, public_table("diabetes"), RIDGE, target="target")
        patient = trained.table.contract.example

        lean, heavy = answered(trained, patient | {"bmi": -0.05}, patient | {"bmi": 0.1})

        assert heavy["value"] > lean["value"]

    def test_a_category_moves_the_answer_in_its_direction(self, tmp_path: Path) -> None:
        price = {"Lyon": 1.0, "Oslo": 5.0, "Rome": 3.0}
        cities = list(price)
        text = lines(
            "c,n,y", lambda number: f"{cities[number % 3]},{number % 5},{price[cities[number % 3]] + number % 5}"
        )
        trained = learned(tmp_path, text, RIDGE)

        values = {city: answered(trained, {"c": city, "n": 2})[0]["value"] for city in price}

        assert values["Lyon"] < values["Rome"] < values["Oslo"]

    def test_a_missing_value_is_answered_where_the_table_had_some(self, tmp_path: Path) -> None:
        trained = learned(tmp_path, mixed(), LOGISTIC, target="churned")
        instance = trained.table.contract.example

        (answer,) = answered(trained, instance | {"city": None, "visits": None, "consent": None})

        assert answer["label"] in {"no", "yes"}


class TestRepeatability:
    """`tests/e2e/test_repeatability.py` compares processes that hash differently."""

    def test_the_same_training_makes_the_same_files_again(self, tmp_path: Path) -> None:
        first, second = (pack(learned(tmp_path, mixed(), LOGISTIC, target="churned")).describe(1) for _ in range(2))

        assert COMPILED_FILE in first.artifacts, "without it nothing is said of compiled files"
        assert first.artifacts == second.artifacts
        assert first.metrics == second.metrics
