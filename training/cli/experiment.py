"""`skylift simulate`: what an experiment would show, before anyone starts it."""

from typing import Annotated

import typer

from skylift.figures import exact_share
from training.cli.console import err, out, table


def simulate(
    requests_per_minute: Annotated[
        float, typer.Option("--requests-per-minute", min=0.01, max=1e6, help="Mean traffic of the service.")
    ] = 20,
    error_rate: Annotated[
        float, typer.Option("--error-rate", min=0, max=0.99, help="Share of the requests that the champion fails.")
    ] = 0.002,
    percent: Annotated[
        float,
        typer.Option("--percent", min=0.01, max=99, help="Share of the challenger, in per cent."),
    ] = 5,
    runs: Annotated[int, typer.Option("--runs", min=100, max=100_000, help="Rollouts of each kind.")] = 2000,
    as_json: Annotated[bool, typer.Option("--json", help="Print the result as JSON.")] = False,
) -> None:
    """Simulate how soon a challenger that fails 1%, 5%, 50% is stopped, and how often a good one.

    A good one fails as often as the champion: it is the first line.
    """
    from skylift.experiment.criteria import Criteria
    from skylift.experiment.simulation import simulate as run

    criteria = Criteria()
    with err.status("simulating rollouts"):
        simulation = run(requests_per_minute, error_rate, percent, runs=runs, criteria=criteria)
    if as_json:
        typer.echo(simulation.model_dump_json(indent=2))
        return
    rows = [
        (
            exact_share(case.challenger_error_rate),
            f"{case.stopped_share:.1%}",
            "never" if case.median_minutes_to_stop is None else f"{case.median_minutes_to_stop:,.0f}",
            f"{case.promoted_share:.1%}",
            f"{case.inconclusive_share:.1%}",
        )
        for case in simulation.cases
    ]
    out.print(table(("challenger fails#", "stopped#", "minutes to stop (median)#", "promoted#", "inconclusive#"), rows))
    out.print(
        f"\n{simulation.runs:,} rollouts of each, looked at every minute for at most {criteria.max_hours:g} hours. "
        f"A good one is stopped with a probability of at most {exact_share(simulation.alpha)}.",
        soft_wrap=True,
    )
