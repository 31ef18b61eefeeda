"""Experiments from beginning to end: what is refused, who was first, and what a kill between two writes leaves."""

from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest

from skylift.challenger import Challenger
from skylift.errors import (
    ChallengerMoved,
    ExperimentEnded,
    ExperimentRefused,
    PromotionRefused,
    VersionNotFound,
)
from skylift.experiment.judge import judge
from skylift.experiment.parameter import ChallengerParameter
from skylift.experiment.record import Experiment
from skylift.experiment.store import ExperimentStore
from skylift.experiment.trials import Trials
from skylift.metrics import Gate
from skylift.pointer import ActivePointer
from skylift.references import NOTHING, Reference
from skylift.registry import Registry
from tests.conftest import MODEL
from tests.support.faults import Killed, after, before, kills
from tests.support.models import changed, iris_package
from tests.support.stored import placed

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_ssm import SSMClient

ANNA = "arn:aws:iam::123456789012:user/anna"
START = datetime(2026, 11, 26, 2, tzinfo=UTC)
VERDICT = judge([])


def _begin(trials: Trials, version: Reference | str = "v2", **changes: Any) -> Challenger:
    options: dict[str, Any] = {"mode": "canary", "percent": 5, "by": ANNA} | changes
    return trials.begin(version, **options)


class TestBeginning:
    def test_a_version_is_on_trial_as_it_was_asked_for(
        self, trials: Trials, parameter: ChallengerParameter, v2: Reference
    ) -> None:
        begun = _begin(trials, "v2", mode="shadow", percent=20, key="caller", force=True)

        assert parameter.read() == begun == trials.current()
        assert begun.reference == v2
        assert (begun.mode, begun.percent, begun.key, begun.by) == ("shadow", 20, "caller", ANNA)
        assert begun.id == "v2-20261126T020000"
        assert begun.started == START

    def test_the_pointer_stays(self, trials: Trials, registry: Registry, v1: Reference, v2: Reference) -> None:
        _begin(trials)

        assert registry.active() == v1

    def test_a_second_call_under_the_same_name_changes_nothing(
        self, trials: Trials, parameter: ChallengerParameter, v2: Reference
    ) -> None:
        begun = _begin(trials, id="mine")

        assert _begin(trials, id="mine") == begun
        assert len(parameter.changes()) == 1

    def test_one_experiment_at_a_time(self, trials: Trials, v2: Reference) -> None:
        _begin(trials)

        with pytest.raises(ExperimentRefused, match=r"v2 \(canary, 5%\) is on trial already") as caught:
            _begin(trials, "v2", id="another")

        assert "skylift judge" in caught.value.hint

    def test_a_name_is_of_one_experiment(self, trials: Trials, v2: Reference) -> None:
        _begin(trials, id="mine")
        trials.end("mine", "rejected", "too slow")

        with pytest.raises(ExperimentEnded, match="mine has ended: rejected"):
            _begin(trials, id="mine")

    def test_a_name_is_of_one_experiment_although_its_record_was_cut_off(
        self, trials: Trials, s3: "S3Client", v2: Reference
    ) -> None:
        _begin(trials, id="mine")
        fault = before(s3, "PutObject", kills, only=1)
        with pytest.raises(Killed):
            trials.end("mine", "rejected", "too slow")
        fault.heal()

        with pytest.raises(ExperimentEnded, match="mine has ended: rejected"):
            _begin(trials, id="mine")

    def test_ended_experiments_of_a_version_are_counted(self, trials: Trials, v1: Reference, v2: Reference) -> None:
        for _ in range(2):
            trials.end(_begin(trials).id, "rejected", "too slow")
        _begin(trials)

        assert (trials.ended(v2), trials.ended(v1)) == (2, 0)

    def test_a_rejected_version_can_be_tried_again(self, trials: Trials, v2: Reference) -> None:
        first = _begin(trials)
        trials.end(first.id, "rejected", "too slow")

        assert _begin(trials).id != first.id

    def test_what_cannot_be_read_is_replaced(
        self, trials: Trials, parameter: ChallengerParameter, ssm: "SSMClient", v2: Reference
    ) -> None:
        ssm.put_parameter(Name=parameter.name, Value="garbage", Type="String")

        begun = _begin(trials)

        assert parameter.read() == begun

    def test_without_a_champion_there_is_nothing_to_compare_with(self, trials: Trials, registry: Registry) -> None:
        placed(iris_package())

        with pytest.raises(ExperimentRefused, match="no version is active") as caught:
            _begin(trials, "v1")

        assert "promote" in caught.value.hint

    def test_the_champion_is_not_its_own_challenger(self, trials: Trials, v1: Reference) -> None:
        with pytest.raises(ExperimentRefused, match="v1 is the active version"):
            _begin(trials, "v1")

    def test_a_version_that_refuses_what_the_champion_takes_is_not_put_on_trial(
        self, trials: Trials, registry: Registry, parameter: ChallengerParameter, v1: Reference
    ) -> None:
        contract = iris_package().describe(1).contract
        package = changed(iris_package(), contract=contract.model_copy(update={"features": contract.features[:3]}))
        placed(package)

        with pytest.raises(ExperimentRefused, match="v2 cannot be asked what v1 is asked: petal_width: unknown"):
            _begin(trials)

        assert parameter.value() == NOTHING

    def test_a_version_that_may_not_be_promoted_is_not_put_on_trial(
        self, trials: Trials, registry: Registry, parameter: ChallengerParameter, v1: Reference
    ) -> None:
        failed = (Gate(metric="accuracy", value=0.5, min=0.9, passed=False),)
        package = changed(iris_package(), gates=failed)
        placed(package)

        with pytest.raises(PromotionRefused, match="v2 failed its gate"):
            _begin(trials)

        assert parameter.value() == NOTHING

    def test_a_version_that_does_not_exist_is_named(self, trials: Trials, v1: Reference) -> None:
        with pytest.raises(VersionNotFound, match="v7"):
            _begin(trials, "v7")


class TestRamping:
    def test_the_share_changes_and_nothing_else(self, trials: Trials, v2: Reference) -> None:
        begun = _begin(trials)

        ramped = trials.ramp(begun.id, "canary", 25)

        assert trials.current() == ramped == begun.model_copy(update={"percent": 25.0})

    def test_a_second_call_writes_nothing(self, trials: Trials, parameter: ChallengerParameter, v2: Reference) -> None:
        begun = _begin(trials)
        for _ in range(2):
            trials.ramp(begun.id, "canary", 25)

        assert len(parameter.changes()) == 2

    def test_an_experiment_that_somebody_ended_is_not_ramped(self, trials: Trials, v2: Reference) -> None:
        begun = _begin(trials)
        trials.end(begun.id, "rejected", "too slow")

        with pytest.raises(ExperimentEnded, match="not under way any more"):
            trials.ramp(begun.id, "canary", 25)

    def test_a_pointer_that_somebody_moved_ends_the_ramp(
        self, trials: Trials, pointer: ActivePointer, v2: Reference
    ) -> None:
        begun = _begin(trials)
        pointer.move(Reference(9, "9" * 64))

        with pytest.raises(ExperimentEnded, match="the pointer was moved"):
            trials.ramp(begun.id, "canary", 25)


class TestEnding:
    def test_a_promoted_version_is_active_and_not_on_trial(
        self, trials: Trials, registry: Registry, experiments: ExperimentStore, v1: Reference, v2: Reference
    ) -> None:
        begun = _begin(trials)
        trials.ramp(begun.id, "canary", 50)

        record = trials.promote(begun.id, VERDICT)

        assert registry.active() == v2
        assert trials.current() is None
        assert experiments.read(begun.id) == record
        assert (record.challenger, record.champion) == (v2, v1)
        assert (record.outcome, record.mode, record.percent) == ("promoted", "canary", 50)
        assert (record.verdict, record.reason) == (VERDICT, VERDICT.reason)
        assert (record.by, record.started) == (ANNA, START)
        assert record.ended > START

    @pytest.mark.parametrize("outcome", ["rejected", "inconclusive", "failed"])
    def test_any_other_end_leaves_the_champion(
        self,
        trials: Trials,
        registry: Registry,
        experiments: ExperimentStore,
        v1: Reference,
        v2: Reference,
        outcome: Any,
    ) -> None:
        begun = _begin(trials)

        record = trials.end(begun.id, outcome, "because")

        assert registry.active() == v1
        assert trials.current() is None
        assert experiments.read(begun.id) == record
        assert (record.outcome, record.reason) == (outcome, "because")

    def test_the_history_says_how_it_ended_by_what_and_why(
        self, trials: Trials, parameter: ChallengerParameter, pointer: ActivePointer, v2: Reference
    ) -> None:
        trials.promote(_begin(trials).id, reason="it is better")

        assert [change.description for change in parameter.changes()] == [
            "begun by a test",
            "promoted by a test: it is better",
        ]
        assert pointer.changes()[-1].description == "promotion by a test"

    def test_who_was_first_stands(self, trials: Trials, registry: Registry, v1: Reference, v2: Reference) -> None:
        begun = _begin(trials)
        rejected = trials.end(begun.id, "rejected", "too slow")

        assert trials.promote(begun.id) == rejected
        assert trials.end(begun.id, "failed", "the rollout broke") == rejected
        assert registry.active() == v1

    def test_a_record_that_somebody_forged_neither_promotes_nor_keeps_a_version_on_trial(
        self, trials: Trials, registry: Registry, experiments: ExperimentStore, v1: Reference, v2: Reference
    ) -> None:
        begun = _begin(trials)
        forged = experiments.end(
            Experiment(
                id=begun.id,
                model=MODEL,
                challenger=v2,
                champion=v1,
                mode="canary",
                percent=100,
                started=START,
                by="nobody",
                ended=START,
                outcome="promoted",
                reason="forged",
            )
        )

        assert trials.promote(begun.id) == forged
        assert registry.active() == v1
        assert trials.end(begun.id, "rejected", "it is worse") == forged
        assert trials.current() is None

    def test_a_version_that_was_not_compared_with_what_is_active_is_not_promoted(
        self, trials: Trials, pointer: ActivePointer, v2: Reference
    ) -> None:
        begun = _begin(trials)
        pointer.move(Reference(9, "9" * 64))

        with pytest.raises(ExperimentEnded, match="v2 was not compared with what is active now"):
            trials.promote(begun.id)

        assert trials.current() == begun

    def test_a_version_that_somebody_promoted_past_its_experiment_ended_as_promoted(
        self, trials: Trials, registry: Registry, v2: Reference
    ) -> None:
        begun = _begin(trials)
        registry.promote("v2")

        assert trials.end(begun.id, "failed", "the rollout broke").outcome == "promoted"

    def test_a_pointer_that_cannot_be_read_does_not_keep_an_experiment_from_ending(
        self, trials: Trials, ssm: "SSMClient", pointer: ActivePointer, v2: Reference
    ) -> None:
        begun = _begin(trials)
        ssm.put_parameter(Name=pointer.name, Value="garbage", Type="String", Overwrite=True)

        assert trials.end(begun.id, "rejected", "too slow").outcome == "rejected"

    def test_an_experiment_that_never_was_is_named(self, trials: Trials, v2: Reference) -> None:
        with pytest.raises(ExperimentEnded, match="there is no experiment never"):
            trials.promote("never")
        with pytest.raises(ExperimentEnded, match="there is no experiment never"):
            trials.end("never", "rejected", "")

    def test_a_parameter_that_somebody_cleared_by_hand_ended_an_experiment_that_failed(
        self, trials: Trials, parameter: ChallengerParameter, ssm: "SSMClient", v2: Reference
    ) -> None:
        begun = _begin(trials)
        ssm.put_parameter(Name=parameter.name, Value=NOTHING, Description="", Type="String", Overwrite=True)

        record = trials.settle()

        assert record is not None
        assert (record.id, record.outcome) == (begun.id, "failed")
        assert "past Skylift" in record.reason

    def test_nothing_is_settled_while_an_experiment_is_under_way_or_when_all_have_records(
        self, trials: Trials, v2: Reference
    ) -> None:
        assert trials.settle() is None
        begun = _begin(trials)
        assert trials.settle() is None
        trials.end(begun.id, "rejected", "too slow")
        assert trials.settle() is None

    def test_who_wrote_at_the_same_time_is_told(
        self, trials: Trials, parameter: ChallengerParameter, ssm: "SSMClient", v2: Reference
    ) -> None:
        begun = _begin(trials)
        ramped = str(begun.model_copy(update={"percent": 25.0}))
        before(
            ssm,
            "PutParameter",
            lambda _: ssm.put_parameter(Name=parameter.name, Value=ramped, Type="String", Overwrite=True),
            only=1,
        )

        with pytest.raises(ChallengerMoved):
            trials.end(begun.id, "rejected", "too slow")


ENDS: dict[str, Callable[[Trials, str], Experiment]] = {
    "promote": lambda trials, name: trials.promote(name, VERDICT, reason="better"),
    "reject": lambda trials, name: trials.end(name, "rejected", "too slow", VERDICT),
}


class TestKills:
    """A process that ends between any two writes, and one that does the same again."""

    @pytest.mark.parametrize("when", [before, after], ids=["before", "after"])
    @pytest.mark.parametrize(
        ("operation", "number"), [("PutParameter", 1), ("PutParameter", 2), ("PutObject", 1)], ids=str
    )
    @pytest.mark.parametrize("act", ENDS.values(), ids=ENDS.keys())
    def test_pointer_challenger_and_record_agree_after_a_second_run(
        self,
        trials: Trials,
        registry: Registry,
        experiments: ExperimentStore,
        s3: "S3Client",
        ssm: "SSMClient",
        v1: Reference,
        v2: Reference,
        act: Callable[[Trials, str], Experiment],
        operation: str,
        number: int,
        when: Any,
    ) -> None:
        begun = _begin(trials)
        fault = when(s3 if operation == "PutObject" else ssm, operation, kills, only=number)
        with suppress(Killed):
            act(trials, begun.id)
        fault.heal()

        record = act(trials, begun.id)

        promoted = act is ENDS["promote"]
        assert registry.active() == (v2 if promoted else v1)
        assert trials.current() is None
        assert experiments.read(begun.id) == record
        assert record.outcome == ("promoted" if promoted else "rejected")
        assert record.reason == ("better" if promoted else "too slow")
        assert (record.challenger, record.champion, record.verdict) == (v2, v1, VERDICT)
        assert [move.after for move in registry.history()] == [str(v1), str(v2)][: 1 + promoted]

    @pytest.mark.parametrize("act", ENDS.values(), ids=ENDS.keys())
    def test_a_record_that_lacks_is_written_before_the_next_experiment(
        self,
        trials: Trials,
        registry: Registry,
        experiments: ExperimentStore,
        s3: "S3Client",
        v2: Reference,
        act: Callable[[Trials, str], Experiment],
    ) -> None:
        begun = _begin(trials)
        fault = before(s3, "PutObject", kills, only=1)
        with pytest.raises(Killed):
            act(trials, begun.id)
        fault.heal()
        placed(iris_package())

        _begin(trials, "v3")

        record = experiments.read(begun.id)
        assert record is not None
        assert record.outcome == ("promoted" if act is ENDS["promote"] else "rejected")

    def test_a_promotion_that_was_cut_off_after_the_pointer_cannot_be_rejected_any_more(
        self, trials: Trials, registry: Registry, ssm: "SSMClient", v2: Reference
    ) -> None:
        begun = _begin(trials)
        fault = after(ssm, "PutParameter", kills, only=1)
        with pytest.raises(Killed):
            trials.promote(begun.id)
        fault.heal()

        record = trials.end(begun.id, "rejected", "too slow")

        assert registry.active() == v2
        assert record.outcome == "promoted"

    @pytest.mark.parametrize("when", [before, after], ids=["before", "after"])
    def test_a_beginning_that_was_cut_off_begins_once(
        self, trials: Trials, parameter: ChallengerParameter, ssm: "SSMClient", v2: Reference, when: Any
    ) -> None:
        fault = when(ssm, "PutParameter", kills, only=1)
        with pytest.raises(Killed):
            _begin(trials, id="mine")
        fault.heal()

        begun = _begin(trials, id="mine")

        assert parameter.read() == begun
        assert len(parameter.changes()) == 1
