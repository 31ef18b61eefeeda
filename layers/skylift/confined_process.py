"""Runs a module in a process of its own that holds no rights, and takes its answer: for all that loads a foreign model.

The parent calls `answer_of_process`; the module calls `begin` before anything else, and writes its answer.
"""

import os
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import astuple, dataclass
from pathlib import Path
from tempfile import TemporaryFile
from typing import BinaryIO, Self

from skylift.confinement import close_to_others, confine, limit

_SECONDS = 120
_BYTES_PER_SECOND = 2**20
_MEMORY = 4 * 2**30
_MEMORY_PER_BYTE = 16
_ANSWER = 4_096
_KEPT = {"PATH", "LANG", "LC_ALL", "LC_CTYPE", "LD_LIBRARY_PATH", "SYSTEMROOT", "TZ"}
_ONE_THREAD = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")


@dataclass(frozen=True, slots=True)
class Limits:
    """What a process may use at most.

    Parameters
    ----------
    seconds
        Time, and processor time, in seconds.
    memory
        Address space in bytes.
    answer
        Length of its answer in bytes.
    """

    seconds: int
    memory: int
    answer: int

    @classmethod
    def of(cls, size: int, *, seconds: int = 0, answer: int = 0) -> Self:
        """Generous limits for a model that attacks nobody.

        Parameters
        ----------
        size
            Bytes that the process reads.
        seconds, answer
            What it needs beside the time to load, and beside a short text.
        """
        return cls(_SECONDS + size // _BYTES_PER_SECOND + seconds, _MEMORY + _MEMORY_PER_BYTE * size, _ANSWER + answer)


@dataclass(frozen=True, slots=True)
class Confined:
    """What a confined process knows of itself.

    Parameters
    ----------
    arguments
        Arguments of its module.
    answer
        File for its answer.
    unconfined
        Reason why the kernel does not confine it; None if it does.
    """

    arguments: Sequence[str]
    answer: BinaryIO
    unconfined: str | None


def answer_of_process(module: str, folder: Path, limits: Limits, arguments: Sequence[str] = ()) -> bytes:
    """Run a module, and let nothing of it be left.

    Parameters
    ----------
    module
        Name of the module, which calls `begin`.
    folder
        Working directory: beside installed code, the only files that it may read.

    Raises
    ------
    subprocess.TimeoutExpired
        It did not end in time.
    subprocess.CalledProcessError
        It failed, or gave no answer, or too long a one.
    """
    close_to_others()
    numbers = [str(number) for number in astuple(limits)]
    command = [sys.executable, "-P", "-s", "-B", "-m", module, *numbers, *arguments]
    with (
        TemporaryFile() as file,
        subprocess.Popen(
            command,
            cwd=folder,
            env=_environment(folder),
            stdin=subprocess.DEVNULL,
            stdout=file,
            stderr=subprocess.DEVNULL,
            start_new_session=True,  # without a terminal: it cannot type, and Ctrl-C is the parent's
        ) as process,
    ):
        try:
            code = process.wait(limits.seconds)
        finally:
            process.kill()
        file.seek(0)
        answer = file.read(limits.answer + 1)
    if code != 0 or not 0 < len(answer) <= limits.answer:
        raise subprocess.CalledProcessError(code, command)
    return answer


def begin() -> Confined:
    """Give up every right of this process; what it prints goes nowhere."""
    answer = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    seconds, memory, length = map(int, sys.argv[1:4])
    limit(seconds=seconds, memory=memory, output=length)
    code = [Path(entry) for entry in (*sys.path, sys.prefix, sys.base_prefix) if entry]
    return Confined(sys.argv[4:], answer, confine([Path.cwd(), *code]))


def _environment(folder: Path) -> dict[str, str]:
    """What a score needs of the environment: no credentials, no settings, no home."""
    kept = {name: value for name, value in os.environ.items() if name in _KEPT}
    path = os.pathsep.join(str(Path(entry).resolve()) for entry in sys.path if entry)
    return kept | _ONE_THREAD | {"HOME": str(folder), "PYTHONPATH": path, "JOBLIB_MULTIPROCESSING": "0"}
