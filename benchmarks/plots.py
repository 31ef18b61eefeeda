"""Pictures of a run."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import matplotlib as mpl

mpl.use("Agg")

from matplotlib import pyplot as plt
from matplotlib.ticker import FuncFormatter

from benchmarks.models import FOREST
from benchmarks.results import BAKED, BASELINE, EMPTY_HANDLER, EMPTY_ROUTE, SHADOW, SKYLIFT, Results, Series

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_COLOURS = {
    SKYLIFT: "#0072b2",
    BAKED: "#56b4e9",
    SHADOW: "#009e73",
    BASELINE: "#d55e00",
    EMPTY_ROUTE: "#777777",
    EMPTY_HANDLER: "#bbbbbb",
}
"""Distinct without colour vision as well."""

_STYLE: Any = {
    "figure.dpi": 150,
    "figure.facecolor": "white",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.titlesize": 11,
    "axes.titleweight": "bold",
    "axes.titlelocation": "left",
    "axes.grid": True,
    "axes.axisbelow": True,
    "grid.color": "#e5e5e5",
    "legend.frameon": False,
    "font.size": 10,
}


def draw(results: Results, folder: Path) -> None:
    """Draw all pictures.

    Parameters
    ----------
    results
        Figures of a run.
    folder
        Folder for the PNG files, which is made if it does not exist.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with mpl.rc_context(_STYLE):
        pictures = {
            "cold_start.png": _cold_start(results),
            "latency.png": _latency(results),
            "batch.png": _batch(results),
            "growth.png": _growth(results),
            "memory.png": _memory(results),
        }
        for name, figure in pictures.items():
            figure.savefig(folder / name, metadata={"Software": None})
            plt.close(figure)


def _cold_start(results: Results) -> "Figure":
    figure, axes = plt.subplots(figsize=(7.5, 3.6), layout="constrained")
    _bars(axes, results.cold_start, "milliseconds (every dot is one start)", scale=1000, dots=True)
    _title(axes, "Cold start to the first right answer", results.cold_start)
    return figure


def _latency(results: Results) -> "Figure":
    figure, pair = plt.subplots(1, 2, figsize=(10, 3.8), layout="constrained")
    for axes, found, where in zip(pair, (results.handler, results.http), ("in the handler", "over HTTP"), strict=True):
        _bars(axes, found, "microseconds, log scale (tick: p99)", log=True, p99=True)
        _title(axes, f"Warm one-row request {where}", found, more=True)
    return figure


def _batch(results: Results) -> "Figure":
    figure, axes = plt.subplots(figsize=(7.5, 3.8), layout="constrained")
    _lines(axes, results.batch[FOREST], "instances per request", "microseconds per instance")
    _title(axes, "Many instances in one request, forest of 100 trees", None)
    return figure


def _growth(results: Results) -> "Figure":
    figure, pair = plt.subplots(1, 2, figsize=(10, 3.8), layout="constrained")
    for axes, found, what in zip(pair, (results.trees, results.features), ("trees", "features"), strict=True):
        _lines(axes, found, what, "microseconds per one-row request")
        _title(axes, f"One row by number of {what}", None)
    return figure


def _memory(results: Results) -> "Figure":
    figure, axes = plt.subplots(figsize=(7.5, 3.6), layout="constrained")
    _bars(axes, results.memory_later, "MiB resident")
    _title(axes, "Memory of the serving process after 200 requests", results.memory_later)
    return figure


def _bars(
    axes: "Axes",
    found: Mapping[str, Series],
    unit: str,
    *,
    scale: float = 1,
    log: bool = False,
    dots: bool = False,
    p99: bool = False,
) -> None:
    """A group of horizontal bars per model."""
    labelled: set[str] = set()
    ticks: list[tuple[float, str]] = []
    place = 0.0
    for model, series in found.items():
        first = place
        for name in series.rounds:
            value = series.of(name) * scale
            label = None if name in labelled else name
            labelled.add(name)
            axes.barh(place, value, color=_COLOURS[name], label=label)
            end = value
            if dots:
                values = [each * scale for each in series.rounds[name]]
                axes.plot(values, [place] * len(values), ".", color="black", markersize=3)
                end = max(values)
            if p99 and name in series.p99:
                end = max(value, series.p99[name] * scale)
                axes.plot(end, place, "|", color="black", markersize=9)
            text = f" {_short(value)}"
            if p99 and name in series.p99:
                text += f" (p99 {_short(series.p99[name] * scale)})"
            axes.annotate(text, (end, place), va="center", fontsize=8.5)
            place += 1
        ticks.append(((first + place - 1) / 2, model))
        place += 0.6
    axes.set_yticks([position for position, _ in ticks], [name for _, name in ticks])
    axes.invert_yaxis()
    axes.grid(visible=False, axis="y")
    axes.margins(x=0.3 if p99 else 0.14)
    if log:
        axes.set_xscale("log")
        _plain_numbers(axes, "x")
    axes.set_xlabel(unit)
    axes.legend(loc="upper center", bbox_to_anchor=(0.5, -0.18), ncols=min(len(labelled), 3))


def _lines(axes: "Axes", found: Mapping[int, Series], what: str, unit: str) -> None:
    """A line per service over a size, both axes logarithmic."""
    for name in (BASELINE, SKYLIFT):
        values = [series.of(name) for series in found.values()]
        axes.plot(list(found), values, "o-", color=_COLOURS[name], label=name)
        for size, value in zip(found, values, strict=True):
            axes.annotate(
                _short(value),
                (size, value),
                xytext=(0, 7),
                textcoords="offset points",
                ha="center",
            )
    axes.set_xscale("log")
    axes.set_yscale("log")
    axes.set_xticks(list(found), [f"{size:,}" for size in found])
    axes.minorticks_off()
    axes.margins(x=0.08, y=0.18)
    _plain_numbers(axes, "y")
    axes.set_xlabel(f"{what}, log scale")
    axes.set_ylabel(f"{unit}, log scale")
    axes.legend()


def _short(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"


def _plain_numbers(axes: "Axes", which: str) -> None:
    axis = axes.xaxis if which == "x" else axes.yaxis
    axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,g}"))


def _title(axes: "Axes", words: str, found: Mapping[str, Series] | None, *, more: bool = False) -> None:
    """A title that says what came of it."""
    if found:
        ratios = [
            (series.ratio(BASELINE, SKYLIFT) if more else series.ratio(SKYLIFT, BASELINE)) for series in found.values()
        ]
        listed = " and ".join(f"{ratio:.0f}" if ratio >= 10 else f"{ratio:.2g}" for ratio in ratios)
        words += f":\nskylift is {listed} times faster" if more else f":\nskylift takes {listed} of the baseline's"
    axes.set_title(words)
