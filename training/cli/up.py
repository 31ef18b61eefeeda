"""What `skylift up` does: the main job on one machine, from the table to a served model."""

import json
import shlex
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from skylift.registry import Registry
from skylift.settings import RegistrySettings
from skylift.verification import Version
from training.cli.console import err, leaderboard_table, out, up_facts
from training.cli.durable_functions import DurableFunctions
from training.cli.embedded_aws import embedded_aws
from training.cli.live_monitor import LiveMonitor
from training.cli.local import HOST, LocalService, ServiceFailed, check_port
from training.cli.model_folder import CURRENT_ENVIRONMENT, ModelFolder, claimed_folder
from training.cli.train import Work, train_and_publish
from training.config import ModelConfig, load_config
from training.config.locations import local_copy
from training.files import replace_file


def run(path: Path, port: int, *, host: str = HOST, retrain: bool = False) -> None:
    """Train if anything changed, publish, promote and serve until Ctrl-C.

    Parameters
    ----------
    path
        Path of `model.yaml`.
    port
        Port of the service.
    host
        Address that it listens at.
    retrain
        Whether to train although nothing changed.

    Raises
    ------
    ConfigError
        The model is being served already, or the port is in use.
    StateDamaged
        The versions that an earlier run published cannot be read.
    ServiceFailed
        The service did not start, or ended.
    """
    config = load_config(path)
    with ExitStack() as stack:
        folder = stack.enter_context(claimed_folder(config.model, port))
        check_port(port)
        config = stack.enter_context(_with_local_table(config))  # before the embedded AWS replaces the one that has it
        of_files = {"SKYLIFT_CONFIG": str(path.resolve()), "SKYLIFT_SERVICE_LOG": str(folder.log.resolve())}
        functions = DurableFunctions(folder.executions, folder.functions_log, of_files)
        environment = stack.enter_context(embedded_aws(config.model, folder.aws, functions))
        service = stack.enter_context(LocalService(port, folder.log, host))  # starts while training runs
        stack.enter_context(folder.environment(environment | of_files))
        registry = Registry.open(RegistrySettings())
        version = None if retrain else _fresh(config, registry, folder)
        if version is None:
            version = _train_and_promote(config, registry, folder)
        with err.status("waiting for the service"):
            service.wait_until_ready()
            example = {"instances": [version.manifest.contract.example]}
            answer = service.ask("/predict", example)
        out.print(leaderboard_table(version.manifest))
        out.print()
        out.print(
            up_facts(
                version,
                url=service.url,
                answer=json.dumps(answer["predictions"][0], ensure_ascii=False),
                log=str(folder.log),
            )
        )
        body = shlex.quote(json.dumps(example, ensure_ascii=False))
        for text in (
            f"\nTry it:\n  curl {service.url}/predict -H 'content-type: application/json' -d {body}",
            f"\nIn another terminal:\n  . {CURRENT_ENVIRONMENT} && .venv/bin/skylift versions",
            "\nCtrl-C stops everything.",
        ):
            out.print(text, markup=False, soft_wrap=True)
        stack.enter_context(LiveMonitor(folder.log, service.url))
        stack.enter_context(functions)
        raise ServiceFailed(f"the service ended with code {service.wait()}", f"see {folder.log}")


def _fresh(config: ModelConfig, registry: Registry, folder: ModelFolder) -> Version | None:
    """The active version, if a training would give nothing new."""
    from training.cli.freshness import fresh_version

    code = folder.code_file.read_text(encoding="utf-8").strip() if folder.code_file.exists() else None
    version = fresh_version(config, registry, code)
    if version is not None:
        err.print(
            f"Serving {version.reference.name} of the last run: table, model.yaml and code are the same. "
            "Train again: make up RETRAIN=1",
            markup=False,
            soft_wrap=True,
        )
    return version


def _train_and_promote(config: ModelConfig, registry: Registry, folder: ModelFolder) -> Version:
    from training.cli.experiments import experiments
    from training.cli.freshness import code_digest

    code = code_digest(config)  # before it may be edited
    version = train_and_publish(config, registry, Work())
    with err.status("promoting"):
        experiments(None, config, tool="skylift up").moves.supersede(version.reference)
    replace_file(folder.code_file, f"{code}\n".encode())
    return version


@contextmanager
def _with_local_table(config: ModelConfig) -> Iterator[ModelConfig]:
    """The configuration, with its table on this machine."""
    with ExitStack() as stack:
        with err.status(f"reading {config.data.path}"):
            path = stack.enter_context(local_copy(config.data.path))
        yield config.with_data(path=path)
