"""Fleets of growing size in a table and a picture: `python -m benchmarks.fleet_report [--publish]`."""

import argparse
import math
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

from benchmarks.fleet import Outcome, Scenario, simulate
from benchmarks.pages import write_page

ROOT = Path(__file__).parents[1]
SCENARIOS = {
    "before": [Scenario(size, backs_off=False) for size in (500, 1000, 2000, 10_000)],
    "now": [Scenario(size) for size in (10, 500, 1000, 2000, 5000, 10_000, 20_000)],
    "1,000 reads/s": [Scenario(20_000, 1000)],
    "start in 10 s": [Scenario(size, starts_within=10) for size in (1000, 3000)],
    "outage of 10 min": [Scenario(size, outage=(540, 1140)) for size in (500, 1000)],
}
_HEAD = (
    "| | environments | calls/s | throttled | first reading, last | move followed p50 / p99 / last "
    "| oldest pointer s | ever too old | a call of `rollback` succeeds |\n"
    "|---|--:|--:|--:|--:|--:|--:|--:|--:|\n"
)
_CLI_TRIES = 10


def row(label: str, scenario: Scenario, outcome: Outcome) -> str:
    """A line of the table; the last column takes the ten tries of the command line for independent."""
    share = outcome.throttled / max(1, outcome.calls)
    tries = 2 if not scenario.backs_off else _CLI_TRIES
    followed = sorted(outcome.followed)
    quantiles = " / ".join(_seconds(followed[math.ceil(share * len(followed)) - 1]) for share in (0.5, 0.99, 1))
    return (
        f"| {label} | {scenario.environments:,} | {outcome.calls / (scenario.promoted_at / 2):,.0f} | {share:.0%} "
        f"| {_seconds(max(outcome.first_read))} | {quantiles} | {outcome.oldest:,.0f} "
        f"| {outcome.too_old / scenario.environments:.0%} | {1 - share**tries:.0%} |\n"
    )


def _seconds(value: float) -> str:
    return f"{value:,.0f}" if math.isfinite(value) else "never"


def draw(outcomes: list[tuple[str, Scenario, Outcome]], path: Path) -> None:
    """Draw how fleets follow a move of the pointer."""
    import matplotlib as mpl

    mpl.use("Agg")
    from matplotlib import pyplot as plt

    figure, axes = plt.subplots(figsize=(8, 4), dpi=150)
    for label, scenario, outcome in outcomes:
        if label in {"before", "now"} and scenario.environments in {1000, 2000, 10_000}:
            followed = sorted(seconds for seconds in outcome.followed if math.isfinite(seconds))
            shares = [100 * (index + 1) / scenario.environments for index in range(len(followed))]
            style = "--" if label == "before" else "-"
            colour = {1000: "#56b4e9", 2000: "#0072b2", 10_000: "#d55e00"}[scenario.environments]
            axes.plot(followed, shares, style, color=colour, label=f"{scenario.environments:,}, {label}")
    axes.set(xlabel="seconds after the move", ylabel="% of environments that follow", xlim=(0, 600), ylim=(0, 101))
    axes.legend(frameon=False, loc="lower right")
    figure.tight_layout()
    figure.savefig(path)


def main() -> None:
    """Simulate all scenarios."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.fleet_report", description="Fleets and SSM's limit.")
    parser.add_argument("--publish", action="store_true", help="write docs/benchmarks/fleet.md and fleet.png")
    publish = parser.parse_args().publish
    labelled = [(label, scenario) for label, scenarios in SCENARIOS.items() for scenario in scenarios]
    with ProcessPoolExecutor() as pool:
        found = pool.map(simulate, (scenario for _, scenario in labelled))
        outcomes = [(label, scenario, outcome) for (label, scenario), outcome in zip(labelled, found, strict=True)]
    table = _HEAD + "".join(row(*line) for line in outcomes)
    draw(outcomes, write_page("fleet", table, publish=publish))


if __name__ == "__main__":
    main()
