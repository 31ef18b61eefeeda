"""`skylift retrain`: asks the retrain function to train again, on AWS or beside `skylift up`."""

import json
import os
import time
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from skylift.errors import ConfigError, SkyliftError
from training.cli.console import err, out
from training.cli.options import DEFAULT_CONFIG, ConfigOption, StackOption

if TYPE_CHECKING:
    from skylift.retraining.state import Retraining
    from skylift.retraining.store import RetrainStore

POLL_SECONDS = 2.0


class RetrainUnsuccessful(SkyliftError):
    """A retraining that was waited for was refused, or failed."""

    code = "retrain-unsuccessful"


def retrain(
    config: ConfigOption = DEFAULT_CONFIG,
    stack: StackOption = None,
    reason: Annotated[str, typer.Option("--reason", help="Why, in words.")] = "a person asked",
    rollout: Annotated[
        Literal["none", "manual", "auto"],
        typer.Option(help="What follows a published version: nothing, a rollout once it is approved, or a rollout."),
    ] = "none",
    id: Annotated[  # noqa: A002 (the option's name)
        str | None, typer.Option("--id", help="Show how far this retraining is, and start none.")
    ] = None,
    wait: Annotated[bool, typer.Option("--wait", help="Wait for its end, or until it waits for a person.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the result as JSON.")] = False,
) -> None:
    """Train again on AWS, or beside `skylift up`: snapshot of the data, training, gates, publishing, rollout.

    One retraining of a model runs at a time. With --wait the exit code is 1 if it was refused or failed.
    """
    from skylift.aws import s3_client
    from skylift.bucket import Bucket
    from skylift.retraining.store import RetrainStore
    from training.cli.connection import registry_settings

    settings = registry_settings(stack, config)
    store = RetrainStore(Bucket(settings.bucket, client=s3_client()), settings.model)
    retraining = store.read(id) if id else _started(store, stack, reason, rollout)
    if wait:
        retraining = _waited_for(store, retraining)
    if as_json:
        typer.echo(json.dumps(retraining.as_answer(), indent=2, ensure_ascii=False))
    if wait and retraining.state in {"refused", "failed"}:
        problem = retraining.problem
        words, hint = (problem.message, problem.hint) if problem else ("no reason is given", "")
        raise RetrainUnsuccessful(f"the retraining {retraining.id} {_WORDS[retraining.state]}: {words}", hint)
    if not as_json:
        _tell(retraining)


_WORDS = {"refused": "was refused", "failed": "failed"}


def _started(
    store: "RetrainStore", stack: str | None, reason: str, rollout: Literal["none", "manual", "auto"]
) -> "Retraining":
    from skylift.aws import lambda_client
    from skylift.durable import DurableFunction
    from skylift.retraining.start import TO_ALLOW_ROLLOUTS, new_id, start
    from skylift.retraining.state import Request
    from training.cli.connection import stack_output
    from training.cli.experiments import caller

    arn = stack_output(stack, "RetrainFunctionArn") if stack else os.environ.get("SKYLIFT_RETRAIN_FUNCTION")
    if not arn:
        raise ConfigError(
            "no function trains again here",
            "deploy the stack with Retraining and name it with --stack, or start `make up` and `. build/local.env`; "
            "`skylift train` trains in this terminal",
        )
    most = stack_output(stack, "RetrainRollout") if stack else os.environ.get("SKYLIFT_RETRAIN_ROLLOUT")
    if rollout != "none" and most == "none":
        raise ConfigError("no rollout follows a training here", f"{TO_ALLOW_ROLLOUTS}, or leave out --rollout")
    if not 1 <= len(reason) <= 500:
        raise ConfigError("the reason has to have 1 to 500 characters", "say it shorter with --reason")
    request = Request(id=new_id(store.now()), reason=reason, rollout=rollout, by=caller())
    with err.status("starting"):
        return start(request, store=store, function=DurableFunction(arn, client=lambda_client(answer_seconds=30)))


def _waited_for(store: "RetrainStore", retraining: "Retraining") -> "Retraining":
    """The retraining at its end, or where it waits for a person; its steps are told meanwhile."""
    told = None
    with err.status("queued") as status:
        while not retraining.has_ended and retraining.state != "waiting":
            if (now := (retraining.state, retraining.step)) != told:
                told = now
                status.update(_step(retraining))
                if not err.is_terminal:
                    err.print(_step(retraining), markup=False)
            time.sleep(POLL_SECONDS)
            retraining = store.read(retraining.id)
    return retraining


def _step(retraining: "Retraining") -> str:
    return f"{retraining.id}: {retraining.state}, {retraining.step}"


def _tell(retraining: "Retraining") -> None:
    out.print(f"Retraining {retraining.id} of {retraining.model}: {retraining.state} ({retraining.step})", markup=False)
    published = retraining.versions.published
    if published:
        out.print(f"Published {published}", soft_wrap=True)
    for name, place in retraining.links.items():
        out.print(f"{name}: {place}", soft_wrap=True, markup=False)
    problem = retraining.problem
    if problem:
        out.print(f"{problem.message}: {problem.hint}", soft_wrap=True, markup=False)
    if next_step := _next(retraining):
        out.print(f"\n{next_step}", soft_wrap=True, markup=False)


def _next(retraining: "Retraining") -> str:
    published = (retraining.versions.published or "").partition("@")[0]
    match retraining.state:
        case "queued" | "running":
            return f"Follow it: skylift retrain --id {retraining.id} --wait"
        case "waiting":
            return f"Decide: skylift approve {retraining.id}, or skylift approve {retraining.id} --no"
        case "succeeded" if retraining.request.rollout == "none" and published:
            champion = (retraining.versions.champion or "").partition("@")[0]
            compare = f"Compare it: skylift compare {champion} {published}\n" if champion else ""
            return f"{compare}Try it on traffic: skylift challenge {published} --auto"
        case "succeeded" if "experiment" in retraining.links:
            return "Follow its rollout: skylift judge"
        case _:
            return ""
