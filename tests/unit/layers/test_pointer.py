"""The pointer: what it names, how it moves, and what SSM remembers of that."""

import itertools
from collections.abc import Callable
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest
from botocore.exceptions import BotoCoreError, ClientError

from skylift.errors import AwsUnavailable, InvalidReference
from skylift.pointer import ActivePointer, Move, MoveKind, way_back
from skylift.references import NOTHING, Reference
from tests.conftest import MODEL, STAGE
from tests.support.faults import after, before, denied, fails_with, refused, throttled, timeout

if TYPE_CHECKING:
    from mypy_boto3_ssm import SSMClient

NAME = f"/skylift/{STAGE}/{MODEL}/active"
V1 = Reference(1, "1" * 64)
V2 = Reference(2, "2" * 64)

FAULTS: dict[str, ClientError | BotoCoreError] = {
    "throttled": throttled(),
    "denied": denied("AccessDeniedException"),
    "timed out": timeout(),
    "connection refused": refused(),
}


def _set(ssm: "SSMClient", value: str) -> None:
    ssm.put_parameter(Name=NAME, Value=value, Type="String", Overwrite=True)


def test_the_pointer_is_the_parameter_of_its_stage_and_model(pointer: ActivePointer, ssm: "SSMClient") -> None:
    pointer.move(V1)

    assert ssm.get_parameter(Name=NAME)["Parameter"]["Value"] == str(V1)
    assert pointer.name == NAME


def test_a_parameter_that_does_not_exist_names_nothing(pointer: ActivePointer) -> None:
    assert pointer.read() is None


def test_the_value_none_names_nothing(pointer: ActivePointer, ssm: "SSMClient") -> None:
    _set(ssm, NOTHING)

    assert pointer.read() is None


def test_the_pointer_names_what_it_was_moved_to_last(pointer: ActivePointer) -> None:
    pointer.move(V1)
    pointer.move(V2)

    assert pointer.read() == V2


def test_stages_point_each_for_itself(pointer: ActivePointer, ssm: "SSMClient") -> None:
    pointer.move(V1)

    assert ActivePointer("prod", MODEL, client=ssm).read() is None


def test_models_point_each_for_itself(pointer: ActivePointer, ssm: "SSMClient") -> None:
    pointer.move(V1)

    assert ActivePointer(STAGE, "wine", client=ssm).read() is None


def test_a_made_pointer_names_nothing(pointer: ActivePointer, ssm: "SSMClient") -> None:
    assert pointer.create()

    assert ssm.get_parameter(Name=NAME)["Parameter"]["Value"] == NOTHING
    assert pointer.read() is None


def test_making_a_pointer_that_exists_leaves_it_alone(pointer: ActivePointer) -> None:
    pointer.move(V1)

    assert not pointer.create()

    assert pointer.read() == V1
    assert len(pointer.history()) == 1


@pytest.mark.parametrize(
    "value", ["v1", "latest", "NONE", " ", f"{V1}\n", str(V1).upper(), str(V1)[:-1], '{"active": "v1"}']
)
def test_a_value_that_is_not_a_reference_is_refused(pointer: ActivePointer, ssm: "SSMClient", value: str) -> None:
    _set(ssm, value)

    with pytest.raises(InvalidReference):
        pointer.read()


def test_a_move_repairs_a_value_that_is_not_a_reference(pointer: ActivePointer, ssm: "SSMClient") -> None:
    _set(ssm, "garbage")

    pointer.move(V1)

    assert pointer.read() == V1


class TestHistory:
    def test_before_the_first_move_nothing_is_active(self, pointer: ActivePointer) -> None:
        assert pointer.history() == []

    def test_moves_are_told_oldest_first_with_what_was_before(self, pointer: ActivePointer) -> None:
        for reference in (V1, V2, V1):
            pointer.move(reference)

        assert [(move.before, move.after) for move in pointer.history()] == [
            (NOTHING, str(V1)),
            (str(V1), str(V2)),
            (str(V2), str(V1)),
        ]

    def test_a_move_tells_who_and_when(self, pointer: ActivePointer, ssm: "SSMClient") -> None:
        alice = "arn:aws:iam::123456789012:user/alice"
        pointer.move(V1)
        after(ssm, "GetParameterHistory", lambda answer: answer["Parameters"][0].update(LastModifiedUser=alice))

        (move,) = pointer.history()

        assert move.by == alice
        assert isinstance(move.at, datetime)
        assert move.at.tzinfo is not None

    def test_values_that_are_not_references_are_told_as_they_are(
        self, pointer: ActivePointer, ssm: "SSMClient"
    ) -> None:
        _set(ssm, "garbage")
        pointer.move(V1)

        assert [(move.before, move.after) for move in pointer.history()] == [
            (NOTHING, "garbage"),
            ("garbage", str(V1)),
        ]

    def test_more_moves_than_one_answer_of_ssm_holds_are_all_told_in_order(
        self, pointer: ActivePointer, ssm: "SSMClient"
    ) -> None:
        references = [Reference(number, "0" * 64) for number in range(1, 61)]
        for reference in references:
            pointer.move(reference)
        pages = before(ssm, "GetParameterHistory", lambda _: None)

        moves = pointer.history()

        assert pages.calls > 1
        assert [move.after for move in moves] == [str(reference) for reference in references]
        assert [move.before for move in moves] == [NOTHING, *(move.after for move in moves[:-1])]

    def test_once_ssm_forgets_old_values_the_oldest_move_does_not_claim_to_be_the_first(
        self, pointer: ActivePointer
    ) -> None:
        for number in range(1, 106):
            pointer.move(Reference(number, "0" * 64))

        moves = pointer.history()

        assert moves[-1].after == str(Reference(105, "0" * 64))
        assert NOTHING not in {move.before for move in moves}


class TestWayBack:
    @pytest.mark.parametrize(
        ("values", "way"),
        [
            ("", ""),
            ("1", "1"),
            ("1 2 3", "1 2 3"),
            ("1 2 3 2", "1 2"),
            ("1 2 3 2 1", "1"),
            ("1 2 3 2 4", "1 2 4"),
            ("1 2 3 1", "1"),
            ("1 2 2", "1 2"),
            ("1 2 3 2 3", "1 2 3"),
            ("none 1 garbage 2 none", "1 2"),
        ],
    )
    def test_where_nobody_said_what_moves_were_for_a_return_to_an_earlier_version_leaves_what_came_after(
        self, values: str, way: str
    ) -> None:
        held = [str(Reference(int(word), "0" * 64)) if word.isdigit() else word for word in values.split()]
        moves = [
            Move(datetime(2026, 1, 1, tzinfo=UTC), "alice", before, after)
            for before, after in itertools.pairwise([NOTHING, *held])
        ]

        assert " ".join(str(reference.number) for reference in way_back(moves)) == way

    @pytest.mark.parametrize(
        ("moves", "way"),
        [
            ("1 2 3 1", "1 2 3 1"),
            ("1 2 3 1 <3", "2 3"),
            ("1 2 3 <2", "1 2"),
            ("1 2 3 <2 3", "1 2 3"),
            ("1 2 <1 3 <1", "1"),
            ("1 2 3 2 <3", "1 3"),
            ("1 <2", "1 2"),
            ("1 2 <2", "1 2"),
        ],
    )
    def test_a_promotion_is_a_step_forward_and_a_rollback_leaves_a_version_for_good(self, moves: str, way: str) -> None:
        made, before = [], NOTHING
        for word in moves.split():
            after = str(Reference(int(word.removeprefix("<")), "0" * 64))
            kind: MoveKind = "rollback" if word.startswith("<") else "promotion"
            made.append(Move(datetime(2026, 1, 1, tzinfo=UTC), "alice", before, after, kind))
            before = after

        assert " ".join(str(reference.number) for reference in way_back(made)) == way

    def test_where_ssm_forgot_the_first_values_it_begins_with_the_oldest_known(self) -> None:
        move = Move(datetime(2026, 1, 1, tzinfo=UTC), "alice", str(V1), str(V2))

        assert way_back([move]) == [V1, V2]


class TestSsmFailing:
    @pytest.mark.parametrize("fault", FAULTS.values(), ids=FAULTS.keys())
    @pytest.mark.parametrize(
        ("operation", "act"),
        [
            ("GetParameter", ActivePointer.read),
            ("PutParameter", lambda pointer: pointer.move(V1)),
            ("GetParameterHistory", ActivePointer.history),
        ],
        ids=["read", "move", "history"],
    )
    def test_every_fault_says_what_failed_and_what_to_do_and_no_secret(
        self,
        pointer: ActivePointer,
        ssm: "SSMClient",
        operation: str,
        act: Callable[[ActivePointer], object],
        fault: ClientError | BotoCoreError,
    ) -> None:
        before(ssm, operation, fails_with(fault))

        with pytest.raises(AwsUnavailable, match=NAME) as caught:
            act(pointer)

        assert caught.value.hint
        assert "secret" not in str(caught.value)
        assert "arn:" not in str(caught.value)

    def test_a_move_that_fails_leaves_the_pointer_where_it_was(self, pointer: ActivePointer, ssm: "SSMClient") -> None:
        pointer.move(V1)
        before(ssm, "PutParameter", fails_with(throttled()))

        with pytest.raises(AwsUnavailable):
            pointer.move(V2)

        assert pointer.read() == V1

    def test_a_history_that_breaks_off_between_two_pages_is_not_told_as_if_it_were_whole(
        self, pointer: ActivePointer, ssm: "SSMClient"
    ) -> None:
        for number in range(1, 61):
            pointer.move(Reference(number, "0" * 64))
        before(ssm, "GetParameterHistory", fails_with(throttled()), only=2)

        with pytest.raises(AwsUnavailable):
            pointer.history()
