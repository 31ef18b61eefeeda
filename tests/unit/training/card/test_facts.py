"""What the card says of a model's use, data, choice and limits."""

from typing import Any

import pytest

from skylift.manifest import Compiled, Manifest
from skylift.metrics import LeaderboardEntry
from tests.support.models import iris_package, trained_iris
from tests.support.pages import text_of
from training.card.facts import call, choice, data, environment, limits, use
from training.config import CardSection
from training.data.profile import profile
from training.evaluation.report import Slice, Slices
from training.metrics.registry import METRICS

SAID = CardSection(
    purpose="To tell flowers apart", not_for=("Trees",), owners=("Ada", "Grace"), licence="MIT", data="A garden",
    limits=("Weak in winter",),
)  # fmt: skip


def manifest(**fields: Any) -> Manifest:
    return iris_package().describe(1).model_copy(update=fields)


class TestUse:
    def test_it_says_what_people_have_said(self) -> None:
        text = text_of(use(manifest(), SAID))

        for words in ("To tell flowers apart", "Trees", "Ada, Grace", "MIT"):
            assert words in text
        assert "Not stated" not in text

    def test_it_says_what_is_not_stated(self) -> None:
        text = text_of(use(manifest(), CardSection(owners=("Ada",))))

        assert "Not stated: purpose, uses it is not for, licence, source of the data, known limits. Add it" in text

    def test_it_names_the_answers(self) -> None:
        assert "species: one of setosa, versicolor, virginica, with probabilities" in text_of(use(manifest(), SAID))


class TestData:
    def test_each_feature_has_its_range_and_the_table_its_digest(self) -> None:
        trained = trained_iris()
        distribution = {"features": {}, "target": {"shares": [0.5, 0.25, 0.25]}}

        text = text_of(data(manifest(), distribution, profile(trained.table), SAID))

        assert f"sha256:{trained.table.digest}" in text
        assert "150: 120 training rows, 30 holdout rows (20%, seed 42)" in text
        assert "0.1 to 2.5, mean 1.199" in text
        assert all(feature.name in text for feature in trained.table.contract.features)


class TestChoice:
    def test_candidates_stand_with_their_parameters_by_the_metric_that_chose(self) -> None:
        text = text_of(choice(manifest(select_by="log_loss"), trained_iris().evaluation))

        assert "cross-validated on the training rows over 5 folds" in text
        assert f"candidateparameters{METRICS['log_loss'].title}" in text
        assert "max_iter=1000" in text

    def test_a_candidate_that_failed_says_why(self) -> None:
        failed = LeaderboardEntry(candidate="broken", estimator="m.Tree", params={}, scores={}, failure="too deep")
        board = (*manifest().leaderboard, failed)

        assert "failed: too deep" in text_of(choice(manifest(leaderboard=board), trained_iris().evaluation))

    def test_a_candidate_that_was_dropped_says_why(self) -> None:
        best = manifest().leaderboard[0]
        board = (best, best.model_copy(update={"candidate": "slow", "dropped": "after 2 of 5 folds"}))

        assert "slow: after 2 of 5 folds" in text_of(choice(manifest(leaderboard=board), trained_iris().evaluation))


class TestLimits:
    def shown(self, **parts: Any) -> str:
        return text_of(limits(trained_iris().evaluation.model_copy(update=parts), SAID))

    def test_what_people_know_comes_first(self) -> None:
        text = self.shown(notes=("a note of the evaluation",))

        assert text.index("Weak in winter") < text.index("Outside the ranges above") < text.index("a note of the")

    @pytest.mark.parametrize(("rows", "few"), [(99, True), (100, False)])
    def test_few_rows_are_a_limit(self, rows: int, few: bool) -> None:
        assert (f"It was measured on {rows} rows only" in self.shown(rows=rows)) is few

    def test_classes_that_are_mostly_missed_and_the_worst_slice_are_named(self) -> None:
        first, *others = trained_iris().evaluation.classes
        worst = Slice(column="city", value="Oslo", rows=9, metrics={"accuracy": 0.5})

        text = self.shown(
            classes=(first.model_copy(update={"recall": 0.25}), *others),
            slices=Slices(metric="accuracy", slices=(worst,), worst=worst),
        )

        assert "It finds fewer than half of the rows of: setosa." in text
        assert "It is worst where city is Oslo." in text


def test_the_call_holds_an_example_that_a_shell_takes() -> None:
    text = text_of(call(manifest()))

    assert '-d \'{"instances": [{"sepal_length": ' in text
    assert '"label": ' in text


@pytest.mark.parametrize(
    ("compiled", "words"),
    [
        (Compiled(reason="left out"), "scikit-learn (left out)"),
        (
            Compiled(format="onnx", dtype="float64", opset=20, rows=1234, max_abs_diff=2e-7, agreement=1.0),
            "onnx float64, which matches scikit-learn on 1,234 rows (largest difference 2e-07)",
        ),
    ],
)
def test_the_environment_says_what_serves_the_model(compiled: Compiled, words: str) -> None:
    text = text_of(environment(manifest(compiled=compiled)))

    assert words in text
    assert f"sha256:{manifest().artifacts['model.joblib'].sha256}" in text
