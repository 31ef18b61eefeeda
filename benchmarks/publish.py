"""Publish the figures of `build/bench.json`: `python -m benchmarks.publish`, or `make bench PUBLISH=1`.

Writes tables between the markers of `docs/benchmarks/README.md` and the project's README, and draws the pictures beside
the former.
"""

import sys
from pathlib import Path

from benchmarks.pages import write_figures
from benchmarks.plots import draw
from benchmarks.report import render, summary
from benchmarks.results import Results

_ROOT = Path(__file__).parents[1]


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
