"""A year in small: an estimate follows rows that become harder, and only labels see that the world has changed."""

from functools import cache

from benchmarks.accuracy_year import DRIFT, Week, Year, simulate, table


@cache
def weeks() -> list[Week]:
    return list(simulate(Year(train_rows=2000, rows=400, labelled=0.5)))


def test_while_rows_become_harder_the_estimate_is_within_two_points_of_the_truth() -> None:
    before = weeks()[: DRIFT.start]

    assert max(week.truth for week in before) - min(week.truth for week in before) > 0.05
    assert max(abs(week.expected.value - week.truth) for week in before) < 0.02
    assert all(week.expected.low <= week.truth <= week.expected.high for week in before)


def test_when_the_world_changes_the_estimate_sees_nothing_and_labels_see_it() -> None:
    before, after = weeks()[DRIFT.start - 1], weeks()[-1]

    assert before.truth - after.truth > 0.1
    assert abs(after.expected.value - before.expected.value) < 0.03
    assert after.live is not None
    assert abs(after.live.value - after.truth) < 0.03
    assert (after.live.high or 1) < after.expected.low


def test_before_a_label_arrives_there_is_an_estimate_alone() -> None:
    assert weeks()[0].live is None


def test_the_table_has_every_fourth_week() -> None:
    assert table(weeks()).count("\n") == 2 + 13
