"""Going back by itself: an alarm undoes a promotion that is not long ago, once, and nothing else."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from skylift.going_back import ALARMS, CLOCKS_DIFFER, STALE, Alarm, GoBack, Stay, decide
from skylift.pointer import Move, MoveKind
from skylift.references import NOTHING, Reference

PROMOTED = datetime(2026, 11, 26, 12, tzinfo=UTC)
HOURS = 24.0


def reference(number: int) -> Reference:
    return Reference(number, f"{number}" * 64)


def history(words: str, *, last: datetime = PROMOTED) -> list[Move]:
    """Moves an hour apart, the last one at a time: `3` is a promotion of v3, `<3` a rollback, `?3` neither."""
    kinds: dict[str, MoveKind | None] = {"<": "rollback", "?": None}
    moves: list[Move] = []
    before = NOTHING
    for word in words.split():
        after = word if word == NOTHING else str(reference(int(word.lstrip("<?"))))
        moves.append(Move(PROMOTED, "ann", before, after, kinds.get(word[0], "promotion")))
        before = after
    count = len(moves)
    return [
        Move(last - timedelta(hours=count - 1 - place), move.by, move.before, move.after, move.kind)
        for place, move in enumerate(moves)
    ]


def decision(
    moves: Sequence[Move],
    *,
    after: timedelta = timedelta(minutes=5),
    name: str = "server-errors",
    late: timedelta = timedelta(seconds=2),
    hours: float = HOURS,
) -> GoBack | Stay:
    """What is decided when an alarm fires some time after the last promotion, and is delivered late."""
    fired = PROMOTED + after
    return decide(moves, Alarm(name, fired), now=fired + late, hours=hours)


@pytest.mark.parametrize(
    ("moves", "to"),
    [
        ("1 2", 1),
        ("1 2 3", 2),
        ("1 2 <1 3", 1),  # v2 was left for good
        ("1 2 <1 2", 1),  # somebody rolled back, and somebody promotes it again
        ("1 2 1 2", 1),  # the same, by promotions alone
        ("1 2 3 1 3", 1),
        ("1 2 3 1 4", 1),  # what a return left is not gone back to
        ("1 ?2", 1),  # by hand, and it never was active
        ("1 none 2", 1),
        ("1 2 2", 1),  # the same value is written again
    ],
)
def test_an_alarm_soon_after_a_promotion_leads_to_the_version_before(moves: str, to: int) -> None:
    made = history(moves)

    answer = decision(made)

    assert isinstance(answer, GoBack)
    assert answer.to == reference(to)
    assert str(answer.left) == made[-1].after
    assert answer.promoted == next(move for move in reversed(made) if move.before != move.after)


@pytest.mark.parametrize(
    ("moves", "why"),
    [
        ("", "no version was promoted"),
        ("1", "no version was active before v1"),
        ("1 none", "the pointer names no version"),
        ("1 2 <1", "the last move returned to v1"),
        ("1 2 ?1", "the last move returned to v1"),  # by hand, as the runbook says
        ("1 2 1", "the last move returned to v1"),  # by `skylift promote v1`, or by hand with an old description
        ("1 2 3 1", "the last move returned to v1"),
        ("1 <2", "the last move returned to v2"),  # from what SSM has forgotten
    ],
)
def test_without_a_step_forward_there_is_nothing_to_undo(moves: str, why: str) -> None:
    answer = decision(history(moves))

    assert isinstance(answer, Stay)
    assert answer.why.startswith(why)


@pytest.mark.parametrize(
    ("after", "acts"),
    [
        (timedelta(minutes=-1), False),
        (-CLOCKS_DIFFER - timedelta(milliseconds=1), False),
        (-CLOCKS_DIFFER, True),
        (timedelta(0), True),
        (timedelta(hours=HOURS), True),
        (timedelta(hours=HOURS, seconds=1), False),
        (timedelta(days=30), False),
    ],
)
def test_the_alarm_must_fire_after_the_promotion_and_not_long_after(after: timedelta, acts: bool) -> None:
    assert isinstance(decision(history("1 2"), after=after), GoBack) == acts


def test_a_repetition_of_the_value_does_not_make_the_promotion_younger() -> None:
    assert isinstance(decision(history("1 2 2"), after=timedelta(hours=HOURS - 0.5)), Stay)


def test_an_alarm_that_is_delivered_too_late_moves_nothing() -> None:
    assert isinstance(decision(history("1 2"), late=STALE), GoBack)
    assert isinstance(decision(history("1 2"), late=STALE + timedelta(seconds=1)), Stay)


@pytest.mark.parametrize("wrong", [timedelta(days=-400), timedelta(days=400)], ids=["behind", "ahead"])
def test_a_clock_that_was_set_wrong_never_makes_an_old_promotion_young(wrong: timedelta) -> None:
    assert isinstance(decision(history("1 2"), after=timedelta(days=3), late=wrong), Stay)


@pytest.mark.parametrize("hours", [0.0, -1.0])
def test_it_is_switched_off_by_zero(hours: float) -> None:
    assert decision(history("1 2"), hours=hours) == Stay("going back is switched off")


@pytest.mark.parametrize("name", ALARMS)
def test_the_alarms_that_a_promotion_can_raise_count(name: str) -> None:
    assert isinstance(decision(history("1 2"), name=name), GoBack)


@pytest.mark.parametrize(
    "name", ["throttles", "refresh-failures", "pointer-stale", "new-version-errors", "drift", "captures-missing", ""]
)
def test_other_alarms_move_nothing(name: str) -> None:
    assert isinstance(decision(history("1 2"), name=name), Stay)


def test_what_was_active_before_the_oldest_known_move_can_be_returned_to() -> None:
    moves = history("1 2")[1:]

    answer = decision(moves)

    assert isinstance(answer, GoBack)
    assert answer.to == reference(1)


type Happening = tuple[str, int, int]
"""`promotion`, `rollback`, `by hand` or `alarm`, a version, and the minutes that pass before."""

happenings: st.SearchStrategy[list[Happening]] = st.lists(
    st.tuples(
        st.sampled_from(["promotion", "rollback", "by hand", "alarm", "alarm", "alarm"]),
        st.integers(1, 4),
        st.integers(0, 3000),
    ),
    max_size=40,
)


@given(happenings)
def test_any_alarms_over_any_history_undo_each_promotion_at_most_once(happened: list[Happening]) -> None:
    kinds: dict[str, MoveKind | None] = {"promotion": "promotion", "rollback": "rollback", "by hand": None}
    moves: list[Move] = []
    now, before, undone_since = PROMOTED, NOTHING, 0
    for what, number, minutes in happened:
        now += timedelta(minutes=minutes)
        if what != "alarm":
            after = str(reference(number))
            moves.append(Move(now, "ann", before, after, kinds[what]))
            before, undone_since = after, 0
            continue
        answer = decide(moves, Alarm("server-errors", now), now=now, hours=HOURS)
        if isinstance(answer, GoBack):
            undone_since += 1
            assert str(answer.left) == before != str(answer.to)
            assert str(answer.to) in {value for move in moves for value in (move.before, move.after)}
            assert now - answer.promoted.at <= timedelta(hours=HOURS)
            moves.append(Move(now, "auto-rollback", before, str(answer.to), "rollback"))
            before = str(answer.to)
        assert undone_since <= 1
