"""Whether a training would give what is published already: the same table, model.yaml and code."""

from pathlib import Path

import skylift
from skylift.errors import DataError
from skylift.libraries import LIBRARIES
from skylift.references import sha256
from skylift.registry import Registry
from skylift.verification import Version
from training.config import ModelConfig
from training.config.locations import table_digest
from training.release.environment import environment
from training.search.own_modules import own_code

_SOURCES = (Path(skylift.__file__).parent, Path(__file__).parents[1])


def fresh_version(config: ModelConfig, registry: Registry, code: str | None) -> Version | None:
    """The active version, if nothing changed since its registry got a version of the same inputs; else None.

    Parameters
    ----------
    config
        Configuration whose table is on this machine.
    code
        Digest of the code that trained last; None if unknown.

    Raises
    ------
    ConfigError
        The user's own code cannot be read.
    IntegrityError
        A manifest was altered.
    """
    active = registry.active()
    if active is None or code != code_digest(config) or not isinstance(config.data.path, Path):
        return None
    try:
        inputs = (table_digest(config.data.path), config.digest)
    except DataError:
        return None  # training tells what is wrong with it
    for version in registry.versions():
        lineage = version.manifest.lineage
        if (lineage.data_sha256, lineage.config_sha256) == inputs:
            return registry.version(active)
    return None


def code_digest(config: ModelConfig) -> str:
    """SHA-256 of the code that decides what a model is: this project's, the user's own, and the releases of the rest.

    Raises
    ------
    ConfigError
        The user's own code cannot be read.
    """
    parts = [f"{name} {release}" for name, release in environment(LIBRARIES).items()]
    for root in _SOURCES:
        parts += [
            f"{path.relative_to(root.parent).as_posix()} {sha256(path.read_bytes())}"
            for path in sorted(root.rglob("*.py"))
        ]
    parts += [
        f"{path} {sha256(text.encode())}" for path, text in own_code(config.folder, config.candidates).files.items()
    ]
    return sha256("\n".join(parts).encode())
