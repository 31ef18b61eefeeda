"""The training job: from a table and one `model.yaml` to a published version, and the command line around it.

The names in `__all__` are the public ones, for notebooks and scripts:

    config = load_config(Path("training/model.yaml"))
    version = publish(train(config), registry)

Each is imported when it is first used: a command pays only for what it needs.
"""

from typing import TYPE_CHECKING

from skylift import imported_when_used

if TYPE_CHECKING:
    from training.cli.embedded_aws import embedded_aws
    from training.config import load_config
    from training.data.encoded import read_table
    from training.data.profile import profile
    from training.data.split import split_rows
    from training.job import train
    from training.release.packaging import publish

__all__ = ["embedded_aws", "load_config", "profile", "publish", "read_table", "split_rows", "train"]

_MODULES = {
    "embedded_aws": "cli.embedded_aws",
    "load_config": "config",
    "profile": "data.profile",
    "publish": "release.packaging",
    "read_table": "data.encoded",
    "split_rows": "data.split",
    "train": "job",
}


if not TYPE_CHECKING:  # a type checker must not take every name for a public one
    __getattr__ = imported_when_used(__name__, _MODULES)


def __dir__() -> list[str]:
    return __all__
