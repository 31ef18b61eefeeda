"""`skylift judge`: what the requests say of the version on trial, so far."""

import json
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from training.cli.console import out
from training.cli.experiments import Experiments, experiments, lines_of_service
from training.cli.options import (
    DEFAULT_CONFIG,
    ConfigOption,
    JsonFlag,
    MaxHoursOption,
    MinRequestsOption,
    StackOption,
)
from training.cli.progress import progressing

if TYPE_CHECKING:
    from skylift.challenger import Challenger
    from skylift.experiment.lines import Lines, Right
    from skylift.experiment.record import Experiment, Look
    from skylift.experiment.verdict import Verdict

_MOST_LOOKS = 500
_SHARES = (5, 25, 50)
_MINUTE = timedelta(minutes=1)


def judge(
    log: Annotated[
        Path | None,
        typer.Option("--log", envvar="SKYLIFT_SERVICE_LOG", help="Log file of the service, instead of a stack's."),
    ] = None,
    min_requests: MinRequestsOption = None,
    max_hours: MaxHoursOption = None,
    as_json: JsonFlag = False,
    config: ConfigOption = DEFAULT_CONFIG,
    stack: StackOption = None,
) -> None:
    """Say whether the version on trial is worse, or certainly not: promote it, reject it, or go on.

    Without one it shows how the last experiment ended. It changes nothing.
    """
    known = experiments(stack, config, tool="skylift judge")
    running = known.trials.current()
    if running is None:
        _print_last(known.last_ended(), as_json=as_json)
        return
    verdict = verdict_on(running, known, stack, log, min_requests=min_requests, max_hours=max_hours)
    following = _next(verdict, running, by_itself=known.store.execution(running.id) is not None)
    if as_json:
        told = {"experiment": running.model_dump(mode="json"), "next": following}
        typer.echo(json.dumps(verdict.model_dump(mode="json") | told, indent=2))
        return
    out.print(f"{running.words}: {running.id}, since {running.started:%Y-%m-%d %H:%M} UTC", soft_wrap=True)
    for line in verdict.lines():
        out.print(line, markup=False, soft_wrap=True)
    out.print(f"Next: {following}", soft_wrap=True, markup=False)


def verdict_on(
    running: "Challenger",
    known: Experiments,
    stack: str | None,
    log: Path | None,
    *,
    min_requests: int | None = None,
    max_hours: float | None = None,
) -> "Verdict":
    """What the requests so far say.

    Parameters
    ----------
    running
        Version on trial.
    stack, log
        Name of the stack, and log file of the service; see `lines_of_service`.
    min_requests, max_hours
        Limits, where they are not those of its rollout, or the defaults of one that people carry out.
    """
    from skylift.experiment.criteria import Criteria
    from skylift.experiment.judge import judge as judged
    from skylift.experiment.record import intervals_of

    right = _labels(running, known)
    looks = [] if right else known.store.counts(running.id)  # those of a rollout hold no labels, which come later
    looks += _looks(running, lines_of_service(stack, log), looks[-1].end if looks else running.started, right)
    rollout = known.store.execution(running.id)
    given = {"min_requests": min_requests, "max_hours": max_hours}
    limits: dict[str, Any] = {name: value for name, value in given.items() if value is not None}
    criteria = Criteria(**(rollout.criteria if rollout else {}) | limits)
    return judged(intervals_of(looks), criteria, alarms=_alarms(stack))


def _labels(running: "Challenger", known: Experiments) -> "Right | None":
    """What labels say of a line; None before the first label of this time."""
    from skylift.aws import s3_client
    from skylift.bucket import Bucket
    from skylift.experiment.labelled import right_by
    from skylift.monitoring.label_store import LabelStore

    target = known.registry.resolve().manifest.contract.target
    bucket = Bucket(known.settings.bucket, client=s3_client())
    book = LabelStore(bucket, known.settings.model).read(target, running.started, datetime.now(UTC)).book
    return right_by(book, target) if book else None


def _looks(running: "Challenger", lines: "Lines", start: datetime, right: "Right | None") -> "list[Look]":
    """What was counted since a time, in looks of a minute or, of a long time, longer ones."""
    from skylift.experiment.lines import count

    end = datetime.now(UTC) - lines.held_back
    every = max((end - start) / _MOST_LOOKS, _MINUTE)
    looks: list[Look] = []
    with progressing("reading the lines of the service") as progress:
        while start < end:
            looks += count(lines, running.id, start, end, every=every, right=right)
            start = looks[-1].end
            progress(f"read the lines until {start:%Y-%m-%d %H:%M} UTC")
    return looks


def _alarms(stack: str | None) -> Sequence[str]:
    """The alarms of a stack that fire."""
    from skylift.alarms import firing_alarms
    from skylift.aws import cloudwatch_client

    return firing_alarms(f"{stack}-", client=cloudwatch_client()) if stack else ()


def _next(verdict: "Verdict", running: "Challenger", *, by_itself: bool) -> str:
    """What to do after a verdict.

    Parameters
    ----------
    by_itself
        Whether a rollout carries the experiment out.
    """
    name = running.reference.name
    if by_itself:
        return f"wait, the rollout goes on by itself; skylift promote {name} or skylift reject ends it at once"
    match verdict.outcome:
        case "promote":
            return f"skylift promote {name}"
        case "reject":
            return "skylift reject"
        case "inconclusive":
            return "skylift reject, or try it again with a larger share"
        case None:
            larger = next((share for share in _SHARES if share > running.percent), None)
            if running.mode == "shadow" or larger is None:
                return "wait, and ask again"
            return f"wait, or raise the share: skylift challenge {name} --percent {larger}"


def _print_last(record: "Experiment | None", *, as_json: bool) -> None:
    following = "put a version on trial: skylift challenge v8"
    if as_json:
        told = {
            "outcome": None,
            "experiment": None,
            "last": record and json.loads(record.to_bytes()),
            "next": following,
        }
        typer.echo(json.dumps(told, indent=2))
        return
    out.print("No version is on trial.")
    if record is not None:
        out.print(
            f"The last one, {record.challenger.name} ({record.id}), ended as {record.outcome}: {record.reason}",
            soft_wrap=True,
            markup=False,
        )
        for line in record.verdict.lines() if record.verdict else ():
            out.print(line, markup=False, soft_wrap=True)
    out.print(f"Next: {following}", soft_wrap=True, markup=False)
