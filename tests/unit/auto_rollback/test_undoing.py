"""Undoing a promotion: what is checked, written, ended and told, and what a second delivery finds."""

import json
import sys
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import boto3
import pytest

from auto_rollback.undoing import Undoing
from skylift.challenger import Challenger
from skylift.errors import AwsUnavailable
from skylift.experiment.parameter import ChallengerParameter
from skylift.going_back import Alarm
from skylift.manifest import MODEL_FILE
from skylift.pointer import ActivePointer
from skylift.references import NOTHING, Reference
from skylift.registry import Registry
from skylift.settings import RegistrySettings
from tests.conftest import BUCKET, MODEL, STAGE
from tests.support.faults import Killed, after, before, fails_with, kills, throttled, timeout
from tests.support.stored import overwrite
from tests.support.topics import published
from tests.unit.auto_rollback.conftest import ALIAS, Lambda

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_ssm import SSMClient

type MakeAlarm = Callable[..., Alarm]


def begin(ssm: "SSMClient", version: Reference) -> ChallengerParameter:
    """Put a version on trial."""
    parameter = ChallengerParameter(STAGE, MODEL, client=ssm)
    trial = Challenger(
        id="e1", reference=version, mode="canary", percent=5, started=datetime.now(UTC), by="arn:aws:iam::1:user/ann"
    )
    parameter.write(trial, seen=NOTHING, tool="begun by skylift challenge")
    return parameter


def report_on(s3: "S3Client", version: str) -> None:
    """The latest report judges a version."""
    body = json.dumps({"schema_version": 1, "version": version}).encode()
    s3.put_object(Bucket=BUCKET, Key=f"reports/{MODEL}/latest.json", Body=body)


class TestGoingBack:
    def test_the_version_before_is_active_again(
        self, undoing: Undoing, pointer: ActivePointer, promoted: list[Reference], alarm: MakeAlarm
    ) -> None:
        assert undoing.answer(alarm()) == ("v1", "the alarm server-errors fired while v2 was active")

        last = pointer.history()[-1]
        assert (last.before, last.after, last.kind) == (str(promoted[1]), str(promoted[0]), "rollback")
        assert last.tool.startswith("auto-rollback on server-errors at 20")

    @pytest.mark.usefixtures("promoted")
    def test_people_are_told_what_why_and_what_to_do(self, undoing: Undoing, topic: str, alarm: MakeAlarm) -> None:
        undoing.answer(alarm())

        ((subject, text),) = published(topic)
        assert subject == "iris (test): went back from v2 to v1 on server-errors"
        for words in (
            "The alarm skylift-dev-server-errors fired at ",
            "Threshold Crossed",
            "v2 had been promoted within 24 hours",
            "v1 is active again since ",
            "docs/runbooks/trials.md, the pointer went back by itself",
            "`skylift promote v2` makes it active again",
        ):
            assert words in text

    def test_an_experiment_is_ended(
        self, undoing: Undoing, promoted: list[Reference], ssm: "SSMClient", topic: str, alarm: MakeAlarm
    ) -> None:
        parameter = begin(ssm, promoted[2])

        undoing.answer(alarm())

        assert parameter.value() == NOTHING
        ((_, text),) = published(topic)
        assert "The experiment e1 of v3 has ended: inconclusive." in text

    @pytest.mark.parametrize("missing", ["numpy", "onnxruntime", "sklearn", "skylift.scoring", "skylift.sandbox"])
    def test_it_needs_nothing_that_the_layer_lacks(
        self,
        undoing: Undoing,
        promoted: list[Reference],
        ssm: "SSMClient",
        alarm: MakeAlarm,
        monkeypatch: pytest.MonkeyPatch,
        missing: str,
    ) -> None:
        begin(ssm, promoted[2])
        monkeypatch.setitem(sys.modules, missing, None)  # whoever imports it now fails

        assert undoing.answer(alarm())[0] == "v1"

    def test_an_experiment_that_cannot_be_ended_is_told(
        self,
        undoing: Undoing,
        promoted: list[Reference],
        ssm: "SSMClient",
        s3: "S3Client",
        topic: str,
        alarm: MakeAlarm,
    ) -> None:
        begin(ssm, promoted[2])
        before(s3, "PutObject", fails_with(throttled("SlowDown")))

        assert undoing.answer(alarm())[0] == "v1"

        ((_, text),) = published(topic)
        assert "An experiment could not be ended: " in text
        assert "`skylift reject`" in text

    @pytest.mark.usefixtures("promoted")
    def test_a_challenger_that_nobody_can_read_is_told(
        self, undoing: Undoing, ssm: "SSMClient", topic: str, alarm: MakeAlarm
    ) -> None:
        ssm.put_parameter(Name=f"/skylift/{STAGE}/{MODEL}/challenger", Value="{", Type="String")

        assert undoing.answer(alarm())[0] == "v1"

        ((_, text),) = published(topic)
        assert "the challenger cannot be read" in text


class TestStaying:
    @pytest.mark.usefixtures("promoted")
    def test_a_second_alarm_leads_no_further(
        self, undoing: Undoing, pointer: ActivePointer, topic: str, alarm: MakeAlarm
    ) -> None:
        undoing.answer(alarm())
        moves = pointer.history()

        to, why = undoing.answer(alarm("latency"))

        assert to is None
        assert why.startswith("the last move returned to v1")
        assert pointer.history() == moves
        assert len(published(topic)) == 1

    @pytest.mark.usefixtures("promoted")
    def test_a_promotion_long_ago_is_not_undone(
        self, undoing: Undoing, pointer: ActivePointer, topic: str, alarm: MakeAlarm
    ) -> None:
        moves = pointer.history()

        assert undoing.answer(alarm(after=timedelta(hours=25))) == (None, "v2 was promoted more than 24 hours before")

        assert pointer.history() == moves
        assert published(topic) == []

    @pytest.mark.parametrize("name", ["server-errors", "latency", "model-load-failures"])
    @pytest.mark.usefixtures("promoted")
    def test_while_new_code_is_deployed_that_is_stopped_first(
        self, undoing: Undoing, pointer: ActivePointer, lambdas: Lambda, topic: str, alarm: MakeAlarm, name: str
    ) -> None:
        lambdas.weights = {"2": 0.1}
        moves = pointer.history()

        to, why = undoing.answer(alarm(name))

        assert (to, pointer.history()) == (None, moves)
        assert why == "new code takes a part of the traffic, and is stopped first"
        assert [subject for subject, _ in published(topic)] == [f"iris (test): did not go back to v1 on {name}"]
        assert lambdas.asked == [tuple(ALIAS.rsplit(":", 1))]

    @pytest.mark.usefixtures("promoted")
    def test_what_stops_no_deployment_does_not_ask_for_one(
        self, undoing: Undoing, lambdas: Lambda, alarm: MakeAlarm
    ) -> None:
        lambdas.weights = {"2": 0.1}

        assert undoing.answer(alarm("active-version-unreadable"))[0] == "v1"
        assert lambdas.asked == []

    @pytest.mark.parametrize(
        ("judged", "to"), [("v2", "v1"), ("v1", None), (None, None)], ids=["active", "before", "none"]
    )
    @pytest.mark.usefixtures("promoted")
    def test_live_accuracy_counts_where_it_is_that_of_the_active_version(
        self, undoing: Undoing, s3: "S3Client", alarm: MakeAlarm, judged: str | None, to: str | None
    ) -> None:
        if judged:
            report_on(s3, judged)

        assert undoing.answer(alarm("live-accuracy"))[0] == to


class TestTheVersionBefore:
    @pytest.mark.usefixtures("promoted")
    def test_it_is_not_returned_to_where_a_file_was_altered(
        self, undoing: Undoing, pointer: ActivePointer, s3: "S3Client", topic: str, alarm: MakeAlarm
    ) -> None:
        overwrite(s3, MODEL_FILE, b"model 0", version="v1")
        moves = pointer.history()

        to, why = undoing.answer(alarm())

        assert (to, pointer.history()) == (None, moves)
        assert "v1 may not serve: model.joblib of v1 does not have the digest" in why
        ((subject, text),) = published(topic)
        assert subject == "iris (test): did not go back to v1 on server-errors"
        assert "`skylift history`" in text

    @pytest.mark.usefixtures("promoted")
    def test_it_is_not_returned_to_where_its_manifest_was_altered(
        self, undoing: Undoing, s3: "S3Client", alarm: MakeAlarm
    ) -> None:
        overwrite(s3, "manifest.json", b"{}", version="v1")

        to, why = undoing.answer(alarm())

        assert to is None
        assert "does not have the digest that the reference names" in why

    @pytest.mark.parametrize(
        ("rule", "why"),
        [
            ({"require_signature": True}, "v1 is not signed, and a signature is required here"),
            ({"allow_joblib": False}, "v1 may not serve: v1 has no compiled form"),
        ],
        ids=["unsigned", "joblib"],
    )
    @pytest.mark.usefixtures("promoted")
    def test_it_meets_the_rules_of_now(
        self,
        undoing: Undoing,
        pointer: ActivePointer,
        s3: "S3Client",
        ssm: "SSMClient",
        alarm: MakeAlarm,
        rule: dict[str, Any],
        why: str,
    ) -> None:
        settings = RegistrySettings(bucket=BUCKET, stage=STAGE, model=MODEL).model_copy(update=rule)
        undoing._registry = Registry.open(settings, s3=s3, ssm=ssm)
        moves = pointer.history()

        to, said = undoing.answer(alarm())

        assert (to, pointer.history()) == (None, moves)
        assert why in said


class TestDeliveredAgain:
    @pytest.mark.usefixtures("promoted")
    def test_the_pointer_moves_once(self, undoing: Undoing, pointer: ActivePointer, alarm: MakeAlarm) -> None:
        fired = alarm()
        answer = undoing.answer(fired)
        moves = pointer.history()

        assert undoing.answer(fired) == answer
        assert pointer.history() == moves

    @pytest.mark.parametrize("cut_off", ["the experiment", "its record", "the topic"])
    def test_a_kill_at_any_write_leaves_the_rest_to_it(
        self,
        undoing: Undoing,
        promoted: list[Reference],
        pointer: ActivePointer,
        ssm: "SSMClient",
        s3: "S3Client",
        topic: str,
        alarm: MakeAlarm,
        cut_off: str,
    ) -> None:
        parameter, fired = begin(ssm, promoted[2]), alarm()
        client, operation, only = {
            "the experiment": (ssm, "PutParameter", 2),
            "its record": (s3, "PutObject", 1),
            "the topic": (undoing._notifier._client, "Publish", 1),
        }[cut_off]
        before(client, operation, kills, only=only)
        with pytest.raises(Killed):
            undoing.answer(fired)

        assert undoing.answer(fired)[0] == "v1"

        assert pointer.read() == promoted[0]
        assert parameter.value() == NOTHING
        assert undoing._trials._store.read("e1") is not None
        assert [subject for subject, _ in published(topic)] == ["iris (test): went back from v2 to v1 on server-errors"]

    @pytest.mark.usefixtures("promoted")
    def test_a_move_whose_answer_was_lost_is_found(
        self, undoing: Undoing, ssm: "SSMClient", topic: str, pointer: ActivePointer, alarm: MakeAlarm
    ) -> None:
        fired = alarm()
        after(ssm, "PutParameter", fails_with(timeout()), only=1)
        with pytest.raises(AwsUnavailable):
            undoing.answer(fired)
        moves = pointer.history()

        assert undoing.answer(fired)[0] == "v1"

        assert pointer.history() == moves
        assert len(published(topic)) == 1


class TestARace:
    def test_who_moved_the_pointer_meanwhile_keeps_it(
        self,
        undoing: Undoing,
        promoted: list[Reference],
        pointer: ActivePointer,
        s3: "S3Client",
        topic: str,
        alarm: MakeAlarm,
    ) -> None:
        after(s3, "GetObject", lambda _: pointer.move(promoted[2]), only=1)

        to, why = undoing.answer(alarm())

        assert to is None
        assert "from v2 to v3: nothing was written" in why
        assert pointer.read() == promoted[2]
        assert [subject for subject, _ in published(topic)] == ["iris (test): did not go back to v1 on server-errors"]

    def test_who_went_back_at_the_same_time_tells_people(
        self,
        undoing: Undoing,
        promoted: list[Reference],
        pointer: ActivePointer,
        s3: "S3Client",
        topic: str,
        alarm: MakeAlarm,
    ) -> None:
        """Two alarms of one fault, or one that is delivered twice at once."""
        after(s3, "GetObject", lambda _: pointer.move(promoted[0], kind="rollback"), only=1)

        to, why = undoing.answer(alarm())

        assert to is None
        assert why.startswith("the pointer went back to v1 at the same time")
        assert [str(move.after) for move in pointer.history()] == [str(promoted[number]) for number in (0, 1, 0)]
        assert published(topic) == []

    def test_who_overwrote_somebody_says_so(
        self,
        undoing: Undoing,
        promoted: list[Reference],
        pointer: ActivePointer,
        ssm: "SSMClient",
        topic: str,
        alarm: MakeAlarm,
    ) -> None:
        def promote_by_hand(_: object) -> None:
            boto3.client("ssm").put_parameter(Name=pointer.name, Value=str(promoted[2]), Overwrite=True)

        before(ssm, "PutParameter", promote_by_hand, only=1)

        to, why = undoing.answer(alarm())

        assert to is None
        assert "v1 is active, and replaced v3" in why
        assert [subject for subject, _ in published(topic)] == [
            "iris (test): went back to v1, over another move on server-errors"
        ]
