"""Windows over time: the last ones in order, each once."""

from datetime import timedelta

from skylift.monitoring.history import MAX_WINDOWS, metric_words, over_time
from skylift.monitoring.report import Report
from skylift.pages.markup import joined
from tests.support.drift_reports import HOUR, START, counted, report

LAST = report({"v7": counted(1000, longer_petals=1.5)})


def earlier(windows: int) -> Report:
    end = START - windows * HOUR
    return LAST.model_copy(update={"window": {**LAST.window, "from": end, "to": end + HOUR}, "state": "stable"})


def shown(*history: Report) -> str:
    return joined(*over_time(LAST, history))


def test_the_first_window_has_no_history() -> None:
    assert shown() == "<p>This is the first window.</p>"
    assert shown(LAST) == "<p>This is the first window.</p>"


def test_windows_are_listed_the_latest_first_in_whatever_order_they_come() -> None:
    made = shown(earlier(1), earlier(3), earlier(2), earlier(2))

    ends = ["2026-03-08 11:00", "2026-03-08 10:00", "2026-03-08 09:00", "2026-03-08 08:00"]
    places = [made.index(f'scope="row">{end}') for end in ends]
    assert places == sorted(places)
    assert made.count('scope="row"') == 4


def test_later_windows_are_not_part_of_a_report() -> None:
    assert shown(earlier(-2)) == "<p>This is the first window.</p>"


def test_only_the_last_windows_are_shown() -> None:
    assert shown(*(earlier(place) for place in range(1, 100))).count('scope="row"') == MAX_WINDOWS


def test_distance_and_accuracy_are_drawn_along_the_time() -> None:
    made = shown(*(earlier(place) for place in range(1, 6)))

    assert made.count("<svg") == 2
    assert "hours from the end of this window" in made
    assert "Last values: expected 0.9000, in training 0.9500." in made


def test_without_an_estimate_or_labels_only_the_distance_is_drawn() -> None:
    before = earlier(1).model_copy(update={"expected": None})
    last = LAST.model_copy(update={"expected": None})

    assert joined(*over_time(last, [before])).count("<svg") == 1


def test_windows_of_seconds_are_drawn_in_minutes() -> None:
    half = timedelta(seconds=30)
    before = LAST.model_copy(update={"window": {**LAST.window, "to": LAST.window["to"] - half}})

    assert "minutes from the end of this window" in shown(before)


def test_metrics_have_names_that_people_write() -> None:
    assert [metric_words(name) for name in ("mae", "f1_macro")] == ["mean absolute error", "f1 macro"]
