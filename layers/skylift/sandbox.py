"""Scores rows with a version in a process of its own, which has nothing to lose: no code of it runs in this one.

`model.joblib` is a program: loading it runs whatever its publisher wrote. So whoever holds rights lets
`skylift.sandboxed` load it, and gets back numbers.

    parent: fetch, check digests | files, rows -> |                                              | <- scores | compare
    child, without credentials:                   | confine, load, score golden and other rows, answer |

Only a service that serves the version loads it itself: `skylift.predictors`.
"""

import math
import warnings
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from subprocess import CalledProcessError, TimeoutExpired
from tempfile import TemporaryDirectory
from typing import Annotated, Literal

import numpy as np
from pydantic import Base64Bytes, Field, StringConstraints, ValidationError

from skylift.confined_process import Limits, answer_of_process
from skylift.documents import Document
from skylift.encoding import load_encoder
from skylift.errors import GoldenMismatch, IncompatibleEnvironment, UnservableModel
from skylift.manifest import MANIFEST_FILE, Manifest
from skylift.scoring import Matrix, compare_golden, golden_mismatches

ROWS_FILE = "rows.npy"
LONGEST_TEXT = 300

_ROWS_PER_SECOND = 500
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
        Why the model gave no scores; None if it gave some.
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
        self._files = {name: read(name) for name in manifest.form_files}
        self._name = manifest.form_files[0]
        self._encoder = load_encoder(manifest, read)
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
        with golden_mismatches():
            asked = np.vstack([self._encoder.encode(golden.instances), rows])
        answer = self._ask(asked)
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
        with TemporaryDirectory(prefix="skylift-") as place:
            folder = Path(place).resolve()
            (folder / MANIFEST_FILE).write_bytes(manifest.to_bytes())
            for name, data in self._files.items():
                (folder / name).write_bytes(data)
            np.save(folder / ROWS_FILE, rows, allow_pickle=False)
            limits = Limits.of(
                sum(map(len, self._files.values())) + rows.nbytes,
                seconds=len(rows) // _ROWS_PER_SECOND,
                answer=12 * len(rows) * max(1, len(manifest.contract.target.classes)),
            )
            if self._seconds is not None:
                limits = replace(limits, seconds=self._seconds)
            try:
                return Answer.model_validate_json(answer_of_process("skylift.sandboxed", folder, limits))
            except TimeoutExpired as error:
                raise self._refusal(f"did not score within {limits.seconds} s") from error
            except CalledProcessError as error:
                code = error.returncode
                raise self._refusal(f"ended its process with code {code} and without scores") from error
            except ValidationError as error:
                raise self._refusal("answered with something other than scores") from error

    def _refusal(self, what: str) -> UnservableModel:
        return UnservableModel(f"{self._name} of {self._manifest.name} {what}", "look at what its training stored")


def printable(text: str) -> str:
    """A text as one short line of ASCII, which no terminal takes for anything else."""
    return "".join(sign if " " <= sign <= "~" else "?" for sign in text[:LONGEST_TEXT])
