"""Pictures for the model card: inline SVG whose colours are CSS, so that they follow dark mode and print.

Each has a title and a description for those who cannot see it. They are drawn 360 units wide, a phone's width, with
text of 12: on a phone they are read at their true size.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from skylift.figures import told_apart
from training.card.markup import Content, Markup, element, joined

WIDTH = 360
MAX_SERIES = 6
"""More lines than these cannot be told apart."""

_LEFT, _RIGHT, _TOP, _BOTTOM = 44, 8, 8, 40
_PLOT_HEIGHT = 220
_LABEL_LETTERS = 46


@dataclass(frozen=True, slots=True)
class Caption:
    """What a picture is called.

    Parameters
    ----------
    key
        Unique in a document.
    title
        Title in a few words.
    description
        Text of what there is to see, for those who cannot.
    """

    key: str
    title: str
    description: str


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
class Range:
    """What an axis shows.

    Parameters
    ----------
    low, high
        Ends of the axis.
    label
        Label under or beside the axis.
    """

    low: float
    high: float
    label: str

    @classmethod
    def around(cls, values: Sequence[float], label: str) -> "Range":
        """A range that holds all values, with a little room if they are equal."""
        low, high = min(values, default=0.0), max(values, default=1.0)
        room = (high - low) * 0.05 or abs(high) * 0.1 or 1.0
        return cls(low - room, high + room, label)


def number(value: float) -> str:
    """A number short enough for an axis or a cell: four digits that matter."""
    if value == 0 or 1e-3 <= abs(value) < 1e6:
        text = f"{value:,.4g}" if abs(value) < 1e4 else f"{value:,.0f}"
        return text.rstrip("0").rstrip(".") if "." in text else text
    return f"{value:.3g}"


def numbers(values: Sequence[float]) -> list[str]:
    """Numbers that stand together, with more digits where some that differ would read the same."""
    texts = [number(value) for value in values]
    return texts if len(set(texts)) == len(set(values)) else told_apart(values)


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
        parts.append(_words(0, top + 12, _short(row.label)))
        parts.append(
            element("rect", x=_at(start), y=top + 17, width=_at(max(end - start, 1)), height=11, rx=2, class_=style)
        )
        parts.append(element("path", d=f"M{_at(across(0))} {top + 15}v15", class_="axis"))
        furthest: float = end
        if row.interval is not None:
            left, right = across(row.interval[0]), across(row.interval[1])
            parts.append(element("path", d=_whisker(left, right, top + 22.5), class_="whisker"))
            furthest = max(furthest, right)
        parts.append(_words(min(furthest + 5, WIDTH - 52), top + 27, row.text or number(row.value), class_="value"))
    return _picture(caption, len(rows) * 34, parts)


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
    plot = _Plot(x, y)
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
    return _picture(caption, height, parts)


def points(caption: Caption, xs: Sequence[float], ys: Sequence[float], *, x: Range, y: Range) -> Markup:
    """Points over two axes, and the diagonal on which they would ideally lie."""
    plot = _Plot(x, y)
    low, high = max(x.low, y.low), min(x.high, y.high)
    parts = [*plot.axes(), element("path", d=plot.path([low, high], [low, high]), class_="ideal")]
    parts += [plot.dot(*point, "point") for point in zip(xs, ys, strict=True)]
    return _picture(caption, plot.height, parts)


def heat_map(caption: Caption, names: Sequence[str], counts: Sequence[Sequence[int]], *, x: str, y: str) -> Markup:
    """A square of counts, darker where a row has more of its share; the diagonal is right, the rest wrong."""
    left = min(110, 18 + 7 * max(len(_short(name, 14)) for name in names))
    size = (WIDTH - left - 2) / len(names)
    height = min(size, 44.0)
    parts: list[Content] = [_words(left, 12, f"{x}:", class_="label")]
    for row, (name, line) in enumerate(zip(names, counts, strict=True)):
        top = 40 + row * height
        total = sum(line) or 1
        parts.append(_words(left - 6, top + height / 2 + 4, _short(name, 14), text_anchor="end"))
        for column, count in enumerate(line):
            share = count / total
            style = "cell right" if row == column else "cell wrong"
            place = {"x": _at(left + column * size), "y": _at(top), "width": _at(size - 1), "height": _at(height - 1)}
            parts.append(element("rect", **place, class_=style, style=f"fill-opacity:{0.06 + 0.84 * share:.2f}"))
            centre = left + (column + 0.5) * size
            ink = "count strong" if share > 0.5 else "count"
            parts.append(_words(centre, top + height / 2 + 4, f"{count}", class_=ink, text_anchor="middle"))
    letters = max(2, int(size / 7))
    for column, name in enumerate(names):
        parts.append(_words(left + (column + 0.5) * size, 32, _short(name, letters), text_anchor="middle"))
    bottom = 40 + len(names) * height
    parts.append(_words(left, bottom + 16, y, class_="label"))
    return _picture(caption, bottom + 20, parts)


def columns(caption: Caption, shares: Sequence[float], widths: Sequence[float]) -> Markup:
    """A small histogram without axes, for a table's cell.

    Parameters
    ----------
    shares
        Shares of the rows, by column.
    widths
        Widths of the columns; areas are the shares.
    """
    whole = sum(widths) or 1.0
    densities = [share / width if width else 0.0 for share, width in zip(shares, widths, strict=True)]
    tallest = max(densities, default=0.0) or 1.0
    parts, left = list[Content](), 0.0
    for density, width in zip(densities, widths, strict=True):
        across, high = width / whole * 120, density / tallest * 30
        parts.append(
            element(
                "rect",
                x=_at(left),
                y=_at(31 - high),
                width=_at(max(across - 1, 0.5)),
                height=_at(high + 1),
                class_="bar",
            )
        )
        left += across
    return _picture(caption, 32, parts, width=120, class_="small")


class _Plot:
    """Two axes, and where values lie between them."""

    def __init__(self, x: Range, y: Range) -> None:
        self._x, self._y = x, y
        self.height = _TOP + _PLOT_HEIGHT + _BOTTOM

    def axes(self) -> list[Content]:
        bottom = _TOP + _PLOT_HEIGHT
        parts: list[Content] = []
        ticks = _ticks(self._y.low, self._y.high)
        for value, text in zip(ticks, numbers(ticks), strict=True):
            parts.append(element("path", d=f"M{_LEFT} {_at(self.down(value))}H{WIDTH - _RIGHT}", class_="grid"))
            parts.append(_words(_LEFT - 6, self.down(value) + 4, text, class_="tick", text_anchor="end"))
        ticks = _ticks(self._x.low, self._x.high)
        parts += [
            _words(self.across(value), bottom + 16, text, class_="tick", text_anchor="middle")
            for value, text in zip(ticks, numbers(ticks), strict=True)
        ]
        parts.append(element("path", d=f"M{_LEFT} {_TOP}V{bottom}H{WIDTH - _RIGHT}", class_="axis"))
        middle = (_LEFT + WIDTH - _RIGHT) / 2
        parts.append(_words(middle, bottom + 34, _short(self._x.label), class_="label", text_anchor="middle"))
        turned = f"rotate(-90 10 {_TOP + _PLOT_HEIGHT / 2})"
        parts.append(
            _words(
                10,
                _TOP + _PLOT_HEIGHT / 2,
                _short(self._y.label, 32),
                class_="label",
                text_anchor="middle",
                transform=turned,
            )
        )
        return parts

    def across(self, value: float) -> float:
        return _LEFT + (value - self._x.low) / (self._x.high - self._x.low) * (WIDTH - _RIGHT - _LEFT)

    def down(self, value: float) -> float:
        return _TOP + (self._y.high - value) / (self._y.high - self._y.low) * _PLOT_HEIGHT

    def path(self, xs: Sequence[float], ys: Sequence[float]) -> str:
        places = [f"{_at(self.across(x))} {_at(self.down(y))}" for x, y in zip(xs, ys, strict=True)]
        return "M" + "L".join(places)

    def dot(self, x: float, y: float, style: str) -> Markup:
        return element("circle", cx=_at(self.across(x)), cy=_at(self.down(y)), r=3, class_=style)


def _picture(
    caption: Caption,
    height: float,
    parts: Sequence[Content],
    *,
    width: int = WIDTH,
    class_: str = "chart",
) -> Markup:
    return element(
        "svg",
        element("title", caption.title, id=f"{caption.key}-title"),
        element("desc", caption.description, id=f"{caption.key}-desc"),
        joined(*parts),
        xmlns="http://www.w3.org/2000/svg",
        viewBox=f"0 0 {width} {_at(height)}",
        role="img",
        aria_labelledby=f"{caption.key}-title {caption.key}-desc",
        class_=class_,
    )


def _words(x: float, y: float, text: str, **attributes: object) -> Markup:
    return element("text", text, x=_at(x), y=_at(y), **attributes)


def _legend(names: Sequence[str], top: float) -> tuple[Markup, float]:
    """Two names to a line, each beside its stroke."""
    parts: list[Content] = []
    for index, name in enumerate(names):
        left, down = _LEFT + index % 2 * 156, top + 12 + index // 2 * 18
        parts.append(element("path", d=f"M{left} {_at(down - 4)}h22", class_=f"line s{index}"))
        parts.append(_words(left + 28, down, _short(name, 18)))
    return joined(*parts), top + 12 + (len(names) + 1) // 2 * 18 - 8


def _whisker(left: float, right: float, y: float) -> str:
    return f"M{_at(left)} {y - 4}v8m0-4H{_at(right)}m0-4v8"


def _ticks(low: float, high: float) -> list[float]:
    """About five round numbers within a range."""
    raw = (high - low) / 5
    unit = 10.0 ** math.floor(math.log10(raw))
    step = next(factor * unit for factor in (1, 2, 5, 10) if factor * unit >= raw * 0.999)
    first = math.ceil(low / step - 1e-9)
    return [round(index * step, 12) for index in range(first, math.floor(high / step + 1e-9) + 1)]


def _short(text: str, letters: int = _LABEL_LETTERS) -> str:
    return text if len(text) <= letters else text[: max(letters - 1, 1)] + "\N{HORIZONTAL ELLIPSIS}"


def _at(value: float) -> str:
    """A coordinate, to a tenth."""
    return f"{value:.1f}".removesuffix(".0")


def described(values: Mapping[str, float]) -> str:
    """Names with their values, for a description."""
    return ", ".join(f"{name} {number(value)}" for name, value in values.items())
