"""`model.yaml` names estimators of several libraries, and estimators within estimators; a mistake is named."""

from pathlib import Path
from typing import Any

import pytest

from skylift.errors import ConfigError
from tests.support.tables import learned, mixed
from training.config import Candidate
from training.search.estimators import innermost, instantiate

FOREST = {"name": "forest", "estimator": "sklearn.ensemble.RandomForestClassifier"}
LINEAR = {"estimator": "sklearn.linear_model.LogisticRegression"}
BOTH: dict[str, Any] = {"estimators": [FOREST, LINEAR]}
VOTE = {"name": "vote", "estimator": "sklearn.ensemble.VotingClassifier", "params": BOTH}


def made(document: dict[str, Any]) -> Any:
    return instantiate(Candidate.model_validate({"name": "c"} | document), seed=7)


def fault(document: dict[str, Any]) -> ConfigError:
    with pytest.raises(ConfigError) as caught:
        made(document)
    return caught.value


class TestNested:
    def test_a_list_of_estimators_gets_names(self) -> None:
        assert [name for name, _ in made(VOTE).estimators] == ["forest", "logisticregression"]

    def test_every_estimator_within_takes_the_seed(self) -> None:
        vote = made(VOTE)

        assert {vote.get_params()[f"{name}__random_state"] for name, _ in vote.estimators} == {7}

    def test_a_seed_of_its_own_wins(self) -> None:
        forest = FOREST | {"params": {"random_state": 1}}

        assert made(VOTE | {"params": {"estimators": [forest]}}).get_params()["forest__random_state"] == 1

    def test_a_vote_is_of_probabilities(self) -> None:
        assert made(VOTE).voting == "soft"
        assert made(VOTE | {"params": {"estimators": [FOREST], "voting": "hard"}}).voting == "hard"

    def test_a_pipeline_has_steps_in_their_order(self) -> None:
        steps = [{"estimator": "sklearn.preprocessing.StandardScaler"}, "passthrough", {"name": "last"} | LINEAR]

        pipeline = made({"estimator": "sklearn.pipeline.Pipeline", "params": {"steps": steps}})

        assert [name for name, _ in pipeline.steps] == ["standardscaler", "step1", "last"]

    def test_parameters_of_an_estimator_within_go_by_its_name(self) -> None:
        bag = {"estimator": "sklearn.ensemble.BaggingClassifier", "params": {"estimator": LINEAR, "estimator__C": 2}}

        assert made(bag).estimator.C == 2

    def test_the_innermost_are_what_learns(self) -> None:
        stack = {"estimator": "sklearn.ensemble.StackingClassifier", "params": {"estimators": [VOTE]}}

        assert [type(one).__name__ for one in innermost(made(stack))] == [
            "RandomForestClassifier",
            "LogisticRegression",
        ]

    def test_one_of_no_others_is_its_own_innermost(self) -> None:
        assert [type(one).__name__ for one in innermost(made(FOREST))] == ["RandomForestClassifier"]

    def test_a_search_goes_into_it_and_it_compiles(self, tmp_path: Path) -> None:
        small = FOREST | {"params": {"n_estimators": 3}}
        vote = VOTE | {"params": {"estimators": [small, LINEAR]}, "search": {"forest__max_depth": [2, 3]}}

        trained = learned(tmp_path, mixed(), vote, target="churned")

        (entry,) = trained.leaderboard
        assert entry.params["forest__max_depth"] in {2, 3}
        assert entry.params["estimators"] == ["RandomForestClassifier(n_estimators=3)", "LogisticRegression()"]
        assert trained.compiled.outcome.converter == "skylift"


class TestLibraries:
    @pytest.mark.parametrize(
        ("path", "params"),
        [
            ("xgboost.XGBClassifier", {"n_estimators": 4}),
            ("lightgbm.LGBMClassifier", {"num_iterations": 4, "min_child_samples": 2}),
            ("catboost.CatBoostClassifier", {"iterations": 4}),
        ],
    )
    def test_it_trains_quietly_and_compiles_exactly(
        self, tmp_path: Path, capfd: pytest.CaptureFixture[str], path: str, params: dict[str, Any]
    ) -> None:
        library = path.partition(".")[0]
        pytest.importorskip(library)
        boosted = {"name": "boosted", "estimator": path, "params": params}

        trained = learned(tmp_path, mixed(), boosted, target="churned")

        assert trained.compiled.outcome.converter == "skylift"
        assert trained.compiled.outcome.reason is None
        assert trained.metrics.holdout["accuracy"] > 0.6
        assert capfd.readouterr() == ("", "")
        assert not Path("catboost_info").exists()

    def test_a_library_that_is_not_installed_is_named_with_its_extra(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setitem(__import__("sys").modules, "lightgbm", None)

        found = fault({"estimator": "lightgbm.LGBMClassifier"})

        assert "candidate c needs lightgbm, which is not installed here" in str(found)
        assert found.hint.endswith("-e '.[lightgbm]'")

    @pytest.mark.parametrize(
        ("path", "right", "wrong"),
        [
            ("xgboost.XGBClassifier", "max_depth", "max_dept"),
            ("lightgbm.LGBMClassifier", "is_unbalance", "is_unbalanced"),
            ("catboost.CatBoostClassifier", "depth", "dept"),
        ],
    )
    def test_its_parameters_are_known(self, path: str, right: str, wrong: str) -> None:
        pytest.importorskip(path.partition(".")[0])

        assert made({"estimator": path, "params": {right: 1}, "search": {right: [1]}})
        assert repr(right) in fault({"estimator": path, "params": {wrong: 1}}).hint


class TestMistakes:
    def test_a_misspelt_class_is_told_the_nearest(self) -> None:
        assert fault({"estimator": "sklearn.ensemble.RandomForrestClassifier"}).hint == (
            "did you mean 'RandomForestClassifier'?"
        )

    @pytest.mark.parametrize(
        "path",
        ["sklearn.ensemble.VotingClassifier", "sklearn.multiclass.OneVsRestClassifier", "sklearn.pipeline.Pipeline"],
    )
    def test_an_estimator_that_needs_others_is_refused_without_them(self, path: str) -> None:
        found = fault({"estimator": path})

        assert "needs other estimators as" in str(found)
        assert "in params" in found.hint

    @pytest.mark.parametrize("section", ["params", "search"])
    @pytest.mark.parametrize("name", ["forest__max_dept", "trees__max_depth", "forest__max_depth__x"])
    def test_so_is_a_parameter_that_none_within_has(self, section: str, name: str) -> None:
        values = {"search": {name: [1]}} if section == "search" else {"params": BOTH | {name: 1}}

        assert f"VotingClassifier has no parameter {name!r}" in str(fault(VOTE | values))

    def test_a_fault_within_names_the_candidate(self) -> None:
        wrong = {"estimator": "sklearn.svm.SVC", "params": {"gama": 1}}

        assert "candidate c: SVC has no parameter 'gama'" in str(
            fault({"estimator": "sklearn.ensemble.BaggingClassifier", "params": {"estimator": wrong}})
        )
