"""Publish the figures of `build/bench.json`: `python -m benchmarks.publish`, or `make bench PUBLISH=1`.

Writes tables between the markers of `docs/benchmarks/README.md` and the project's README, and draws the pictures beside
the former.
"""

import re
import sys
from pathlib import Path

from benchmarks.plots import draw
from benchmarks.report import render, summary
from benchmarks.results import Results

_ROOT = Path(__file__).parents[1]
_SECTION = re.compile(r"(<!-- figures -->\n).*?(<!-- /figures -->)", re.DOTALL)


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


def main() -> None:
    """Write the pages and the pictures."""
    results = Results.read()
    folder = _ROOT / "docs" / "benchmarks"
    write_figures(render(results), folder / "README.md")
    write_figures(summary(results) + "\n", _ROOT / "README.md")
    draw(results, folder)
    sys.stderr.write("published in README.md and docs/benchmarks/\n")


if __name__ == "__main__":
    main()
