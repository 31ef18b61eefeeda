"""What pictures are drawn with: inline SVG whose colours are CSS, so that they follow dark mode and print.

Each has a title and a description for those who cannot see it. They are drawn 360 units wide, a phone's width, with
text of 12: on a phone they are read at their true size.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from skylift.figures import told_apart
from skylift.pages.markup import Content, Markup, element, joined

WIDTH = 360

LEFT, RIGHT, TOP, BOTTOM = 44, 8, 8, 40
_PLOT_HEIGHT = 220
_LABEL_LETTERS = 46
_WIDTH_OF_A_DIGIT = 8
_BESIDE_DIGITS = 20  # the label of the axis, and room on both sides


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


class Plot:
    """Two axes, and where values lie between them."""

    def __init__(self, x: Range, y: Range) -> None:
        self._x, self._y = x, y
        self.height = TOP + _PLOT_HEIGHT + BOTTOM
        self._rows = _ticks(y.low, y.high)
        self.left = max(LEFT, _BESIDE_DIGITS + _WIDTH_OF_A_DIGIT * max(map(len, numbers(self._rows)), default=0))

    def axes(self) -> list[Content]:
        """Both axes with their numbers and labels."""
        bottom = TOP + _PLOT_HEIGHT
        parts: list[Content] = []
        for value, text in zip(self._rows, numbers(self._rows), strict=True):
            parts.append(element("path", d=f"M{self.left} {at(self.down(value))}H{WIDTH - RIGHT}", class_="grid"))
            parts.append(words(self.left - 6, self.down(value) + 4, text, class_="tick", text_anchor="end"))
        ticks = _ticks(self._x.low, self._x.high)
        texts = numbers(ticks)
        wide = _WIDTH_OF_A_DIGIT * max(map(len, texts), default=0)
        every = math.ceil(wide * len(ticks) / (WIDTH - RIGHT - self.left)) or 1  # others would overlap
        parts += [
            words(
                min(self.across(value), WIDTH - _WIDTH_OF_A_DIGIT * len(text) / 2),
                bottom + 16,
                text,
                class_="tick",
                text_anchor="middle",
            )
            for value, text in zip(ticks[::every], texts[::every], strict=True)
        ]
        parts.append(element("path", d=f"M{self.left} {TOP}V{bottom}H{WIDTH - RIGHT}", class_="axis"))
        middle = (self.left + WIDTH - RIGHT) / 2
        parts.append(words(middle, bottom + 34, short(self._x.label), class_="label", text_anchor="middle"))
        turned = f"rotate(-90 10 {TOP + _PLOT_HEIGHT / 2})"
        parts.append(
            words(
                10,
                TOP + _PLOT_HEIGHT / 2,
                short(self._y.label, 32),
                class_="label",
                text_anchor="middle",
                transform=turned,
            )
        )
        return parts

    def across(self, value: float) -> float:
        """Horizontal place of a value."""
        share = (value - self._x.low) / (self._x.high - self._x.low)
        return self.left + share * (WIDTH - RIGHT - self.left)

    def down(self, value: float) -> float:
        """Vertical place of a value."""
        return TOP + (self._y.high - value) / (self._y.high - self._y.low) * _PLOT_HEIGHT

    def path(self, xs: Sequence[float], ys: Sequence[float]) -> str:
        """A line through points, as a path's `d`."""
        places = [f"{at(self.across(x))} {at(self.down(y))}" for x, y in zip(xs, ys, strict=True)]
        return "M" + "L".join(places)

    def dot(self, x: float, y: float, style: str) -> Markup:
        """A point."""
        return element("circle", cx=at(self.across(x)), cy=at(self.down(y)), r=3, class_=style)


def picture(
    caption: Caption,
    height: float,
    parts: Sequence[Content],
    *,
    width: int = WIDTH,
    class_: str = "chart",
) -> Markup:
    """A drawing with its title and description."""
    return element(
        "svg",
        element("title", caption.title, id=f"{caption.key}-title"),
        element("desc", caption.description, id=f"{caption.key}-desc"),
        joined(*parts),
        xmlns="http://www.w3.org/2000/svg",
        viewBox=f"0 0 {width} {at(height)}",
        role="img",
        aria_labelledby=f"{caption.key}-title {caption.key}-desc",
        class_=class_,
    )


def words(x: float, y: float, text: str, **attributes: object) -> Markup:
    """Text at a place."""
    return element("text", text, x=at(x), y=at(y), **attributes)


def short(text: str, letters: int = _LABEL_LETTERS) -> str:
    """A text that has so many letters at most."""
    return text if len(text) <= letters else text[: max(letters - 1, 1)] + "\N{HORIZONTAL ELLIPSIS}"


def at(value: float) -> str:
    """A coordinate, to a tenth."""
    return f"{value:.1f}".removesuffix(".0")


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


def described(values: Mapping[str, float]) -> str:
    """Names with their values, for a description."""
    return ", ".join(f"{name} {number(value)}" for name, value in values.items())


def _ticks(low: float, high: float) -> list[float]:
    """About five round numbers within a range."""
    raw = (high - low) / 5
    unit = 10.0 ** math.floor(math.log10(raw))
    step = next(factor * unit for factor in (1, 2, 5, 10) if factor * unit >= raw * 0.999)
    first = math.ceil(low / step - 1e-9)
    return [round(index * step, 12) for index in range(first, math.floor(high / step + 1e-9) + 1)]
