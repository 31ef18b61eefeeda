"""Reports of the monitor on a terminal: what matters, in a table that aligns."""

from __future__ import annotations  # what is printed is only named here

from typing import TYPE_CHECKING

from skylift.figures import format_value
from skylift.monitoring.expected import BLIND
from training.cli.console import facts, table, when

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rich.table import Table

    from skylift.monitoring.report import Report
    from skylift.monitoring.verdict import Shift

_MOST_FEATURES = 20


def report_tables(report: Report) -> Iterator[Table]:
    """The verdict, and the features that it rests on."""
    yield facts(_facts(report))
    shown = report.features[:_MOST_FEATURES]
    board = table(
        ("feature", "state", "distance#", "chance#", "moved most"),
        [*(_row(shift) for shift in shown), _row(report.predictions)],
    )
    if more := len(report.features) - len(shown):
        board.caption = f"and {more} features that moved less"
        board.caption_justify = "left"
    yield board


def _facts(report: Report) -> Iterator[tuple[str, str]]:
    window = report.window
    rows, needed = window["rows"], report.rows_needed
    missing = f": {needed - rows} more rows are needed to tell" if report.state == "insufficient" else ""
    yield "model", f"{report.model} {report.version}"
    yield "window", f"{when(window['from'])} to {when(window['to'])} UTC"
    yield "state", f"{report.state}{missing}"
    yield "rows", f"{rows:,} in {window['requests']:,} requests"
    if unread := ", ".join(_unread(report)):
        yield "not judged", unread
    if report.refused:
        yield "refused", ", ".join(f"{reason} {fields.get('', 0):,}" for reason, fields in report.refused.items())
    if report.week_ago:
        drifted = f" ({', '.join(report.week_ago.drifted)})" if report.week_ago.drifted else ""
        yield "a week ago", f"{report.week_ago.state} against the same hours{drifted}"
    if expected := report.expected:
        value, low, high, baseline = map(format_value, (expected.value, expected.low, expected.high, expected.baseline))
        yield f"expected {expected.metric}", f"{value} ({low} to {high}), {baseline} in training; {BLIND}"
    if live := report.live:
        interval = [format_value(bound) for bound in (live.low, live.high) if bound is not None]
        ends = f" ({' to '.join(interval)})" if interval else ""
        labels = f"{live.labels:,} labels, for {100 * live.coverage:.1f}% of the predictions"
        yield f"live {live.metric}", f"{format_value(live.value)}{ends}: {labels}"
        for missed in live.missed:
            yield "missed", missed


def _unread(report: Report) -> Iterator[str]:
    window, labels = report.window, report.labels
    for count, what in (
        (window["without_profile"], "requests without a profile"),
        (window["failed"], "failed requests"),
        (window["unreadable"], "unreadable lines"),
        (window["duplicates"], "lines that came twice"),
        (window["objects"] - window["objects_read"], f"of {window['objects']:,} captures: the rest is a sample"),
        (window.get("late", 0), "lines that came too late for their windows"),
        (labels.unknown if labels else 0, "labels without an answer"),
        (labels.refused if labels else 0, "unreadable entries of label files"),
    ):
        if count:
            yield f"{count:,} {what}"
    if window.get("cut"):
        yield "what is beyond the most that one run reads"


def _row(shift: Shift) -> tuple[str, ...]:
    return (
        shift.name,
        shift.state,
        f"{shift.distance:.3f}",
        "<0.0001" if shift.p_value < 0.0001 else f"{shift.p_value:.4f}",
        shift.moved[0] if shift.moved else "",
    )
