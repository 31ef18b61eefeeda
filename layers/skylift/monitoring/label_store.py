"""Labels in the bucket: `labels/{model}/`, where bodies of `POST /labels` are kept, and files are dropped by people."""

import hashlib
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime

from skylift.bucket import Entry, ModelFolder
from skylift.contract import Target
from skylift.monitoring.labels import Label, LabelBook, parse_file

MOST_BYTES = 256 * 2**20
"""Bytes of labels that are read at once: of more, those that arrived last."""

MAX_FILE_BYTES = 64 * 2**20
"""A longer file is left out, and counted."""

_DIGITS = 32
_TIME = "%Y%m%dT%H%M%SZ"
_KEPT = re.compile(rf"/(\d{{8}}T\d{{6}}Z)-([0-9a-f]{{{_DIGITS}}})\.jsonl$", re.ASCII)
_LINES = "application/x-ndjson"


@dataclass(frozen=True, slots=True)
class LabelsRead:
    """Labels of a time, and what of them could not be read.

    Parameters
    ----------
    book
        Labels that count.
    refused
        Number of entries of files that are not labels in the terms of the contract.
    files, files_read
        Numbers of files that arrived in the time, and of those that were read; a body that was sent again is left out.
    """

    book: LabelBook
    refused: int
    files: int
    files_read: int


class LabelStore(ModelFolder):
    """The labels of one model."""

    FOLDER = "labels"

    def keep(self, body: bytes, labels: Iterable[Label], arrived: datetime) -> str:
        """Write the labels of a body as one object, all of them or none.

        Parameters
        ----------
        body
            Body as it was sent: who sends it again adds nothing.
        arrived
            Time of arrival, UTC.

        Returns
        -------
        str
            Key of the object.

        Raises
        ------
        AwsUnavailable
            S3 failed. Whether the labels are kept is not known; they can be sent again.
        """
        digest = hashlib.sha256(body).hexdigest()[:_DIGITS]
        key = f"{self._root}{arrived:%Y/%m/%d}/{arrived.strftime(_TIME)}-{digest}.jsonl"
        self._bucket.write_new(key, b"".join(label.line() for label in labels), content_type=_LINES)
        return key

    def read(self, target: Target, start: datetime, end: datetime, *, most: int = MOST_BYTES) -> LabelsRead:
        """The labels that arrived from `start` to before `end`, UTC, in the terms of a contract.

        Parameters
        ----------
        most
            Bytes to read at most.

        Raises
        ------
        AwsUnavailable
            S3 failed.
        """
        files = list(self._files(start, end))
        book, refused, read = LabelBook(), 0, 0
        for arrived, entry in reversed(files):
            if entry.size > MAX_FILE_BYTES:
                continue
            most -= entry.size
            if most < 0:
                break
            data = self._bucket.read(entry.key, limit=MAX_FILE_BYTES)
            if data is None:  # deleted since it was listed
                continue
            parsed = parse_file(data, target, arrived)
            book.add(parsed.labels, arrived, entry.key)
            refused += len(parsed.problems)
            read += 1
        return LabelsRead(book, refused, len(files), read)

    def _files(self, start: datetime, end: datetime) -> Iterator[tuple[datetime, Entry]]:
        """Files with their times of arrival, the first one first; of a body that was sent again, the first alone."""
        known: set[str] = set()
        found = [(*_arrival(entry), entry) for entry in self._bucket.entries(self._root) if not entry.key.endswith("/")]
        for arrived, digest, entry in sorted(found, key=lambda file: (file[0], file[2].key)):
            if digest not in known and start <= arrived < end:
                yield arrived, entry
            if digest:
                known.add(digest)


def _arrival(entry: Entry) -> tuple[datetime, str]:
    """When a file arrived, and the digest of the body it was; empty for one that was dropped."""
    if match := _KEPT.search(entry.key):
        return datetime.strptime(match[1], _TIME).replace(tzinfo=UTC), match[2]
    return entry.modified, ""
