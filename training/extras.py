"""Packages that only some commands need: imported when asked for, and named with their extra where they are missing."""

from importlib import import_module
from types import ModuleType

from skylift.errors import ConfigError


def require(module: str, *, purpose: str, extra: str = "data") -> ModuleType:
    """Import a module of an extra.

    Parameters
    ----------
    purpose
        Task that needs the module, as the beginning of a sentence: "reading Parquet".
    extra
        Extra of this project that installs it.

    Raises
    ------
    ConfigError
        It is not installed; with the command that installs it.
    """
    try:
        return import_module(module)
    except ImportError as error:
        package = module.partition(".")[0]
        raise ConfigError(
            f"{purpose} needs {package}, which is not installed here",
            f"install the extra: .venv/bin/uv pip install --python .venv -e '.[{extra}]'",
        ) from error
