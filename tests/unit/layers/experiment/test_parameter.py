"""The challenger's parameter: who writes it, what was seen before, and what the history says."""

from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest

from skylift.challenger import Challenger
from skylift.errors import ChallengerMoved, InvalidChallenger
from skylift.experiment.parameter import ChallengerParameter
from skylift.references import NOTHING, Reference
from tests.conftest import MODEL, STAGE
from tests.support.faults import after, before, fails_with, timeout

if TYPE_CHECKING:
    from mypy_boto3_ssm import SSMClient

NAME = f"/skylift/{STAGE}/{MODEL}/challenger"
V8 = Challenger(
    id="v8-1",
    reference=Reference(8, "8" * 64),
    mode="canary",
    percent=5,
    started=datetime(2026, 11, 26, tzinfo=UTC),
    by="arn:aws:iam::123456789012:user/anna",
)
V9 = V8.model_copy(update={"id": "v9-1", "reference": Reference(9, "9" * 64), "mode": "shadow", "percent": 100.0})


@pytest.fixture
def parameter(ssm: "SSMClient") -> ChallengerParameter:
    """The challenger of iris."""
    return ChallengerParameter(STAGE, MODEL, client=ssm)


def _set(ssm: "SSMClient", value: str) -> None:
    ssm.put_parameter(Name=NAME, Value=value, Type="String", Overwrite=True)


def test_a_parameter_that_does_not_exist_names_no_challenger(parameter: ChallengerParameter) -> None:
    assert parameter.read() is None
    assert parameter.changes() == []


def test_it_names_the_challenger_that_was_written_last(parameter: ChallengerParameter, ssm: "SSMClient") -> None:
    parameter.write(V8, seen=NOTHING, tool="begun by a test")

    assert parameter.read() == V8
    assert ssm.get_parameter(Name=NAME)["Parameter"]["Value"] == str(V8)


def test_it_names_none_after_the_end(parameter: ChallengerParameter) -> None:
    parameter.write(V8, seen=NOTHING, tool="begun by a test")
    parameter.write(None, seen=str(V8), tool="rejected by a test")

    assert parameter.read() is None


def test_the_history_tells_what_each_change_was_for(parameter: ChallengerParameter) -> None:
    parameter.write(V8, seen=NOTHING, tool="begun by a test")
    parameter.write(None, seen=str(V8), tool="rejected by a test: too slow")

    assert [(change.number, change.before, change.after, change.description) for change in parameter.changes()] == [
        (1, NOTHING, str(V8), "begun by a test"),
        (2, str(V8), NOTHING, "rejected by a test: too slow"),
    ]


def test_a_reason_of_any_length_is_kept_as_far_as_ssm_takes_it(parameter: ChallengerParameter) -> None:
    parameter.write(V8, seen=NOTHING, tool="x" * 5000)

    assert parameter.changes()[0].description == "x" * 1024


def test_garbage_is_refused_and_can_be_replaced(parameter: ChallengerParameter, ssm: "SSMClient") -> None:
    _set(ssm, "garbage")

    with pytest.raises(InvalidChallenger):
        parameter.read()

    parameter.write(V8, seen="garbage", tool="begun by a test")
    assert parameter.read() == V8


def test_who_decided_on_something_else_writes_nothing(parameter: ChallengerParameter) -> None:
    parameter.write(V8, seen=NOTHING, tool="begun by a test")

    with pytest.raises(ChallengerMoved, match=r"from none to v8 \(canary, 5%\): nothing was written") as caught:
        parameter.write(V9, seen=NOTHING, tool="begun by a test")

    assert caught.value.hint
    assert parameter.read() == V8


def test_who_was_overtaken_between_reading_and_writing_is_told(
    parameter: ChallengerParameter, ssm: "SSMClient"
) -> None:
    before(ssm, "PutParameter", lambda _: _set(ssm, str(V9)), only=1)

    with pytest.raises(ChallengerMoved, match=r"v8 \(canary, 5%\) is on trial, and replaced v9 \(shadow, 100%\)"):
        parameter.write(V8, seen=NOTHING, tool="begun by a test")


def test_a_write_whose_answer_was_lost_and_that_was_tried_again_counts_once(
    parameter: ChallengerParameter, ssm: "SSMClient"
) -> None:
    after(ssm, "PutParameter", fails_with(timeout()), only=1)
    with pytest.raises(Exception, match="moving the challenger"):
        parameter.write(V8, seen=NOTHING, tool="begun by a test")

    parameter.write(V8, seen=str(V8), tool="begun by a test")

    assert parameter.read() == V8
