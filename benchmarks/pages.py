"""Writes what a benchmark found as a page: under `build/benchmarks/`, or where it is published."""

import re
from pathlib import Path

_ROOT = Path(__file__).parents[1]
_SECTION = re.compile(r"(<!-- figures -->\n).*?(<!-- /figures -->)", re.DOTALL)


def write_page(name: str, figures: str, *, publish: bool) -> Path:
    """Write the figures of a benchmark, and print them.

    Parameters
    ----------
    name
        Name of the page, without its ending.
    figures
        Markdown.
    publish
        Whether to replace the figures of the page in `docs/benchmarks/`, and not to write one in `build/benchmarks/`.

    Returns
    -------
    Path
        Where its picture belongs.
    """
    folder = _ROOT / ("docs" if publish else "build") / "benchmarks"
    folder.mkdir(parents=True, exist_ok=True)
    page = folder / f"{name}.md"
    if publish:
        write_figures(figures, page)
    else:
        page.write_text(figures, encoding="utf-8")
    print(figures)  # noqa: T201 (the command's output)
    return page.with_suffix(".png")


def write_figures(tables: str, page: Path) -> None:
    """Replace the figures of a page.

    Parameters
    ----------
    tables
        Markdown to write between the markers `<!-- figures -->` and `<!-- /figures -->`.
    page
        Markdown file with one such pair of markers.

    Raises
    ------
    ValueError
        The page has no such pair, or more than one.
    """
    text, count = _SECTION.subn(lambda match: f"{match[1]}{tables}{match[2]}", page.read_text(encoding="utf-8"))
    if count != 1:
        raise ValueError(f"{page.name} has {count} sections between <!-- figures --> and <!-- /figures -->")
    page.write_text(text, encoding="utf-8")
