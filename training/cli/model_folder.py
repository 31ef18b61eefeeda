"""The folder of a model that `skylift up` serves: its registry, its log, and the environment for other terminals.

It is below `build/models/`, where no model's name meets another file of `build/`. While a process serves the model, it
holds the folder's lock; the operating system frees it also after `kill -9`.
"""

import os
import shlex
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from skylift.errors import ConfigError
from training.files import is_locked, locked, replace_file

MODELS = Path("build/models")
CURRENT_ENVIRONMENT = Path("build/local.env")
"""For shells: sets the environment of the model that was started last and is still served, even after `kill -9`."""

_ENVIRONMENT = "local.env"
_LOCK = "lock"
_ALL = ".lock"
_NOTHING_RUNS = "{ echo 'error: no model is served here any more: make up' >&2; false; }"


@dataclass(frozen=True, slots=True)
class ModelFolder:
    """The folder of one model.

    Parameters
    ----------
    path
        Path of the folder.
    """

    path: Path

    @property
    def aws(self) -> Path:
        """Folder of the embedded AWS."""
        return self.path / "aws"

    @property
    def log(self) -> Path:
        """Log of the service."""
        return self.path / "service.log"

    @property
    def executions(self) -> Path:
        """Executions of the durable functions."""
        return self.path / "executions.sqlite"

    @property
    def functions_log(self) -> Path:
        """Log of the durable functions."""
        return self.path / "functions.log"

    @property
    def environment_file(self) -> Path:
        """Environment that names the embedded AWS, to source in another terminal; missing while nothing runs."""
        return self.path / _ENVIRONMENT

    @property
    def code_file(self) -> Path:
        """Digest of the code that trained last."""
        return self.path / "code.sha256"

    @contextmanager
    def environment(self, variables: Mapping[str, str]) -> Iterator[None]:
        """Write the environment for other terminals; at the end, name another model's that is served, if any."""
        with _all_folders():
            replace_file(self.environment_file, _command(variables).encode())
            _name_current()
        try:
            yield
        finally:
            with _all_folders():
                self.environment_file.unlink(missing_ok=True)
                _name_current()


@contextmanager
def claimed_folder(model: str, port: int) -> Iterator[ModelFolder]:
    """The folder of a model, for this process alone.

    Parameters
    ----------
    port
        Port of the service, for whoever finds the folder in use.

    Raises
    ------
    ConfigError
        Another process serves the model from here.
    """
    folder = ModelFolder(MODELS / model)
    folder.path.mkdir(parents=True, exist_ok=True)
    lock = folder.path / _LOCK
    with ExitStack() as stack:
        with _all_folders():
            try:
                file = stack.enter_context(locked(lock, wait=False))
            except OSError as error:
                where = lock.read_text(encoding="utf-8").strip()
                hint = "stop that one with Ctrl-C, or give this one a name of its own: model in model.yaml"
                raise ConfigError(f"{model} is being served already ({where or 'starting'})", hint) from error
            folder.environment_file.unlink(missing_ok=True)  # of a process that was killed
            _name_current()
        file.truncate(0)
        file.write(f"http://127.0.0.1:{port}".encode())
        file.flush()
        yield folder


@contextmanager
def _all_folders() -> Iterator[None]:
    MODELS.mkdir(parents=True, exist_ok=True)
    with locked(MODELS / _ALL):
        yield


def _command(variables: Mapping[str, str]) -> str:
    """A shell's command that sets variables, and fails once this process has ended."""
    alive = f"kill -0 {os.getpid()} 2>/dev/null" if os.name == "posix" else "true"  # shells there count otherwise
    assignments = " ".join(f"{name}={shlex.quote(value)}" for name, value in variables.items())
    return f"{{ {alive} && export {assignments}; }}"


def _name_current() -> None:
    """Let `build/local.env` try the models that are served, that started last first; no file, if none is."""
    running = [path for path in MODELS.glob(f"*/{_ENVIRONMENT}") if is_locked(path.with_name(_LOCK))]
    if running:
        newest_first = sorted(running, key=lambda path: path.stat().st_mtime_ns, reverse=True)
        commands = [*(path.read_text(encoding="utf-8") for path in newest_first), _NOTHING_RUNS]
        replace_file(CURRENT_ENVIRONMENT, f"{' ||\n'.join(commands)}\n".encode())
    else:
        CURRENT_ENVIRONMENT.unlink(missing_ok=True)
