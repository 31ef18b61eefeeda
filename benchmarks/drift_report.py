"""False alarms and power of drift verdicts: `python -m benchmarks.drift_report [--publish]`."""

import argparse
import math
from concurrent.futures import ProcessPoolExecutor
from datetime import timedelta
from pathlib import Path

from benchmarks.drift import Case, Found, draw
from benchmarks.pages import write_page
from skylift.monitoring.verdict import alpha_per_look

ROOT = Path(__file__).parents[1]
HOURLY = alpha_per_look(timedelta(hours=1))
ALPHAS = (0.05, 0.01, HOURLY)
TRAINING = (150, 5000)
SIZES = {20: 500, 50: 2000, 200: 2000, 1000: 2000, 2000: 500, 10_000: 2000, 200_000: 500}
"""Windows by their rows."""

SHIFTS = (0.1, 0.2, 0.3, 0.4, 0.6, 0.8, 1.0, 1.5, 2.0)
SHIFTED_ROWS = (50, 200, 1000, 10_000)
_SHIFTED_WINDOWS = 200
_HEAD = (
    "| training rows | rows | windows | `drift` at 5% | at 1% | at one a year | `watch` | `insufficient` |"
    " PSI > 0.1 |\n"
    "|--:|--:|--:|--:|--:|--:|--:|--:|--:|\n"
)

type Drawn = dict[Case, Found]


def row(case: Case, found: Found) -> str:
    """A line of the table: shares of the windows, those of the last level unless it says otherwise."""
    five, one, year = (found.states[alpha] for alpha in ALPHAS)
    counts = (five["drift"], one["drift"], year["drift"], year["watch"], year["insufficient"], found.fixed)
    shares = " | ".join(_per_cent(count / case.windows) for count in counts)
    return f"| {case.training:,} | {case.rows:,} | {case.windows:,} | {shares} |\n"


def bound(alpha: float, windows: int) -> float:
    """Share of the windows that a rate of `alpha` exceeds with a probability of about a thousandth."""
    return alpha + 3 * math.sqrt(alpha / windows) + 1 / windows


def too_often(drawn: Drawn) -> list[str]:
    """Cases without drift in which it is found more often than promised, in words."""
    return [
        f"{case}: {found.states[alpha]['drift']} of {case.windows} at {alpha:.5f}"
        for case, found in drawn.items()
        for alpha in ALPHAS
        if found.states[alpha]["drift"] > bound(alpha, case.windows) * case.windows
    ]


def _per_cent(share: float) -> str:
    return f"{100 * share:.1f}%" if 0 < share < 1 else f"{100 * share:.0f}%"


def _plot(still: Drawn, moved: Drawn, path: Path) -> None:
    import matplotlib as mpl

    mpl.use("Agg")
    from matplotlib import pyplot as plt
    from matplotlib.ticker import FuncFormatter, PercentFormatter

    figure, (left, right) = plt.subplots(1, 2, figsize=(10, 4), dpi=150, layout="constrained")
    sizes = [rows for rows in SIZES if rows >= 50]
    for alpha, colour in zip(ALPHAS, ("#56b4e9", "#0072b2", "black"), strict=True):
        for training, style in zip(TRAINING, ("--", "-"), strict=True):
            rates = [
                max(found.states[alpha]["drift"] / case.windows, 2e-4)
                for case, found in still.items()
                if case.training == training and case.rows >= 50
            ]
            label = f"called drift, level {alpha:.2g}" if style == "-" else None
            left.plot(sizes, rates, style, marker=".", color=colour, label=label)
        left.axhline(alpha, color=colour, linewidth=0.6)
    fixed = [found.fixed / case.windows for case, found in still.items() if case.training == 5000 and case.rows >= 50]
    left.plot(sizes, [max(rate, 2e-4) for rate in fixed], "-", marker=".", color="#d55e00", label="PSI > 0.1")
    left.set(xscale="log", yscale="log", xlabel="rows of a window without drift", ylim=(1.5e-4, 1.5))
    left.yaxis.set_major_formatter(FuncFormatter(lambda share, _: f"{100 * share:g}%"))
    left.set_title("False alarms (thin line: promised; dashed: 150 training rows)", fontsize=9, loc="left")
    left.legend(frameon=False, fontsize=8)
    for rows, colour in zip(SHIFTED_ROWS, ("#cc79a7", "#56b4e9", "#0072b2", "black"), strict=True):
        points = [
            (case.shift, found.states[HOURLY]["drift"] / case.windows)
            for case, found in moved.items()
            if case.rows == rows
        ]
        right.plot(*zip(*points, strict=True), marker=".", color=colour, label=f"{rows:,} rows")
    right.axvline(0.25, color="#777777", linewidth=0.6)
    right.set(xlabel="shift of one feature of six, in standard deviations", ylim=(-0.02, 1.02))
    right.yaxis.set_major_formatter(PercentFormatter(1))
    right.set_title("Windows called drift, at one false alarm a year (thin line: material)", fontsize=9, loc="left")
    right.legend(frameon=False, fontsize=8)
    figure.savefig(path, metadata={"Software": None})
    plt.close(figure)


def main() -> None:
    """Draw all cases; fail where drift is found too often."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.drift_report", description="False alarms and power.")
    parser.add_argument("--publish", action="store_true", help="write docs/benchmarks/drift.md and drift.png")
    publish = parser.parse_args().publish
    still = [Case(rows, training, windows=windows) for training in TRAINING for rows, windows in SIZES.items()]
    moved = [Case(rows, 5000, shift, _SHIFTED_WINDOWS) for rows in SHIFTED_ROWS for shift in SHIFTS]
    with ProcessPoolExecutor() as pool:
        of_still = pool.map(draw, still, [ALPHAS] * len(still))
        of_moved = pool.map(draw, moved, [(HOURLY,)] * len(moved))
        drawn, shifted = dict(zip(still, of_still, strict=True)), dict(zip(moved, of_moved, strict=True))
    table = _HEAD + "".join(row(*line) for line in drawn.items())
    _plot(drawn, shifted, write_page("drift", table, publish=publish))
    for case, found in shifted.items():
        if case.rows == SHIFTED_ROWS[-1]:
            print(f"shift {case.shift}: distance {found.distance:.2f}")  # noqa: T201
    if faults := too_often(drawn):
        raise SystemExit("\n".join(faults))


if __name__ == "__main__":
    main()
