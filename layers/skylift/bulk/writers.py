"""Writes the answers of a part, in the form of its input."""

from abc import ABC, abstractmethod
from typing import IO, TYPE_CHECKING, Any

from pydantic_core import to_json

from skylift.bulk.answers import Answers
from skylift.scoring import Matrix

if TYPE_CHECKING:
    from skylift.bulk.batch import Batch
    from skylift.bulk.sources import Form

METADATA = b"skylift"
"""Key of what scored them in the metadata of Parquet files."""


class Writer(ABC):
    """Writes rows with their answers.

    Parameters
    ----------
    file
        File to write to.
    answers
        Columns that are added.
    about
        What scores them, as JSON.
    """

    def __init__(self, file: IO[bytes], answers: Answers, about: bytes) -> None:
        self._file = file
        self._answers = answers
        self._about = about

    @abstractmethod
    def write(self, batch: "Batch", chosen: Any, rows: Matrix, scores: Matrix) -> None:
        """Write rows.

        Parameters
        ----------
        chosen
            Places of the rows in the batch that were scored; None for all.
        rows, scores
            Rows that were scored, encoded, and their scores; see `Answers.columns`.
        """

    @abstractmethod
    def close(self) -> None:
        """Write what ends the file."""


class ParquetWriter(Writer):
    """Writes Parquet; a part without rows has the columns of the others only where it has any."""

    _writer: Any = None

    def write(self, batch: "Batch", chosen: Any, rows: Matrix, scores: Matrix) -> None:
        """See `Writer.write`."""
        import pyarrow as pa
        from pyarrow import parquet

        kept = batch.kept if chosen is None else batch.kept.take(pa.array(chosen))
        if self._writer is None:
            self._answers.check(kept.schema.names)
            fields = [
                *kept.schema,
                *(pa.field(*field) for field in zip(self._answers.names, self._answers.types, strict=True)),
            ]
            schema = pa.schema(fields, {**(kept.schema.metadata or {}), METADATA: self._about})
            texts = [field.name for field in fields if not pa.types.is_floating(field.type)]
            self._writer = parquet.ParquetWriter(self._file, schema, use_dictionary=texts)
        arrays = [*kept.columns, *self._answers.columns(rows, scores)]
        self._writer.write_batch(pa.record_batch(arrays, schema=self._writer.schema))

    def close(self) -> None:
        """See `Writer.close`."""
        if self._writer is not None:
            self._writer.close()


class CsvWriter(Writer):
    """Writes CSV in UTF-8, cells as they were read, with a header."""

    _begun = False

    def write(self, batch: "Batch", chosen: Any, rows: Matrix, scores: Matrix) -> None:
        """See `Writer.write`."""
        import pyarrow as pa

        kept = batch.kept if chosen is None else batch.kept.take(pa.array(chosen))
        if not self._begun:
            self._answers.check(kept.schema.names)
            self._begun = True
            self._write([pa.array([name]) for name in (*kept.schema.names, *self._answers.names)])
        self._write([*kept.columns, *self._answers.columns(rows, scores)])

    def close(self) -> None:
        """See `Writer.close`."""

    def _write(self, arrays: list[Any]) -> None:
        """Write rows, with quotes only where they are needed: Arrow has them around each text, or around none."""
        import pyarrow as pa
        from pyarrow import csv

        rows = pa.record_batch(arrays, names=[str(number) for number in range(len(arrays))])
        try:
            csv.write_csv(rows, self._file, csv.WriteOptions(include_header=False, quoting_style="none"))
        except pa.ArrowInvalid:
            csv.write_csv(rows, self._file, csv.WriteOptions(include_header=False, quoting_style="needed"))


class LinesWriter(Writer):
    """Writes JSON Lines: the objects as they were read, with the members of the answer."""

    def write(self, batch: "Batch", chosen: Any, rows: Matrix, scores: Matrix) -> None:
        """See `Writer.write`."""
        self._answers.check({name for row in batch.kept for name in row})
        places = range(len(batch.kept)) if chosen is None else chosen.tolist()
        answers = zip(*(column.to_pylist() for column in self._answers.columns(rows, scores)), strict=True)
        lines = [
            to_json(batch.kept[place] | dict(zip(self._answers.names, row, strict=True)), inf_nan_mode="constants")
            for place, row in zip(places, answers, strict=True)
        ]
        self._file.write(b"".join([line + b"\n" for line in lines]))

    def close(self) -> None:
        """See `Writer.close`."""


WRITERS: "dict[Form, type[Writer]]" = {"parquet": ParquetWriter, "csv": CsvWriter, "jsonl": LinesWriter}
ENDINGS: "dict[Form, str]" = {"parquet": ".parquet", "csv": ".csv", "jsonl": ".jsonl"}
