"""A report as a page for people: one HTML file, which opens without a network and holds no script.

Whatever comes from data or requests is escaped by `skylift.pages.markup`.
"""

from collections.abc import Iterator, Sequence
from datetime import datetime

from skylift.contract import Contract
from skylift.figures import per_cent
from skylift.monitoring.baseline import Baseline
from skylift.monitoring.expected import BLIND
from skylift.monitoring.history import metric_words, over_time
from skylift.monitoring.live import Live
from skylift.monitoring.report import Report
from skylift.monitoring.shift_pictures import picture_of_feature, picture_of_predictions
from skylift.monitoring.verdict import MATERIAL, Shift, State
from skylift.monitoring.window import ANY
from skylift.pages.document import contents, document, tiles
from skylift.pages.markup import Content, Markup, element, joined
from skylift.pages.parts import charts, digits, facts, figure, section, table
from skylift.pages.svg import number, short

MAX_PICTURES = 12
MAX_FEATURES = 40
"""More are folded away: few drift, and the gravest come first."""

_MAX_REFUSED = 100
_LETTERS = 160


def render(report: Report, baseline: Baseline, contract: Contract, history: Sequence[Report] = ()) -> bytes:
    """Write the page of a report.

    Parameters
    ----------
    baseline, contract
        Training distribution and contract of the version that the report is of.
    history
        Reports of earlier windows, in any order.

    Returns
    -------
    bytes
        HTML as UTF-8.
    """
    sections = {
        "features": ("Features", _features(report, baseline, contract)),
        "predictions": ("Predictions", _predictions(report, baseline, contract)),
        "accuracy": ("Accuracy", _accuracy(report)),
        "time": ("Over time", over_time(report, history)),
        "refused": ("Refused requests", _refused(report)),
        "window": ("What was read", _read(report)),
    }
    header = element(
        "header",
        element("h1", f"{report.model} {report.version}: {report.state}"),
        element("p", f"Requests from {_time(report.window['from'])} to {_time(report.window['to'])} UTC."),
        element("p", _verdict(report)),
        tiles(list(_tiles(report))),
        contents({key: heading for key, (heading, _) in sections.items()}),
    )
    main = element("main", *(section(key, heading, *content) for key, (heading, content) in sections.items()))
    return document(f"{report.model} {report.version}: {report.state}", header, main)


def _verdict(report: Report) -> str:
    words = [_meaning(report), f"It has been so since {_time(report.since)} UTC."]
    if report.alarm:
        words.append("At least two of the last three windows drift, which is an alarm.")
    if report.week_ago is not None:
        drifted = f" ({', '.join(report.week_ago.drifted[:5])})" if report.week_ago.drifted else ""
        words.append(f"Compared with the same hours a week ago the state is {report.week_ago.state}{drifted}.")
    return " ".join(words)


def _meaning(report: Report) -> str:
    match report.state:
        case "insufficient":
            lacking = max(report.rows_needed - report.window["rows"], 0)
            return f"There are too few rows to say that nothing material moved: {lacking:,} more are needed."
        case "stable":
            least = max(shift.detectable for shift in (*report.features, report.predictions))
            return f"Nothing moved: a distance of {least:.2f} would have been found with a probability of 80%."
        case "watch":
            return "A shift is certain but small, or large but not certain: wait for the next window."
        case "drift":
            return "The traffic differs from training, beyond chance and by enough to matter."


def _tiles(report: Report) -> Iterator[Content]:
    drifted = [shift for shift in (*report.features, report.predictions) if shift.state == "drift"]
    yield ["state", element("strong", report.state, class_="bad" if report.state == "drift" else None)]
    yield ["rows", element("strong", f"{report.window['rows']:,}"), f"{report.rows_needed:,} needed"]
    yield [
        "drift in",
        element("strong", f"{len(drifted):,}"),
        f"of {len(report.features):,} features and the predictions",
    ]
    if (expected := report.expected) is not None:
        name = f"expected {metric_words(expected.metric)}"
        interval = f"{digits(expected.low)} to {digits(expected.high)} (95%)"
        yield [name, element("strong", digits(expected.value)), interval]
    if (live := report.live) is not None:
        style = "bad" if live.missed else None
        coverage = f"{live.labels:,} labels, {per_cent(live.coverage)} of the answers"
        yield [f"{metric_words(live.metric)} by labels", element("strong", digits(live.value), class_=style), coverage]


def _features(report: Report, baseline: Baseline, contract: Contract) -> tuple[Content, ...]:
    moved = [shift for shift in report.features if shift.moved]
    drawn = [
        figure(short(shift.name), _moved(shift), picture)
        for shift in moved[:MAX_PICTURES]
        if (picture := picture_of_feature(shift.name, report, baseline, contract))
    ]
    first, rest = report.features[:MAX_FEATURES], report.features[MAX_FEATURES:]
    caption = "Features, the gravest first, then by importance times distance"
    return (
        None if moved else element("p", "No feature moved by more than chance."),
        charts(*drawn) if drawn else None,
        _table(first, caption),
        element("details", element("summary", f"{len(rest):,} more"), _table(rest, "More features")) if rest else None,
        element(
            "p",
            f"The distance is 0 for equal shares by bin and 1 for shares without anything in common; from {MATERIAL:g} "
            "on it matters. Detectable is the least distance that these rows show with a probability of 80%. PSI by "
            "chance is what PSI reaches without a shift, p the probability of such a difference by chance. A report "
            f"may say drift without any with a probability of {report.alpha:.2g}.",
            class_="quiet",
        ),
    )


def _table(shifts: Sequence[Shift], caption: str) -> Markup:
    columns = ("feature", "state", "moved", "distance#", "detectable#", "PSI#", "PSI by chance#", "p#")
    rows = (
        (
            shift.name,
            _state(shift.state),
            _moved(shift),
            f"{shift.distance:.3f}",
            f"{shift.detectable:.3f}",
            f"{shift.psi:.3f}",
            f"{shift.critical_psi:.3f}",
            f"{shift.p_value:.2g}",
            per_cent(shift.missing),
            per_cent(shift.outside),
        )
        for shift in shifts
    )
    return table((*columns, "missing#", "outside training#"), rows, caption=caption)


def _predictions(report: Report, baseline: Baseline, contract: Contract) -> tuple[Content, ...]:
    shift = report.predictions
    picture = picture_of_predictions(report, baseline, contract)
    rows: list[tuple[str, Content]] = [
        ("State", _state(shift.state)),
        ("Moved", _moved(shift) if shift.moved else None),
        ("Distance", f"{shift.distance:.3f}; {shift.detectable:.3f} would have been found"),
        ("PSI", f"{shift.psi:.3f}; chance reaches {shift.critical_psi:.3f}"),
        ("p", f"{shift.p_value:.2g}"),
        ("Mean confidence", None if report.confidence is None else digits(report.confidence)),
    ]
    note = "Training is what the model answered to the holdout."
    drawn = charts(figure(contract.target.name, note, picture)) if picture else None
    return drawn, facts(rows)


def _accuracy(report: Report) -> tuple[Content, ...]:
    expected, live = report.expected, report.live
    if expected is None:
        words = "Nothing is expected: no rows, or a version of a release before estimates."
    else:
        words = (
            f"Expected {metric_words(expected.metric)}: {digits(expected.value)} ({digits(expected.low)} to "
            f"{digits(expected.high)}), on training rows {digits(expected.baseline)}. "
        )
    blind = element("p", f"An estimate is {BLIND}.", class_="quiet")
    if live is None:
        why = "none of those that arrived belongs to an answer" if report.labels else "none has arrived"
        return element("p", words), blind, element("p", f"By labels nothing is known: {why}.")
    return element("p", words), blind, *_by_labels(live)


def _by_labels(live: Live) -> Iterator[Content]:
    delay = f"{number(live.delay_seconds / 3600)} hours"
    yield element(
        "p",
        f"{live.labels:,} of {live.predictions:,} answers have a label ({per_cent(live.coverage)}), half of them "
        f"within {delay}.",
    )
    if live.missed:
        yield element("p", element("span", "Gates missed:", class_="bad"), f" {'; '.join(live.missed)}.")
    rows = [(metric_words(name), digits(one.value), _interval(one.low, one.high)) for name, one in live.metrics.items()]
    yield table(("metric", "by labels#", "95%#"), rows, caption="What labels say of this version")
    if live.slices:
        slices = [
            (short(one.rows, _LETTERS), digits(one.value), _interval(one.low, one.high), f"{one.labels:,}")
            for one in live.slices
        ]
        caption = "Rows that are answered worse than all"
        yield table(("rows", f"{metric_words(live.metric)}#", "95%#", "labels#"), slices, caption=caption)


def _refused(report: Report) -> tuple[Content, ...]:
    rows = [
        (reason or "unknown", field or "in all", f"{count:,}")
        for reason, fields in report.refused.items()
        for field, count in sorted(fields.items(), key=lambda one: (one[0] != ANY, -one[1], one[0]))
    ]
    if not rows:
        return (element("p", "None."),)
    shown = table(("reason", "field", "requests#"), rows[:_MAX_REFUSED], caption="Refused requests by reason and field")
    more = len(rows) - _MAX_REFUSED
    return shown, element("p", f"{more:,} more fields are in the report.", class_="quiet") if more > 0 else None


def _read(report: Report) -> tuple[Content, ...]:
    window, labels = report.window, report.labels
    versions = ", ".join(f"{name} {counts['rows']:,}" for name, counts in report.counts.items())
    sampled = " (a sample, evenly by object)" if window["objects_read"] < window["objects"] else ""
    objects = f"{window['objects_read']:,} of {window['objects']:,}{sampled}" if window["objects"] else None
    rows: list[tuple[str, Content]] = [
        (f"Requests to {report.version}", f"{window['requests']:,}"),
        ("Rows by version", versions),
        ("Answered without a profile", f"{window['without_profile']:,}"),
        ("Failed requests", f"{window['failed']:,}"),
        ("Unreadable lines", f"{window['unreadable']:,}"),
        ("Delivered again", f"{window['duplicates']:,}"),
        ("Objects read", objects),
        ("Lines", "A part: there were more than one run reads" if window.get("cut") else None),
        ("Too late for their windows", f"{window.get('late', 0):,}"),
        ("Labels without an answer", f"{labels.unknown:,}" if labels else None),
        ("Unreadable entries of label files", f"{labels.refused:,}" if labels else None),
        ("Report", report.key),
    ]
    return (facts(rows),)


def _moved(shift: Shift) -> Markup:
    """The bins that moved, each on its line, without the name that stands beside them."""
    parts = [text.removeprefix(f"{shift.name} ").rpartition(": ") for text in shift.moved]
    lines = ((short(words), ": ", element("span", change, style="white-space:nowrap")) for words, _, change in parts)
    return joined(*(element("div", line) for line in lines))


def _state(state: State) -> Content:
    return element("span", state, class_="bad") if state == "drift" else state


def _interval(low: float | None, high: float | None) -> str:
    return "" if low is None or high is None else f"{digits(low)} to {digits(high)}"


def _time(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d %H:%M}"
