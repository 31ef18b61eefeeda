"""Pieces of a page: numbers, tables, lists, sections and figures."""

from collections.abc import Iterable, Sequence

from skylift.figures import LEAST_FIXED
from skylift.pages.markup import Content, Markup, element, joined


def digits(value: float | None, *, like: float | None = None) -> str:
    """A measured number, as long as it says something.

    Parameters
    ----------
    like
        The number whose decimals it takes over.
    """
    if value is None:
        return "unknown"
    size = abs(value if like is None else like)
    if 0 < size < LEAST_FIXED:
        return f"{value:.4g}"
    return f"{value:,.{4 if size < 10 else 2 if size < 1000 else 0}f}"


def table(
    columns: Sequence[str], rows: Iterable[Sequence[Content]], *, caption: str, marked: int | None = None
) -> Markup:
    """A table; columns whose name ends in `#` hold numbers, the first names the row.

    Parameters
    ----------
    marked
        The row that stands out.
    """
    styles = ["n" if name.endswith("#") else None for name in columns]
    head = [
        element("th", name.rstrip("#"), scope="col", class_=style) for name, style in zip(columns, styles, strict=True)
    ]
    body = []
    for index, row in enumerate(rows):
        first, *rest = row
        cells = [element("th", first, scope="row")]
        cells += [element("td", cell, class_=style) for cell, style in zip(rest, styles[1:], strict=True)]
        body.append(element("tr", *cells, class_="marked" if index == marked else None))
    grid = element("table", element("thead", element("tr", *head)), element("tbody", *body))
    # The caption stays outside: in a table wider than a phone it would be as wide as the table.
    return joined(
        element("p", caption, class_="quiet caption"),
        element("div", grid, class_="scroll", role="region", tabindex="0", aria_label=caption),
    )


def facts(rows: Iterable[tuple[str, Content]]) -> Markup:
    """Names and what they are; those of which nothing is known are left out."""
    return element("dl", *([element("dt", name), element("dd", value)] for name, value in rows if value))


def points(rows: Iterable[Content]) -> Markup:
    """A list."""
    return element("ul", *(element("li", row) for row in rows))


def section(key: str, heading: str, *content: Content) -> Markup:
    """A section that the table of contents can lead to."""
    return element("section", element("h2", heading, id=key), *content, aria_labelledby=key)


def figure(title: str, note: str, picture: Markup) -> Markup:
    """A picture under its title and what to see in it."""
    return element("figure", element("figcaption", element("b", title), note), picture)


def charts(*figures: Content) -> Markup:
    """Pictures side by side, as many as fit."""
    return element("div", *figures, class_="charts")


def verdict(good: bool, yes: str, no: str) -> Markup:
    """A word that says how it went, also without its colour."""
    return element("span", yes if good else no, class_="good" if good else "bad")
