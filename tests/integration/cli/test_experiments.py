"""An experiment by the command line: begin, look, promote or reject, and what programs read of that."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from skylift.audit import AuditEntry, AuditTrail
from skylift.bucket import Bucket
from skylift.errors import ConfigError
from skylift.experiment.counters import Arm, Counters, difference_bin
from skylift.experiment.criteria import Criteria
from skylift.experiment.parameter import ChallengerParameter
from skylift.experiment.record import Execution, Look, StepCounts
from skylift.experiment.store import ExperimentStore
from skylift.monitoring.label_store import LabelStore
from skylift.monitoring.labels import Label
from skylift.pointer import ActivePointer
from skylift.references import NOTHING, Reference
from skylift.registry import Registry
from skylift.rollout import RolloutPlan
from tests.conftest import BUCKET, MODEL, STAGE
from tests.support.cloudformation import CloudFormation
from tests.support.commands import done, refused, skylift
from tests.support.log_lines import answered
from tests.support.models import compiled_iris_package, iris_package
from tests.support.stored import placed, promoted
from training.cli import challenge, connection
from training.cli.experiments import lines_of_service, rollout_function, waiting_function

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_ssm import SSMClient

pytestmark = pytest.mark.usefixtures("loaded_in_this_process")


@pytest.fixture
def v1(aws: None) -> Reference:
    """The champion."""
    return promoted(iris_package())


@pytest.fixture
def v2(v1: Reference) -> Reference:
    """A version that may serve."""
    return placed(compiled_iris_package())


@pytest.fixture
def parameter(ssm: "SSMClient") -> ChallengerParameter:
    """The challenger of iris."""
    return ChallengerParameter(STAGE, MODEL, client=ssm)


@pytest.fixture
def store(s3: "S3Client") -> ExperimentStore:
    """The experiments of iris."""
    return ExperimentStore(Bucket(BUCKET, client=s3), MODEL)


@pytest.fixture
def log(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The log of the service, which commands know by their environment."""
    path = tmp_path / "service.log"
    path.touch()
    monkeypatch.setenv("SKYLIFT_SERVICE_LOG", str(path))
    return path


def _document(*arguments: object) -> dict[str, Any]:
    document: dict[str, Any] = json.loads(done(*arguments))
    return document


def _write(
    log: Path, parameter: ChallengerParameter, requests: int, *, of_champion: list[int] | None = None, **members: Any
) -> None:
    """Lines of requests of the experiment, half an hour ago: it began an hour ago."""
    challenger = parameter.read()
    assert challenger is not None
    hour = timedelta(hours=1)
    if datetime.now(UTC) - challenger.started < hour:
        earlier = challenger.model_copy(update={"started": challenger.started - hour})
        parameter.write(earlier, seen=str(challenger), tool="ramped by a test")
    told = {"id": challenger.id, "mode": challenger.mode, "percent": challenger.percent, "arm": "champion"} | members
    at = (datetime.now(UTC) - hour / 2).isoformat()
    with log.open("a", encoding="utf-8") as file:
        number = log.stat().st_size
        for each in range(requests):
            file.write(answered(f"{number + each:016}", at=at, experiment=told, answers=of_champion) + "\n")


class TestChallenge:
    def test_a_version_is_put_on_trial_and_the_next_step_is_told(
        self, parameter: ChallengerParameter, v1: Reference, v2: Reference, registry: Registry
    ) -> None:
        text = done("challenge", "v2", "--key", "header:x-user-id")

        begun = parameter.read()
        assert begun is not None
        assert (begun.reference, begun.mode, begun.percent, begun.key) == (v2, "canary", 5, "header:x-user-id")
        assert begun.by.startswith("arn:aws:")
        assert f"On trial: v2 (canary, 5%), against v1: {begun.id}" in text
        assert "skylift judge" in text
        assert registry.active() == v1

    def test_a_shadow_gets_every_request_unless_told_otherwise(
        self, parameter: ChallengerParameter, v2: Reference
    ) -> None:
        told = _document("challenge", "v2", "--shadow", "--json")

        assert (told["mode"], told["percent"], told["reference"]) == ("shadow", 100, str(v2))
        assert told["next"] == "skylift judge"

    def test_again_changes_the_share_and_the_experiment_stays(
        self, parameter: ChallengerParameter, v2: Reference
    ) -> None:
        first = _document("challenge", "v2", "--json")

        second = _document("challenge", "v2", "--percent", "25", "--json")

        assert (second["id"], second["started"], second["percent"]) == (first["id"], first["started"], 25)

    def test_the_share_of_a_rollout_is_left_to_it(
        self, parameter: ChallengerParameter, store: ExperimentStore, log: Path, v2: Reference
    ) -> None:
        begun = _document("challenge", "v2", "--json")
        store.claim(begun["id"], Execution(execution="arn:1", criteria=asdict(Criteria())))

        assert "raises the share by itself" in refused("challenge", "v2", "--percent", "25")

        running = parameter.read()
        assert running is not None
        assert running.percent == 5
        assert _document("judge", "--json")["next"].startswith("wait, the rollout goes on by itself")

    def test_another_key_would_move_callers_and_is_refused(self, v2: Reference) -> None:
        done("challenge", "v2")

        assert "is on trial already" in refused("challenge", "v2", "--key", "caller")

    @pytest.mark.parametrize(
        ("arguments", "said"),
        [
            (["--percent", 100], "leaves none to compare with"),
            (["--key", "cookie"], "--key 'cookie' is not what a request has"),
            (["--minutes", 5], "--minutes is for --auto"),
            (["--approval"], "--approval is for --auto"),
            (["--min-requests", 5], "--min-requests is for --auto"),
            (["--auto", "--shadow"], "raises the share by itself"),
            (["--auto", "--percent", 5], "raises the share by itself"),
            (["--auto"], "nothing rolls versions out here"),
        ],
        ids=str,
    )
    def test_what_cannot_be_meant_is_refused_with_what_to_do(
        self, v2: Reference, parameter: ChallengerParameter, arguments: list[object], said: str
    ) -> None:
        text = refused("challenge", "v2", *arguments)

        assert said in text
        assert "hint: " in text
        assert parameter.read() is None


class Function:
    """The rollout's function: keeps what it is asked."""

    def __init__(self) -> None:
        self.started: dict[str, Mapping[str, object]] = {}
        self.answers: list[tuple[str, str, object]] = []

    def start(self, name: str, payload: Mapping[str, object]) -> str:
        self.started[name] = payload
        return f"arn:execution:{name}"

    def succeed(self, callback: str, payload: object) -> None:
        self.answers.append(("succeed", callback, payload))

    def fail(self, callback: str, why: str) -> None:
        self.answers.append(("fail", callback, why))


@pytest.fixture
def function(monkeypatch: pytest.MonkeyPatch) -> Function:
    """The rollout's function, in place of Lambda's."""
    made = Function()
    for name in ("rollout_function", "waiting_function"):
        monkeypatch.setattr(challenge, name, lambda _stack: made)
    return made


class TestRollouts:
    def test_the_function_gets_a_plan_and_the_parameter_stays(
        self, function: Function, parameter: ChallengerParameter, v2: Reference
    ) -> None:
        text = done("challenge", "v2", "--auto", "--minutes", "0.5", "--approval", "--min-requests", "200")

        ((name, event),) = function.started.items()
        plan = RolloutPlan.of_event(event)
        assert name == f"iris-{v2.digest[:24]}-0"
        assert (plan.id, plan.reference, plan.approval) == (f"v2-{v2.digest[:8]}-0", v2, True)
        assert [(step.mode, step.percent, step.minutes) for step in plan.steps] == [
            ("shadow", 100, 0.5),
            ("canary", 5, 0.5),
            ("canary", 25, 0.5),
            ("canary", 50, 0.5),
        ]
        assert plan.criteria == {"min_requests": 200}
        assert parameter.read() is None
        assert "then a person approves" in text

    def test_a_version_that_was_tried_before_is_rolled_out_under_another_name(
        self, function: Function, v2: Reference
    ) -> None:
        done("challenge", "v2", "--auto")
        done("challenge", "v2", "--auto")
        done("challenge", "v2")
        done("reject")

        told = _document("challenge", "v2", "--auto", "--json")

        assert list(function.started) == [f"iris-{v2.digest[:24]}-0", f"iris-{v2.digest[:24]}-1"]
        assert told["execution"] == f"arn:execution:iris-{v2.digest[:24]}-1"

    def test_a_version_that_may_not_be_put_on_trial_is_not_handed_over(self, function: Function, v1: Reference) -> None:
        assert "v1 is the active version" in refused("challenge", "v1", "--auto")
        assert not function.started

    @pytest.mark.parametrize(("options", "how"), [([], "succeed"), (["--no"], "fail")])
    def test_what_waits_for_a_person_is_answered(
        self, function: Function, store: ExperimentStore, v2: Reference, options: list[str], how: str
    ) -> None:
        told = _document("challenge", "v2", "--json")
        store.ask(told["id"], "callback-1")

        answered = _document("approve", *options, "--json")

        ((kind, callback, _),) = function.answers
        assert (kind, callback) == (how, "callback-1")
        assert (answered["id"], answered["approved"]) == (told["id"], not options)

    def test_a_retraining_that_waits_is_answered_by_its_name(
        self, function: Function, store: ExperimentStore, v1: Reference
    ) -> None:
        store.ask("20261126t043000-1a2b3c4d", "callback-2")

        assert "Approved: 20261126t043000-1a2b3c4d" in done("approve", "20261126t043000-1a2b3c4d")
        assert function.answers[0][1] == "callback-2"

    def test_functions_are_those_of_the_environment(self, v2: Reference, monkeypatch: pytest.MonkeyPatch) -> None:
        with pytest.raises(ConfigError, match="nothing rolls versions out here"):
            rollout_function(None)
        with pytest.raises(ConfigError, match="nothing waits for a person here"):
            waiting_function(None)

        monkeypatch.setenv("SKYLIFT_RETRAIN_FUNCTION", "arn:retrain")
        assert waiting_function(None).arn == "arn:retrain"

        monkeypatch.setenv("SKYLIFT_ROLLOUT_FUNCTION", "arn:rollout")
        assert waiting_function(None).arn == rollout_function(None).arn == "arn:rollout"

    def test_what_does_not_wait_is_told(self, function: Function, v2: Reference) -> None:
        assert "name the retraining that waits: skylift approve ID" in refused("approve")
        done("challenge", "v2")
        assert "does not wait for an approval" in refused("approve")


class TestJudge:
    def test_without_an_experiment_the_way_to_one_is_told(self, v1: Reference) -> None:
        assert "No version is on trial." in done("judge")
        assert _document("judge", "--json")["outcome"] is None

    def test_too_little_traffic_decides_nothing(self, parameter: ChallengerParameter, log: Path, v2: Reference) -> None:
        done("challenge", "v2")
        _write(log, parameter, 3, arm="challenger")

        told = _document("judge", "--json")

        assert (told["outcome"], told["challenger_requests"]) == (None, 3)
        assert told["reason"].startswith("3 of 1,000 requests")
        assert told["experiment"]["percent"] == 5

    def test_a_challenger_that_fails_is_rejected_in_words_that_fit_a_screen(
        self, parameter: ChallengerParameter, log: Path, v2: Reference
    ) -> None:
        done("challenge", "v2")
        _write(log, parameter, 5, arm="challenger", failed="raised")

        text = done("judge")

        assert "reject: certainly worse: server errors" in text
        assert text.rstrip().endswith("Next: skylift reject")
        assert len(text.splitlines()) < 24

    def test_a_challenger_that_holds_is_to_be_promoted(
        self, parameter: ChallengerParameter, log: Path, v2: Reference
    ) -> None:
        done("challenge", "v2", "--percent", "50")
        for arm in ("challenger", "champion"):
            _write(log, parameter, 1500, arm=arm)

        assert _document("judge", "--min-requests", "100", "--json")["outcome"] == "promote"
        assert "Next: skylift promote v2" in done("judge")

    def test_a_rollout_is_judged_by_its_own_limits_unless_options_name_others(
        self, parameter: ChallengerParameter, store: ExperimentStore, log: Path, v2: Reference
    ) -> None:
        begun = _document("challenge", "v2", "--percent", "50", "--json")
        for arm in ("challenger", "champion"):
            _write(log, parameter, 1500, arm=arm)
        assert _document("judge", "--json")["outcome"] == "promote"

        limits = asdict(Criteria(min_requests=2000, max_disagreement=0.02))
        store.claim(begun["id"], Execution(execution="arn:1", criteria=limits))

        told = _document("judge", "--json")
        assert told["outcome"] is None
        assert told["reason"].startswith("1,500 of 2,000 requests")
        assert _document("judge", "--min-requests", "100", "--json")["outcome"] == "promote"

    def test_counts_that_a_rollout_keeps_are_not_read_again(
        self, parameter: ChallengerParameter, store: ExperimentStore, log: Path, v2: Reference
    ) -> None:
        done("challenge", "v2")
        begun = parameter.read()
        assert begun is not None
        _write(log, parameter, 4)
        counted = StepCounts(mode="canary", percent=5, counters=Counters(Arm(20), Arm(300)))
        look = Look(start=begun.started, end=datetime.now(UTC) - timedelta(seconds=2), steps=(counted,))
        store.write_counts(begun.id, 1, look)

        told = _document("judge", "--json")

        assert (told["challenger_requests"], told["champion_requests"]) == (20, 300)

    def test_pairs_of_a_shadow_are_compared(self, parameter: ChallengerParameter, log: Path, v2: Reference) -> None:
        done("challenge", "v2", "--shadow")
        _write(log, parameter, 40, pair={"rows": 1, "other": 0, "bin": difference_bin(900.0)})

        assert "certainly worse: latency, median" in done("judge")

    def test_labels_tell_which_version_was_right(
        self, parameter: ChallengerParameter, s3: "S3Client", log: Path, v2: Reference
    ) -> None:
        done("challenge", "v2", "--shadow")
        pair = {"rows": 1, "other": 1, "bin": difference_bin(0.01)}
        _write(log, parameter, 16, pair=pair, answers=[1], of_champion=[0])
        names = [json.loads(line)["id"] for line in log.read_text(encoding="utf-8").splitlines()]
        arrived = datetime.now(UTC) - timedelta(minutes=1)
        labels = [Label(name, 0, "setosa", arrived) for name in names]
        LabelStore(Bucket(BUCKET, client=s3), MODEL).keep(b"body", labels, arrived)

        told = _document("judge", "--json")

        assert (told["outcome"], told["reason"]) == ("reject", "certainly worse: right by labels, alone")

    def test_without_lines_it_says_which_options_name_them(self, v2: Reference) -> None:
        done("challenge", "v2")

        text = refused("judge")

        assert "--stack" in text
        assert "--log" in text

    def test_alarms_of_the_stack_that_fire_hold_a_promotion_back(
        self,
        parameter: ChallengerParameter,
        log: Path,
        v2: Reference,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        done("challenge", "v2", "--percent", "50")
        for arm in ("challenger", "champion"):
            _write(log, parameter, 1500, arm=arm)
        asked: list[str] = []

        def firing(prefix: str, *, client: object) -> Sequence[str]:
            asked.append(prefix)
            return ["shop-latency"]

        outputs = {"ModelBucketName": BUCKET, "Stage": STAGE, "ModelName": MODEL, "InferenceLogGroupName": "g"}
        monkeypatch.setattr(connection, "cloudformation_client", lambda: CloudFormation("shop", outputs=outputs))
        monkeypatch.setattr("skylift.alarms.firing_alarms", firing)
        from skylift.experiment import sources

        monkeypatch.setattr(sources, "lines_of", lambda *_: sources.LogFileLines(log))

        told = _document("judge", "--stack", "shop", "--json")

        assert asked == ["shop-"]
        assert (told["outcome"], told["reason"]) == (None, "in alarm: shop-latency")


class TestEnding:
    def test_a_version_on_trial_is_promoted_by_its_experiment(
        self, registry: Registry, parameter: ChallengerParameter, store: ExperimentStore, v1: Reference, v2: Reference
    ) -> None:
        begun = _document("challenge", "v2", "--json")

        text = done("promote", "v2")

        assert f"Active: {v2}" in text
        assert f"The experiment {begun['id']} ended as promoted" in text
        record = store.read(begun["id"])
        assert record is not None
        assert (record.outcome, record.champion, record.challenger) == ("promoted", v1, v2)
        assert (registry.active(), parameter.read()) == (v2, None)

    def test_another_version_is_not_promoted_meanwhile(self, registry: Registry, v1: Reference, v2: Reference) -> None:
        done("challenge", "v2")
        placed(iris_package("tree"))

        text = refused("promote", "v3")

        assert "v2 (canary, 5%) is on trial: v3 would replace what it is compared with" in text
        assert "skylift promote v2, or skylift reject" in text
        assert registry.active() == v1

    def test_programs_read_what_became_of_it(self, v1: Reference, v2: Reference) -> None:
        begun = _document("challenge", "v2", "--json")

        promoted = _document("promote", "v2", "--json")
        again = _document("promote", "v2", "--json")
        back = _document("rollback", "--json")

        assert (promoted["active"], promoted["changed"]) == (str(v2), True)
        assert (promoted["experiment"]["id"], promoted["experiment"]["outcome"]) == (begun["id"], "promoted")
        assert (again["changed"], again["experiment"]) == (False, None)
        assert back["active"] == str(v1)

    def test_a_rejected_version_leaves_the_champion(
        self, registry: Registry, parameter: ChallengerParameter, store: ExperimentStore, v1: Reference, v2: Reference
    ) -> None:
        begun = _document("challenge", "v2", "--json")

        text = done("reject", "--reason", "it is too slow")

        assert f"Rejected: v2 ({begun['id']}): it is too slow" in text
        assert (registry.active(), parameter.read()) == (v1, None)
        assert store.ids() == [begun["id"]]
        assert "ended as rejected: it is too slow" in done("judge")

    def test_a_rejection_is_told_to_programs(self, v2: Reference) -> None:
        done("challenge", "v2")

        assert _document("reject", "--json")["outcome"] == "rejected"

    def test_without_an_experiment_there_is_nothing_to_reject(self, v1: Reference) -> None:
        assert "no version is on trial" in refused("reject")

    def test_a_challenger_that_cannot_be_read_is_cleared(
        self, parameter: ChallengerParameter, ssm: "SSMClient", v1: Reference
    ) -> None:
        ssm.put_parameter(Name=parameter.name, Value="garbage", Type="String")

        done("reject")

        assert parameter.value() == NOTHING

    def test_a_challenger_that_cannot_be_read_does_not_keep_a_version_from_being_promoted(
        self, parameter: ChallengerParameter, ssm: "SSMClient", registry: Registry, v2: Reference
    ) -> None:
        ssm.put_parameter(Name=parameter.name, Value="garbage", Type="String")

        done("promote", "v2")

        assert registry.active() == v2

    def test_a_rollback_ends_the_experiment_whose_champion_it_leaves(
        self, registry: Registry, parameter: ChallengerParameter, v1: Reference, v2: Reference
    ) -> None:
        done("promote", "v2")
        v3 = placed(iris_package("tree"))
        done("challenge", str(v3))

        text = done("rollback")

        assert f"Active: {v1}" in text
        assert "ended as inconclusive: v2 was rolled back" in text
        assert parameter.read() is None


class TestHistory:
    def test_changes_of_both_parameters_are_told_newest_first(self, v1: Reference, v2: Reference) -> None:
        done("challenge", "v2")
        done("challenge", "v2", "--percent", "25")
        done("promote", "v2")

        known = json.loads(done("history", "--json"))

        assert [entry["description"] for entry in known] == [
            "promotion",
            "begun by skylift challenge",
            "ramped by skylift challenge",
            "promotion by skylift promote",
            "promoted by skylift promote: by hand",
        ]
        assert {entry["known_to"] for entry in known} == {"SSM"}
        _, newest, *_ = done("history").splitlines()
        assert "v2 (canary, 25%)" in newest
        assert "promoted by skylift promote  " in newest  # the reason would fill the screen

    def test_where_ssm_and_the_audit_disagree_is_a_warning(
        self, pointer: ActivePointer, s3: "S3Client", v1: Reference, v2: Reference, registry: Registry
    ) -> None:
        trail = AuditTrail(Bucket(BUCKET, client=s3), MODEL)
        for change in pointer.changes():
            trail.append(AuditEntry.of(pointer.name, change, event_id="1"))
        registry.promote("v2")

        result = skylift("history")

        assert result.exit_code == 0
        assert "warning: " in result.stderr
        assert "the audit lacks it" in result.stderr

    def test_a_log_group_may_be_named_by_the_environment(self, monkeypatch: pytest.MonkeyPatch) -> None:
        with pytest.raises(ConfigError):
            lines_of_service(None, None)
        monkeypatch.setenv("SKYLIFT_LOG_GROUP", "/skylift/shop/inference")
        assert lines_of_service(None, None).held_back == timedelta(minutes=3)
