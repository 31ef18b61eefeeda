"""A challenger in a request: who is asked, what a fault of it costs, and what the line says of it."""

from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from inference import bounded_predictor
from inference.bounded_thread import BoundedThread
from inference.challengers import MAX_DROPS
from inference.trial import MAX_FAILURES
from skylift.experiment.counters import EDGES_MS, Arm, Counters, Interval
from skylift.experiment.judge import judge
from skylift.monitoring import answers
from tests.support.compiled import WILD, misbehaving
from tests.support.fakes import ConstantPredictor
from tests.support.models import IRIS_SETOSA, changed, compiled_iris_package, iris_package
from tests.support.trials import FAULTS, TrialHarness
from tests.support.waiting import TIMES_OUT
from training.release.packaging import Package

FAILS = {
    "raises": "raised",
    "ends the interpreter": "raised",
    "panics": "raised",
    "hangs": "slow",
    "fewer rows": "shape",
    "fewer classes": "shape",
    "no array": "shape",
    "nothing": "shape",
    "texts": "raised",
}
"""The word of the line for each fault that is one."""

WHOLE = IRIS_SETOSA | {"sepal_width": 3}

ROWS = {
    "instances": [
        dict(zip(IRIS_SETOSA, row, strict=True))
        for row in ((5.1, 3.5, 1.4, 0.2), (5.9, 3.0, 4.2, 1.5), (6.3, 3.3, 6.0, 2.5))
    ]
}
"""One flower of each kind."""


@pytest.fixture
def harness(monkeypatch: pytest.MonkeyPatch) -> Iterator[TrialHarness]:
    """A service without an experiment, whose waits for a challenger that hangs end at once."""
    made = TrialHarness(monkeypatch)
    yield made
    for predictor in made.predictors.values():
        predictor.gate.set()


@pytest.fixture
def patience(monkeypatch: pytest.MonkeyPatch, word: str) -> None:
    """What hangs is waited for shortly, and all else for as long as a busy machine takes."""
    seconds = 0.02 if word == "slow" else TIMES_OUT
    monkeypatch.setattr(bounded_predictor, "CANARY_SECONDS", seconds)
    monkeypatch.setattr(bounded_predictor, "SHADOW_SECONDS", seconds)


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bounded_predictor, "CANARY_SECONDS", 0.02)
    monkeypatch.setattr(bounded_predictor, "SHADOW_SECONDS", 0.02)


class TestNoExperiment:
    def test_answers_and_lines_say_nothing_of_one(self, harness: TrialHarness) -> None:
        answer = harness.ask()

        assert answer.record.experiment is None
        assert answer.headers.keys() == {"content-type", "content-length", "x-model-version"}


class TestCanary:
    def test_the_challenger_answers_its_share_and_says_so(self, harness: TrialHarness) -> None:
        harness.put_on_trial()

        answer = harness.ask()

        assert answer.headers["x-skylift-variant"] == "challenger"
        assert (answer.headers["x-model-version"], answer.document["version"], answer.record.version) == ("v2",) * 3
        assert answer.experiment == {"id": "trial", "mode": "canary", "percent": 100.0, "arm": "challenger"}

    def test_the_champion_answers_the_rest_in_the_scope_of_the_experiment(self, harness: TrialHarness) -> None:
        before = harness.ask()
        harness.put_on_trial(percent=0)

        answer = harness.ask()

        assert answer.body == before.body
        assert answer.headers["x-skylift-variant"] == "champion"
        assert answer.experiment == {"id": "trial", "mode": "canary", "percent": 0.0, "arm": "champion"}

    def test_a_header_keeps_a_caller_with_one_side(self, harness: TrialHarness) -> None:
        harness.put_on_trial(percent=50, key="header:X-User-Id")

        sides = {
            user: {harness.ask(x_user_id=user).experiment["arm"] for _ in range(3)} for user in ("anna", "bert", "eve")
        }

        assert all(len(side) == 1 for side in sides.values())

    def test_a_caller_who_signed_is_kept_with_one_side(self, harness: TrialHarness) -> None:
        harness.put_on_trial(percent=50, key="caller")

        def side(name: str) -> Any:
            event = {"requestContext": {"authorizer": {"jwt": {"claims": {"sub": name}}}}}
            return harness.ask(event=event).experiment["arm"]

        sides = [[side(name) for _ in range(3)] for name in "abcdefgh"]

        assert all(len(set(each)) == 1 for each in sides)
        assert {each[0] for each in sides} == {"champion", "challenger"}

    @settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
    @given(users=st.sets(st.text(st.characters(codec="latin-1", exclude_categories=["C"]), min_size=1), max_size=6))
    def test_whoever_is_in_stays_in_while_the_share_grows(self, harness: TrialHarness, users: set[str]) -> None:
        inside: set[str] = set()
        for percent in (0, 5, 25, 50, 100):
            harness.put_on_trial(percent=percent, key="header:x-user")
            now = {user for user in users if harness.ask(x_user=user).experiment["arm"] == "challenger"}
            assert inside <= now
            inside = now
        assert inside == users

    @pytest.mark.usefixtures("patience")
    @pytest.mark.parametrize(("fault", "word"), FAILS.items())
    def test_where_it_fails_the_champion_answers(self, harness: TrialHarness, fault: str, word: str) -> None:
        before = harness.ask()
        harness.put_on_trial()
        harness.predictors[2].faults = [fault]

        answer = harness.ask()

        assert (answer.status, answer.body) == (200, before.body)
        assert (answer.headers["x-model-version"], answer.headers["x-skylift-variant"]) == ("v1", "champion")
        assert answer.experiment["failed"] == word
        assert answer.experiment["arm"] == "challenger"

    def test_numbers_that_are_not_finite_are_an_answer(self, harness: TrialHarness) -> None:
        harness.put_on_trial()
        harness.predictors[2].faults = ["not finite"]

        answer = harness.ask()

        assert answer.headers["x-skylift-variant"] == "challenger"
        assert answer.document["predictions"][0]["label"] is None
        assert "failed" not in answer.experiment

    @pytest.mark.usefixtures("impatient")
    def test_while_it_hangs_it_is_busy_and_nobody_waits(self, harness: TrialHarness) -> None:
        harness.put_on_trial()
        harness.predictors[2].faults = ["hangs"]

        assert [harness.ask().experiment["failed"] for _ in range(2)] == ["slow", "busy"]

    def test_a_body_that_both_refuse_is_refused_in_the_champions_words(self, harness: TrialHarness) -> None:
        before = harness.ask({"petal_length": "wide"})
        harness.put_on_trial()

        answer = harness.ask({"petal_length": "wide"})

        assert answer.status == before.status == 422
        assert answer.document["errors"] == before.document["errors"]
        assert answer.experiment["refused"] == "invalid-instance"
        assert "failed" not in answer.experiment

    def test_a_body_that_it_alone_refuses_is_answered_by_the_champion(self, monkeypatch: pytest.MonkeyPatch) -> None:
        harness = TrialHarness(monkeypatch, challenger=demanding())
        before = harness.ask()
        harness.put_on_trial()

        answer = harness.ask()

        assert (answer.status, answer.body) == (200, before.body)
        assert answer.experiment["refused"] == "invalid-instance"


@pytest.mark.parametrize("mode", ["canary", "shadow"])
def test_whoever_asks_for_the_champion_stays_out_of_the_experiment(harness: TrialHarness, mode: str) -> None:
    before = harness.ask()
    harness.put_on_trial(mode=mode)

    answer = harness.ask(x_skylift_variant="champion")

    assert (answer.body, answer.headers) == (before.body, before.headers)
    assert answer.record.experiment is None


def test_nobody_asks_for_the_challenger(harness: TrialHarness) -> None:
    harness.put_on_trial(percent=0)

    assert harness.ask(x_skylift_variant="challenger").headers["x-skylift-variant"] == "champion"


class TestShadow:
    def test_the_champion_answers_and_the_line_compares_the_two(self, harness: TrialHarness) -> None:
        before = harness.ask(ROWS)
        harness.put_on_trial(mode="shadow")

        answer = harness.ask(ROWS)

        assert answer.body == before.body
        assert answer.headers["x-skylift-variant"] == "champion"
        experiment = answer.experiment
        assert (experiment["mode"], experiment["arm"]) == ("shadow", "champion")
        assert experiment["pair"]["rows"] == 3
        assert 0 <= experiment["pair"]["bin"] <= len(EDGES_MS)
        assert len(experiment["pair"]["milliseconds"]) == 2

    def test_rows_with_another_label_and_the_largest_difference_are_counted(
        self, harness: TrialHarness, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        ours = harness.ask(ROWS).document["predictions"]
        harness.put_on_trial(mode="shadow")
        constant = (0.0, 0.0, 1.0)
        monkeypatch.setattr(harness.predictors[2], "scored", ConstantPredictor(constant).scores)

        pair = harness.ask(ROWS).experiment["pair"]

        assert pair["other"] == sum(each["label"] != "virginica" for each in ours) == 2
        largest = max(
            abs(mine - other)
            for each in ours
            for mine, other in zip(each["probabilities"].values(), constant, strict=True)
        )
        assert pair["difference"] == pytest.approx(largest, rel=1e-3)

    def test_requests_outside_the_sample_are_outside_the_experiment(self, harness: TrialHarness) -> None:
        harness.put_on_trial(mode="shadow", percent=0)

        answer = harness.ask()

        assert answer.record.experiment is None
        assert answer.headers["x-skylift-variant"] == "champion"

    @pytest.mark.usefixtures("patience")
    @pytest.mark.parametrize(("fault", "word"), FAILS.items())
    def test_where_it_fails_there_is_no_pair(self, harness: TrialHarness, fault: str, word: str) -> None:
        before = harness.ask()
        harness.put_on_trial(mode="shadow")
        harness.predictors[2].faults = [fault]

        answer = harness.ask()

        assert answer.body == before.body
        assert answer.experiment["failed"] == word
        assert "pair" not in answer.experiment

    def test_scores_that_are_not_finite_differ_in_the_label_alone(self, harness: TrialHarness) -> None:
        harness.put_on_trial(mode="shadow")
        harness.predictors[2].faults = ["not finite"]

        pair = harness.ask(ROWS).experiment["pair"]

        assert (pair["other"], pair["difference"]) == (3, 0.0)

    def test_a_body_that_both_refuse_counts_for_both(self, harness: TrialHarness) -> None:
        harness.put_on_trial(mode="shadow")

        answer = harness.ask({"petal_length": "wide"})

        assert (answer.status, answer.record.reason) == (422, "invalid-instance")
        assert answer.experiment["refused"] == "invalid-instance"

    def test_a_challenger_of_another_contract_reads_the_body_by_its_own(self, monkeypatch: pytest.MonkeyPatch) -> None:
        harness = TrialHarness(monkeypatch, challenger=demanding())
        harness.put_on_trial(mode="shadow")

        taken, refused = harness.ask(WHOLE), harness.ask()

        assert "pair" in taken.experiment
        assert refused.status == 200
        assert refused.experiment["refused"] == "invalid-instance"

    def test_what_the_champion_alone_refuses_counts_for_it_alone(self, monkeypatch: pytest.MonkeyPatch) -> None:
        harness = TrialHarness(monkeypatch, champion=demanding(), challenger=compiled_iris_package("tree"))
        harness.put_on_trial(mode="shadow")

        answer = harness.ask()

        assert answer.status == 422
        assert "refused" not in answer.experiment

    def test_with_labels_the_line_has_the_answers_of_both_in_the_champions_codes(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        harness = TrialHarness(monkeypatch, labels=True)
        harness.put_on_trial(mode="shadow")

        answer = harness.ask(ROWS)

        assert answers.decode(answer.record.answers) == [0, 1, 2]
        assert answers.decode(answer.experiment["answers"]) == [0, 1, 2]


@pytest.mark.parametrize("mode", ["canary", "shadow"])
class TestCompiled:
    """A compiled challenger, which scores in the thread of the request."""

    @pytest.fixture(autouse=True)
    def inline(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """It counts as a fast one on this machine, too."""
        monkeypatch.setattr(bounded_predictor, "INLINE_SECONDS", TIMES_OUT)

    @pytest.mark.parametrize(("fault", "word"), [("loops", "slow"), ("raises", "raised"), ("shape", "shape")])
    def test_where_it_fails_the_champion_answers_and_the_third_time_drops_it(
        self, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch, mode: str, fault: str, word: str
    ) -> None:
        if word == "slow":
            request.getfixturevalue("impatient")
        harness = TrialHarness(monkeypatch, compiled=misbehaving(fault))
        wild = IRIS_SETOSA | {"sepal_length": WILD}
        before = harness.ask(wild)
        harness.put_on_trial(mode=mode)

        answer = harness.ask(wild)

        assert (answer.status, answer.body) == (200, before.body)
        assert answer.experiment["failed"] == word
        assert "pair" not in answer.experiment
        for _ in range(MAX_FAILURES - 1):
            assert harness.host.trial is not None
            assert "failed" in harness.ask(wild).experiment
        assert harness.host.trial is None

    def test_where_it_does_not_no_other_thread_has_a_part(self, monkeypatch: pytest.MonkeyPatch, mode: str) -> None:
        harness = TrialHarness(monkeypatch, compiled=misbehaving("loops"))
        harness.put_on_trial(mode=mode)
        monkeypatch.setattr(BoundedThread, "call", None)

        assert "failed" not in harness.ask().experiment


class TestFailures:
    def test_after_three_it_is_dropped_here_and_another_share_begins_again(self, harness: TrialHarness) -> None:
        harness.put_on_trial()
        harness.predictors[2].faults = ["raises"] * 3

        answers = [harness.ask() for _ in range(4)]

        assert [answer.headers.get("x-skylift-variant") for answer in answers] == ["champion"] * 3 + [None]
        assert harness.host.trial is None
        assert harness.host.challengers.problem is not None
        assert harness.host.challengers.problem.code == "challenger-dropped"
        assert harness.registries.count("ChallengerDropped") == 1

        harness.put_on_trial(percent=99.99)
        assert harness.host.trial is not None

    def test_it_is_tried_again_after_growing_pauses_and_not_for_ever(self, harness: TrialHarness) -> None:
        failures = pauses = 0
        harness.put_on_trial(mode="shadow")
        while pauses < 100:
            if harness.host.trial is None:
                harness.registries.clock.advance(15)
                pauses += 1
            else:
                harness.predictors[2].faults = ["raises"]
                failures += harness.ask().experiment["failed"] == "raised"
            harness.refresh()

        assert failures == MAX_FAILURES * MAX_DROPS
        assert harness.host.challengers.problem is not None
        assert harness.host.challengers.problem.code == "challenger-dropped"

    def test_the_errors_of_one_environment_alone_reject_a_shadow_that_always_fails(self) -> None:
        errors = MAX_FAILURES * MAX_DROPS
        counts = Counters(challenger=Arm(errors, errors), champion=Arm(errors))

        assert judge([Interval(60, 0.5, counts)]).outcome == "reject"

    @settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
    @pytest.mark.usefixtures("impatient")
    @given(
        faults=st.lists(st.sampled_from(sorted(FAULTS)), min_size=1, max_size=6),
        mode=st.sampled_from(["shadow", "canary"]),
    )
    def test_no_sequence_of_faults_changes_what_the_champion_says(
        self, harness: TrialHarness, faults: list[str], mode: str
    ) -> None:
        harness.set_challenger(None)
        before = harness.ask(ROWS)
        harness.put_on_trial(mode=mode)
        harness.predictors[2].faults = list(faults)

        answers = [harness.ask(ROWS) for _ in range(len(faults) + 1)]
        harness.predictors[2].gate.set()

        assert {answer.status for answer in answers} == {200}
        by_champion = [answer for answer in answers if answer.headers["x-model-version"] == "v1"]
        assert {answer.body for answer in by_champion} <= {before.body}
        assert len(by_champion) == len(answers) or mode == "canary"


def demanding() -> Package:
    """A version whose contract takes only whole numbers as the width of a sepal."""
    package = compiled_iris_package("logistic")
    contract = package.describe(1).contract
    features = tuple(
        feature.model_copy(update={"kind": "integer"}) if feature.name == "sepal_width" else feature
        for feature in contract.features
    )
    return changed(iris_package(), contract=contract.model_copy(update={"features": features}))
