"""A challenger is compared with the active version, if that can answer the same rows."""

from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from skylift.contract import Contract, Target
from skylift.encoding import RowEncoder
from skylift.errors import GateFailed, UnservableModel
from skylift.feature import Feature
from skylift.manifest import MODEL_FILE
from skylift.registry import Registry
from tests.conftest import BUCKET
from tests.support.fraud import payments
from tests.support.models import changed, iris_config, iris_package, trained_iris
from tests.support.stored import placed, promoted
from tests.support.tables import LOGISTIC, TREE, config_of, learned, lines, table_of
from tests.support.wide import WIDE, wide_table
from training.config import Candidate, GatesSection
from training.config.table import SplitSection, ValidateSection
from training.data.table import Table
from training.evaluation.champion import ActiveVersion, load_active, rows_for, scores_like
from training.evaluation.report import Champion
from training.job import Trained, train
from training.release.packaging import pack

NEAR = Candidate.model_validate(TREE | {"params": {"max_depth": 2, "max_features": 1}})
STUMP = Candidate.model_validate(TREE | {"params": {"max_depth": 1}})
TEXT = lines("n,k,c,b,y", lambda row: f"{row / 4},{row % 5},{('Oslo', 'Rome')[row % 2]},{row % 3 == 0},{row * 2.5}")


def challenge(champion: ActiveVersion | None, candidate: Candidate = STUMP, **sections: Any) -> Trained:
    config = iris_config().model_copy(update={"candidates": (candidate,), "select_by": "accuracy", **sections})
    return train(config, champion=champion)


def compared(trained: Trained) -> Champion:
    champion = trained.evaluation.champion
    assert champion is not None
    return champion


@pytest.fixture
def champion(registry: Registry) -> ActiveVersion:
    """The active version of iris."""
    promoted(iris_package())
    found = load_active(registry)
    assert found is not None
    return found


class TestActiveVersion:
    def test_before_the_first_promotion_no_version_is_active(self, registry: Registry) -> None:
        assert load_active(registry) is None

    def test_it_is_loaded_by_its_digests(self, champion: ActiveVersion) -> None:
        assert (champion.name, champion.reason) == ("v1", None)
        assert champion.predictor is not None

    def test_one_whose_model_was_altered_says_so(self, champion: ActiveVersion, registry: Registry, s3: Any) -> None:
        s3.put_object(Bucket=BUCKET, Key=f"models/iris/v1/{MODEL_FILE}", Body=b"other")

        found = load_active(registry)

        assert found is not None
        assert found.predictor is None
        assert "does not have the digest" in (found.reason or "")

    def test_one_of_another_scikit_learn_says_so(
        self, champion: ActiveVersion, registry: Registry, pointer: Any
    ) -> None:
        package = changed(iris_package(), environment={"scikit-learn": "0.1"})
        pointer.move(placed(package))

        found = load_active(registry)

        assert found is not None
        assert "was trained by scikit-learn 0.1" in (found.reason or "")


class TestUnservable:
    def test_one_that_fails_when_it_is_asked_is_told_and_stops_no_training(self, champion: ActiveVersion) -> None:
        class Fails:
            def scores(self, rows: Any) -> Any:
                raise UnservableModel("model.joblib of v1 did not score within 120 s")

        found = compared(challenge(replace(champion, predictor=Fails())))

        assert (found.reason, found.metrics) == ("model.joblib of v1 did not score within 120 s", {})


class TestGate:
    def test_a_challenger_that_is_much_worse_is_not_published(self, champion: ActiveVersion) -> None:
        made = challenge(champion)

        with pytest.raises(GateFailed, match=r"accuracy 0\.6667 not more than 0\.05 below the active v1 \(0\.9333\)"):
            made.check_gates()

    def test_one_within_the_bound_passes(self, champion: ActiveVersion) -> None:
        gates = GatesSection(max_regression=0.5)

        challenge(champion, gates=gates).check_gates()

    def test_the_same_model_passes_and_changes_no_label(self, champion: ActiveVersion) -> None:
        made = challenge(champion, trained_iris().config.candidates[0])

        made.check_gates()
        found = compared(made)
        assert (found.changed_labels, found.regression, found.unseen) == (0, 0, True)
        assert found.metrics == trained_iris().metrics.holdout

    def test_each_is_labelled_by_its_own_threshold(self, tmp_path: Path, registry: Registry) -> None:
        """The table of the second has its classes the other way around."""
        text = payments(600, 60)
        turned = text.replace(",yes\n", ",aye\n").replace(",no\n", ",nay\n")
        labels = {"aye": "yes", "nay": "no"}
        package = pack(learned(tmp_path, text, LOGISTIC, target="fraud", model="iris", decision={"threshold": 0.1}))
        promoted(package)
        path = tmp_path / "turned.csv"
        path.write_text(turned)
        config = config_of(path, target="fraud", candidates=(LOGISTIC,), target_keys={"labels": labels})

        champion = load_active(registry)
        made = train(config, champion=champion)

        assert champion is not None
        assert champion.predictor is not None
        assert made.table.contract.target.classes == ("yes", "no")
        rows, truth = made.table.rows[made.split.holdout], made.table.targets[made.split.holdout] == 0
        theirs = champion.predictor.scores(rows)[:, 1] > 0.1
        ours = made.compiled.predictor.scores(rows)[:, 0] > 0.5
        assert compared(made).metrics["accuracy"] == pytest.approx((theirs == truth).mean())
        assert compared(made).changed_labels == (theirs != ours).sum() > 0

    def test_an_error_may_grow_by_its_share(self, champion: ActiveVersion) -> None:
        made = challenge(champion, select_by="log_loss")

        assert (compared(made).regression or 0) > 1
        assert any("not more than 5% above the active" in str(gate) and not gate.passed for gate in made.gates)

    def test_one_that_is_worse_within_noise_passes_and_is_told(self, champion: ActiveVersion) -> None:
        made = challenge(champion, gates=GatesSection(max_regression=0.01), candidate=NEAR)

        made.check_gates()
        assert any(
            str(gate) == "accuracy 0.8333 more than 0.01 below the active v1 (0.9333), but within noise"
            for gate in made.gates
        )
        assert any("by more than gates.max_regression, but within noise" in note for note in made.notes)

    def test_without_a_champion_there_is_nothing_to_be_worse_than(self) -> None:
        made = challenge(None, gates=GatesSection())

        made.check_gates()
        assert made.evaluation.champion is None

    def test_a_champion_that_knows_some_of_the_rows_is_told(self, champion: ActiveVersion) -> None:
        split = iris_config().split.model_copy(update={"seed": 7})

        made = challenge(champion, split=split)

        assert compared(made).unseen is False
        assert "the active v1 may have been trained on some of the holdout rows" in made.notes

    def test_by_group_the_two_are_compared_on_whole_groups(self, champion: ActiveVersion) -> None:
        by_width = SplitSection(group="petal_width")
        trusted = ValidateSection(trusted=("petal_width",))

        found = compared(challenge(champion, split=by_width, validation=trusted)).difference

        assert found is not None
        assert (found.metric, found.test) == ("accuracy", "paired bootstrap")

    def test_one_whose_contract_does_not_fit_forbids_nothing_and_is_told(
        self, champion: ActiveVersion, tmp_path: Path
    ) -> None:
        (tmp_path / "table.csv").write_text(TEXT, encoding="utf-8")

        made = train(
            config_of(tmp_path / "table.csv", candidates=[{"name": "r", "estimator": "sklearn.linear_model.Ridge"}]),
            champion=champion,
        )

        made.check_gates()
        assert compared(made).reason == "its contract does not fit this table: it does classification"
        assert any("the active v1 was not compared" in note for note in made.notes)


class TestFitting:
    @pytest.fixture
    def table(self, tmp_path: Path) -> Table:
        return table_of(tmp_path, TEXT, target_keys={"task": "regression"})

    def rows(self, table: Table, *features: Feature, **fields: Any) -> tuple[Any, str]:
        target = Target(name=fields.get("target", "y"))
        encoder = RowEncoder(Contract(task="regression", features=features, target=target))
        return rows_for(encoder, table, np.arange(len(table.rows)))

    def test_columns_are_found_by_name_in_any_order(self, table: Table) -> None:
        rows, _ = self.rows(table, Feature(name="k", kind="integer"), Feature(name="n", kind="number"))

        assert rows[:3].tolist() == [[0, 0], [1, 0.25], [2, 0.5]]

    def test_categories_get_the_codes_of_the_other_contract(self, table: Table) -> None:
        rows, _ = self.rows(table, Feature(name="c", kind="category", categories=("Paris", "Rome", "Oslo")))

        assert rows[:2].tolist() == [[2], [1]]

    @pytest.mark.parametrize(
        ("feature", "reason"),
        [
            (Feature(name="z", kind="number"), "the table has no z"),
            (Feature(name="c", kind="number"), "c is a number to it, and a category here"),
            (Feature(name="c", kind="category", categories=("Rome",)), "it does not know c 'Oslo'"),
            (Feature(name="n", kind="integer"), "n holds only whole numbers to it"),
        ],
    )
    def test_a_column_that_does_not_fit_is_named(self, table: Table, feature: Feature, reason: str) -> None:
        assert self.rows(table, feature) == (None, reason)

    def test_another_target_does_not_fit(self, table: Table) -> None:
        assert self.rows(table, Feature(name="n", kind="number"), target="z")[1] == "it predicts z"

    def test_a_value_that_may_not_be_missing_does_not_fit(self, tmp_path: Path) -> None:
        text = lines("n,k,y", lambda row: f"{'' if row % 4 else row},{row},{row * 1.5}")
        table = table_of(tmp_path, text, target_keys={"task": "regression"})

        assert self.rows(table, Feature(name="n", kind="number"))[1] == "n may not be missing, and is"
        assert self.rows(table, Feature(name="n", kind="number", required=False))[1] == ""

    def test_classes_in_another_order_are_put_in_ours(self, tmp_path: Path) -> None:
        table = table_of(tmp_path, lines("x,y", lambda row: f"{row},{'ab'[row % 2]}"))
        other = Contract(
            task="classification", features=table.contract.features, target=Target(name="y", classes=("b", "a"))
        )

        assert scores_like(other, table, np.array([[0.1, 0.9]])).tolist() == [[0.9, 0.1]]


MOMENTS = {"kind": "datetime", "form": "%s", "origin": date(2020, 1, 1)}
DAYS = {"kind": "datetime", "form": "%Y-%m-%d", "origin": date(2020, 1, 1)}


class TestDates:
    TABLE = wide_table(12)
    DAY = WIDE.features[0]

    def rows(self, *features: Feature) -> tuple[Any, str]:
        encoder = RowEncoder(Contract(task="regression", features=features, target=WIDE.target))
        return rows_for(encoder, self.TABLE, np.array([0, 1, 2]))

    def test_another_origin_and_other_parts_are_encoded_again(self) -> None:
        theirs = Feature(
            name="day", kind="datetime", required=False, form="%Y-%m-%d", origin=date(2019, 12, 31), parts=("day",)
        )

        rows, problem = self.rows(WIDE.features[2], theirs)

        assert problem == ""
        assert repr(rows.tolist()) == "[[1.0, nan, nan], [2.0, 11.0, 11.0], [3.0, 21.0, 21.0]]"

    def test_a_date_that_was_a_category_before_is_written_as_the_table_has_it(self) -> None:
        theirs = Feature(
            name="day", kind="category", required=False, categories=("21.01.2020", "1.1.1999"), unknown="missing"
        )

        rows, _ = self.rows(theirs)

        assert repr(rows.tolist()) == "[[nan], [nan], [0.0]]"

    @pytest.mark.parametrize(
        ("theirs", "problem"),
        [
            ({"kind": "category", "categories": ("1",)}, "it does not know day '11.01.2020'"),
            ({"kind": "number"}, "day is a number to it, and a date here"),
            ({"kind": "datetime", "form": "%s", "origin": date(2020, 1, 1)}, "day is a date and time with its offset"),
            (
                {"kind": "datetime", "form": "%Y-%m-%d", "origin": date(2020, 1, 1), "required": True},
                "may not be missing",
            ),
        ],
    )
    def test_a_date_that_the_other_does_not_take_says_why(self, theirs: dict[str, Any], problem: str) -> None:
        rows, found = self.rows(Feature.model_validate({"name": "day", "required": False} | theirs))

        assert rows is None
        assert problem in found

    def test_texts_that_are_dates_to_the_other_are_read(self) -> None:
        theirs = Feature(name="city", kind="datetime", form="%Y-%m-%d", origin=date(2020, 1, 1))

        assert self.rows(theirs) == (None, "city is a date to it, and a category here")
