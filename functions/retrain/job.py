"""Runs the training job as a process of its own: functions and training meet only in files and in the registry.

The same command runs in the function, on Fargate and under `skylift up`.
"""

import os
import signal
import subprocess
import sys
import tempfile
from collections import deque
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from threading import Thread
from typing import IO

from pydantic import ValidationError

from retrain.snapshot import Snapshots
from skylift.bucket import JSON, Bucket
from skylift.errors import DataError, IntegrityError
from skylift.model_card import CARD_FILE
from skylift.observability import logger
from skylift.retraining.outcome import Outcome
from skylift.retraining.state import Problem, Retraining
from skylift.retraining.store import RetrainStore
from skylift.store import VersionStore

COMMAND = (sys.executable, "-m", "training.cli", "train")

_LAST_LINES = 5
_LONGEST_LINE = 1000
_MAX_BYTES = 2**20
_GRACE_SECONDS = 5.0
_ELSEWHERE = "train on less data, with a budget in model.yaml, or on Fargate"


class Job:
    """Trains a model once for each retraining.

    Parameters
    ----------
    store, versions, snapshots
        Retrainings, versions and data of the model.
    bucket
        Bucket that gets the card of a refused model.
    command
        Command that trains and publishes.
    """

    def __init__(
        self,
        store: RetrainStore,
        versions: VersionStore,
        snapshots: Snapshots,
        *,
        bucket: Bucket,
        command: Sequence[str] = COMMAND,
    ) -> None:
        self._store = store
        self._versions = versions
        self._snapshots = snapshots
        self._bucket = bucket
        self._command = command

    def run(self, retraining: Retraining, seconds: float) -> Outcome:
        """Train, unless this retraining has published a version before, and keep what it came to.

        Parameters
        ----------
        seconds
            Time after which the job is ended.

        Raises
        ------
        AwsUnavailable
            S3 failed; what was published is found by the next try.
        """
        outcome = self._published_by(retraining) or self._run(retraining.id, seconds)
        if outcome.outcome != "published":  # it may have died with its version published, and not told
            outcome = self._published_by(retraining) or outcome
        self._bucket.write(self._outcome_key(retraining.id), outcome.to_bytes(), content_type=JSON)
        return outcome

    def outcome(self, retraining: Retraining) -> Outcome | None:
        """What training came to; None if nobody kept it, and no version was published.

        Raises
        ------
        AwsUnavailable
            S3 failed.
        IntegrityError
            It cannot be read.
        """
        data = self._bucket.read(self._outcome_key(retraining.id), limit=_MAX_BYTES)
        if data is None:
            return self._published_by(retraining)
        return Outcome.from_bytes(data, source=self._outcome_key(retraining.id), hint="start it again")

    def card_key(self, id: str) -> str:  # noqa: A002
        """Key of the card of a refused model."""
        return self._store.key(f"{id}/{CARD_FILE}")

    def _run(self, id: str, seconds: float) -> Outcome:  # noqa: A002
        with tempfile.TemporaryDirectory(prefix="skylift-retrain-") as name:
            folder = Path(name)
            try:
                arguments = self._with_data(id, folder / "data")
            except (DataError, IntegrityError) as error:
                return Outcome.of_failure(self._store.model, error)
            outcome = self._trained(id, arguments, folder, seconds)
            card = folder / CARD_FILE
            if outcome.outcome == "refused" and card.exists():
                self._bucket.write(self.card_key(id), card.read_bytes(), content_type="text/html; charset=utf-8")
            return outcome

    def _published_by(self, retraining: Retraining) -> Outcome | None:
        """The version that a retraining has published; None if it has not."""
        for number in reversed(self._versions.numbers()):
            try:
                version = self._versions.version(number)
            except IntegrityError as error:  # whoever serves it is told; a new version does not stand on it
                logger.warning("a version cannot be read", extra={"why": str(error)})
                continue
            manifest = version.manifest
            if manifest.lineage.retraining == retraining.id:
                return Outcome(
                    outcome="published",
                    model=self._store.model,
                    reference=str(version.reference),
                    data_sha256=manifest.lineage.data_sha256,
                    gates=manifest.gates,
                )
            if manifest.created_at < retraining.started:  # older ones are not its own
                break
        return None

    def _outcome_key(self, id: str) -> str:  # noqa: A002
        return self._store.key(f"{id}/outcome.json")

    def _with_data(self, id: str, folder: Path) -> list[str]:  # noqa: A002
        """The option that names the data, which is then in a folder; none for the table of `model.yaml`."""
        snapshot = self._snapshots.read(id)
        if not snapshot.objects:
            return []
        folder.mkdir()
        self._snapshots.fetch(snapshot, folder)
        return ["--data", str(folder)]

    def _trained(self, id: str, arguments: Sequence[str], folder: Path, seconds: float) -> Outcome:  # noqa: A002
        told = folder / "outcome.json"
        options = ["--json", str(told), "--card", str(folder / CARD_FILE), "--retraining", id, "--no-track"]
        process = subprocess.Popen(
            [*self._command, *options, *arguments],
            stdin=subprocess.PIPE,  # it ends when this process does, however that ends
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            start_new_session=True,
        )
        last: deque[str] = deque(maxlen=_LAST_LINES)
        assert process.stdout is not None  # noqa: S101 (it is a pipe)
        reader = Thread(target=_log_lines, args=(process.stdout, id, last), daemon=True)
        reader.start()
        try:
            code = process.wait(seconds)
        except subprocess.TimeoutExpired:
            return self._failed(
                "training-timeout", f"training did not end within {seconds / 60:.0f} minutes", _ELSEWHERE
            )
        finally:
            _end(process)
            reader.join(_GRACE_SECONDS)
        try:
            return Outcome.model_validate_json(told.read_bytes())
        except FileNotFoundError:
            return self._died(code, last)
        except ValidationError:
            return self._failed("training-died", f"training ended with code {code} amid its report", "start it again")

    def _died(self, code: int, last: Sequence[str]) -> Outcome:
        if code == -signal.SIGKILL:
            return self._failed("training-memory", "training was killed: the memory was not enough for it", _ELSEWHERE)
        words = " | ".join(last)[-_LONGEST_LINE:]
        message = f"training ended with code {code} and told nothing more than: {words}"
        return self._failed("training-died", message, "see the log of the retrain function")

    def _failed(self, code: str, message: str, hint: str) -> Outcome:
        problem = Problem(code=code, message=message, hint=hint)
        return Outcome(outcome="failed", model=self._store.model, problem=problem)


def _log_lines(stream: IO[str], id: str, last: deque[str]) -> None:  # noqa: A002
    """Write each line of the job into the log as it comes."""
    with stream:
        for line in stream:
            if text := line.strip()[:_LONGEST_LINE]:
                last.append(text)
                logger.info("training", extra={"retraining": id, "line": text})


def _end(process: "subprocess.Popen[str]") -> None:
    """End the job with every process that it started."""
    if os.name == "posix":
        with suppress(ProcessLookupError):  # they have all ended
            os.killpg(process.pid, signal.SIGKILL)
    else:
        process.kill()
    process.wait()
    assert process.stdin is not None  # noqa: S101 (it is a pipe)
    process.stdin.close()
