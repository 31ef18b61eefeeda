"""The page and the picture of default models beside their peers."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from benchmarks.model_outcomes import Outcome, Outcomes, Rival, judge
from benchmarks.peer_models import FLAML, PEERS, PLAIN, SKRUB
from benchmarks.report import table
from skylift.figures import format_value
from training.metrics.registry import METRICS

_COLOURS = {PLAIN: "#d55e00", SKRUB: "#0072b2", FLAML: "#999999"}
"""Distinct without colour vision as well."""

_NAMES = {PLAIN: "plain boosting", SKRUB: "skrub", FLAML: "FLAML"}
_SIGNS = {"better": "+", "worse": "-", "noise": "="}


def render(outcomes: Outcomes) -> str:
    """The outcomes in Markdown."""
    tables = outcomes.tables
    days = sorted({f"{one.date:%Y-%m-%d}" for one in tables})
    loads = [one.load_average_before for one in tables]
    cores = sorted({one.cores for one in tables})
    bounds = [[each.bound, each.found, "yes" if each.reached else "**no**"] for each in judge(tables)]
    seconds, times = ([f"{name}, {unit}" for name in _NAMES.values()] for unit in ("s", "us"))
    measured = (
        f"{' to '.join(days[:1] + days[1:][-1:])}, {' and '.join(map(str, cores))} cores, load {min(loads):.1f} to "
        f"{max(loads):.1f} before. Tables: {len(tables)}."
    )
    sections = (
        measured,
        table(["to reach", "found", "reached"], bounds),
        "![Skylift beside each peer](models.svg)",
        table(["table", "rows x features", "metric", "Skylift", *_NAMES.values()], map(_scores, tables)),
        table(["table", "metric", "Skylift", *_NAMES.values()], map(_familiar, tables)),
        table(["table", "chosen", "compiled", "Skylift, s", "of it CPU, s", *seconds], map(_fits, tables)),
        table(["table", "Skylift's handler, us", *times], map(_rows, tables)),
    )
    return "\n\n".join(sections) + "\n"


def _scores(one: Outcome) -> list[str]:
    cells = [f"{one.table}: {one.about}", f"{one.rows:,} x {one.features}", METRICS[one.metric].title]
    return [*cells, format_value(one.score), *(_beside(one.rivals.get(peer)) for peer in PEERS)]


def _beside(rival: Rival | None) -> str:
    """A peer's score, whether Skylift is better, and between what the difference lies."""
    if rival is None:
        return "failed"
    interval = rival.difference.interval
    between = f" [{interval.low:+.3g}, {interval.high:+.3g}]" if interval else ""
    return f"{format_value(rival.difference.before)} ({_SIGNS[rival.verdict]}{between})"


def _familiar(one: Outcome) -> list[str]:
    return [one.table, METRICS[one.familiar_metric].title, f"{one.familiar:.4f}", *_of(one, "familiar", "{:.4f}")]


def _fits(one: Outcome) -> list[str]:
    cells = [one.table, one.selected, one.compiled or "no", f"{one.seconds:.0f}", f"{one.cpu_seconds:.0f}"]
    return [*cells, *_of(one, "seconds", "{:.1f}")]


def _rows(one: Outcome) -> list[str]:
    return [one.table, f"{one.row_microseconds:,.0f}", *_of(one, "row_microseconds", "{:,.0f}")]


def _of(one: Outcome, figure: str, form: str) -> Sequence[str]:
    """A figure of each peer."""
    return [form.format(getattr(one.rivals[peer], figure)) if peer in one.rivals else "-" for peer in PEERS]


def draw(outcomes: Outcomes, path: Path) -> None:
    """Draw by how much of the peer's score Skylift is better, with intervals."""
    import matplotlib as mpl

    mpl.use("Agg")
    from matplotlib import pyplot as plt

    tables = outcomes.tables
    style: Any = {"svg.hashsalt": "models", "axes.spines.top": False, "axes.spines.right": False, "font.size": 10}
    with mpl.rc_context(style):
        figure, axes = plt.subplots(figsize=(8, 1.5 + 0.5 * len(tables)), layout="constrained")
        for offset, peer in zip((-0.22, 0.0, 0.22), PEERS, strict=True):
            for place, one in enumerate(tables):
                if (rival := one.rivals.get(peer)) is None:
                    continue
                low, middle, high = percent_better(rival)
                axes.plot([low, high], [place + offset] * 2, color=_COLOURS[peer], linewidth=1.5)
                axes.plot(middle, place + offset, "o", color=_COLOURS[peer], markersize=4)
            axes.plot([], [], "o-", color=_COLOURS[peer], label=f"than {_NAMES[peer]}")
        axes.axvline(0, color="black", linewidth=0.8)
        axes.set_yticks(range(len(tables)), [one.table for one in tables])
        axes.invert_yaxis()
        axes.set_xscale("symlog", linthresh=10)
        axes.set_xticks([-100, -30, -10, 0, 10, 30, 100], ["-100", "-30", "-10", "0", "10", "30", "100"])
        axes.set_xlabel("less log loss, or less RMSE, in percent of the peer's; 95% intervals")
        axes.grid(axis="x", color="#e5e5e5")
        axes.set_axisbelow(True)
        figure.legend(loc="outside lower center", ncols=3, frameon=False)
        figure.savefig(path, metadata={"Date": None, "Creator": None})
        plt.close(figure)


def percent_better(rival: Rival) -> tuple[float, float, float]:
    """Low end, middle and high end of how much better Skylift is, in percent of the peer's score."""
    found = rival.difference
    sign, scale = METRICS[found.metric].sign, 100 / abs(found.before) if found.before else 0.0
    middle = found.after - found.before
    ends = (found.interval.low, found.interval.high) if found.interval else (middle, middle)
    low, high = sorted(sign * scale * end for end in ends)
    return low, sign * scale * middle, high
