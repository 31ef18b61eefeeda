"""`skylift challenge | reject | approve`: put a version on trial, by hand or step by step, and end that."""

import json
import re
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from skylift.errors import ConfigError, ExperimentEnded, ExperimentRefused
from skylift.references import NOTHING, Reference
from training.cli.console import err, out
from training.cli.experiments import caller, experiments, rollout_function, waiting_function
from training.cli.options import (
    DEFAULT_CONFIG,
    ConfigOption,
    IgnoreMemoryOption,
    JsonFlag,
    MaxHoursOption,
    MinRequestsOption,
    StackOption,
    VersionArgument,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    from skylift.challenger import Challenger
    from skylift.experiment.record import Experiment
    from skylift.rollout import RolloutPlan
    from training.cli.experiments import Experiments

_SMALL = 5.0
_SEE = "skylift judge"


def challenge(  # noqa: PLR0913, PLR0917 (its options)
    version: VersionArgument,
    shadow: Annotated[
        bool, typer.Option("--shadow", help="Let it score what the active version answers, instead of answering.")
    ] = False,
    percent: Annotated[
        float | None,
        typer.Option(
            "--percent", min=0.01, max=100, show_default=False, help="Share of the requests: 5, of a shadow 100."
        ),
    ] = None,
    key: Annotated[
        str, typer.Option("--key", help="What keeps a caller with one version: header:NAME, caller, or request.")
    ] = "request",
    auto: Annotated[
        bool, typer.Option("--auto", help="Let the rollout function raise the share, judge, and promote or reject.")
    ] = False,
    minutes: Annotated[
        float | None,
        typer.Option("--minutes", min=0.05, max=10_080, show_default=False, help="With --auto: time of each step; 60."),
    ] = None,
    approval: Annotated[
        bool, typer.Option("--approval", help="With --auto: promote only after `skylift approve`.")
    ] = False,
    min_requests: MinRequestsOption = None,
    max_hours: MaxHoursOption = None,
    force: Annotated[bool, typer.Option("--force", help="Take a shadow although it is slow.")] = False,
    ignore_memory: IgnoreMemoryOption = False,
    as_json: JsonFlag = False,
    config: ConfigOption = DEFAULT_CONFIG,
    stack: StackOption = None,
) -> None:
    """Put a version on trial beside the active one; again, to change its share."""
    from skylift.challenger import KEY
    from skylift.rollout import execution_name
    from training.cli.connection import stack_memory

    if not re.fullmatch(KEY, key):
        raise ConfigError(f"--key {key[:100]!r} is not what a request has", "write header:NAME, caller or request")
    only_auto = {"--minutes": minutes, "--approval": approval or None, "--min-requests": min_requests}
    if not auto and (given := [name for name, value in (only_auto | {"--max-hours": max_hours}).items() if value]):
        raise ConfigError(f"{given[0]} is for --auto", "add --auto, or leave it out")
    if auto and (shadow or percent is not None):
        raise ConfigError(
            "--auto begins in the shadow and raises the share by itself", "leave out --shadow and --percent"
        )
    mode: Literal["shadow", "canary"] = "shadow" if shadow else "canary"
    share = percent if percent is not None else 100.0 if shadow else _SMALL
    if mode == "canary" and share >= 100:
        raise ConfigError("a canary that gets every request leaves none to compare with", f"skylift promote {version}")
    known = experiments(stack, config, tool="skylift challenge")
    memory = None if ignore_memory else stack_memory(stack)
    if auto:
        limits = {"min_requests": min_requests, "max_hours": max_hours}
        function = rollout_function(stack)
        with err.status("examining the version"):
            admitted = known.trials.admit(version, shadow=not force, memory_mib=memory)
            ended = known.trials.ended(admitted.reference)
        plan = _plan(admitted.reference, key, ended, minutes, approval=approval, limits=limits)
        execution = function.start(execution_name(known.settings.model, plan.reference, ended), plan.to_event())
        _print_rollout(plan, execution, as_json=as_json)
        return
    running = known.trials.current()
    if running is not None and known.registry.version(version).reference == running.reference and running.key == key:
        if known.store.execution(running.id) is not None:
            raise ExperimentRefused(
                f"the rollout {running.id} raises the share by itself",
                "see `skylift judge`; `skylift promote` and `skylift reject` end it",
            )
        begun = known.trials.ramp(running.id, mode, share)
    else:
        with err.status("examining the version"):
            begun = known.trials.begin(
                version, mode=mode, percent=share, key=key, by=caller(), memory_mib=memory, force=force
            )
    _print_begun(begun, known.registry.active(), as_json=as_json)


def _plan(
    reference: "Reference",
    key: str,
    ended: int,
    minutes: float | None,
    *,
    approval: bool,
    limits: "Mapping[str, float | None]",
) -> "RolloutPlan":
    """The rollout of a version; the same for as long as no experiment of it ends.

    Parameters
    ----------
    ended
        Number of experiments of the version that have ended.
    minutes
        Time of each step; None for the default.
    limits
        Limits of the judge by name; None for the default.
    """
    from skylift.rollout import DEFAULT_STEPS, RolloutPlan

    changes = {} if minutes is None else {"minutes": minutes}
    return RolloutPlan(
        id=f"{reference.name}-{reference.digest[:8]}-{ended}",
        version=reference.name,
        reference=reference,
        key=key,
        by=caller(),
        steps=tuple(step.model_copy(update=changes) for step in DEFAULT_STEPS),
        approval=approval,
        criteria={name: limit for name, limit in limits.items() if limit is not None},
        started=datetime.now(UTC),
    )


def reject(
    reason: Annotated[str, typer.Option("--reason", help="Why, for the record.")] = "",
    as_json: JsonFlag = False,
    config: ConfigOption = DEFAULT_CONFIG,
    stack: StackOption = None,
) -> None:
    """End the experiment that is under way: the active version answers every request again."""
    from skylift.experiment.past import challenger_in

    known = experiments(stack, config, tool="skylift reject")
    seen = known.parameter.value()
    running = challenger_in(seen)
    if running is not None:
        print_ended(known.trials.end(running.id, "rejected", reason or "by hand"), as_json=as_json)
    elif seen != NOTHING:  # nobody can read it: no version is on trial
        known.parameter.write(None, seen=seen, tool="rejected by skylift reject: it could not be read")
        out.print("The challenger's parameter could not be read, and names none now.")
    elif (settled := known.trials.settle()) is not None:
        print_ended(settled, as_json=as_json)
    else:
        known.running()


def approve(
    id: Annotated[  # noqa: A002
        str | None, typer.Argument(help="Experiment or retraining that waits; by default the one that is under way.")
    ] = None,
    no: Annotated[bool, typer.Option("--no", help="Refuse it: the version is not promoted.")] = False,
    as_json: JsonFlag = False,
    config: ConfigOption = DEFAULT_CONFIG,
    stack: StackOption = None,
) -> None:
    """Answer what waits for a person: promote the version on trial, or refuse it with --no."""
    known = experiments(stack, config, tool="skylift approve")
    name = id or _on_trial(known)
    if (callback := known.store.asked(name)) is None:
        raise ExperimentRefused(f"{name} does not wait for an approval", "see `skylift judge`")
    function, by = waiting_function(stack), caller()
    if no:
        function.fail(callback, f"refused by {by}")
    else:
        function.succeed(callback, {"by": by})
    if as_json:
        typer.echo(json.dumps({"id": name, "approved": not no, "by": by, "next": _SEE}))
        return
    out.print(f"{'Refused' if no else 'Approved'}: {name}. See how it ends: {_SEE}", soft_wrap=True, markup=False)


def _on_trial(known: "Experiments") -> str:
    """Id of the experiment that is under way."""
    if (running := known.trials.current()) is None:
        raise ExperimentEnded(
            "no version is on trial, whose promotion could be approved",
            "name the retraining that waits: skylift approve ID",
        )
    return running.id


def print_ended(record: "Experiment", *, as_json: bool) -> None:
    """Print how an experiment ended, and what to do next."""
    promoted = record.outcome == "promoted"
    following = "skylift rollback undoes it" if promoted else "the active version answers every request"
    if as_json:
        typer.echo(json.dumps(json.loads(record.to_bytes()) | {"next": following}, indent=2))
        return
    out.print(
        f"{record.outcome.capitalize()}: {record.challenger.name} ({record.id}): {record.reason}\nNow {following}.",
        soft_wrap=True,
        markup=False,
    )


def _print_begun(challenger: "Challenger", champion: "Reference | None", *, as_json: bool) -> None:
    if as_json:
        told = {"champion": None if champion is None else str(champion), "next": _SEE}
        typer.echo(json.dumps(challenger.model_dump(mode="json") | told, indent=2))
        return
    out.print(
        f"On trial: {challenger.words}, {'beside' if challenger.mode == 'shadow' else 'against'} "
        f"{champion.name if champion else 'none'}: {challenger.id}\n"
        f"Next: {_SEE}; then skylift promote {challenger.reference.name}, or skylift reject",
        soft_wrap=True,
        markup=False,
    )


def _print_rollout(plan: "RolloutPlan", execution: str, *, as_json: bool) -> None:
    if as_json:
        typer.echo(json.dumps(plan.to_event() | {"execution": execution, "next": _SEE}, indent=2))
        return
    steps = ", ".join(f"{step} for {step.minutes:g} min" for step in plan.steps)
    out.print(
        f"Rolling out {plan.version}: {plan.id}\n{steps}, then "
        f"{'a person approves' if plan.approval else 'it is promoted'}\nNext: {_SEE}; stop it: skylift reject",
        soft_wrap=True,
        markup=False,
    )
