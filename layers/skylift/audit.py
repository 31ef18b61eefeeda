"""The audit: every value of the pointer and of the challenger, in `audit/{model}/`, for longer than SSM remembers.

SSM keeps the last hundred values of a parameter, and none of one that was deleted. An entry is written once, under a
key that SSM's own record of the change makes: whoever writes it again, or at the same time, writes nothing.
"""

import re
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Literal, Self

from pydantic import AwareDatetime

from skylift.bucket import JSON, ModelFolder
from skylift.documents import Document
from skylift.errors import IntegrityError
from skylift.parameter import Change

MAX_ENTRY_BYTES = 64 * 2**10

_TIME = "%Y%m%dT%H%M%S.%fZ"
_FILE = re.compile(r"(\d{8}T\d{6}\.\d{6}Z)-(\d+)-([a-z]+)\.json", re.ASCII)


class AuditEntry(Document):
    """One change of a parameter.

    Parameters
    ----------
    at
        Time of the change.
    parameter
        Full name of the parameter.
    number
        SSM's number of the value, from 1; of a deletion the last one before it, 0 where that is not known.
    before, after
        Values before and after; `none` for nothing, also after a deletion.
    by
        ARN of the caller, as SSM recorded it; None for a deletion, which SSM does not record: CloudTrail does.
    tool
        What the caller used, by the description of the value; None where that does not say it. Only `by` is proven: a
        value that is written without a description keeps the one before.
    description
        SSM's description of the value.
    event_id
        Id of the event that led to this entry; None where it was written without one, later.
    missing
        Number of changes right before it that SSM had forgotten before they could be written down.
    """

    schema_version: Literal[1] = 1
    at: AwareDatetime
    parameter: str
    number: int
    before: str
    after: str
    by: str | None = None
    tool: str | None = None
    description: str | None = None
    event_id: str | None = None
    missing: int = 0

    @classmethod
    def of(cls, parameter: str, change: Change, *, event_id: str | None = None, missing: int = 0) -> Self:
        """The entry of a change that SSM remembers; see above."""
        return cls(
            at=change.at,
            parameter=parameter,
            number=change.number,
            before=change.before,
            after=change.after,
            by=change.by,
            tool=change.tool or None,
            description=change.description or None,
            event_id=event_id,
            missing=missing,
        )

    @property
    def id(self) -> "EntryId":
        """What the key says of it."""
        return EntryId(self.at.astimezone(UTC), self.number, self.parameter.rpartition("/")[2])


@dataclass(frozen=True, slots=True, order=True)
class EntryId:
    """What the key of an entry says.

    Parameters
    ----------
    at
        Time of the change, UTC.
    number
        SSM's number of the value.
    name
        Last part of the parameter's name: `active` or `challenger`.
    """

    at: datetime
    number: int
    name: str

    @classmethod
    def parse(cls, file: str) -> Self | None:
        """Read the last part of a key; None for other names."""
        if not (match := _FILE.fullmatch(file)):
            return None
        return cls(datetime.strptime(match[1], _TIME).replace(tzinfo=UTC), int(match[2]), match[3])

    def __str__(self) -> str:
        """The last part of the key."""
        return f"{self.at.strftime(_TIME)}-{self.number}-{self.name}.json"


@dataclass(frozen=True, slots=True)
class Audit:
    """What the audit holds.

    Parameters
    ----------
    entries
        Entries by time.
    faults
        Objects with the name of an entry that are none.
    """

    entries: list[AuditEntry]
    faults: list[IntegrityError]


class AuditTrail(ModelFolder):
    """The audit of one model."""

    FOLDER = "audit"

    def append(self, entry: AuditEntry) -> bool:
        """Write an entry, unless it is there.

        Returns
        -------
        Whether it was written.

        Raises
        ------
        AwsUnavailable
            S3 failed.
        """
        return self._bucket.write_new(self._key(entry.id), entry.to_bytes(), content_type=JSON)

    def ids(self) -> list[EntryId]:
        """The entries that are there, by time.

        Raises
        ------
        AwsUnavailable
            S3 failed.
        """
        found = (EntryId.parse(entry.key.removeprefix(self._root)) for entry in self._bucket.entries(self._root))
        return sorted(one for one in found if one is not None)

    def read(self) -> Audit:
        """All entries. What somebody else put beside them, and nobody may delete, hides none.

        Raises
        ------
        AwsUnavailable
            S3 failed.
        """
        with ThreadPoolExecutor(max_workers=8) as pool:
            found = list(pool.map(self._read, self.ids()))
        return Audit(
            [one for one in found if isinstance(one, AuditEntry)],
            [one for one in found if isinstance(one, IntegrityError)],
        )

    def entries(self) -> list[AuditEntry]:
        """Entries by time; see `read`."""
        return self.read().entries

    def _read(self, which: EntryId) -> AuditEntry | IntegrityError:
        key, hint = self._key(which), "do not believe it, and see in CloudTrail who wrote it"
        try:
            stored = self._bucket.read(key, limit=MAX_ENTRY_BYTES) or b""
            entry = AuditEntry.from_bytes(stored, source=key, hint=hint)
        except IntegrityError as error:
            return error
        return entry if entry.id == which else IntegrityError(f"{key} is the entry of another change", hint)

    def _key(self, which: EntryId) -> str:
        return f"{self._root}{which}"
