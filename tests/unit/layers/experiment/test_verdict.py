"""The verdict: it fits one screen, and is kept as a document."""

from skylift.experiment.counters import Arm, Counters, Interval, Pairs
from skylift.experiment.judge import judge
from skylift.experiment.verdict import Verdict

REASONS = {f"a-reason-with-a-very-long-name-{number}": 3 * 10**6 for number in range(12)}
FULL = judge(
    [
        Interval(
            90,
            0.25,
            Counters(
                Arm(25 * 10**6, 10**6, REASONS),
                Arm(75 * 10**6, 1, REASONS),
                Pairs(10**7, 10**5, {60: 10**6, 120: 10**6}, 5, 60),
            ),
        )
    ]
)


def test_it_fits_one_screen_whatever_was_counted() -> None:
    lines = list(FULL.lines())

    assert len(lines) <= 20
    assert max(map(len, lines)) <= 132
    assert "and 7 more reasons of refusals, with less evidence" in lines


def test_it_says_what_and_why_and_when() -> None:
    lines = list(FULL.lines())

    assert lines[0].startswith("reject: certainly worse: server errors")
    assert lines[1] == "looked at after 90 minutes; it would have stopped after 90"
    assert any("server errors [broken]" in line for line in lines)


def test_an_undecided_one_says_what_it_waits_for() -> None:
    assert next(judge([]).lines()).startswith("not decided: 0 of 1,000 requests")


def test_it_is_kept_and_read_again() -> None:
    assert Verdict.model_validate_json(FULL.to_bytes()) == FULL
