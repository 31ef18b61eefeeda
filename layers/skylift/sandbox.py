"""Scores rows with a version in a process of its own, which has nothing to lose: no code of it runs in this one.

`model.joblib` is a program: loading it runs whatever its publisher wrote. So whoever holds rights lets
`skylift.sandboxed` load it, and gets back numbers.

    parent: fetch, check digests | files, rows -> |                                              | <- scores | compare
    child, without credentials:                   | confine, load, score golden and other rows, answer |

Only a service that serves the version loads it itself: `skylift.predictors`.
"""

import math
import os
import subprocess
import sys
import tempfile
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import IO, Annotated, Literal

import numpy as np
from pydantic import Base64Bytes, Field, StringConstraints, ValidationError

from skylift.confinement import close_to_others
from skylift.contract import Document
from skylift.errors import GoldenMismatch, IncompatibleEnvironment, UnservableModel
from skylift.manifest import COMPILED_FILE, MANIFEST_FILE, MODEL_FILE, Manifest
from skylift.scoring import Matrix, compare_golden, encode

ROWS_FILE = "rows.npy"
LONGEST_TEXT = 300

_START_SECONDS = 120
_BYTES_PER_SECOND = 2**20
_ROWS_PER_SECOND = 500
_START_BYTES = 4 * 2**30
_BYTES_PER_BYTE = 16
_KEPT = {"PATH", "LANG", "LC_ALL", "LC_CTYPE", "LD_LIBRARY_PATH", "SYSTEMROOT", "TZ"}
_ONE_THREAD = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")
_PROBLEMS = {error.code: error for error in (UnservableModel, IncompatibleEnvironment, GoldenMismatch)}

Text = Annotated[str, StringConstraints(max_length=LONGEST_TEXT, pattern=r"^[ -~]*$")]


class UnconfinedExamination(RuntimeWarning):
    """The kernel of this system takes no files, network and signals from a process that asks for it."""


class Problem(Document):
    """Why a version could not be loaded or scored: a code of `skylift.errors`, what happened, what to do."""

    code: Literal["unservable-model", "incompatible-environment", "golden-mismatch"]
    message: Text
    hint: Text


class Answer(Document):
    """All that leaves the process that runs a version's code.

    Parameters
    ----------
    shape
        Shape of the scores.
    scores
        Scores as little-endian float64, row by row.
    problem
        Reason why there are none; None if there are.
    unconfined
        Reason why the process was not confined by the kernel; None if it was.
    """

    shape: Annotated[tuple[Annotated[int, Field(ge=0)], ...], Field(max_length=8)] = ()
    scores: Base64Bytes = b""
    problem: Problem | None = None
    unconfined: Text | None = None


class SandboxedPredictor:
    """Scores like `load_predictor`, in a process of its own for each call.

    Parameters
    ----------
    manifest
        Manifest of the version, checked against its reference.
    read
        Function that returns a file of the version by name, checked against the manifest. Called at once.
    seconds
        Time for each call, in seconds; by default from the size of the model and the number of rows.

    Raises
    ------
    IntegrityError
        The file is missing or altered.
    """

    def __init__(self, manifest: Manifest, read: Callable[[str], bytes], *, seconds: int | None = None) -> None:
        self._manifest = manifest
        self._name = COMPILED_FILE if manifest.compiled.format else MODEL_FILE
        self._model = read(self._name)
        self._seconds = seconds

    def scores(self, rows: Matrix) -> Matrix:
        """Score the golden requests and encoded rows; see `Predictor.scores`.

        Raises
        ------
        UnservableModel
            It cannot be loaded or scored, needs more time or memory than it may have, or answers with no scores.
        IncompatibleEnvironment
            There is no compiled form, and it was trained by another scikit-learn than the one installed here.
        GoldenMismatch
            It scores its golden requests differently from training.
        """
        contract, golden = self._manifest.contract, self._manifest.golden
        answer = self._ask(np.vstack([encode(contract, golden.instances), rows]))
        if answer.problem is not None:
            raise _PROBLEMS[answer.problem.code](answer.problem.message, answer.problem.hint)
        if answer.unconfined is not None:
            warnings.warn(
                f"{self._manifest.name} was loaded by a process that could still read files and use the network "
                f"({answer.unconfined}): docs/security.md",
                UnconfinedExamination,
                stacklevel=2,
            )
        if not answer.shape or len(answer.scores) != 8 * math.prod(answer.shape):
            raise self._refusal("answered with something other than scores")
        scores: Matrix = np.frombuffer(answer.scores, "<f8").reshape(answer.shape)
        compare_golden(contract, golden, scores[: len(golden.instances)])
        if len(scores) != len(golden.instances) + len(rows):
            raise self._refusal("answered with another number of rows")
        return scores[len(golden.instances) :]

    def _ask(self, rows: Matrix) -> Answer:
        manifest = self._manifest
        size = len(self._model) + rows.nbytes
        seconds = self._seconds or _START_SECONDS + size // _BYTES_PER_SECOND + len(rows) // _ROWS_PER_SECOND
        memory = _START_BYTES + _BYTES_PER_BYTE * size
        output = 4_096 + 12 * len(rows) * max(1, len(manifest.contract.target.classes))
        close_to_others()
        with tempfile.TemporaryDirectory(prefix="skylift-") as place, tempfile.TemporaryFile() as answer:
            folder = Path(place).resolve()
            (folder / MANIFEST_FILE).write_bytes(manifest.to_bytes())
            (folder / self._name).write_bytes(self._model)
            np.save(folder / ROWS_FILE, rows, allow_pickle=False)
            limits = [str(number) for number in (seconds, memory, output)]
            code = self._run(
                [sys.executable, "-P", "-s", "-B", "-m", "skylift.sandboxed", *limits], folder, answer, seconds
            )
            answer.seek(0)
            text = answer.read(output + 1)
        if code != 0 or not text or len(text) > output:
            raise self._refusal(f"ended its process with code {code} and without scores")
        try:
            return Answer.model_validate_json(text)
        except ValidationError as error:
            raise self._refusal("answered with something other than scores") from error

    def _run(self, command: list[str], folder: Path, answer: IO[bytes], seconds: int) -> int:
        """Run it to its end or that of its time; its exit code."""
        with subprocess.Popen(  # in a session of its own: no terminal to type into, no signal from its user
            command,
            cwd=folder,
            env=_environment(folder),
            stdin=subprocess.DEVNULL,
            stdout=answer,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        ) as process:
            try:
                return process.wait(seconds)
            except subprocess.TimeoutExpired as error:
                raise self._refusal(f"did not score within {seconds} s") from error
            finally:
                process.kill()

    def _refusal(self, what: str) -> UnservableModel:
        return UnservableModel(f"{self._name} of {self._manifest.name} {what}", "look at what its training stored")


def printable(text: str) -> str:
    """A text as one short line of ASCII, which no terminal takes for anything else."""
    return "".join(sign if " " <= sign <= "~" else "?" for sign in text[:LONGEST_TEXT])


def _environment(folder: Path) -> dict[str, str]:
    """What a score needs of the environment: no credentials, no settings, no home."""
    kept = {name: value for name, value in os.environ.items() if name in _KEPT}
    path = os.pathsep.join(str(Path(entry).resolve()) for entry in sys.path if entry)
    return kept | _ONE_THREAD | {"HOME": str(folder), "PYTHONPATH": path, "JOBLIB_MULTIPROCESSING": "0"}
