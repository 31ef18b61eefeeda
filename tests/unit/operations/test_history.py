"""What `/history` tells: versions and moves, the newest first, and of people no more than their names."""

from datetime import UTC, datetime

import pytest

from operations.history import SECONDS, History
from skylift.errors import AwsUnavailable
from skylift.pointer import Move
from tests.support.fakes import Clock, MemoryPointer, MemoryStore

NOON = datetime(2026, 5, 1, 12, tzinfo=UTC)
V1, V2 = "v1@sha256:" + "1" * 64, "v2@sha256:" + "2" * 64


class Moved(MemoryPointer):
    """A pointer with a history in memory."""

    def __init__(self, *moves: Move) -> None:
        super().__init__()
        self.moves = [*moves]

    def history(self) -> list[Move]:
        self.read()
        return self.moves


class Two(MemoryStore):
    """A store with two versions."""

    def numbers(self) -> list[int]:
        return [1, 2]


def move(after: str, before: str = "none", by: str = "arn:aws:iam::123456789012:user/ann") -> Move:
    return Move(NOON, by, before, after, "promotion", "skylift promote")


def test_the_newest_is_first_and_what_moved_nothing_is_left_out() -> None:
    pointer = Moved(move(V1), move(V1, V1), move(V2, V1))

    assert History(pointer, Two()).read() == {
        "versions": ["v2", "v1"],
        "moves": [
            {"at": NOON, "by": "user/ann", "from": V1, "to": V2, "kind": "promotion", "tool": "skylift promote"},
            {"at": NOON, "by": "user/ann", "from": "none", "to": V1, "kind": "promotion", "tool": "skylift promote"},
        ],
    }


@pytest.mark.parametrize(
    ("arn", "told"),
    [
        ("arn:aws:iam::123456789012:user/ann", "user/ann"),
        ("arn:aws-cn:sts::123456789012:assumed-role/promote/ann", "assumed-role/promote/ann"),
        ("arn:aws:iam::123456789012:root", "root"),
        ("somebody", "somebody"),
    ],
)
def test_the_number_of_the_account_is_not_told(arn: str, told: str) -> None:
    document = History(Moved(move(V1, by=arn)), Two()).read()

    assert document["moves"] == [
        {"at": NOON, "by": told, "from": "none", "to": V1, "kind": "promotion", "tool": "skylift promote"}
    ]


def test_aws_is_asked_at_most_twice_a_minute() -> None:
    pointer, clock = Moved(move(V1)), Clock()
    history = History(pointer, Two(), clock=clock)
    for _ in range(5):
        history.read()
    clock.advance(SECONDS)
    history.read()

    assert pointer.reads == 2


def test_a_failure_is_not_kept() -> None:
    pointer = Moved(move(V1))
    pointer.holds = AwsUnavailable("no", "wait")
    history = History(pointer, Two())
    with pytest.raises(AwsUnavailable):
        history.read()
    pointer.holds = None

    assert history.read()["versions"] == ["v2", "v1"]
