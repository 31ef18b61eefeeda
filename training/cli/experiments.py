"""What commands on experiments work with: the versions of a model, its challenger, and what is kept of experiments."""

import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from skylift.errors import ConfigError

if TYPE_CHECKING:
    from skylift.challenger import Challenger
    from skylift.durable import DurableFunction
    from skylift.experiment.lines import Lines
    from skylift.experiment.moves import Moves
    from skylift.experiment.parameter import ChallengerParameter
    from skylift.experiment.record import Experiment
    from skylift.experiment.store import ExperimentStore
    from skylift.experiment.trials import Trials
    from skylift.registry import Registry
    from skylift.settings import RegistrySettings
    from training.config import ModelConfig


@dataclass(frozen=True, slots=True)
class Experiments:
    """The experiments of one model.

    Parameters
    ----------
    settings, registry
        Bucket, stage and names of the model, and its versions.
    parameter, store, trials, moves
        Challenger of the model, records of its experiments, and what can be done with them and with the pointer.
    """

    settings: "RegistrySettings"
    registry: "Registry"
    parameter: "ChallengerParameter"
    store: "ExperimentStore"
    trials: "Trials"
    moves: "Moves"

    def last_ended(self) -> "Experiment | None":
        """The record of the experiment that ended last; None before the first."""
        from skylift.experiment.past import last_ended

        self.trials.settle()
        ended = last_ended(self.parameter.changes())
        return None if ended is None else self.store.read(ended)

    def running(self) -> "Challenger":
        """The version on trial.

        Raises
        ------
        ExperimentEnded
            None is.
        """
        from skylift.errors import ExperimentEnded

        if (running := self.trials.current()) is None:
            raise ExperimentEnded("no version is on trial", "put one on trial: skylift challenge v8")
        return running


def experiments(stack: str | None, config: "Path | ModelConfig", *, tool: str) -> Experiments:
    """The experiments of the model that a command works on.

    Parameters
    ----------
    stack, config
        See `registry_settings`.
    tool
        Name of the command, for the history.
    """
    from skylift.aws import s3_client, ssm_client
    from skylift.bucket import Bucket
    from skylift.experiment.moves import Moves
    from skylift.experiment.parameter import ChallengerParameter
    from skylift.experiment.store import ExperimentStore
    from skylift.experiment.trials import Trials
    from skylift.registry import Registry
    from training.cli.connection import registry_settings

    settings = registry_settings(stack, config)
    s3, ssm = s3_client(), ssm_client(patient=True)
    registry = Registry.open(settings, s3=s3, ssm=ssm)
    parameter = ChallengerParameter(settings.stage, settings.model, client=ssm)
    store = ExperimentStore(Bucket(settings.bucket, client=s3), settings.model)
    trials = Trials(registry, parameter, store, tool=tool)
    moves = Moves(registry, parameter, trials, tool=tool)
    return Experiments(settings, registry, parameter, store, trials, moves)


def lines_of_service(stack: str | None, log: Path | None) -> "Lines":
    """The lines of the service that a command is about.

    Raises
    ------
    ConfigError
        Neither a stack nor a log file is named.
    """
    from skylift.experiment.sources import lines_of
    from training.cli.connection import stack_output

    if stack is None and log is not None:
        return lines_of("", log)
    group = stack_output(stack, "InferenceLogGroupName") if stack else os.environ.get("SKYLIFT_LOG_GROUP")
    if not group:
        raise ConfigError(
            "the lines of the service are named nowhere", "name the stack with --stack, or the log file with --log"
        )
    return lines_of(group)


def rollout_function(stack: str | None) -> "DurableFunction":
    """The function that rolls versions out.

    Raises
    ------
    ConfigError
        None exists.
    """
    if (function := _durable_function(stack, "RolloutFunctionArn", "SKYLIFT_ROLLOUT_FUNCTION")) is None:
        raise ConfigError(
            "nothing rolls versions out here",
            "deploy the stack with Rollouts=true and name it with --stack, or start `make up`; "
            "without it: skylift challenge, judge, promote",
        )
    return function


def waiting_function(stack: str | None) -> "DurableFunction":
    """A function that may wait for a person: callbacks name their execution themselves.

    Raises
    ------
    ConfigError
        None exists.
    """
    function = _durable_function(stack, "RolloutFunctionArn", "SKYLIFT_ROLLOUT_FUNCTION")
    function = function or _durable_function(stack, "RetrainFunctionArn", "SKYLIFT_RETRAIN_FUNCTION")
    if function is None:
        raise ConfigError(
            "nothing waits for a person here", "name the stack with --stack; beside `make up`: . build/local.env"
        )
    return function


def _durable_function(stack: str | None, output: str, variable: str) -> "DurableFunction | None":
    from skylift.aws import lambda_client
    from skylift.durable import DurableFunction
    from training.cli.connection import stack_output

    arn = stack_output(stack, output) if stack else os.environ.get(variable)
    return DurableFunction(arn, client=lambda_client()) if arn else None


def caller() -> str:
    """ARN of whoever runs this command.

    Raises
    ------
    AwsUnavailable
        STS failed.
    """
    from skylift.aws import aws_errors, sts_client

    with aws_errors("asking who runs this command"):
        return sts_client().get_caller_identity()["Arn"]
