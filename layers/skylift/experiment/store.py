"""Experiments in the bucket: `experiments/{model}/{id}.json`, and what was counted of each in a folder of its name."""

from skylift.bucket import JSON, ModelFolder
from skylift.documents import Document
from skylift.experiment.record import Approval, Execution, Experiment, Look

_MAX_BYTES = 4 * 2**20
_SUFFIX = ".json"
_APPROVAL = "approval.json"
_EXECUTION = "execution.json"


class ExperimentStore(ModelFolder):
    """The experiments of one model. Nothing that was written is written over."""

    FOLDER = "experiments"

    def end(self, record: Experiment) -> Experiment:
        """Write the record of an experiment that has ended.

        Returns
        -------
        Experiment
            The record that stands: the one that was written first.

        Raises
        ------
        AwsUnavailable
            S3 failed.
        IntegrityError
            There is a record that cannot be read.
        """
        return self._write_once(f"{record.id}{_SUFFIX}", record)

    def read(self, id: str) -> Experiment | None:  # noqa: A002
        """The record of an experiment; None before its end. See `end`."""
        return self._read(f"{id}{_SUFFIX}", Experiment)

    def ids(self) -> list[str]:
        """Names of the experiments that have ended, in the order of their names.

        Raises
        ------
        AwsUnavailable
            S3 failed.
        """
        names = (entry.key.removeprefix(self._root) for entry in self._bucket.entries(self._root))
        return [name.removesuffix(_SUFFIX) for name in names if "/" not in name and name.endswith(_SUFFIX)]

    def claim(self, id: str, execution: Execution) -> Execution:  # noqa: A002
        """Take an experiment for an execution; the one that has it. See `end`."""
        return self._write_once(f"{id}/{_EXECUTION}", execution)

    def execution(self, id: str) -> Execution | None:  # noqa: A002
        """Who carries an experiment out; None where people do. See `end`."""
        return self._read(f"{id}/{_EXECUTION}", Execution)

    def write_counts(self, id: str, number: int, look: Look) -> Look:  # noqa: A002
        """Write what a look counted; a look that was written already stands, and is returned.

        Parameters
        ----------
        number
            Number of the look, from 1.

        Raises
        ------
        AwsUnavailable
            S3 failed.
        IntegrityError
            The look that stands cannot be read.
        """
        return self._write_once(f"{id}/counts-{number:05}{_SUFFIX}", look)

    def counts(self, id: str) -> list[Look]:  # noqa: A002
        """What was counted of an experiment, in the order of the looks. See `write_counts`."""
        names = [entry.key.removeprefix(self._root) for entry in self._bucket.entries(f"{self._root}{id}/counts-")]
        return [look for name in names if (look := self._read(name, Look)) is not None]

    def ask(self, id: str, callback: str) -> None:  # noqa: A002
        """Keep what a person's approval answers: the callback that a rollout waits for.

        Raises
        ------
        AwsUnavailable
            S3 failed.
        """
        self._bucket.write(f"{self._root}{id}/{_APPROVAL}", Approval(callback=callback).to_bytes(), content_type=JSON)

    def asked(self, id: str) -> str | None:  # noqa: A002
        """Id of the callback that waits for an approval; None where nobody asked for one.

        Raises
        ------
        AwsUnavailable
            S3 failed.
        IntegrityError
            It cannot be read.
        """
        approval = self._read(f"{id}/{_APPROVAL}", Approval)
        return None if approval is None else approval.callback

    def _write_once[D: Document](self, name: str, document: D) -> D:
        if self._bucket.write_new(self._root + name, document.to_bytes(), content_type=JSON):
            return document
        return self._read(name, type(document)) or document

    def _read[D: Document](self, name: str, kind: type[D]) -> D | None:
        data = self._bucket.read(self._root + name, limit=_MAX_BYTES)
        if data is None:
            return None
        return kind.from_bytes(data, source=self._root + name, hint="move it away, if somebody wrote it by hand")
