"""Files that an option of a command names."""

from pathlib import Path

from skylift.errors import ConfigError
from training.files import replace_file


def write_output(path: Path, data: bytes, option: str) -> None:
    """Write a file, in a folder that is made where it is missing.

    Parameters
    ----------
    path
        Path that the option gives; a pipe or a device is written to as it is.
    data
        Content.
    option
        The option, as `--output`.

    Raises
    ------
    ConfigError
        It cannot be written.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        if path.exists() and not path.is_file():
            path.write_bytes(data)
        else:
            replace_file(path, data)
    except OSError as error:
        raise ConfigError(f"{path} cannot be written ({error.strerror})", f"name another with {option}") from error
