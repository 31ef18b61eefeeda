"""How soon bad challengers are stopped, and how often good ones: `python -m benchmarks.rollouts [--publish]`."""

import argparse
import math
from collections.abc import Mapping
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from pathlib import Path

from benchmarks.pages import write_page
from skylift.experiment.criteria import Criteria
from skylift.experiment.simulation import Case, Rollout, run

ROOT = Path(__file__).parents[1]
RUNS = 10_000
TRAFFIC = (5, 20, 100, 1000, 5000)
"""Requests a minute."""

PERCENT = 10
ERROR_RATE = 0.002
CRITERIA = Criteria(max_disagreement=0.02)
GOOD = ("good", "good, in the shadow")
_HEAD = (
    "| challenger | requests a minute | stopped | minutes to stop, median | promoted | inconclusive |\n"
    "|---|--:|--:|--:|--:|--:|\n"
)


def rollouts(requests_per_minute: float) -> dict[str, Rollout]:
    """The cases by what the challenger does."""
    canary = partial(Rollout, requests_per_minute, ERROR_RATE, PERCENT)
    shadow = partial(canary, ERROR_RATE, "shadow")
    return {
        "good": canary(ERROR_RATE),
        "fails 1%": canary(0.01),
        "fails 5%": canary(0.05),
        "fails 50%": canary(0.5),
        "good, in the shadow": shadow(),
        "slow: 60% of the pairs over the budget": shadow(over_median=0.6, over_p95=0.1),
        "another label for 5%": shadow(other_labels=0.05),
    }


def bound(alpha: float, runs: int) -> float:
    """Share of the runs that a rate of `alpha` exceeds with a probability of about a thousandth."""
    return alpha + 3 * math.sqrt(alpha / runs) + 1 / runs


def too_often(found: Mapping[tuple[str, float], Case], runs: int) -> list[str]:
    """Good challengers that are stopped more often than promised, in words."""
    return [
        f"{label} at {traffic:,} requests a minute: {case.stopped_share:.2%} stopped"
        for (label, traffic), case in found.items()
        if label in GOOD and case.stopped_share > bound(CRITERIA.alpha, runs)
    ]


def row(label: str, traffic: float, case: Case) -> str:
    """A line of the table."""
    minutes = "never" if case.median_minutes_to_stop is None else f"{case.median_minutes_to_stop:,.0f}"
    shares = (case.promoted_share, case.inconclusive_share)
    return (
        f"| {label} | {traffic:,} | {case.stopped_share:.2%} | {minutes} | "
        f"{' | '.join(f'{share:.1%}' for share in shares)} |\n"
    )


def _plot(found: Mapping[tuple[str, float], Case], path: Path) -> None:
    import matplotlib as mpl

    mpl.use("Agg")
    from matplotlib import pyplot as plt

    figure, (left, right) = plt.subplots(1, 2, figsize=(10, 4), dpi=150, layout="constrained")
    labels = [label for label in rollouts(1) if label not in GOOD]
    for label, colour in zip(labels, ("#56b4e9", "#0072b2", "black", "#d55e00", "#cc79a7"), strict=True):
        times = [found[label, traffic].median_minutes_to_stop or math.nan for traffic in TRAFFIC]
        left.plot(TRAFFIC, times, "-", marker=".", color=colour, label=label)
    left.set(xscale="log", yscale="log", xlabel="requests a minute", ylabel="minutes")
    left.set_title("Time until half of the stopped are stopped", fontsize=9, loc="left")
    left.legend(frameon=False, fontsize=8)
    for label, colour in zip(GOOD, ("#0072b2", "#d55e00"), strict=True):
        shares = [100 * found[label, traffic].stopped_share for traffic in TRAFFIC]
        right.plot(TRAFFIC, shares, "-", marker=".", color=colour, label=label)
    right.axhline(100 * CRITERIA.alpha, color="#777777", linewidth=0.8)
    right.set(xscale="log", xlabel="requests a minute", ylabel="% stopped", ylim=(0, 120 * CRITERIA.alpha))
    right.set_title("Good challengers that are stopped (line: promised)", fontsize=9, loc="left")
    right.legend(frameon=False, fontsize=8)
    figure.savefig(path, metadata={"Software": None})
    plt.close(figure)


def main() -> None:
    """Simulate all cases; fail where a good challenger is stopped too often."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.rollouts", description="Rollouts and their judge.")
    parser.add_argument("--publish", action="store_true", help="write docs/benchmarks/rollouts.md and rollouts.png")
    publish = parser.parse_args().publish
    cases = {(label, traffic): rollout for traffic in TRAFFIC for label, rollout in rollouts(traffic).items()}
    with ProcessPoolExecutor() as pool:
        outcomes = pool.map(partial(run, runs=RUNS, criteria=CRITERIA), cases.values())
        found: dict[tuple[str, float], Case] = dict(zip(cases, outcomes, strict=True))
    ordered = sorted(found, key=lambda key: list(rollouts(1)).index(key[0]))
    table = _HEAD + "".join(row(*key, found[key]) for key in ordered)
    _plot(found, write_page("rollouts", table, publish=publish))
    if faults := too_often(found, RUNS):
        raise SystemExit("\n".join(faults))


if __name__ == "__main__":
    main()
