"""The pointer moved by a person while a version is on trial: what that ends and forbids, and what a kill leaves."""

from contextlib import suppress
from typing import TYPE_CHECKING, Any

import pytest

from skylift.challenger import Challenger
from skylift.errors import ExperimentRefused, PromotionRefused
from skylift.experiment.moves import Moves
from skylift.experiment.parameter import ChallengerParameter
from skylift.experiment.store import ExperimentStore
from skylift.experiment.trials import Trials
from skylift.pointer import ActivePointer
from skylift.references import Reference
from skylift.registry import Registry
from tests.support.faults import Killed, after, before, kills
from tests.support.models import iris_package
from tests.support.stored import placed

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_ssm import SSMClient

around = pytest.mark.parametrize("when", [before, after], ids=["before", "after"])
each_write = pytest.mark.parametrize(
    ("operation", "number"), [("PutParameter", 1), ("PutParameter", 2), ("PutObject", 1)], ids=str
)


@pytest.fixture
def moves(registry: Registry, parameter: ChallengerParameter, trials: Trials) -> Moves:
    """Moves of the pointer of iris."""
    return Moves(registry, parameter, trials, tool="a test")


def _begin(trials: Trials, version: Reference | str) -> Challenger:
    return trials.begin(version, mode="canary", percent=5, by="anna")


def _third(registry: Registry) -> Reference:
    return placed(iris_package("tree"))


class TestPromoting:
    def test_without_an_experiment_nothing_else_happens(self, moves: Moves, registry: Registry, v2: Reference) -> None:
        assert moves.promote("v2") == (v2, None)
        assert registry.active() == v2

    def test_a_version_on_trial_ends_its_experiment(self, moves: Moves, trials: Trials, v2: Reference) -> None:
        begun = _begin(trials, "v2")

        active, record = moves.promote("v2")

        assert active == v2
        assert record is not None
        assert (record.id, record.outcome, record.reason) == (begun.id, "promoted", "by hand")

    def test_another_version_is_refused(
        self, moves: Moves, trials: Trials, registry: Registry, v1: Reference, v2: Reference
    ) -> None:
        begun = _begin(trials, "v2")
        third = _third(registry)

        with pytest.raises(ExperimentRefused, match="v3 would replace what it is compared with"):
            moves.promote(third)

        assert (registry.active(), trials.current()) == (v1, begun)

    def test_so_is_the_champion_itself(self, moves: Moves, trials: Trials, v2: Reference) -> None:
        _begin(trials, "v2")

        with pytest.raises(ExperimentRefused):
            moves.promote("v1")

    def test_one_that_supersedes_all_ends_the_experiment_first(
        self, moves: Moves, trials: Trials, experiments: ExperimentStore, registry: Registry, v2: Reference
    ) -> None:
        begun = _begin(trials, v2)
        third = _third(registry)

        moves.supersede(third)

        record = experiments.read(begun.id)
        assert (registry.active(), trials.current()) == (third, None)
        assert record is not None
        assert (record.outcome, record.reason) == ("inconclusive", "a test makes v3 active")

    def test_one_on_trial_supersedes_by_its_promotion(
        self, moves: Moves, trials: Trials, experiments: ExperimentStore, v2: Reference
    ) -> None:
        begun = _begin(trials, v2)

        moves.supersede(v2)

        record = experiments.read(begun.id)
        assert record is not None
        assert record.outcome == "promoted"

    @around
    @each_write
    def test_a_second_run_completes_what_a_kill_left(
        self,
        moves: Moves,
        trials: Trials,
        registry: Registry,
        experiments: ExperimentStore,
        s3: "S3Client",
        ssm: "SSMClient",
        v1: Reference,
        v2: Reference,
        operation: str,
        number: int,
        when: Any,
    ) -> None:
        begun = _begin(trials, "v2")
        fault = when(s3 if operation == "PutObject" else ssm, operation, kills, only=number)
        with suppress(Killed):
            moves.promote("v2")
        fault.heal()

        moves.promote("v2")

        record = experiments.read(begun.id)
        assert record is not None
        assert (registry.active(), trials.current(), record.outcome) == (v2, None, "promoted")
        assert [move.after for move in registry.history()] == [str(v1), str(v2)]


class TestRollingBack:
    def test_without_an_experiment_the_version_before_is_active(
        self, moves: Moves, v1: Reference, v2: Reference
    ) -> None:
        moves.promote("v2")

        assert moves.rollback() == (v1, None)

    def test_an_experiment_loses_its_champion_and_ends(
        self, moves: Moves, trials: Trials, registry: Registry, v1: Reference, v2: Reference
    ) -> None:
        moves.promote("v2")
        begun = _begin(trials, _third(registry))

        active, record = moves.rollback()

        assert active == v1
        assert record is not None
        assert (record.id, record.outcome, record.champion) == (begun.id, "inconclusive", v2)
        assert record.reason == "v2 was rolled back"

    def test_a_promotion_that_was_cut_off_is_undone_as_a_rejection(
        self, moves: Moves, trials: Trials, ssm: "SSMClient", v1: Reference, v2: Reference
    ) -> None:
        _begin(trials, "v2")
        fault = after(ssm, "PutParameter", kills, only=1)
        with pytest.raises(Killed):
            moves.promote("v2")
        fault.heal()

        active, record = moves.rollback()

        assert active == v1
        assert record is not None
        assert (record.outcome, record.challenger) == ("rejected", v2)

    def test_without_an_earlier_version_the_experiment_goes_on(
        self, moves: Moves, trials: Trials, v2: Reference
    ) -> None:
        begun = _begin(trials, "v2")

        with pytest.raises(PromotionRefused, match="no earlier version"):
            moves.rollback()

        assert trials.current() == begun

    def test_a_bad_version_that_somebody_promoted_past_the_experiment_is_left(
        self, moves: Moves, trials: Trials, registry: Registry, pointer: ActivePointer, v1: Reference, v2: Reference
    ) -> None:
        _begin(trials, "v2")
        pointer.move(_third(registry))

        active, record = moves.rollback()

        assert active == v1
        assert record is not None
        assert record.outcome == "inconclusive"

    @around
    @each_write
    def test_a_second_run_completes_what_a_kill_left_and_goes_back_once(
        self,
        moves: Moves,
        trials: Trials,
        registry: Registry,
        experiments: ExperimentStore,
        s3: "S3Client",
        ssm: "SSMClient",
        v1: Reference,
        v2: Reference,
        operation: str,
        number: int,
        when: Any,
    ) -> None:
        moves.promote("v2")
        third = _third(registry)
        moves.promote(third)
        begun = _begin(trials, placed(iris_package()))
        fault = when(s3 if operation == "PutObject" else ssm, operation, kills, only=number)
        with pytest.raises(Killed):
            moves.rollback()
        fault.heal()

        if trials.current() is not None:
            moves.rollback()
        trials.settle()

        record = experiments.read(begun.id)
        assert record is not None
        assert (registry.active(), trials.current(), record.outcome) == (v2, None, "inconclusive")
