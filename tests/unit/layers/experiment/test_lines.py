"""What the lines of requests say of an experiment, however the time is cut into looks."""

import json
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from skylift.experiment.counters import Arm, Counters, Pairs, difference_bin
from skylift.experiment.lines import Tally, count
from skylift.monitoring.records import Reader, Record
from tests.support.log_lines import answered, refused

START = datetime(2026, 11, 26, 2, tzinfo=UTC)
HOUR = timedelta(hours=1)
MEMBER: dict[str, Any] = {"id": "v8-1", "mode": "canary", "percent": 5.0, "arm": "champion"}
PAIR = {"rows": 3, "other": 1, "bin": difference_bin(0.4)}


def _line(minutes: float = 0, *, status: int = 200, reason: str = "", number: int = 0, **members: Any) -> str:
    told: dict[str, Any] = {"experiment": MEMBER | members, "at": (START + timedelta(minutes=minutes)).isoformat()}
    return refused(reason, status=status, **told) if status >= 400 else answered(f"request-{number}", **told)


def _records(lines: Sequence[str]) -> list[Record]:
    return list(Reader().chunks(["\n".join(lines).encode()]))


def _counted(*lines: str) -> Counters:
    tally = Tally("v8-1")
    for record in _records(lines):
        tally.add(record)
    assert not tally.unreadable
    return sum((step.counters for step in tally.steps()), Counters())


class MemoryLines:
    """Lines in memory, read as a log group is: from one moment to another."""

    held_back = timedelta()

    def __init__(self, lines: Sequence[str], most: int = 1_000_000) -> None:
        self._records = sorted(_records(lines), key=lambda record: record.at)
        self._most = most

    def read(self, id: str, start: datetime, end: datetime, add: Callable[[Record], None]) -> datetime:  # noqa: A002
        within = [one for one in self._records if start.timestamp() <= one.at < end.timestamp()]
        later = [one.at for one in within if one.at > within[min(self._most, len(within)) - 1].at]
        reached = datetime.fromtimestamp(later[0], UTC) if later else end
        for record in within:
            if record.at < reached.timestamp():
                add(record)
        return reached


class TestCanary:
    def test_an_answer_counts_for_the_side_that_gave_it(self) -> None:
        counted = _counted(_line(), _line(number=1, arm="challenger"), _line(number=2))

        assert counted == Counters(challenger=Arm(1), champion=Arm(2))

    @pytest.mark.parametrize("failed", ["raised", "slow", "shape", "busy"])
    def test_a_failure_is_the_challengers_although_the_champion_answered(self, failed: str) -> None:
        assert _counted(_line(arm="challenger", failed=failed)) == Counters(challenger=Arm(1, 1))

    def test_a_failure_of_both_is_the_failure_of_the_side_that_was_to_answer(self) -> None:
        assert _counted(_line(status=500, reason="internal", arm="challenger", failed="raised")) == Counters(
            challenger=Arm(1, 1)
        )

    def test_an_error_after_the_challenger_answered_is_its_own(self) -> None:
        assert _counted(_line(status=500, reason="internal", arm="challenger")) == Counters(challenger=Arm(1, 1))

    def test_an_error_of_the_champion_is_its_own(self) -> None:
        assert _counted(_line(status=503, reason="no-model")) == Counters(champion=Arm(1, 1))

    def test_a_refusal_by_the_challenger_counts_under_its_own_reason(self) -> None:
        for line in (
            _line(arm="challenger", refused="invalid-instance"),
            _line(status=422, reason="other", arm="challenger", refused="invalid-instance"),
        ):
            assert _counted(line) == Counters(challenger=Arm(1, 0, {"invalid-instance": 1}))

    @pytest.mark.parametrize("arm", ["challenger", "champion"])
    def test_a_body_that_neither_was_asked_about_is_refused_by_the_side_it_was_for(self, arm: str) -> None:
        side = Arm(1, 0, {"not-json": 1})

        counted = _counted(_line(status=400, reason="not-json", arm=arm))

        assert counted == (Counters(challenger=side) if arm == "challenger" else Counters(champion=side))


class TestShadow:
    def test_both_sides_have_each_request_of_the_sample(self) -> None:
        counted = _counted(_line(mode="shadow", percent=20.0, pair=PAIR))

        assert counted == Counters(Arm(1), Arm(1), Pairs(3, 1, {difference_bin(0.4): 1}))

    def test_a_failure_of_the_challenger_leaves_the_champions_answer(self) -> None:
        assert _counted(_line(mode="shadow", failed="slow")) == Counters(Arm(1, 1), Arm(1))

    def test_where_the_champion_failed_there_is_no_pair_and_the_failure_is_its_own(self) -> None:
        assert _counted(_line(mode="shadow", status=500, reason="internal")) == Counters(Arm(1), Arm(1, 1))

    def test_refusals_count_on_each_side(self) -> None:
        assert _counted(_line(mode="shadow", status=422, reason="invalid-instance", refused="invalid-instance")) == (
            Counters(Arm(1, 0, {"invalid-instance": 1}), Arm(1, 0, {"invalid-instance": 1}))
        )

    def test_labels_are_asked_for_of_pairs(self) -> None:
        tally = Tally("v8-1", lambda record: (1, 2))
        lines = [_line(mode="shadow", pair=PAIR), _line(number=1, mode="shadow", failed="raised")]
        for record in _records(lines):
            tally.add(record)

        (step,) = tally.steps()
        assert (step.counters.pairs.challenger_right, step.counters.pairs.champion_right) == (1, 2)


class TestOtherLines:
    @pytest.mark.parametrize("members", [{"id": "v8-10"}, {"id": None}, {"id": 8}], ids=str)
    def test_lines_of_other_experiments_count_nothing(self, members: dict[str, Any]) -> None:
        assert _counted(_line(**members)) == Counters()

    @pytest.mark.parametrize("member", [None, "v8-1", [], 3], ids=str)
    def test_lines_without_an_experiment_count_nothing(self, member: Any) -> None:
        assert _counted(answered("a", experiment=member), answered("b")) == Counters()

    @pytest.mark.parametrize(
        "members",
        [
            {"mode": "blue"},
            {"percent": 0.0},
            {"percent": "5"},
            {"percent": 101.0},
            {"arm": None},
            {"pair": {"rows": -1, "other": 0, "bin": 0}},
            {"pair": {"rows": 1, "other": 0, "bin": 10_000}},
            {"pair": {"rows": 1}},
            {"pair": [1, 0, 3]},
        ],
        ids=str,
    )
    def test_a_member_that_cannot_be_read_is_counted_as_that(self, members: dict[str, Any]) -> None:
        tally = Tally("v8-1")
        for record in _records([_line(**members)]):
            tally.add(record)

        assert (tally.unreadable, tally.steps()) == (1, ())

    def test_what_a_later_release_adds_is_left_out(self) -> None:
        assert _counted(_line(weight=3, pair=PAIR | {"more": 1})).champion.requests == 1

    def test_a_line_that_comes_twice_counts_once(self) -> None:
        assert _counted(_line(number=7), _line(number=7)).champion.requests == 1


class TestLooks:
    def test_without_a_length_there_is_one_look(self) -> None:
        (look,) = count(MemoryLines([_line(3), _line(50, number=1)]), "v8-1", START, START + HOUR)

        assert (look.start, look.end) == (START, START + HOUR)
        assert [step.counters.champion.requests for step in look.steps] == [2]

    def test_a_time_without_a_line_is_a_look_that_saw_nothing(self) -> None:
        (look,) = count(MemoryLines([]), "v8-1", START, START + HOUR, every=timedelta(minutes=1))

        assert (look.start + timedelta(minutes=1), look.end, look.steps) == (START + HOUR, START + HOUR, ())

    def test_looks_between_that_saw_nothing_are_left_out(self) -> None:
        lines = [_line(3.5), _line(50, number=1)]

        looks = count(MemoryLines(lines), "v8-1", START, START + HOUR, every=timedelta(minutes=1))

        minutes = [(look.end - START) / timedelta(minutes=1) for look in looks]
        assert minutes == [4, 51, 60]

    def test_steps_come_in_the_order_in_which_they_began(self) -> None:
        lines = [_line(2, percent=25.0), _line(1, number=1, percent=5.0), _line(3, number=2, percent=5.0)]

        (look,) = count(MemoryLines(lines), "v8-1", START, START + HOUR)

        assert [(step.percent, step.counters.champion.requests) for step in look.steps] == [(5, 2), (25, 1)]

    def test_the_next_reading_goes_on_where_the_last_one_ended(self) -> None:
        lines = MemoryLines([_line(minute, number=minute) for minute in range(10)], most=4)
        begin, read = START, []
        while begin < START + HOUR:
            (look,) = count(lines, "v8-1", begin, START + HOUR)
            read.append(sum(step.counters.champion.requests for step in look.steps))
            begin = look.end

        assert read == [4, 4, 2]


EVENTS = st.lists(
    st.tuples(
        st.floats(0, 59.9),
        st.sampled_from(["champion", "challenger"]),
        st.sampled_from([("canary", 5.0), ("canary", 25.0), ("shadow", 100.0)]),
        st.sampled_from(["", "failed", "refused", "status"]),
        st.booleans(),
    ),
    max_size=30,
)


@given(EVENTS, st.lists(st.floats(0, 60), max_size=5), st.integers(1, 3600), st.integers(1, 10))
def test_counts_of_the_parts_of_a_time_add_up_to_those_of_the_whole(
    events: list[tuple[float, str, tuple[str, float], str, bool]], cuts: list[float], seconds: int, most: int
) -> None:
    lines = []
    for number, (minutes, arm, (mode, percent), how, paired) in enumerate(events):
        members: dict[str, Any] = {"arm": arm, "mode": mode, "percent": percent}
        members |= {how: "raised"} if how in {"failed", "refused"} else {}
        members |= {"pair": PAIR} if paired else {}
        status: dict[str, Any] = {"status": 500, "reason": "internal"} if how == "status" else {}
        lines.append(_line(round(minutes * 60_000) / 60_000, number=number, **status, **members))
    whole = MemoryLines(lines)
    ends = [START + timedelta(minutes=cut) for cut in sorted({*cuts, 60.0})]

    parts = []
    for begin, end in zip([START, *ends], ends, strict=False):
        parts += count(whole, "v8-1", begin, end, every=timedelta(seconds=seconds)) if begin < end else []
    resumed, begin = [], START
    while begin < ends[-1]:
        resumed += count(MemoryLines(lines, most=most), "v8-1", begin, ends[-1])
        begin = resumed[-1].end

    (look,) = count(whole, "v8-1", START, ends[-1])
    assert _by_step([look]) == _by_step(parts) == _by_step(resumed)
    assert sum(step.champion.requests + step.challenger.requests for step in _by_step([look]).values()) >= len(events)


def _by_step(looks: Sequence[Any]) -> dict[tuple[str, float], Counters]:
    total: dict[tuple[str, float], Counters] = {}
    for look in looks:
        for step in look.steps:
            key = step.mode, step.percent
            total[key] = total.get(key, Counters()) + step.counters
    return total


def test_counts_survive_being_written() -> None:
    (look,) = count(MemoryLines([_line(mode="shadow", pair=PAIR)]), "v8-1", START, START + HOUR)

    assert type(look).model_validate_json(look.to_bytes()) == look
    assert json.loads(look.to_bytes())["steps"][0]["mode"] == "shadow"
