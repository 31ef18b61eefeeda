"""Profiles of answered requests: what the log learns of instances, and of which versions."""

import math
from typing import Any

import pytest

from inference.model import ServedModel
from inference.profiling import RequestProfiler, load_profiler
from skylift.contract import ClassName, Contract, Instance, Target
from skylift.errors import IntegrityError
from skylift.feature import Feature
from skylift.manifest import BASELINE_FILE
from skylift.monitoring.baseline import Baseline, Bins
from skylift.monitoring.expected import ExpectedAccuracy, Part
from skylift.monitoring.profile import Profile, Shape
from tests.support.baselines import AGE, baseline
from tests.support.fakes import served
from tests.support.manifests import manifest
from tests.support.models import IRIS_SETOSA, iris_package
from tests.support.wide import CALLER, WIDE

TOWNS = tuple(f"town {number}" for number in range(500))
FEATURES = (
    Feature(name="age", kind="number", required=False, min=18, max=80),
    Feature(name="town", kind="category", required=False, categories=TOWNS, unknown="missing"),
    Feature(name="smoker", kind="boolean"),
)
BINS = {"age": AGE, "town": Bins(levels=TOWNS), "smoker": Bins(levels=("false", "true"))}
ADA: Instance = {"age": 40.0, "town": "town 7", "smoker": True}
HALVED = ExpectedAccuracy(
    rows=9,
    value=0.5,
    error=0.1,
    method="platt",
    confidence=(0.0, 1.0),
    right=(0.0, 0.5),
    ece_before=0.5,
    ece=0.0,
    parts=(Part(rows=9, expected=0.5, right=0.5),),
)


def contract(*classes: ClassName) -> Contract:
    task = "classification" if classes else "regression"
    return Contract.model_validate({"task": task, "features": FEATURES, "target": Target(name="y", classes=classes)})


def baseline_of(classes: tuple[ClassName, ...]) -> Baseline:
    predictions = Bins(levels=contract(*classes).target.keys) if classes else Bins(edges=(10.0, 20.0))
    return baseline(BINS, predictions).model_copy(update={"confidence": HALVED if classes else None})


def counted(model: ServedModel, instances: list[Instance]) -> Profile:
    """The profile of instances, as a reader of the log has it."""
    classes = model.manifest.contract.target.classes
    return Profile.decode(model.answer(instances).profile, Shape.of(baseline_of(classes)))


def model_of(*classes: ClassName, scores: Any, threshold: float | None = None) -> ServedModel:
    """A model that answers with these scores, and profiles."""
    made = contract(*classes).with_target(threshold=threshold)
    model = served(made, scores)
    object.__setattr__(model, "profiler", RequestProfiler(made, baseline_of(classes)))
    return model


class TestProfiles:
    def test_of_one_instance_bins_label_and_calibrated_confidence_are_told(self) -> None:
        model = model_of("no", "yes", scores=[0.2, 0.8])

        assert model.answer([ADA]).profile == [[2, 7, 1], 1, 0.4]

    def test_of_many_they_are_counted(self) -> None:
        model = model_of("no", "yes", scores=[0.2, 0.8])

        assert counted(model, [ADA, ADA, ADA | {"age": None}]) == Profile(
            rows=3, features=({2: 2, 5: 1}, {7: 3}, {1: 3}), labels={1: 3}, confidence=1.2
        )

    def test_a_value_that_training_never_saw_is_not_taken_for_a_missing_one(self) -> None:
        model = model_of("no", "yes", scores=[0.2, 0.8])
        elsewhere, nowhere = ADA | {"town": "elsewhere"}, ADA | {"town": None}

        assert model.answer([elsewhere]).profile == [[2, 500, 1], 1, 0.4]
        assert model.answer([nowhere]).profile == [[2, 501, 1], 1, 0.4]
        assert counted(model, [elsewhere, nowhere, elsewhere]).features == ({2: 3}, {500: 2, 501: 1}, {1: 3})

    @pytest.mark.parametrize(("value", "place"), [(5.0, 0), (10.0, 1), (25.0, 2), (math.nan, 3), (-math.inf, 3)])
    def test_a_regression_tells_the_bin_of_its_value(self, value: float, place: int) -> None:
        model = model_of(scores=value)

        assert model.answer([ADA]).profile == [[2, 7, 1], place, None]
        many = counted(model, [ADA, ADA])
        assert (many.labels, many.confidence) == ({place: 2}, None)

    @pytest.mark.parametrize("instances", [1, 2])
    def test_the_label_is_that_of_the_threshold_with_its_own_probability(self, instances: int) -> None:
        model = model_of("no", "yes", scores=[0.8, 0.2], threshold=0.1)

        profile = counted(model, [ADA] * instances)

        assert profile.labels == {1: instances}
        assert profile.confidence == pytest.approx(0.1 * instances)

    def test_probabilities_without_a_number_make_no_label(self) -> None:
        model = model_of("no", "yes", scores=[math.nan, math.nan])

        assert model.answer([ADA]).profile == [[2, 7, 1], 3, None]
        many = counted(model, [ADA, ADA])
        assert (many.labels, many.confidence) == ({3: 2}, 0.0)

    @pytest.mark.parametrize("classes", [(False, True), (3, 7), ("no", "yes")])
    def test_a_label_is_its_code_whatever_its_type(self, classes: tuple[ClassName, ...]) -> None:
        assert model_of(*classes, scores=[0.2, 0.8]).answer([ADA]).profile == [[2, 7, 1], 1, 0.4]

    def test_where_training_did_not_learn_how_sure_answers_are_nothing_is_told_of_it(self) -> None:
        model = served(contract("no", "yes"), [0.2, 0.8])
        plain = baseline_of(("no", "yes")).model_copy(update={"confidence": None})
        object.__setattr__(model, "profiler", RequestProfiler(contract("no", "yes"), plain))

        assert model.answer([ADA]).profile == [[2, 7, 1], 1, None]

    def test_none_is_made_where_none_is_wanted(self) -> None:
        assert model_of("no", "yes", scores=[0.2, 0.8]).answer([ADA], profile=False).profile is None


class TestLoading:
    def test_a_version_brings_its_bins(self) -> None:
        package = iris_package()
        profiler = load_profiler(package.describe(1), package.artifacts.__getitem__)

        assert profiler is not None
        member = profiler.of_one([*IRIS_SETOSA.values()], (), {"label": "setosa", "probabilities": {"setosa": 1.0}})
        assert isinstance(member, list)
        assert len(member[0]) == 4  # type: ignore[arg-type]

    def test_a_version_of_an_older_release_makes_none(self) -> None:
        files = {BASELINE_FILE: b'{"rows": 2, "features": {}, "target": {}}'}

        assert load_profiler(manifest(artifacts=files), files.__getitem__) is None

    def test_a_version_without_the_file_makes_none(self) -> None:
        files: dict[str, bytes] = {}

        assert load_profiler(manifest(), files.__getitem__) is None

    @pytest.mark.parametrize(
        "stored",
        [
            baseline(),
            baseline({"petal_length": Bins(levels=("a", "b"))}, Bins(levels=("setosa", "virginica"))),
            baseline({"petal_length": AGE}, Bins(edges=(1.0, 2.0))),
            baseline({"petal_length": AGE}, Bins(levels=("virginica", "setosa"))),
        ],
        ids=["features", "kind", "task", "classes"],
    )
    def test_bins_of_another_contract_are_refused(self, stored: Baseline) -> None:
        files = {BASELINE_FILE: stored.to_bytes()}

        with pytest.raises(IntegrityError, match=r"baseline\.json of v1 is of another contract"):
            load_profiler(manifest(artifacts=files), files.__getitem__)


@pytest.mark.parametrize("count", [1, 2])
def test_a_feature_of_several_columns_has_one_bin(count: int) -> None:
    bins = {
        "day": Bins(edges=(0.0, 100.0, 800.0)),
        "city": Bins(levels=("Bonn", "Ulm")),
        "rooms": Bins(edges=(1.0, 4.0)),
    }
    known = baseline(bins, Bins(edges=(10.0, 20.0)))
    model = served(WIDE, 5.0)
    object.__setattr__(model, "profiler", RequestProfiler(WIDE, known))

    profile = Profile.decode(model.answer([CALLER] * count).profile, Shape.of(known))

    assert profile.features == ({2: count}, {1: count}, {1: count})
