"""Charts for pages: bars and lines."""

from collections.abc import Sequence
from dataclasses import dataclass

from skylift.pages.markup import Content, Markup, element, joined
from skylift.pages.svg import LEFT, WIDTH, Caption, Plot, Range, at, number, picture, short, words

MAX_SERIES = 6
"""More lines than these cannot be told apart."""


@dataclass(frozen=True, slots=True)
class Bar:
    """A line of a bar chart.

    Parameters
    ----------
    label
        Label for people.
    value
        Length of the bar.
    interval
        Ends of the whisker; None for none.
    marked
        Whether the bar stands out.
    text
        Text beside the bar; by default the value.
    series
        Number of the series that the bar is of, which gives its colour.
    """

    label: str
    value: float
    interval: tuple[float, float] | None = None
    marked: bool = False
    text: str | None = None
    series: int = 0


@dataclass(frozen=True, slots=True)
class Line:
    """A line through points.

    Parameters
    ----------
    name
        Name in the legend.
    x, y
        Coordinates of the points.
    dots
        Whether each point is marked, as for few that were measured.
    """

    name: str
    x: Sequence[float]
    y: Sequence[float]
    dots: bool = False


@dataclass(frozen=True, slots=True)
class Pair:
    """Two bars under one label.

    Parameters
    ----------
    label
        Label for people.
    values, texts
        Lengths of both, and the texts beside them.
    """

    label: str
    values: tuple[float, float]
    texts: tuple[str, str]


def bars(caption: Caption, rows: Sequence[Bar]) -> Markup:
    """Horizontal bars from zero, each under its label."""
    ends: list[float] = [row.value for row in rows]
    for row in rows:
        ends += row.interval or ()
    low, high = min([0.0, *ends]), max([0.0, *ends])
    span = (high - low) or 1.0
    room = WIDTH - 64.0

    def across(value: float) -> float:
        return 1 + (value - low) / span * room

    parts: list[Content] = []
    for index, row in enumerate(rows):
        top = index * 34
        start, end = sorted((across(0), across(row.value)))
        style = "bar marked" if row.marked else f"bar b{row.series}"
        parts.append(words(0, top + 12, short(row.label)))
        parts.append(
            element("rect", x=at(start), y=top + 17, width=at(max(end - start, 1)), height=11, rx=2, class_=style)
        )
        parts.append(element("path", d=f"M{at(across(0))} {top + 15}v15", class_="axis"))
        furthest: float = end
        if row.interval is not None:
            left, right = across(row.interval[0]), across(row.interval[1])
            parts.append(element("path", d=_whisker(left, right, top + 22.5), class_="whisker"))
            furthest = max(furthest, right)
        parts.append(words(min(furthest + 5, WIDTH - 52), top + 27, row.text or number(row.value), class_="value"))
    return picture(caption, len(rows) * 34, parts)


def pairs(caption: Caption, names: tuple[str, str], rows: Sequence[Pair]) -> Markup:
    """Horizontal bars from zero, two under each label, below the names of both series."""
    longest = max((value for row in rows for value in row.values), default=0.0) or 1.0
    room = WIDTH - 52.0
    parts: list[Content] = []
    for series, name in enumerate(names):
        left = series * 156
        parts.append(element("rect", x=left, y=3, width=22, height=10, rx=2, class_=f"bar b{series}"))
        parts.append(words(left + 28, 12, short(name, 18)))
    for index, row in enumerate(rows):
        top = 24 + index * 44
        parts.append(words(0, top + 11, short(row.label)))
        for series, (value, text) in enumerate(zip(row.values, row.texts, strict=True)):
            width, down = value / longest * room, top + 15 + series * 12
            style = f"bar b{series}"
            parts.append(element("rect", x=0, y=down, width=at(max(width, 1)), height=10, rx=2, class_=style))
            parts.append(words(width + 5, down + 9, text, class_="value"))
    return picture(caption, 24 + len(rows) * 44, parts)


def lines(
    caption: Caption,
    series: Sequence[Line],
    *,
    x: Range,
    y: Range,
    ideal: bool = False,
) -> Markup:
    """Lines over two axes.

    Parameters
    ----------
    ideal
        Whether the diagonal is drawn: where chance or perfection lies.
    """
    plot = Plot(x, y)
    parts = plot.axes()
    if ideal:
        low, high = max(x.low, y.low), min(x.high, y.high)
        parts.append(element("path", d=plot.path([low, high], [low, high]), class_="ideal"))
    for index, line in enumerate(series[:MAX_SERIES]):
        parts.append(element("path", d=plot.path(line.x, line.y), class_=f"line s{index}"))
        if line.dots:
            parts += [plot.dot(*point, f"dot s{index}") for point in zip(line.x, line.y, strict=True)]
    height: float = plot.height
    if len(series) > 1:
        legend, height = _legend([line.name for line in series[:MAX_SERIES]], plot.height)
        parts.append(legend)
    return picture(caption, height, parts)


def _legend(names: Sequence[str], top: float) -> tuple[Markup, float]:
    """Two names to a line, each beside its stroke."""
    parts: list[Content] = []
    for index, name in enumerate(names):
        left, down = LEFT + index % 2 * 156, top + 12 + index // 2 * 18
        parts.append(element("path", d=f"M{left} {at(down - 4)}h22", class_=f"line s{index}"))
        parts.append(words(left + 28, down, short(name, 18)))
    return joined(*parts), top + 12 + (len(names) + 1) // 2 * 18 - 8


def _whisker(left: float, right: float, y: float) -> str:
    return f"M{at(left)} {y - 4}v8m0-4H{at(right)}m0-4v8"
