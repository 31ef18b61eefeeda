"""The section of a report's page that shows how windows followed each other."""

from collections.abc import Callable, Iterator, Sequence
from datetime import timedelta

from skylift.monitoring.report import Report
from skylift.monitoring.verdict import MATERIAL
from skylift.pages.charts import Line, lines
from skylift.pages.markup import Content, Markup, element
from skylift.pages.parts import charts, digits, figure, table
from skylift.pages.svg import Caption, Range

MAX_WINDOWS = 24
"""More are neither read nor shown."""

_UNITS = (("days", timedelta(days=1)), ("hours", timedelta(hours=1)), ("minutes", timedelta(minutes=1)))


def over_time(report: Report, history: Sequence[Report]) -> tuple[Content, ...]:
    """Pictures and a table of the last windows.

    Parameters
    ----------
    history
        Reports in any order; of those of one window the last counts, and later ones than the report do not.
    """
    windows = {one.window["to"]: one for one in (*history, report) if one.window["to"] <= report.window["to"]}
    shown = [windows[end] for end in sorted(windows)][-MAX_WINDOWS:]
    if len(shown) < 2:
        return (element("p", "This is the first window."),)
    rows = [
        (
            f"{one.window['to']:%Y-%m-%d %H:%M}",
            one.version,
            one.state,
            f"{one.window['rows']:,}",
            f"{_largest(one):.3f}",
            digits(one.expected.value) if one.expected else "",
            digits(one.live.value) if one.live else "",
        )
        for one in reversed(shown)
    ]
    columns = ("until (UTC)", "version", "state", "rows#", "largest distance#", "expected#", "by labels#")
    return charts(*_pictures(shown)), table(columns, rows, caption="The last windows, the latest first")


def _pictures(shown: Sequence[Report]) -> Iterator[Markup]:
    span = shown[-1].window["to"] - shown[0].window["to"]
    name, unit = next((one for one in _UNITS if span >= 3 * one[1]), _UNITS[-1])
    ago = {one.key: (one.window["to"] - shown[-1].window["to"]) / unit for one in shown}
    x = Range.around(list(ago.values()), f"{name} from the end of this window")

    def line(label: str, value: Callable[[Report], float | None]) -> Line:
        told = [(ago[one.key], found) for one in shown if (found := value(one)) is not None]
        return Line(label, [at for at, _ in told], [found for _, found in told], dots=True)

    least = Line("material", [x.low, x.high], [MATERIAL, MATERIAL])
    distance = line("largest distance", _largest)
    caption = Caption("distances", "Largest distance by window", f"{distance.y[-1]:.3f} in the last window.")
    top = max(*distance.y, MATERIAL) * 1.1
    yield figure(
        "Distance from training",
        "The largest of all features and of the predictions.",
        lines(caption, [distance, least], x=x, y=Range(0, top, "distance")),
    )
    series = [
        line("expected", lambda one: one.expected.value if one.expected else None),
        line("by labels", lambda one: one.live.value if one.live else None),
        line("in training", lambda one: one.expected.baseline if one.expected else None),
    ]
    told = [one for one in series if one.y]
    if not told:
        return
    label = metric_words(next(one.metric for each in shown for one in (each.expected, each.live) if one))
    last = ", ".join(f"{one.name} {digits(one.y[-1])}" for one in told)
    y = Range.around([value for one in told for value in one.y], label)
    caption = Caption("accuracies", f"{label[:1].upper()}{label[1:]} by window", f"Last values: {last}.")
    yield figure(f"{label[:1].upper()}{label[1:]}", f"Last values: {last}.", lines(caption, told, x=x, y=y))


def metric_words(name: str) -> str:
    """A metric as people write it."""
    return {"mae": "mean absolute error", "rmse": "root mean squared error", "r2": "R\N{SUPERSCRIPT TWO}"}.get(
        name, name.replace("_", " ")
    )


def _largest(report: Report) -> float:
    return max(shift.distance for shift in (*report.features, report.predictions))
