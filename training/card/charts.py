"""Pictures that the model card alone has: points, squares of counts, and histograms for a table's cell."""

from collections.abc import Sequence

from skylift.pages.markup import Content, Markup, element
from skylift.pages.svg import WIDTH, Caption, Plot, Range, at, picture, short, words


def points(caption: Caption, xs: Sequence[float], ys: Sequence[float], *, x: Range, y: Range) -> Markup:
    """Points over two axes, and the diagonal on which they would ideally lie."""
    plot = Plot(x, y)
    low, high = max(x.low, y.low), min(x.high, y.high)
    parts = [*plot.axes(), element("path", d=plot.path([low, high], [low, high]), class_="ideal")]
    parts += [plot.dot(*point, "point") for point in zip(xs, ys, strict=True)]
    return picture(caption, plot.height, parts)


def heat_map(caption: Caption, names: Sequence[str], counts: Sequence[Sequence[int]], *, x: str, y: str) -> Markup:
    """A square of counts, darker where a row has more of its share; the diagonal is right, the rest wrong."""
    left = min(110, 18 + 7 * max(len(short(name, 14)) for name in names))
    size = (WIDTH - left - 2) / len(names)
    height = min(size, 44.0)
    parts: list[Content] = [words(left, 12, f"{x}:", class_="label")]
    for row, (name, line) in enumerate(zip(names, counts, strict=True)):
        top = 40 + row * height
        total = sum(line) or 1
        parts.append(words(left - 6, top + height / 2 + 4, short(name, 14), text_anchor="end"))
        for column, count in enumerate(line):
            share = count / total
            style = "cell right" if row == column else "cell wrong"
            place = {"x": at(left + column * size), "y": at(top), "width": at(size - 1), "height": at(height - 1)}
            parts.append(element("rect", **place, class_=style, style=f"fill-opacity:{0.06 + 0.84 * share:.2f}"))
            centre = left + (column + 0.5) * size
            ink = "count strong" if share > 0.5 else "count"
            parts.append(words(centre, top + height / 2 + 4, f"{count}", class_=ink, text_anchor="middle"))
    letters = max(2, int(size / 7))
    for column, name in enumerate(names):
        parts.append(words(left + (column + 0.5) * size, 32, short(name, letters), text_anchor="middle"))
    bottom = 40 + len(names) * height
    parts.append(words(left, bottom + 16, y, class_="label"))
    return picture(caption, bottom + 20, parts)


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
                x=at(left),
                y=at(31 - high),
                width=at(max(across - 1, 0.5)),
                height=at(high + 1),
                class_="bar",
            )
        )
        left += across
    return picture(caption, 32, parts, width=120, class_="small")
