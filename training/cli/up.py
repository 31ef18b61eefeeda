"""What `skylift up` does: the main job on one machine, from the table to a served model."""

import json
import shlex
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from skylift.registry import Registry
from skylift.settings import RegistrySettings
from training.cli.console import err, leaderboard_table, out, up_facts
from training.cli.local import SERVICE_LOG, LocalService, ServiceFailed, embedded_aws, environment_file
from training.cli.train import Work, train_and_publish
from training.config import ModelConfig, load_config
from training.config.locations import local_copy


def run(path: Path, port: int) -> None:
    """Train, publish, promote and serve until Ctrl-C.

    Parameters
    ----------
    path
        Path of `model.yaml`.
    port
        Port of the service on 127.0.0.1.

    Raises
    ------
    ServiceFailed
        The service did not start, or ended.
    """
    with (
        _with_local_table(load_config(path)) as config,  # before the embedded AWS replaces the one that has the table
        embedded_aws(config.model) as environment,
        LocalService(port) as service,  # starts while training runs
        environment_file(environment | {"SKYLIFT_CONFIG": str(path.resolve())}) as environment_path,
    ):
        registry = Registry.open(RegistrySettings())
        version = train_and_publish(config, registry, Work())
        with err.status("promoting and waiting for the service"):
            registry.promote(version.reference)
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
                log=str(SERVICE_LOG),
            )
        )
        body = shlex.quote(json.dumps(example))
        for text in (
            f"\nTry it:\n  curl {service.url}/predict -H 'content-type: application/json' -d {body}",
            f"\nIn another terminal:\n  . {environment_path} && .venv/bin/skylift versions",
            "\nCtrl-C stops everything.",
        ):
            out.print(text, markup=False, soft_wrap=True)
        raise ServiceFailed(f"the service ended with code {service.wait()}", f"see {SERVICE_LOG}")


@contextmanager
def _with_local_table(config: ModelConfig) -> Iterator[ModelConfig]:
    """The configuration, with its table on this machine."""
    with ExitStack() as stack:
        with err.status(f"reading {config.data.path}"):
            path = stack.enter_context(local_copy(config.data.path))
        yield config.with_data(path=path)
